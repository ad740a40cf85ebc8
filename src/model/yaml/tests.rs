//! Pure. Tables for reading and writing YAML, and what hostile input must not do.
use super::*;

#[test]
fn smoke() { assert_eq!(emit(&parse_one("a: [1, x]\nb: {c: d}\n").unwrap()), "a:\n- 1\n- x\nb:\n  c: d\n"); }
