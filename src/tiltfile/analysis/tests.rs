//! Documents with a cursor, `$0`, and what an editor is told there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::*;

const FILE: &str = "/shop/Tiltfile";

/// Files that are nowhere but here.
#[derive(Default)]
struct Files(BTreeMap<PathBuf, String>);

impl Files {
    fn shop() -> Files {
        let lib = "'''Not exported.'''\n\nPORT = 8080\n_secret = 1\n\ndef deploy(name, port=PORT, *rest, **more):\n    \"\"\"Deploys a thing.\n\n    In two paragraphs.\n    \"\"\"\n    pass\n";
        let files = [
            ("/shop/lib/Tiltfile", lib),
            (
                "/shop/lib/again.star",
                "load('builtin://warn', real='warn')\nagain = real\n",
            ),
            ("/shop/broken.star", "def f(:\n"),
            ("/shop/k8s/web.yaml", "kind: Pod\n"),
            ("/shop/k8s/db.yaml", "kind: Pod\n"),
            ("/shop/Dockerfile", "FROM scratch\n"),
            ("/shop/.hidden", ""),
            (
                "/ext/namespace/Tiltfile",
                "def namespace_create(name):\n  '''Creates it.'''\n",
            ),
        ];
        Files(
            files
                .iter()
                .map(|(path, text)| (PathBuf::from(path), (*text).to_owned()))
                .collect(),
        )
    }
}

impl Surroundings for Files {
    fn text(&self, file: &Path) -> Option<String> {
        self.0.get(file).cloned()
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.keys().any(|file| file.starts_with(path))
    }

    fn entries(&self, folder: &Path) -> Vec<FolderEntry> {
        let below = self.0.keys().filter_map(|file| file.strip_prefix(folder).ok());
        let entries: BTreeSet<FolderEntry> = below
            .filter_map(|rest| {
                let first = rest.components().next()?;
                let name = first.as_os_str().to_str()?.to_owned();
                Some(FolderEntry {
                    name,
                    is_folder: rest.components().count() > 1,
                })
            })
            .collect();
        entries.into_iter().collect()
    }

    fn extensions(&self) -> Vec<String> {
        vec!["namespace".to_owned(), "restart_process".to_owned()]
    }

    fn extension(&self, name: &str) -> Option<PathBuf> {
        let file = PathBuf::from(format!("/ext/{name}/Tiltfile"));
        self.0.contains_key(&file).then_some(file)
    }
}

fn at_cursor(marked: &str) -> (Document, usize) {
    let offset = marked.find("$0").expect("a cursor");
    (Document::new(Some(FILE.into()), marked.replacen("$0", "", 1)), offset)
}

fn completed(marked: &str) -> Vec<String> {
    let (document, offset) = at_cursor(marked);
    document
        .complete(offset, &Files::shop())
        .into_iter()
        .map(|candidate| candidate.insert)
        .collect()
}

/// The first few completions.
fn first(count: usize, marked: &str) -> Vec<String> {
    completed(marked).into_iter().take(count).collect()
}

fn hovered(marked: &str) -> String {
    let (document, offset) = at_cursor(marked);
    match document.hover(offset, &Files::shop()) {
        Some(hover) => format!("{} | {} | {}", &document.text()[hover.range], hover.code, hover.doc),
        None => "nothing".to_owned(),
    }
}

/// The signature, with the active parameter in «».
fn helped(marked: &str) -> String {
    let (document, offset) = at_cursor(marked);
    let Some(hint) = document.signature_help(offset, &Files::shop()) else {
        return "nothing".to_owned();
    };
    let mut label = hint.label;
    if let Some(range) = hint.active.map(|index| hint.params[index].clone()) {
        label.insert(range.end, '»');
        label.insert(range.start, '«');
    }
    label
}

/// Where a definition is, with the text from there to the end of its line.
fn defined(marked: &str) -> String {
    let (document, offset) = at_cursor(marked);
    let files = Files::shop();
    let line = |text: &str, range: Range<usize>| {
        let number = text[..range.start].matches('\n').count() + 1;
        format!("{number}: {}", text[range.start..].lines().next().unwrap_or_default())
    };
    match document.definition(offset, &files) {
        None => "nothing".to_owned(),
        Some(Target::Here(range)) => line(document.text(), range),
        Some(Target::There { file, range }) => {
            format!(
                "{} {}",
                file.display(),
                line(&files.text(&file).unwrap_or_default(), range)
            )
        }
    }
}

