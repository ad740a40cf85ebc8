//! What is known of the content of a context's files, and its form on disk: a checksum, then the entries in order, each path as
//! what it adds to the one before. Anything that is not exactly so is worth nothing, which costs time and never truth.

use std::hash::Hasher as _;

use crate::model::context::{self, Entry, Kind};

/// Changes with every change of the form.
const MAGIC: &[u8; 8] = b"tilttre1";
const HEADER: usize = 16;
/// Days that an entry is kept which nobody may look at, before it is forgotten.
const KEPT_DAYS: u32 = 30;

/// The state of a file in which it had its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub size: u64,
    pub modified: i64,
    pub changed: i64,
    pub inode: u64,
    pub device: u64,
}

impl Stamp {
    /// Nothing if it is no file.
    pub fn of(entry: &Entry) -> Option<Stamp> {
        let Kind::File { size } = entry.kind else { return None };
        Some(Stamp {
            size,
            modified: entry.modified,
            changed: entry.changed,
            inode: entry.inode,
            device: entry.device,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub path: Box<str>,
    pub stamp: Stamp,
    pub hash: [u8; 32],
    /// The day it was written down last.
    pub day: u32,
}

impl Known {
    pub fn is_recent(&self, today: u32) -> bool {
        self.day.saturating_add(KEPT_DAYS) >= today
    }
}

/// The place of the first entry not before `path`, at or after `from`. Near ones are found fast, far ones too.
pub fn seek(known: &[Known], from: usize, path: &str) -> usize {
    let is_before = |it: &Known| context::order(&it.path, path).is_lt();
    let rest = &known[from..];
    let mut reach = 1;
    while reach < rest.len() && is_before(&rest[reach - 1]) {
        reach *= 2;
    }
    let start = reach / 2;
    let end = reach.min(rest.len());
    from + start + rest[start..end].partition_point(is_before)
}

pub fn encode(known: &[Known]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + known.len() * 120);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[0; 8]);
    let mut last = "";
    for it in known {
        let shared = shared(last, &it.path);
        last = &it.path;
        let rest = &it.path.as_bytes()[shared..];
        out.extend_from_slice(&(shared as u32).to_le_bytes());
        out.extend_from_slice(&(rest.len() as u32).to_le_bytes());
        out.extend_from_slice(rest);
        let stamp = &it.stamp;
        let numbers = [
            stamp.size,
            stamp.modified.cast_unsigned(),
            stamp.changed.cast_unsigned(),
        ];
        for number in numbers.into_iter().chain([stamp.inode, stamp.device]) {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&it.day.to_le_bytes());
        out.extend_from_slice(&it.hash);
    }
    let sum = checksum(&out[HEADER..]).to_le_bytes();
    out[MAGIC.len()..HEADER].copy_from_slice(&sum);
    out
}

/// Nothing if the bytes are not what `encode` gave.
pub fn decode(bytes: &[u8]) -> Option<Vec<Known>> {
    let (header, body) = bytes.split_at_checked(HEADER)?;
    if header[..MAGIC.len()] != *MAGIC || header[MAGIC.len()..] != checksum(body).to_le_bytes() {
        return None;
    }
    let mut rest = body;
    let mut all: Vec<Known> = Vec::with_capacity(body.len() / 100);
    let mut path = String::new();
    while !rest.is_empty() {
        let shared = u32::from_le_bytes(take(&mut rest)?) as usize;
        let length = u32::from_le_bytes(take(&mut rest)?) as usize;
        let (added, after) = rest.split_at_checked(length)?;
        rest = after;
        if !path.is_char_boundary(shared) {
            return None;
        }
        path.truncate(shared);
        path.push_str(str::from_utf8(added).ok()?);
        let is_next = |last: &Known| context::order(&last.path, &path).is_lt();
        if !all.last().is_none_or(is_next) {
            return None;
        }
        all.push(known(&path, &mut rest)?);
    }
    Some(all)
}

fn known(path: &str, rest: &mut &[u8]) -> Option<Known> {
    let mut number = || take(rest).map(u64::from_le_bytes);
    let stamp = Stamp {
        size: number()?,
        modified: number()?.cast_signed(),
        changed: number()?.cast_signed(),
        inode: number()?,
        device: number()?,
    };
    Some(Known {
        path: path.into(),
        stamp,
        day: u32::from_le_bytes(take(rest)?),
        hash: take(rest)?,
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*taken)
}

/// How many bytes two texts begin with in common, in whole characters.
fn shared(one: &str, other: &str) -> usize {
    let same = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    other.floor_char_boundary(same)
}

/// Another release of Rust may count otherwise; then everything is read once more.
fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn known(path: &str, seed: u64) -> Known {
        let stamp = Stamp {
            size: seed,
            modified: -(seed as i64),
            changed: seed as i64,
            inode: seed << 40,
            device: 3,
        };
        Known {
            path: path.into(),
            stamp,
            hash: [seed as u8; 32],
            day: 20_000,
        }
    }

    fn sorted(paths: &[String]) -> Vec<Known> {
        let mut all: Vec<Known> = paths.iter().zip(1..).map(|(path, seed)| known(path, seed)).collect();
        all.sort_by(|a, b| context::order(&a.path, &b.path));
        all.dedup_by(|a, b| a.path == b.path);
        all
    }

    fn paths() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[aé.-]{1,3}(/[abü-]{1,3}){0,3}", 0..20)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(paths in paths()) {
            let all = sorted(&paths);
            prop_assert_eq!(decode(&encode(&all)), Some(all));
        }

        #[test]
        fn a_file_that_is_cut_off_anywhere_is_worth_nothing(paths in paths(), cut in any::<prop::sample::Index>()) {
            let bytes = encode(&sorted(&paths));
            prop_assert_eq!(decode(&bytes[..cut.index(bytes.len())]), None);
        }

        #[test]
        fn a_file_in_which_any_bit_is_wrong_is_worth_nothing(paths in paths(), at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let mut bytes = encode(&sorted(&paths));
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(decode(&bytes), None);
        }

        #[test]
        fn entries_that_make_no_sense_under_a_right_checksum_are_worth_nothing_and_no_panic(body in prop::collection::vec(any::<u8>(), 1..300)) {
            let mut bytes = MAGIC.to_vec();
            bytes.extend(checksum(&body).to_le_bytes());
            bytes.extend(body);
            if let Some(all) = decode(&bytes) {
                prop_assert_eq!(encode(&all), bytes);
            }
        }

        #[test]
        fn seeking_finds_what_a_search_from_the_start_finds(paths in paths(), wanted in "[aé.-]{1,3}", from in any::<prop::sample::Index>()) {
            let all = sorted(&paths);
            let expected = all.iter().position(|it| !context::order(&it.path, &wanted).is_lt()).unwrap_or(all.len());
            let from = from.index(expected + 1);
            prop_assert_eq!(seek(&all, from, &wanted), expected);
        }
    }
}
