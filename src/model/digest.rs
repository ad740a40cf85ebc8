//! Pure. Digests of content, and short digests that keep long names unique.

use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use std::fmt::Write;

/// An object's name may be no longer than a DNS name.
const LONGEST_NAME: usize = 253;
const LONGEST_LABEL: usize = 63;
/// A hyphen and eight hexadecimal digits.
const SUFFIX: usize = 9;

/// The sha256 of `bytes` in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    let mut hasher = Hasher::new();
    hasher.update(bytes);
    hasher.finish()
}

/// A sha256 that is fed piece by piece.
#[derive(Clone, Debug, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    pub fn new() -> Hasher {
        Hasher::default()
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Feeds a piece with its length, so that `ab`, `c` and `a`, `bc` differ.
    pub fn update_field(&mut self, bytes: &[u8]) {
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// The digest in hexadecimal.
    pub fn finish(self) -> String {
        hex(&self.0.finalize())
    }

    pub fn finish_bytes(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
            // Writing to a string cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}

/// The sha1 of `bytes`, where a foreign format wants that one.
pub fn sha1(bytes: &[u8]) -> [u8; 20] {
    Sha1::digest(bytes).into()
}

/// The sha1 of pieces of which each counts with its length.
pub fn sha1_of_fields<T: AsRef<[u8]>>(fields: impl IntoIterator<Item = T>) -> [u8; 20] {
    let mut hasher = Sha1::new();
    for field in fields {
        let bytes = field.as_ref();
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    }
    hasher.finalize().into()
}

/// The 32-bit FNV-1a hash.
pub fn fnv32a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
    })
}

/// A valid name of an API object that stands for `text`: what no name may hold becomes `_`, and one that is too long
/// is cut and ends with a hash of the whole.
pub fn object_name(text: &str) -> String {
    if text == "." || text == ".." {
        return text.replace('.', "_");
    }
    shortened(text.replace(['/', '%'], "_"), text, LONGEST_NAME)
}

/// A valid label value (and key) that stands for `text`, by the same idea.
pub fn label_value(text: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let clean = text.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    shortened(clean, text, LONGEST_LABEL)
}

fn shortened(mut clean: String, original: &str, longest: usize) -> String {
    if clean.len() > longest {
        clean.truncate(clean.floor_char_boundary(longest - SUFFIX));
        // Writing to a string cannot fail.
        let _ = write!(clean, "-{:08x}", fnv32a(original.as_bytes()));
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_the_well_known_ones() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256_hex(b""), empty);
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let mut hasher = Hasher::new();
        hasher.update(b"a");
        hasher.update(b"bc");
        assert_eq!(hasher.finish(), abc);
        assert_eq!(hex(&sha1(b"abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(fnv32a(b""), 0x811c_9dc5);
        assert_eq!(fnv32a(b"foobar"), 0xbf9c_f968);
    }

    #[test]
    fn fields_of_different_lengths_do_not_run_together() {
        let of = |fields: [&[u8]; 2]| {
            let mut hasher = Hasher::new();
            fields.iter().for_each(|field| hasher.update_field(field));
            hasher.finish()
        };
        assert_ne!(of([b"ab", b"c"]), of([b"a", b"bc"]));
        assert_ne!(sha1_of_fields(["ab", "c"]), sha1_of_fields(["a", "bc"]));
    }

    #[test]
    fn object_names_hold_nothing_that_a_path_segment_may_not() {
        let table = [
            ("image:gcr.io/a/b%c", "image:gcr.io_a_b_c"),
            ("configs:(Tiltfile)", "configs:(Tiltfile)"),
            (".", "_"),
            ("..", "__"),
            ("...", "..."),
        ];
        for (text, expected) in table {
            assert_eq!(object_name(text), expected);
        }
    }

    #[test]
    fn long_names_are_cut_and_stay_different() {
        let long = |end: &str| format!("{}{end}", "a".repeat(300));
        let (one, two) = (object_name(&long("1")), object_name(&long("2")));
        assert_eq!(one.len(), 253);
        assert_ne!(one, two);
        assert_eq!(one[..244], "a".repeat(244));
        assert_eq!(one[244..], format!("-{:08x}", fnv32a(long("1").as_bytes())));
        assert!(object_name(&"é".repeat(200)).len() <= 253);
    }

    #[test]
    fn label_values_hold_only_what_labels_may() {
        assert_eq!(label_value("a/b c_d.e-f"), "a_b_c_d.e-f");
        assert_eq!(label_value(&"x".repeat(64)).len(), 63);
    }
}