/// `line: the text in question: what is wrong with it (hint)`.
fn mistakes(text: &str) -> Vec<String> {
    let document = Document::new(Some(FILE.into()), text);
    let shown = |mistake: Mistake| {
        let line = text[..mistake.range.start].matches('\n').count() + 1;
        let hint = mistake.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{line}: {}: {}{hint}", &text[mistake.range], mistake.message)
    };
    document.mistakes(&Files::shop()).into_iter().map(shown).collect()
}

#[test]
fn names_of_the_language_and_of_the_file_complete() {
    let table: &[(&str, &[&str])] = &[
        ("load_dy$0", &["load_dynamic"]),
        ("qq_port = 1\nprint(qq_$0", &["qq_port"]),
        ("qq_port = 1\nprint(qq_$0)\nqq_later = 2", &["qq_port"]),
        ("def f():\n  qq_$0\nqq_later = 2", &["qq_later"]),
        (
            "def f(qq_param):\n  qq_local = 1\n  qq_$0\n  return 1\n",
            &["qq_local", "qq_param"],
        ),
        ("def f(qq_param):\n  qq_local = 1\n\nqq_$0\n", &[]),
        ("def f(qq_param):\n  pass\n  qq_$0", &["qq_param"]),
        ("xs = [qq_x for qq_x in qq_$0]", &["qq_x"]),
        ("load('lib/Tiltfile', 'deploy', qq_port='PORT')\nqq_$0", &["qq_port"]),
        ("def include_$0", &[]),
        ("# incl$0", &[]),
        ("x = 12$0", &[]),
        ("lambda qq_arg: qq_$0", &["qq_arg"]),
    ];
    for (text, expected) in table {
        assert_eq!(&completed(text), expected, "{text}");
    }
}

#[test]
fn members_complete_behind_a_dot() {
    let table: &[(&str, &[&str])] = &[
        ("sys.$0", &["argv", "executable"]),
        ("sys.ex$0\nx = 1", &["executable"]),
        ("print(sys.ex$0", &["executable"]),
        ("config.main$0", &["main_dir", "main_path"]),
        ("'a b'.startsw$0", &["startswith"]),
        ("sys.executable.startsw$0", &["startswith"]),
        ("s = 'x'\ns.startsw$0", &["startswith"]),
        ("s = str(1)\ns.startsw$0", &["startswith"]),
        ("str(1).startsw$0", &["startswith"]),
        ("def f(a=[]):\n  a.appe$0", &["append"]),
        ("{}.keys$0", &["keys"]),
        ("v = struct(host='h', port=1)\nv.$0", &["host", "port"]),
        ("v = struct(host='h', port=1)\nw = v\nw.po$0", &["port"]),
        ("x = x\nx.$0", &[]),
        ("nobody.$0", &[]),
        ("sys.\nx = 1\nincl$0", &["include"]),
    ];
    for (text, expected) in table {
        assert_eq!(&completed(text), expected, "{text}");
    }
}

#[test]
fn arguments_complete_by_name_where_one_can_begin() {
    let table: &[(usize, &str, &[&str])] = &[
        (2, "load('lib/Tiltfile', 'deploy')\ndeploy($0", &["name=", "port="]),
        (1, "load('lib/Tiltfile', 'deploy')\ndeploy('x', $0)", &["port="]),
        (1, "load('lib/Tiltfile', 'deploy')\ndeploy(port=1, $0)", &["name="]),
        (
            2,
            "def f(first, second=2): pass\nf(\n  $0\nx = 1",
            &["first=", "second="],
        ),
        (1, "def f(first, second=2): pass\nf(1, sec$0", &["second="]),
        (1, "print(1, $0", &["sep="]),
        (1, "include(pat$0", &["path="]),
    ];
    for (count, text, expected) in table {
        assert_eq!(&first(*count, text), expected, "{text}");
    }
    for text in ["include(path=pat$0", "include([pat$0", "include(1 + pat$0"] {
        assert!(!completed(text).contains(&"path=".to_owned()), "{text}");
    }
}

