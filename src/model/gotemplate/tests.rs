//! Pure. Templates as people write them for `kubectl`, against what Go prints.

use super::*;
use crate::model::yaml;

fn render(template: &str) -> String {
    let tree = yaml::parse_one(
        "{a: {b: [x, 'y'], 'n': 3, f: 1.5, 'no': null, t: true, 'my-key': v}, items: [{name: one, up: true}, {name: two}], s: '<&\"'}",
    )
    .unwrap();
    match Template::parse(template).and_then(|template| template.render(&tree, MissingKeys::Allowed)) {
        Ok(text) => text,
        Err(error) => error.to_string(),
    }
}

#[test]
fn templates_print_what_go_prints() {
    let table = [
        (r#"{{range .items}}{{.name}}{{"\n"}}{{end}}"#, "one\ntwo\n"),
        (
            "{{.nope}} {{.nope.deeper}} {{.a.no}}",
            "<no value> <no value> <no value>",
        ),
        ("{{.a}}", "map[b:[x y] f:1.5 my-key:v n:3 no:<nil> t:true]"),
        (
            r#"{{index .a "my-key"}} {{index .a.b 1}} {{(index .items 0).name}}"#,
            "v y one",
        ),
        (
            r#"{{printf "%s-%03d-%q-%5s|%-4s|%v" .s 7 "q" "ab" "c" .a.b}}"#,
            "<&\"-007-\"q\"-   ab|c   |[x y]",
        ),
        ("{{len .a.b}} {{len .s}}", "2 3"),
        (
            "{{if .a.t}}yes{{else}}no{{end}}{{if .nope}}yes{{else if eq .a.n 3}}three{{end}}",
            "yesthree",
        ),
        (
            "{{with .a.b}}{{index . 0}}{{end}}{{with .nope}}x{{else}}none{{end}}",
            "xnone",
        ),
        (
            "{{$x := .a.n}}{{range $i, $e := .items}}{{$i}}={{$e.name}}/{{$x}};{{end}}",
            "0=one/3;1=two/3;",
        ),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"),
        ("{{range $k, $v := .a}}{{$k}},{{end}}", "b,f,my-key,n,no,t,"),
        ("a  {{- .a.n -}}  b {{/* gone */}}c", "a3b c"),
        ("{{.a.n | printf \"%d!\" | len}}", "2"),
        (
            "{{and .a.t .nope}} {{or .nope .a.n}} {{not .a.t}}",
            "<no value> 3 false",
        ),
        (
            "{{eq .a.n 1 2 3}} {{ne \"a\" \"b\"}} {{lt 1 2}} {{ge 1.5 2}}",
            "true true true false",
        ),
        (
            "{{range .items}}{{if not .up}}{{continue}}{{end}}{{.name}}{{break}}{{end}}",
            "one",
        ),
        ("{{range .nope}}x{{else}}empty{{end}}", "empty"),
        ("{{define \"t\"}}<{{.}}>{{end}}{{template \"t\" .a.n}}{{$.a.n}}", "<3>3"),
        (
            "{{html .s}} {{slice .s 1 2}} {{print 1 2 \"a\" \"b\"}}",
            "&lt;&amp;&#34; & 1 2ab",
        ),
        (
            "{{exists .a \"n\"}} {{exists .a \"zz\" \"y\"}} {{base64decode \"aGk=\"}}",
            "true false hi",
        ),
        (r#"{{if and (eq .a.n 3) (gt (len .items) 1)}}both{{end}}"#, "both"),
    ];
    for (template, expected) in table {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn faults_are_named_as_go_names_them() {
    let table = [
        ("{{.a", "template: output:1: unclosed action"),
        ("\n{{nope}}", "template: output:2: function \"nope\" not defined"),
        ("{{$x}}", "template: output:1: undefined variable \"$x\""),
        ("{{if .a}}", "template: output:1: unexpected EOF"),
        ("{{end}}", "template: output:1: unexpected {{end}}"),
        (
            "{{index .x \"y\"}}",
            "template: output:1:2: executing \"output\" at <index .x \"y\">: error calling index: index of untyped nil",
        ),
        (
            "{{.s.x}}",
            "template: output:1:4: executing \"output\" at <.s.x>: can't evaluate field x in type interface {}",
        ),
    ];
    for (template, expected) in table {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn missing_keys_can_be_refused() {
    let template = Template::parse("{{.nope}}").unwrap();
    let error = template
        .render(&yaml::parse_one("{a: 1}").unwrap(), MissingKeys::Refused)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "template: output:1:2: executing \"output\" at <.nope>: map has no entry for key \"nope\""
    );
}
