//! Pure. SPDY/3.1 on the wire, as much of it as clusters speak: frames out, frames in.
//!
//! Header blocks go out in stored blocks, which every inflater reads. Those that come in are not looked into: clusters tell
//! nothing in them. There is no flow control, because no cluster has any.

use bytes::{Buf, BufMut, Bytes, BytesMut};

const VERSION: u16 = 3;
const CONTROL: u16 = 0x8000;
const FIN: u8 = 1;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GO_AWAY: u16 = 7;
const WINDOW_UPDATE: u16 = 9;

/// Why a stream is reset: we do not want it any more.
const CANCEL: u32 = 5;

/// The length field has 24 bits.
pub const MOST: usize = 0xff_ffff;
const HEAD: usize = 8;

/// What the other side says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Data {
        stream: u32,
        bytes: Bytes,
        is_last: bool,
    },
    Reply {
        stream: u32,
        is_last: bool,
    },
    Reset {
        stream: u32,
    },
    Ping {
        id: u32,
    },
    GoAway,
    /// Whatever needs no answer.
    Other,
}

/// Takes one whole frame off the buffer, if there is one.
pub fn take(buffer: &mut BytesMut) -> Result<Option<Frame>, &'static str> {
    let Some(head) = buffer.first_chunk::<HEAD>() else {
        return Ok(None);
    };
    let [a, b, c, d, flags, length @ ..] = *head;
    let length = u32::from_be_bytes([0, length[0], length[1], length[2]]) as usize;
    if buffer.len() < HEAD + length {
        buffer.reserve(HEAD + length - buffer.len());
        return Ok(None);
    }
    buffer.advance(HEAD);
    let payload = buffer.split_to(length).freeze();
    let first = u16::from_be_bytes([a, b]);
    let is_last = flags & FIN != 0;
    if first & CONTROL == 0 {
        return Ok(Some(Frame::Data {
            stream: u32::from_be_bytes([a, b, c, d]),
            bytes: payload,
            is_last,
        }));
    }
    if first & !CONTROL != VERSION {
        return Err("it is of another version of SPDY");
    }
    control(u16::from_be_bytes([c, d]), payload, is_last).map(Some)
}

fn control(kind: u16, mut payload: Bytes, is_last: bool) -> Result<Frame, &'static str> {
    let mut number = || payload.try_get_u32().map_err(|_| "a frame is too short");
    Ok(match kind {
        SYN_REPLY => Frame::Reply {
            stream: number()?,
            is_last,
        },
        RST_STREAM => Frame::Reset { stream: number()? },
        PING => Frame::Ping { id: number()? },
        GO_AWAY => Frame::GoAway,
        _ => Frame::Other,
    })
}

/// The head of a data frame; its bytes follow.
pub fn data_head(stream: u32, length: usize, is_last: bool) -> [u8; HEAD] {
    let [_, x, y, z] = (length as u32).to_be_bytes();
    let [a, b, c, d] = stream.to_be_bytes();
    [a & 0x7f, b, c, d, if is_last { FIN } else { 0 }, x, y, z]
}

pub fn reset(stream: u32) -> Bytes {
    control_frame(RST_STREAM, 0, &[stream.to_be_bytes(), CANCEL.to_be_bytes()].concat())
}

pub fn ping(id: u32) -> Bytes {
    control_frame(PING, 0, &id.to_be_bytes())
}

/// Room for what was consumed of a stream. Where nobody counts, nobody minds.
pub fn window_update(stream: u32, consumed: u32) -> Bytes {
    control_frame(
        WINDOW_UPDATE,
        0,
        &[stream.to_be_bytes(), consumed.to_be_bytes()].concat(),
    )
}

fn control_frame(kind: u16, flags: u8, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(HEAD + payload.len());
    frame.put_u16(CONTROL | VERSION);
    frame.put_u16(kind);
    frame.put_u32(u32::from(flags) << 24 | payload.len() as u32);
    frame.put_slice(payload);
    frame.freeze()
}

/// Our half of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    Open,
    Ended,
}

/// Header blocks of one session are one compressed text.
#[derive(Default)]
pub struct Headers {
    is_begun: bool,
}

