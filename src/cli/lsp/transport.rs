//! Messages on a byte stream: `Content-Length` headers, an empty line, JSON. What is malformed is reported and skipped.

use std::io::{self, BufRead, Read, Write};

use lsp_server::Message;

use crate::cli::output;

/// Longer messages are skipped: no Tiltfile is so long.
const MAX_BYTES: u64 = 64 << 20;
const MAX_HEADER_BYTES: u64 = 4 << 10;

/// Reads messages until the stream ends or nobody wants them.
pub fn read_all(mut input: impl BufRead, is_wanted: impl Fn(Message) -> bool) {
    loop {
        match read(&mut input) {
            Ok(Frame::Message(message)) => {
                if !is_wanted(message) {
                    return;
                }
            }
            Ok(Frame::End) => return,
            Ok(Frame::Malformed(why)) => output::say(format_args!("tilt lsp: skipped a malformed message: {why}")),
            Err(error) => return output::say(format_args!("tilt lsp: reading: {error}")),
        }
    }
}

/// Writes messages until there are no more.
pub fn write_all(mut output: impl Write, messages: impl IntoIterator<Item = Message>) -> io::Result<()> {
    messages.into_iter().try_for_each(|message| message.write(&mut output))
}

pub enum Frame {
    Message(Message),
    Malformed(String),
    End,
}

pub fn read(input: &mut impl BufRead) -> io::Result<Frame> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(MAX_HEADER_BYTES).read_until(b'\n', &mut line)? == 0 {
            return Ok(Frame::End);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        if line.is_empty() && length.is_some() {
            break;
        }
        // Other headers say nothing that matters; what is no header is the rest of something broken.
        let header = line
            .split_once(':')
            .filter(|(name, _)| name.trim().eq_ignore_ascii_case("content-length"));
        if let Some((_, value)) = header {
            match value.trim().parse::<u64>() {
                Ok(value) => length = Some(value),
                Err(_) => return Ok(Frame::Malformed(format!("`{line}`"))),
            }
        }
    }
    body(input, length.unwrap_or_default())
}

fn body(input: &mut impl BufRead, length: u64) -> io::Result<Frame> {
    let mut part = input.take(length);
    if length > MAX_BYTES {
        io::copy(&mut part, &mut io::sink())?;
        return Ok(Frame::Malformed(format!("{length} bytes are more than {MAX_BYTES}")));
    }
    let mut bytes = Vec::new();
    part.read_to_end(&mut bytes)?;
    Ok(match serde_json::from_slice(&bytes) {
        Ok(message) => Frame::Message(message),
        Err(error) => Frame::Malformed(error.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(body: &str) -> String {
        format!("Content-Length: {}\r\n\r\n{body}", body.len())
    }

    fn methods(stream: &str) -> Vec<String> {
        let mut input = stream.as_bytes();
        let mut found = Vec::new();
        loop {
            found.push(match read(&mut input).unwrap() {
                Frame::Message(Message::Notification(message)) => message.method,
                Frame::Message(other) => format!("{other:?}"),
                Frame::Malformed(_) => "malformed".to_owned(),
                Frame::End => return found,
            });
        }
    }

    #[test]
    fn what_is_malformed_is_skipped_and_what_follows_is_read() {
        let good = framed(r#"{"jsonrpc":"2.0","method":"good"}"#);
        let table = [
            (good.clone(), vec!["good"]),
            (format!("{good}{good}"), vec!["good", "good"]),
            (format!("{}{good}", framed("{")), vec!["malformed", "good"]),
            (format!("{}{good}", framed("[]")), vec!["malformed", "good"]),
            (format!("{}{good}", framed("")), vec!["malformed", "good"]),
            (format!("noise\r\n\r\n{good}"), vec!["good"]),
            (format!("Content-Length: many\r\n{good}"), vec!["malformed", "good"]),
            (
                format!(
                    "Content-Type: x\r\n{}",
                    good.replace("Content-Length: ", "content-length:")
                ),
                vec!["good"],
            ),
            (format!("Content-Length: 99999999999\r\n\r\n{good}"), vec!["malformed"]),
            ("Content-Length: 10\r\n\r\n{".to_owned(), vec!["malformed"]),
            (String::new(), vec![]),
        ];
        for (stream, expected) in table {
            assert_eq!(methods(&stream), expected, "{stream}");
        }
    }
}
