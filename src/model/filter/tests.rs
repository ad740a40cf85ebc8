//! Patterns against paths: Docker's own cases, upstream's, and hostile ones.

use super::*;
use proptest::prelude::*;

fn matcher(patterns: &[&str]) -> Matcher {
    let ignore = Ignore::patterns("/b", patterns.iter().copied());
    Matcher::new(&ignore).unwrap_or_else(|error| panic!("{error}"))
}

fn matches(patterns: &[&str], path: &str) -> bool {
    matcher(patterns).matches(&Path::new("/b").join(path))
}

#[test]
fn single_patterns_match_as_docker_has_it() {
    let table = [
        ("**", "file", true),
        ("**/", "dir/file", true),
        ("**/**", "dir/file", true),
        ("dir/**", "dir/dir2/file", true),
        ("dir/**", "dir", false),
        ("**/dir", "dir", true),
        ("**/dir", "dir/file", true),
        ("**/dir2/*", "dir/dir2/file", true),
        ("**/dir2/**", "dir/dir2/dir3/file", true),
        ("**file", "dir/file", true),
        ("**file", "dir/myfile", true),
        ("**/file", "dir/myfile", false),
        ("**/file*txt", "dir/dir/file.txt", true),
        ("**/**/*.txt2", "dir/dir/file.txt", false),
        ("**/**/*.txt", "file.txt", true),
        ("a**/*.txt", "a/dir/dir/file.txt", true),
        ("a/*.txt", "a/dir/file.txt", false),
        ("a/*.txt**", "a/file.txt", true),
        ("a[b-d]e", "ace", true),
        ("a[b-d]e", "aae", false),
        ("a[^b-d]e", "aze", true),
        ("a[!b]e", "a!e", true),
        (".*", ".foo", true),
        (".*", "foo", false),
        ("abc.def", "abcZdef", false),
        ("abc?def", "abcZdef", true),
        ("abc?def", "abc/def", false),
        ("**/.foo", "bar.foo", false),
        ("a(b)c/def", "a(b)c/def", true),
        ("a.|)$(}+{bc", "a.|)$(}+{bc", true),
        ("a^b*", "a^bc", true),
        (
            "dist/*.whl",
            "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl",
            true,
        ),
        ("a\\*b", "a*b", true),
        ("a\\*b", "axb", false),
        ("a\\\\", "a\\", true),
        ("a?b", "a☺b", true),
        ("a???b", "a☺b", false),
        ("[a-ζ]*", "α", true),
        ("[\\]a]", "]", true),
        ("[x\\-]", "-", true),
        ("a*b?c*x", "abxbbxdbxebxczzx", true),
        ("a*", "ab/c", true),
        ("node_modules", "node_modules/foo/bar", true),
        ("node_modules", "src/node_modules", false),
        ("docs/", "docs/x", true),
        ("./docs", "docs", true),
        ("/b/abs", "abs/x", true),
        ("/elsewhere", "elsewhere", false),
        (".", "anything", true),
        ("# no comment here", "# no comment here", true),
    ];
    for (pattern, path, expected) in table {
        assert_eq!(matches(&[pattern], path), expected, "{pattern} {path}");
    }
}

#[test]
fn the_last_pattern_that_matches_decides() {
    let table: [(&[&str], &str, bool); 9] = [
        (&["docs", "!docs/README.md"], "docs/README.md", false),
        (&["docs", "!docs/README.md"], "docs/stuff.md", true),
        (&["!fileutils.go", "*.go"], "fileutils.go", true),
        (&["*.go", "! fileutils.go "], "fileutils.go", false),
        (&["**", "!util/docker/web"], "util/docker/web/foo", false),
        (
            &["**", "!util/docker/web", "util/docker/web/foo"],
            "util/docker/web/foo",
            true,
        ),
        (&["**", "!dist/*.whl"], "dist/a.whl", false),
        (&["", "  ", "a"], "a", true),
        (&["a", "!a", "a"], "a", true),
    ];
    for (patterns, path, expected) in table {
        assert_eq!(matches(patterns, path), expected, "{patterns:?} {path}");
    }
}

