//! Whose change it is that a file differs here and in a container, and what follows from that. What is here wins.

use std::path::Path;

use crate::model::digest::Hasher;
use crate::model::time::Time;
use crate::world::files::{self, FileError};

pub(super) type Hash = [u8; 32];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// What the container held when it was looked at last.
    pub there: Hash,
    /// What both sides held when they last held the same; nothing where it was never here.
    pub agreed: Option<Hash>,
}

impl Seen {
    /// Both held it at some time.
    pub(super) fn of_both(hash: Hash) -> Seen {
        Seen {
            there: hash,
            agreed: Some(hash),
        }
    }

    /// Neither side is known: whatever differs is nobody's to overwrite.
    pub(super) fn unsure() -> Seen {
        Seen::of_both([0; 32])
    }
}

/// What is to be done about a file that is in the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    Leave,
    Fetch,
    /// Both changed.
    Refuse,
}

pub(super) fn course(before: Option<Seen>, there: Hash, here: Option<Hash>) -> Course {
    let is_news = before.is_none_or(|before| before.there != there);
    let is_as_agreed = here == before.and_then(|before| before.agreed);
    match (is_news, is_as_agreed) {
        _ if here == Some(there) => Course::Leave,
        (false, _) => Course::Leave,
        (true, true) => Course::Fetch,
        (true, false) => Course::Refuse,
    }
}

/// What is known once all that is to be done was done.
pub(super) fn seen(before: Option<Seen>, there: Hash, here: Option<Hash>) -> Seen {
    let agreed = match here == Some(there) {
        true => here,
        false => before.and_then(|before| before.agreed),
    };
    Seen { there, agreed }
}

/// What is here cannot be read: nobody knows whose edit it is.
pub(super) fn unreadable(before: Option<Seen>, there: Hash, is_first: bool) -> (Course, Seen) {
    let agreed = before.map_or(Some(there), |before| before.agreed);
    let is_news = !is_first && before.is_none_or(|before| before.there != there);
    let course = if is_news { Course::Refuse } else { Course::Leave };
    (course, Seen { there, agreed })
}

/// Whatever is here and differs at the beginning may have been edited since the image was built. What the image has and nobody
/// has here was deleted, or is nobody's concern; what the container made before it was looked at is as good as what it makes later.
pub(super) fn at_first(there: Hash, here: Option<Hash>, origin: Origin) -> (Course, Seen) {
    let seen = Seen {
        there,
        agreed: here.map(|_| there),
    };
    let course = match (origin, here) {
        (Origin::Container, None) => Course::Fetch,
        (Origin::Container, Some(here)) if here != there => Course::Refuse,
        _ => Course::Leave,
    };
    (course, seen)
}

/// Whose a file is that is there at the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Image,
    Container,
}

impl Origin {
    /// The cluster counts in seconds.
    pub(super) fn of(changed: Time, began: Option<Time>) -> Origin {
        match began {
            Some(began) if changed >= began => Origin::Container,
            _ => Origin::Image,
        }
    }
}

/// Nothing where nothing is. What cannot be read is something.
pub(super) fn hash(local: &Path) -> Result<Option<Hash>, FileError> {
    match files::read(local) {
        Ok(content) => Ok(Some(of(&content))),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) fn of(content: &[u8]) -> Hash {
    let mut hasher = Hasher::new();
    hasher.update(content);
    hasher.finish_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_here_wins_if_both_changed() {
        let (old, new, mine) = ([0; 32], [1; 32], [2; 32]);
        let known = |there, agreed| Some(Seen { there, agreed });
        for (before, there, here, wanted) in [
            (known(old, Some(old)), old, Some(old), Course::Leave),
            (known(old, Some(old)), new, Some(old), Course::Fetch),
            (known(old, Some(old)), old, Some(mine), Course::Leave),
            (known(old, Some(old)), new, Some(mine), Course::Refuse),
            (known(old, Some(old)), new, Some(new), Course::Leave),
            (known(old, Some(old)), new, None, Course::Refuse),
            (known(old, None), new, None, Course::Fetch),
            (None, new, None, Course::Fetch),
            (None, new, Some(mine), Course::Refuse),
            (None, new, Some(new), Course::Leave),
        ] {
            assert_eq!(course(before, there, here), wanted, "{before:?} {there:?} {here:?}");
        }
    }

    #[test]
    fn an_edit_that_is_in_no_container_yet_is_never_overwritten() {
        let (old, mine) = ([0; 32], Some([9; 32]));
        // Edited before the container was looked at, or after; and looked at for another reason meanwhile.
        let first = |here| at_first(old, here, Origin::Image).1;
        for mut known in [first(mine), seen(Some(first(Some(old))), old, mine)] {
            for theirs in [[1; 32], [2; 32], [3; 32]] {
                assert_eq!(course(Some(known), theirs, mine), Course::Refuse);
                known = seen(Some(known), theirs, mine);
            }
            // Until it is in the container: from there it may go on.
            known = seen(Some(known), [9; 32], mine);
            assert_eq!(course(Some(known), [4; 32], mine), Course::Fetch);
        }
        assert_eq!(course(Some(first(None)), [1; 32], None), Course::Fetch);
    }

    #[test]
    fn of_what_nobody_knows_nothing_is_overwritten() {
        let (one, other) = ([1; 32], [2; 32]);
        let before = Some(Seen::unsure());
        assert_eq!(course(before, one, Some(other)), Course::Refuse);
        assert_eq!(course(before, one, None), Course::Refuse);
        assert_eq!(course(before, one, Some(one)), Course::Leave);
        assert_eq!(seen(before, one, Some(one)), Seen::of_both(one));
    }

    #[test]
    fn what_a_container_made_before_it_was_looked_at_comes_as_well() {
        let (there, other) = ([1; 32], [2; 32]);
        for (origin, here, wanted) in [
            (Origin::Container, None, Course::Fetch),
            (Origin::Container, Some(other), Course::Refuse),
            (Origin::Container, Some(there), Course::Leave),
            (Origin::Image, None, Course::Leave),
            (Origin::Image, Some(other), Course::Leave),
        ] {
            assert_eq!(at_first(there, here, origin).0, wanted, "{origin:?} {here:?}");
        }
        let at = |seconds: i64| Time::from_micros(seconds * 1_000_000);
        assert_eq!(Origin::of(at(9), Some(at(10))), Origin::Image);
        assert_eq!(Origin::of(at(10), Some(at(10))), Origin::Container);
        assert_eq!(Origin::of(at(10), None), Origin::Image);
    }

    #[test]
    fn what_cannot_be_read_here_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(hash(&folder.path().join("nothing")), Ok(None));
        assert!(hash(folder.path()).is_err(), "a folder has no content");
        let (old, new) = ([0; 32], [1; 32]);
        let (course_at_first, known) = unreadable(None, old, true);
        assert_eq!(course_at_first, Course::Leave);
        assert_eq!(unreadable(Some(known), old, false), (Course::Leave, known));
        let (refused, known) = unreadable(Some(known), new, false);
        assert_eq!(refused, Course::Refuse);
        // Told once; and what it is once it can be read may be anything.
        assert_eq!(unreadable(Some(known), new, false).0, Course::Leave);
        assert_eq!(course(Some(known), [3; 32], Some([9; 32])), Course::Refuse);
    }
}