impl Headers {
    /// A frame that opens a stream, and may end our half of it at once.
    pub fn open(&mut self, stream: u32, headers: &[(&str, &str)], half: Half) -> Bytes {
        let mut payload = BytesMut::new();
        payload.put_u32(stream);
        payload.put_u32(0);
        payload.put_u16(0);
        self.compress(&text(headers), &mut payload);
        control_frame(SYN_STREAM, if half == Half::Ended { FIN } else { 0 }, &payload)
    }

    fn compress(&mut self, text: &[u8], to: &mut BytesMut) {
        if !self.is_begun {
            self.is_begun = true;
            // Deflate, default level, with a dictionary: that of SPDY/3, by its checksum.
            to.put_slice(&[0x78, 0xbb]);
            to.put_u32(0xe3c6_a7c2);
        }
        let length = text.len() as u16;
        to.put_u8(0);
        to.put_u16_le(length);
        to.put_u16_le(!length);
        to.put_slice(text);
        // Inflaters hand out what they have when an empty block follows.
        to.put_slice(&[0, 0, 0, 0xff, 0xff]);
    }
}

fn text(headers: &[(&str, &str)]) -> Bytes {
    let mut text = BytesMut::new();
    text.put_u32(headers.len() as u32);
    for part in headers.iter().flat_map(|(name, value)| [name, value]) {
        text.put_u32(part.len() as u32);
        text.put_slice(part.as_bytes());
    }
    text.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut buffer: BytesMut) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = take(&mut buffer).unwrap() {
            frames.push(frame);
        }
        frames
    }

    #[test]
    fn frames_are_taken_as_they_become_whole() {
        let mut whole = BytesMut::new();
        whole.put_slice(&data_head(5, 3, false));
        whole.put_slice(b"abc");
        whole.put_slice(&data_head(7, 0, true));
        whole.put_slice(&ping(9));
        whole.put_slice(&reset(5));
        whole.put_slice(&control_frame(SYN_REPLY, FIN, &11u32.to_be_bytes()));
        whole.put_slice(&control_frame(GO_AWAY, 0, &[0; 8]));
        whole.put_slice(&window_update(1, 2));
        let expected = vec![
            Frame::Data {
                stream: 5,
                bytes: Bytes::from_static(b"abc"),
                is_last: false,
            },
            Frame::Data {
                stream: 7,
                bytes: Bytes::new(),
                is_last: true,
            },
            Frame::Ping { id: 9 },
            Frame::Reset { stream: 5 },
            Frame::Reply {
                stream: 11,
                is_last: true,
            },
            Frame::GoAway,
            Frame::Other,
        ];
        assert_eq!(all(whole.clone()), expected);
        let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
        for byte in whole {
            buffer.put_u8(byte);
            frames.extend(take(&mut buffer).unwrap());
        }
        assert_eq!(frames, expected);
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        let other_version = BytesMut::from(&[0x80, 2, 0, 6, 0, 0, 0, 4, 0, 0, 0, 1][..]);
        assert!(take(&mut other_version.clone()).is_err());
        let short = BytesMut::from(&[0x80, 3, 0, 6, 0, 0, 0, 1, 0][..]);
        assert_eq!(take(&mut short.clone()), Err("a frame is too short"));
    }

    #[test]
    fn header_blocks_are_one_text_of_stored_blocks() {
        let mut headers = Headers::default();
        let first = headers.open(1, &[("port", "80")], Half::Open);
        let second = headers.open(3, &[("a", "b")], Half::Ended);
        let block = b"\0\0\0\x01\0\0\0\x04port\0\0\0\x0280";
        let mut expected = vec![0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2, 0, 18, 0, !18, 0xff];
        expected.extend(block);
        expected.extend([0, 0, 0, 0xff, 0xff]);
        assert_eq!(first[18..], expected);
        assert_eq!((first[4], second[4]), (0, FIN));
        assert_eq!(second[18..23], [0, 14, 0, !14, 0xff]);
        assert_eq!(first[..8], [0x80, 3, 0, 1, 0, 0, 0, expected.len() as u8 + 10]);
    }
}