#[test]
fn a_directory_is_left_out_entirely_unless_something_below_may_be_taken_back() {
    let table: [(&[&str], &str, bool); 12] = [
        (&["node_modules"], "node_modules", true),
        (&["node_modules"], "node_modules/deep/down", true),
        (&["node_modules"], "foo", false),
        (&["docs", "!docs/README.md"], "docs", false),
        (&["a", "!a/b", "a/b/c"], "a", false),
        (&["a", "!a/b", "a/b/c"], "a/b", false),
        (&["a", "!a/b", "a/b/c"], "a/b/c", true),
        (&["a", "b", "!b/README.md"], "a", true),
        (&["a", "b", "!b/README.md"], "b", false),
        (&["a", "!**/keep"], "a", false),
        (&["!**/keep", "a"], "a", true),
        (&["a", "!c/*/keep"], "a", true),
    ];
    for (patterns, dir, expected) in table {
        let entire = matcher(patterns).matches_entire_dir(&Path::new("/b").join(dir));
        assert_eq!(entire, expected, "{patterns:?} {dir}");
    }
}

#[test]
fn the_base_is_no_pattern() {
    let odd = Ignore::patterns("/x[1]/*.d", ["*.tmp", "a", "../up/*", "../../b.txt"]);
    let filter = Filter::new(&[odd]).expect("well-formed");
    let table = [
        ("/x[1]/*.d/b.tmp", true),
        ("/x[1]/*.d/a/c", true),
        ("/x[1]/up/y", true),
        ("/x1/z.d/b.tmp", false),
        ("/x1/z.d/a", false),
        ("/b.tmp", false),
        ("/b.txt", true),
    ];
    for (path, expected) in table {
        assert_eq!(filter.matches(Path::new(path)), expected, "{path}");
    }
    let root = Filter::new(&[Ignore::patterns("/", ["a", "*.b"])]).expect("well-formed");
    assert!(root.matches(Path::new("/a/x")) && root.matches(Path::new("/x.b")));
}

#[test]
fn ignores_work_together_and_one_without_patterns_is_a_whole_tree() {
    let ignores = [
        Ignore::whole("/app/Tiltfile"),
        Ignore::patterns("/app/web", ["*.md", "tmp/**"]),
        Ignore::patterns("/app/web", ["**", "!src", "!package.json"]),
    ];
    let filter = Filter::new(&ignores).expect("well-formed");
    let table = [
        ("/app/Tiltfile", true),
        ("/app/Tiltfile2", false),
        ("/app/web", false),
        ("/app/web/package.json", false),
        ("/app/web/src/a.md", false),
        ("/app/web/x.md", true),
        ("/app/web/src/a.go", false),
        ("/app/web/other", true),
    ];
    for (path, expected) in table {
        assert_eq!(filter.matches(Path::new(path)), expected, "{path}");
    }
    assert!(filter.matches_entire_dir(Path::new("/app/web/other")));
    assert!(!filter.matches_entire_dir(Path::new("/app/web")));
    assert!(filter.matches_entire_dir(Path::new("/app/Tiltfile")));
    assert!(!Filter::default().matches(Path::new("/app")));
}

#[test]
fn relative_paths_are_below_the_base() {
    assert!(matcher(&["a/*.c"]).matches(Path::new("a/x.c")));
    assert!(matcher(&["a"]).matches(Path::new("a/x.c")));
}

#[test]
fn ignore_files_are_read_line_by_line() {
    let text = "\u{feff}*.md\r\ndocs/\n\n # spaced\n#comment\n/test2\n! /inverted/abs\n!\n  a//b/../c  \n/\n";
    let expected = ["*.md", "docs", "# spaced", "test2", "!inverted/abs", "!", "a/c", "/"];
    assert_eq!(read_patterns(text), expected);
}