#[test]
fn strings_complete_as_what_they_are_for() {
    let table: &[(&str, &[&str])] = &[
        (
            "include('$0",
            &[
                "Dockerfile",
                "broken.star",
                "k8s/",
                "lib/",
                "ext://namespace",
                "ext://restart_process",
            ],
        ),
        ("include('k8s/$0')", &["db.yaml", "web.yaml"]),
        ("include('./k8s/w$0')", &["web.yaml"]),
        ("include('.$0')", &[".hidden", "broken.star"]),
        ("read_file(paths='k8s/d$0", &["db.yaml"]),
        ("docker_build(dockerfile='Dock$0", &["Dockerfile"]),
        ("load('ext://$0", &["ext://namespace", "ext://restart_process"]),
        ("load('ext://namespace', '$0", &["namespace_create"]),
        ("load('lib/Tiltfile', '$0')", &["PORT", "deploy"]),
        ("load('lib/Tiltfile', mine='de$0')", &["deploy"]),
        (
            "local_resource('api', 'make')\nlocal_resource('web', resource_deps=['$0'])",
            &["api", "web"],
        ),
        (
            "k8s_resource('db', new_name='postgres')\nf(resource_deps=['p$0",
            &["postgres"],
        ),
        ("local_resource('api', 'make')\nk8s_resource('$0')", &["api"]),
        ("k8s_resource('api$0')", &[]),
        ("k8s_resource('api$0')\nlocal_resource('api', 'make')", &["api"]),
        ("print('$0')", &[]),
    ];
    for (text, expected) in table {
        assert_eq!(&completed(text), expected, "{text}");
    }
}

#[test]
fn a_path_is_completed_behind_its_last_slash() {
    let (document, offset) = at_cursor("include('k8s/w$0')");
    let candidates = document.complete(offset, &Files::shop());
    assert_eq!(&document.text()[candidates[0].range.clone()], "w");
}

#[test]
fn hovering_shows_what_a_name_is() {
    let table = [
        (
            "war$0n('x')",
            "warn | warn(msg: str) -> None | Logs a warning, which also shows on the Tiltfile's own resource.",
        ),
        (
            "sys.arg$0v",
            "argv | sys.argv: list[str] | The command line that tilt was started with.",
        ),
        ("os$0.name", "os | (module) os | "),
        (
            "TRIGGER_MODE_$0AUTO",
            "TRIGGER_MODE_AUTO | TRIGGER_MODE_AUTO: TriggerMode | Changes of a resource's files update it at once.",
        ),
        ("include(pa$0th='x')", "path | path: str | Parameter of `include`."),
        (
            "print(1, s$0ep='')",
            "sep | sep: str = ' ' | Optional parameter of `print`. Writes its arguments to the log, separated by `sep`.",
        ),
        (
            "def f(a, b=[1, 2]):\n  'Adds.'\n  return a\n$0f(1)",
            "f | def f(a, b=[1, 2]) | Adds.",
        ),
        ("def f(a):\n  return $0a", "a | a | Parameter."),
        ("x = 'a'\nx$0", "x | x: str | "),
        (
            "load('lib/Tiltfile', d='deploy')\nd$0()",
            "d | def deploy(name, port=PORT, *rest, **more) | Deploys a thing.\n\nIn two paragraphs.\n\nFrom `/shop/lib/Tiltfile`.",
        ),
        (
            "load('lib/Tiltfile', 'dep$0loy')",
            "'deploy' | def deploy(name, port=PORT, *rest, **more) | Deploys a thing.\n\nIn two paragraphs.\n\nFrom `/shop/lib/Tiltfile`.",
        ),
        (
            "load('l$0ib/Tiltfile', 'deploy')",
            "'lib/Tiltfile' | /shop/lib/Tiltfile | ",
        ),
        ("load('nowhere', 'x')\nx$0", "x | x | From `nowhere`."),
        ("if$0 x: pass", "nothing"),
        ("$0", "nothing"),
        ("print('wa$0rn')", "nothing"),
        ("print = 1\npri$0nt", "print | print | "),
    ];
    for (text, expected) in table {
        assert_eq!(hovered(text), expected, "{text}");
    }
}

