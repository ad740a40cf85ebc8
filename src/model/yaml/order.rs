//! Pure. The order in which Go's yaml writes the keys of a map: letters bytewise, numbers inside names by value.

use std::cmp::Ordering;

use crate::model::tree::{Map, Tree};

/// The entries of a map in the order of [`natural`].
///
/// Go's order is not transitive (`a10` < `a1a` < `a2` < `a10`), and the sorts of the standard library may panic on
/// such; a plain merge sort, started from the bytewise order, always ends and never depends on who wrote the map.
pub fn sorted(map: &Map) -> Vec<(&str, &Tree)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by_key(|entry| entry.0);
    merge_sort(entries)
}

fn merge_sort<'a>(mut entries: Vec<(&'a str, &'a Tree)>) -> Vec<(&'a str, &'a Tree)> {
    if entries.is_sorted_by(|a, b| natural(a.0, b.0).is_le()) {
        return entries;
    }
    let upper = merge_sort(entries.split_off(entries.len() / 2));
    let lower = merge_sort(entries);
    let mut merged = Vec::with_capacity(lower.len() + upper.len());
    let (mut lower, mut upper) = (lower.into_iter().peekable(), upper.into_iter().peekable());
    while let (Some(a), Some(b)) = (lower.peek(), upper.peek()) {
        let next = if natural(b.0, a.0).is_lt() {
            &mut upper
        } else {
            &mut lower
        };
        merged.extend(next.next());
    }
    merged.extend(lower);
    merged.extend(upper);
    merged
}

/// `a2` before `a10`, punctuation and digits before letters, upper case before lower case.
pub fn natural(a: &str, b: &str) -> Ordering {
    let shared = shared_prefix(a, b);
    let (mut left, mut right) = (a[shared..].chars(), b[shared..].chars());
    let (Some(x), Some(y)) = (left.next(), right.next()) else {
        return a.len().cmp(&b.len());
    };
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => x.cmp(&y),
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            // Inside a number a zero is a digit like any other; at its start it would not count.
            let inside_number = (x == '0' || y == '0') && ends_in_nonzero_number(&a[..shared]);
            let start = i64::from(inside_number);
            let (m, n) = (number(&a[shared..], start), number(&b[shared..], start));
            m.cmp(&n).then(x.cmp(&y))
        }
    }
}

/// Bytes that both texts start with, cut back to a whole character.
fn shared_prefix(a: &str, b: &str) -> usize {
    let mut shared = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    while !a.is_char_boundary(shared) || !b.is_char_boundary(shared) {
        shared -= 1;
    }
    shared
}

/// Whether the digits at the end hold anything but zeros: then a zero that follows is a digit, not padding.
fn ends_in_nonzero_number(prefix: &str) -> bool {
    prefix
        .bytes()
        .rev()
        .take_while(u8::is_ascii_digit)
        .any(|digit| digit != b'0')
}

/// The number a text starts with and how many digits it took; none is zero of no digits.
fn number(text: &str, start: i64) -> (i64, usize) {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    digits.fold((start, 0), |(value, count), digit| {
        (value.wrapping_mul(10).wrapping_add(i64::from(digit - b'0')), count + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::{natural, sorted};
    use crate::model::tree::{Map, Tree};

    #[test]
    fn keys_sort_as_go_yaml_sorts_them() {
        let expected = [
            "", "1", "2", "3", "11", "21", "0100", "A", "B", "a", "a1", "a2", "a02", "a10", "a11", "a0012", "ab", "b1",
            "b10", "b100", "c", "é",
        ];
        let mut keys = expected;
        keys.reverse();
        keys.sort_by(|a, b| natural(a, b));
        assert_eq!(keys, expected);
    }

    #[test]
    fn separators_come_before_letters() {
        let mut keys = [
            "app.kubernetes.io/name",
            "app",
            "apple",
            "app-x",
            "app_x",
            "app/x",
            "app.x",
        ];
        keys.sort_by(|a, b| natural(a, b));
        assert_eq!(
            keys,
            [
                "app",
                "app-x",
                "app.kubernetes.io/name",
                "app.x",
                "app/x",
                "app_x",
                "apple"
            ]
        );
    }

    #[test]
    fn keys_in_a_circle_still_come_out_in_one_order() {
        let keys = ["a10", "a1a", "a2"];
        assert!(
            keys.iter()
                .zip(keys.iter().cycle().skip(1))
                .all(|(a, b)| natural(a, b).is_lt())
        );
        let map = |keys: &[&str]| keys.iter().map(|key| (Box::from(*key), Tree::Null)).collect::<Map>();
        let names = |map: &Map| sorted(map).iter().map(|entry| entry.0.to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&map(&keys)), names(&map(&["a2", "a10", "a1a"])));
    }
}