#[test]
fn malformed_patterns_are_named() {
    let malformed = [
        "[", "[^", "a[", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "[^bc", "a\\", "[z-a]", "![",
    ];
    for text in malformed {
        let error = Filter::new(&[Ignore::patterns("/b", ["fine", text])]).expect_err(text);
        assert_eq!(error.to_string(), format!("syntax error in pattern `{text}`"));
    }
    let error = |text: String| Filter::new(&[Ignore::patterns("/", [text])]).expect_err("malformed");
    assert_eq!(error("!".to_owned()).to_string(), "illegal exclusion pattern `!`");
    let long = error("x".repeat(5000)).to_string();
    assert_eq!(
        long,
        format!("pattern of 5000 bytes is too long: `{}…`", "x".repeat(40))
    );
    let (filter, faults) = Filter::of_well_formed(&[Ignore::patterns("/b", ["["]), Ignore::whole("/b/c")]);
    assert_eq!(faults.len(), 1);
    assert!(filter.matches(Path::new("/b/c")));
}

#[test]
fn editors_files_are_ephemeral_wherever_they_are() {
    let table = [
        (".file.txt.swp", true),
        ("path/file.txt~", true),
        (".idea/modules.xml", true),
        ("a/.#file.txt", true),
        ("#file.txt#", true),
        ("dir/.file.txt.kate-swp", true),
        ("go/1234-go-tmp-umask", true),
        ("x/flymake_a.py", true),
        ("4913", true),
        ("a___jb_tmp___", true),
        ("normal.txt", false),
        ("file.swp", false),
        ("idea/x", false),
    ];
    for (path, expected) in table {
        let path = Path::new("/home/me").join(path);
        assert_eq!(ephemeral().matches(&path), expected, "{path:?}");
    }
}

#[test]
fn hostile_patterns_neither_hang_nor_fail() {
    let hostile = [
        "**/".repeat(1000) + "x*y",
        "*a".repeat(2000),
        "?".repeat(4000),
        "[^a]".repeat(1000),
        "**a".repeat(1000),
    ];
    let filter = Filter::new(&[Ignore::patterns("/b", hostile)]).expect("well-formed");
    let path = format!("/b{}", "/aaaaaaaaa".repeat(40));
    assert!(!filter.matches(Path::new(&path)));
    let many = (0..20_000).map(|i| format!("*{i}.x"));
    let filter = Filter::new(&[Ignore::patterns("/b", many)]).expect("well-formed");
    assert!(filter.matches(Path::new("/b/a19999.x")));
    assert!(!filter.matches(Path::new("/b/a19999.y")));
}

proptest! {
    #[test]
    fn no_pattern_makes_the_matcher_panic(
        patterns in proptest::collection::vec("[ab/*?!.^\\[\\]\\\\-]{0,10}|.{0,10}", 0..5),
        path in "/b/[ab/.]{0,10}|.{0,10}",
    ) {
        let (filter, _) = Filter::of_well_formed(&[Ignore::patterns("/b", patterns)]);
        let entire = filter.matches_entire_dir(Path::new(&path));
        // A directory that is left out entirely is left out itself.
        prop_assert!(!entire || filter.matches(Path::new(&path)));
    }

    #[test]
    fn what_is_below_a_directory_that_is_left_out_entirely_is_left_out(
        patterns in proptest::collection::vec("!?[ab*/]{1,5}", 1..5),
        dir in "/b(/[ab]){1,3}",
        below in "(/[ab]){1,3}",
    ) {
        let (filter, _) = Filter::of_well_formed(&[Ignore::patterns("/b", patterns)]);
        if filter.matches_entire_dir(Path::new(&dir)) {
            let path = format!("{dir}{below}");
            prop_assert!(filter.matches(Path::new(&path)));
        }
    }
}
