//! Pure. Fields to bytes and back, and frames out of a stream that arrives in any pieces.

use super::{Absolute, Beneath, LONGEST_FRAME, WireError};
use std::marker::PhantomData;

/// One side's words.
pub trait Word: Sized {
    /// Appends the frame; nothing is appended where it would be too long.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), WireError>;

    /// `frame` is kind and payload.
    fn decode(frame: &[u8]) -> Result<Self, WireError>;
}

/// Makes words of the bytes that arrive. After an error it has nothing more to say than that error.
#[derive(Debug)]
pub struct Decoder<W> {
    buffer: Vec<u8>,
    start: usize,
    broken: Option<WireError>,
    words: PhantomData<fn() -> W>,
}

impl<W> Default for Decoder<W> {
    fn default() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            broken: None,
            words: PhantomData,
        }
    }
}

impl<W: Word> Decoder<W> {
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.broken.is_none() {
            self.buffer.drain(..self.start);
            self.start = 0;
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next word, once all of it has arrived.
    #[allow(
        clippy::should_implement_trait,
        reason = "it is no iterator: after nothing there may be more"
    )]
    pub fn next(&mut self) -> Result<Option<W>, WireError> {
        match &self.broken {
            Some(error) => Err(error.clone()),
            None => self.decode().inspect_err(|error| {
                self.broken = Some(error.clone());
                self.buffer = Vec::new();
            }),
        }
    }

    /// Whether bytes of an unfinished frame are left: a stream that ends now was cut.
    pub fn is_amid_frame(&self) -> bool {
        self.start < self.buffer.len()
    }

    fn decode(&mut self) -> Result<Option<W>, WireError> {
        let rest = &self.buffer[self.start..];
        let Some((length, rest)) = rest.split_first_chunk() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > LONGEST_FRAME {
            return Err(WireError::TooLong { length: length as u64 });
        }
        let Some(frame) = rest.get(..length) else {
            return Ok(None);
        };
        let word = W::decode(frame)?;
        self.start += 4 + length;
        Ok(Some(word))
    }
}

/// Appends a frame that `payload` writes.
pub(super) fn frame(out: &mut Vec<u8>, kind: u8, payload: impl FnOnce(&mut Vec<u8>)) -> Result<(), WireError> {
    let start = out.len();
    out.extend_from_slice(&[0, 0, 0, 0, kind]);
    payload(out);
    let length = out.len() - start - 4;
    if length > LONGEST_FRAME {
        out.truncate(start);
        return Err(WireError::TooLong { length: length as u64 });
    }
    out[start..start + 4].copy_from_slice(&(length as u32).to_be_bytes());
    Ok(())
}

/// What is left of a payload.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], WireError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(WireError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(WireError::Truncated)?;
        self.0 = rest;
        Ok(*taken)
    }
}

/// What words are made of.
pub(super) trait Field: Sized {
    fn put(&self, out: &mut Vec<u8>);
    fn take(from: &mut Reader<'_>) -> Result<Self, WireError>;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Field for $number {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
                from.array().map(Self::from_be_bytes)
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64, i32, i64);

impl Field for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        match u8::take(from)? {
            0 => Ok(false),
            1 => Ok(true),
            tag => Err(WireError::UnknownVariant(tag)),
        }
    }
}

impl Field for [u8; 32] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        from.array()
    }
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    // A longer one cannot be in a frame anyway.
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn take_bytes<'a>(from: &mut Reader<'a>) -> Result<&'a [u8], WireError> {
    let length = u32::take(from)? as usize;
    from.bytes(length)
}

impl Field for Vec<u8> {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self, out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        take_bytes(from).map(<[u8]>::to_vec)
    }
}

impl Field for String {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.as_bytes(), out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let bytes = take_bytes(from)?;
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| WireError::NotText)
    }
}

impl Field for Beneath {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.as_bytes(), out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        Self::new(take_bytes(from)?).map_err(WireError::Path)
    }
}

impl Field for Absolute {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.as_bytes(), out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        Self::new(take_bytes(from)?).map_err(WireError::Path)
    }
}

impl<T: Field> Field for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        bool::take(from)?.then(|| T::take(from)).transpose()
    }
}

impl<A: Field, B: Field> Field for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok((A::take(from)?, B::take(from)?))
    }
}

/// Lists of what is not a byte.
pub(super) trait Item: Field {}

impl<T: Item> Field for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        u32::try_from(self.len()).unwrap_or(u32::MAX).put(out);
        for item in self {
            item.put(out);
        }
    }

    fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
        let count = u32::take(from)?;
        // Grows with what is there, never with what is claimed.
        let mut items = Self::new();
        for _ in 0..count {
            items.push(T::take(from)?);
        }
        Ok(items)
    }
}

impl Item for Vec<u8> {}
impl Item for (Vec<u8>, Vec<u8>) {}
impl Item for Absolute {}

/// A struct of fields.
macro_rules! record {
    ($(#[$about:meta])* pub struct $name:ident { $($(#[$doc:meta])* pub $field:ident: $type:ty),* $(,)? }) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name { $($(#[$doc])* pub $field: $type),* }

        impl Field for $name {
            fn put(&self, out: &mut Vec<u8>) {
                $(self.$field.put(out);)*
            }

            fn take(from: &mut Reader<'_>) -> Result<Self, WireError> {
                Ok(Self { $($field: <$type as Field>::take(from)?),* })
            }
        }

        impl codec::Item for $name {}
    };
}

/// One side's words, each with its kind.
macro_rules! words {
    (
        $(#[$about:meta])*
        pub enum $name:ident {
            $($(#[$doc:meta])* $kind:literal => $word:ident { $($field:ident: $type:ty),* $(,)? }),* $(,)?
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $($(#[$doc])* $word { $($field: $type),* }),*
        }

        impl Word for $name {
            fn encode(&self, out: &mut Vec<u8>) -> Result<(), WireError> {
                match self {
                    $(Self::$word { $($field),* } => codec::frame(out, $kind, |out| { $($field.put(out);)* })),*
                }
            }

            fn decode(frame: &[u8]) -> Result<Self, WireError> {
                let (kind, payload) = frame.split_first().ok_or(WireError::Empty)?;
                let mut from = Reader(payload);
                let word = match kind {
                    $($kind => Self::$word { $($field: <$type as Field>::take(&mut from)?),* },)*
                    kind => return Err(WireError::UnknownKind(*kind)),
                };
                if from.0.is_empty() { Ok(word) } else { Err(WireError::TrailingBytes) }
            }
        }
    };
}

pub(super) use {record, words};