#[test]
fn a_call_shows_its_signature_and_where_in_it_the_cursor_is() {
    let table = [
        ("warn($0", "warn(«msg: str») -> None"),
        ("print(1, 2, $0)", "print(«*args», sep: str = ' ') -> None"),
        ("print(1, sep=$0)", "print(*args, «sep: str = ' '») -> None"),
        ("def f(a, b=1): pass\nf(1, $0", "f(a, «b=1»)"),
        ("def f(a, b=1): pass\nf(b=[$0", "f(a, «b=1»)"),
        ("def f(a, b=1): pass\nf(warn($0), 2)", "warn(«msg: str») -> None"),
        ("def f(a, b=1): pass\nf(warn(1), $0)", "f(a, «b=1»)"),
        ("def f(a, b=1): pass\nf(1, 2, 3, $0", "f(a, b=1)"),
        ("def f(a, b=1): pass\nf('a, b', $0", "f(a, «b=1»)"),
        ("def f(a, b=1): pass\nf(\n  1,\n  $0\n\nwarn('x')\n", "f(a, «b=1»)"),
        (
            "load('lib/Tiltfile', 'deploy')\ndeploy('x', $0",
            "deploy(name, «port=PORT», *rest, **more)",
        ),
        (
            "load('ext://namespace', 'namespace_create')\nnamespace_create($0",
            "namespace_create(«name»)",
        ),
        ("load('builtin://warn', say='warn')\nsay($0", "warn(«msg: str») -> None"),
        ("load('lib/again.star', 'again')\nagain($0", "warn(«msg: str») -> None"),
        ("' '.join($0", "nothing"),
        ("s = ' '\ns.join($0", "join(«to_join: iterable[str]») -> str"),
        ("def warn($0", "nothing"),
        ("warn('x')$0", "nothing"),
        ("(1, $0", "nothing"),
    ];
    for (text, expected) in table {
        assert_eq!(helped(text), expected, "{text}");
    }
}

#[test]
fn definitions_are_found_here_and_in_other_files() {
    let table = [
        ("def f(): pass\n$0f()", "1: f(): pass"),
        ("x = 1\ny = x$0", "1: x = 1"),
        ("x = 1\nx = 2\ny = x$0", "2: x = 2"),
        ("def f(a):\n  return a$0", "1: a):"),
        ("def f(a):\n  return a\nf(a$0=1)", "1: a):"),
        ("[q for q in p if q$0]", "1: q in p if q]"),
        (
            "load('lib/Tiltfile', 'deploy')\n$0deploy()",
            "/shop/lib/Tiltfile 6: deploy(name, port=PORT, *rest, **more):",
        ),
        ("load('lib/Tiltfile', 'PO$0RT')", "/shop/lib/Tiltfile 3: PORT = 8080"),
        (
            "load('lib/Tilt$0file', 'PORT')",
            "/shop/lib/Tiltfile 1: '''Not exported.'''",
        ),
        (
            "load('lib/Tiltfile', 'deploy')\ndeploy(po$0rt=1)",
            "/shop/lib/Tiltfile 6: port=PORT, *rest, **more):",
        ),
        (
            "load('ext://namespace', 'namespace_create')\nnamespace_cre$0ate()",
            "/ext/namespace/Tiltfile 1: namespace_create(name):",
        ),
        ("load('nowhere', 'x')\nx$0", "1: 'x')"),
        ("k8s_yaml('k8s/w$0eb.yaml')", "/shop/k8s/web.yaml 1: kind: Pod"),
        ("pri$0nt(1)", "nothing"),
        ("zzz$0", "nothing"),
    ];
    for (text, expected) in table {
        assert_eq!(defined(text), expected, "{text}");
    }
}

