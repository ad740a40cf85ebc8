//! `tilt lsp start` as an editor drives it: the real binary, messages over standard input and output.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use lsp_server::Message;
use serde_json::{Value, json};

use crate::support::tilt;

struct Editor {
    folder: tempfile::TempDir,
    server: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    asked: i64,
}

impl Editor {
    fn new() -> Editor {
        let folder = tempfile::tempdir().unwrap();
        let mut command = tilt(folder.path());
        let piped = command
            .args(["lsp", "start"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut server = piped.stderr(Stdio::null()).spawn().unwrap();
        Editor {
            to: server.stdin.take().unwrap(),
            from: BufReader::new(server.stdout.take().unwrap()),
            server,
            folder,
            asked: 0,
        }
    }

    fn initialized() -> Editor {
        let mut editor = Editor::new();
        let answer = editor.ask("initialize", json!({"capabilities": {}}));
        assert_eq!(answer["serverInfo"]["name"], "tilt", "{answer}");
        editor.tell("initialized", json!({}));
        editor
    }

    fn uri(&self, name: &str) -> String {
        format!(
            "file://{}",
            self.folder.path().canonicalize().unwrap().join(name).display()
        )
    }

    fn send(&mut self, message: Value) {
        let text = message.to_string();
        write!(self.to, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.to.flush().unwrap();
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.send(json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        self.send(json!({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}));
        loop {
            if let Message::Response(response) = self.next() {
                return serde_json::to_value(response).unwrap()["result"].take();
            }
        }
    }

    fn next(&mut self) -> Message {
        Message::read(&mut self.from)
            .unwrap()
            .expect("an answer before the end")
    }

    fn open(&mut self, name: &str, text: &str) {
        let document = json!({"uri": self.uri(name), "languageId": "tiltfile", "version": 1, "text": text});
        self.tell("textDocument/didOpen", json!({"textDocument": document}));
    }

    /// `line:column message` of what is wrong with the file that was opened or changed last.
    fn diagnostics(&mut self) -> Vec<String> {
        loop {
            if let Message::Notification(told) = self.next()
                && told.method == "textDocument/publishDiagnostics"
            {
                let all = told.params["diagnostics"].as_array().unwrap().iter();
                let shown = all.map(|found| {
                    let start = &found["range"]["start"];
                    let message = found["message"].as_str().unwrap();
                    format!("{}:{} {message}", start["line"], start["character"])
                });
                return shown.collect();
            }
        }
    }

    fn at(&self, name: &str, line: u32, character: u32) -> Value {
        json!({"textDocument": {"uri": self.uri(name)}, "position": {"line": line, "character": character}})
    }

    /// The exit code, once the server has read everything.
    fn ended(mut self) -> Option<i32> {
        drop(self.to);
        let mut rest = Vec::new();
        self.from.read_to_end(&mut rest).unwrap();
        self.server.wait().unwrap().code()
    }
}

#[test]
fn a_mistake_is_reported_until_it_is_mended() {
    let mut editor = Editor::initialized();
    editor.open("Tiltfile", "k8s_yaml('a.yaml'\nlocal_resource('x', 'true')\n");
    let found = editor.diagnostics();
    assert_eq!(found.len(), 1, "{found:?}");
    let document = json!({"uri": editor.uri("Tiltfile"), "version": 2});
    let text = "k8s_yaml('a.yaml')\nlocal_resorce('x', 'true')\n";
    editor.tell(
        "textDocument/didChange",
        json!({"textDocument": document, "contentChanges": [{"text": text}]}),
    );
    let found = editor.diagnostics();
    assert!(
        found.len() == 1 && found[0].starts_with("1:0 ") && found[0].contains("local_resource"),
        "{found:?}"
    );
    let document = json!({"uri": editor.uri("Tiltfile"), "version": 3});
    let text = "k8s_yaml('a.yaml')\nlocal_resource('x', 'true')\n";
    editor.tell(
        "textDocument/didChange",
        json!({"textDocument": document, "contentChanges": [{"text": text}]}),
    );
    assert_eq!(editor.diagnostics(), Vec::<String>::new());
}

#[test]
fn names_are_completed_explained_and_followed_into_loaded_files() {
    let mut editor = Editor::initialized();
    let helper = "def service(name, port):\n    '''A service of ours.'''\n    return name\n";
    fs::write(editor.folder.path().join("helper.Tiltfile"), helper).unwrap();
    editor.open("Tiltfile", "load('./helper.Tiltfile', 'service')\nservice('web', 80)\nlocal_res\nload('ext://restart_process', 'docker_build_with_restart')\n");
    editor.diagnostics();

    let at = editor.at("Tiltfile", 2, 9);
    let completed = editor.ask("textDocument/completion", at);
    let items = completed["items"].as_array().or(completed.as_array()).unwrap();
    assert!(
        items.iter().any(|item| item["label"] == "local_resource"),
        "{completed}"
    );

    let at = editor.at("Tiltfile", 1, 3);
    let hover = editor.ask("textDocument/hover", at).to_string();
    assert!(
        hover.contains("service(name, port)") && hover.contains("A service of ours."),
        "{hover}"
    );
    let at = editor.at("Tiltfile", 1, 3);
    let definition = editor.ask("textDocument/definition", at).to_string();
    assert!(definition.contains(&editor.uri("helper.Tiltfile")), "{definition}");

    let at = editor.at("Tiltfile", 3, 36);
    let bundled = editor.ask("textDocument/definition", at).to_string();
    assert!(bundled.contains("restart_process/Tiltfile"), "{bundled}");
}

#[test]
fn the_end_is_as_the_protocol_has_it() {
    let mut editor = Editor::initialized();
    assert_eq!(editor.ask("shutdown", Value::Null), Value::Null);
    editor.tell("exit", Value::Null);
    assert_eq!(editor.ended(), Some(0));

    let mut editor = Editor::initialized();
    editor.tell("exit", Value::Null);
    assert_eq!(editor.ended(), Some(1), "without a shutdown");
}

#[test]
fn what_is_no_message_ends_nothing_and_the_end_of_the_input_ends_all() {
    for garbage in [
        "",
        "hello\n",
        "Content-Length: x\r\n\r\n{}",
        "Content-Length: 99999999999999999999\r\n\r\n",
        "Content-Length: 5\r\n\r\n{\"a\":",
        "Content-Length: 400\r\n\r\n{}",
        "\u{0}\u{1}\u{2}\n\n\n",
    ] {
        let mut editor = Editor::new();
        editor.to.write_all(garbage.as_bytes()).unwrap();
        assert!(editor.ended().is_some(), "{garbage:?}");
    }
    let mut editor = Editor::new();
    editor.to.write_all(b"Content-Length: 2\r\n\r\n{]garbage\r\n").unwrap();
    let answer = editor.ask("initialize", json!({"capabilities": {}}));
    assert!(answer["capabilities"].is_object(), "{answer}");
}