#[test]
fn mistakes_are_told_in_the_words_of_the_evaluator() {
    let table: &[(&str, &[&str])] = &[
        ("print(1)\n", &[]),
        ("while True:\n\tx = 1\n\tbreak\nprint('%s' % x * 2)\n", &[]),
        (
            "def f(*a, **k):\n  return [x for x in a for y in x if y], {k: v for k, v in k.items()}\nf(*[1], **{})\n",
            &[],
        ),
        (
            "prnt(1)\nzzz",
            &[
                "1: prnt: undefined: prnt (did you mean `print`?)",
                "2: zzz: undefined: zzz",
            ],
        ),
        ("def f():\n  return later\nlater = 1\n", &[]),
        ("[q for q in [1]]\nq", &["2: q: undefined: q"]),
        ("x += 1", &[]),
        (
            "if True:\n  load('lib/Tiltfile', 'PORT')\n",
            &[
                "2: load('lib/Tiltfile', 'PORT'): load statement not at top level (use `load_dynamic()` to load a file from within a block or function)",
            ],
        ),
        (
            "load('lib/Tiltfile', '_secret')",
            &["1: _secret: load: names with leading underscores are not exported: _secret"],
        ),
        (
            "load('lib/Tiltfile', 'deplo')",
            &["1: 'deplo': load: name deplo not found in module lib/Tiltfile (did you mean `deploy`?)"],
        ),
        (
            "load('lib/Nothing', 'x')",
            &[
                "1: 'lib/Nothing': cannot load lib/Nothing: error reading file /shop/lib/Nothing: open /shop/lib/Nothing: no such file or directory",
            ],
        ),
        ("load('lib/Tiltfile', '')", &[]),
        ("load('broken.star', 'x')\nload('ext://unknown', 'y')", &[]),
        (
            "warn(mesage='x')",
            &[
                "1: warn: warn: missing argument for msg",
                "1: mesage: warn: unexpected keyword argument \"mesage\"",
            ],
        ),
        (
            "include(pth='x')",
            &[
                "1: include: include: missing argument for path",
                "1: pth: include: unexpected keyword argument \"pth\" (did you mean path?)",
            ],
        ),
        ("warn()", &["1: warn: warn: missing argument for msg"]),
        ("warn(*x)\nx = []", &[]),
        ("warn('a', 'b')", &["1: 'b': warn: got 2 arguments, want 1"]),
        ("def warn(): pass\nwarn()", &[]),
        ("module('m', any=1)", &[]),
        (
            "os.pth.join('a')\nos.exsts()",
            &["2: exsts: module has no .exsts field or method"],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(&mistakes(text), expected, "{text}");
    }
}

/// What the evaluator says of a file.
fn evaluated(text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let tiltfile = folder.path().join("Tiltfile");
    std::fs::write(&tiltfile, text).unwrap();
    let request = crate::tiltfile::Request {
        tiltfile,
        args: Vec::new(),
        subcommand: "up".to_owned(),
        purpose: Default::default(),
        environment: Default::default(),
        command_line: Vec::new(),
        executable: PathBuf::new(),
        kube_context: None,
        kube_namespace: None,
        pinned: None,
        timings: crate::tiltfile::Timed::default(),
        limits: Default::default(),
        cancel: Default::default(),
    };
    match crate::tiltfile::evaluate(request, |_| {}).project {
        Ok(_) => String::new(),
        Err(failure) => failure.message,
    }
}

#[test]
fn the_evaluator_says_the_same() {
    for text in [
        "x = 1\nprint(1 2)",
        "prnt(1)",
        "if True:\n  load('./x', 'y')",
        "load('./x', '_y')",
        "return 1",
        "break",
        "x = 'a",
        "warn()",
        "warn('a', 'b')",
        "include(path='x', pth='y')",
    ] {
        let document = Document::new(Some(FILE.into()), text);
        let told: Vec<String> = document
            .mistakes(&Files::default())
            .into_iter()
            .map(|mistake| mistake.message)
            .collect();
        let evaluated = evaluated(text);
        assert!(
            told.contains(&evaluated),
            "{text}: the evaluator says {evaluated:?}, not {told:?}"
        );
    }
}

#[test]
fn a_text_that_does_not_parse_has_one_syntax_error_at_its_place() {
    for (text, line, what) in [
        ("x = 1\nprint(1 2)\n", 2, "2"),
        ("x = (\n", 2, ""),
        ("def f(:\n  pass\n", 1, ":"),
    ] {
        let found = mistakes(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with(&format!("{line}: {what}: ")), "{text}: {found:?}");
    }
}

#[test]
fn the_outline_names_functions_variables_and_resources() {
    let text = "load('lib/Tiltfile', 'PORT')\nx = 1\nx = 2\ndef f():\n  y = 1\nlocal_resource('api', 'make')\nk8s_resource('web', new_name='site')\n";
    let symbols = Document::new(Some(FILE.into()), text).symbols();
    let shown: Vec<String> = symbols.iter().map(|s| format!("{:?} {}", s.kind, s.name)).collect();
    assert_eq!(shown, ["Variable x", "Function f", "Resource api", "Resource site"]);
}

#[test]
fn nothing_that_is_being_typed_breaks_the_analysis() {
    let text = "load('./lib/Tiltfile', d='deploy')\ndef f(a, b=[1, 'ü']):\n\t'''döc'''\n\tfor i in a.\\\n\t  items():\n\t\tprint(\"%s\" % i, sep=r'\\')\nwhile f({'k': lambda x: x}):\n  break\nx = [y for y in (1,)] if not d(name='n') else os.environ[\"X\"].split(',')\n";
    let files = Files::shop();
    let ends = (0..=text.len()).filter(|end| text.is_char_boundary(*end));
    for end in ends {
        for text in [
            &text[..end],
            &text[end..],
            &format!("{}({}", &text[..end], &text[end..]),
        ] {
            let document = Document::new(Some(FILE.into()), text);
            document.mistakes(&files);
            document.symbols();
            for offset in [0, end.min(text.len()), text.len()]
                .into_iter()
                .filter(|at| text.is_char_boundary(*at))
            {
                document.complete(offset, &files);
                document.hover(offset, &files);
                document.signature_help(offset, &files);
                document.definition(offset, &files);
            }
        }
    }
}
