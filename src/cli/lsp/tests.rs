//! Whole sessions: what a client sends, and what it is told.

use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use lsp_server::{Message, Notification, Request, Response};
use serde_json::{Value, json};

use super::*;
use crate::tiltfile::analysis::{Document, Surroundings};

/// An editor at the other end of the line.
struct Client {
    connection: Connection,
    server: JoinHandle<anyhow::Result<()>>,
    asked: i32,
}

impl Client {
    fn new() -> Client {
        let (ours, theirs) = Connection::memory();
        let server = thread::spawn(move || Session::new(Extensions::default()).run(&theirs));
        Client {
            connection: ours,
            server,
            asked: 0,
        }
    }

    fn initialized(capabilities: Value) -> Client {
        let mut client = Client::new();
        client
            .ask("initialize", json!({ "capabilities": capabilities }))
            .expect("initialize succeeds");
        client.tell("initialized", json!({}));
        client
    }

    fn tell(&self, method: &str, params: Value) {
        self.connection
            .sender
            .send(Notification::new(method.to_owned(), params).into())
            .unwrap();
    }

    /// The answer to a request, or the code of its refusal.
    fn ask(&mut self, method: &str, params: Value) -> Result<Value, i32> {
        self.asked += 1;
        let request = Request::new(self.asked.into(), method.to_owned(), params);
        self.connection.sender.send(request.into()).unwrap();
        loop {
            if let Message::Response(Response { id, response_result }) = self.connection.receiver.recv().unwrap() {
                assert_eq!(id, self.asked.into());
                return response_result.map_err(|error| error.code);
            }
        }
    }

    /// `line:column message` of the diagnostics that come next.
    fn diagnostics(&self) -> Vec<String> {
        loop {
            if let Message::Notification(told) = self.connection.receiver.recv().unwrap() {
                assert_eq!(told.method, "textDocument/publishDiagnostics");
                let all = told.params["diagnostics"].as_array().unwrap().iter();
                let shown = all.map(|d| {
                    let start = &d["range"]["start"];
                    format!(
                        "{}:{} {}",
                        start["line"],
                        start["character"],
                        d["message"].as_str().unwrap()
                    )
                });
                return shown.collect();
            }
        }
    }

    fn open(&self, uri: &str, text: &str) -> Vec<String> {
        let document = json!({ "uri": uri, "languageId": "tiltfile", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
        self.diagnostics()
    }

    fn change(&self, uri: &str, changes: Value) -> Vec<String> {
        let document = json!({ "uri": uri, "version": 2 });
        self.tell(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": changes }),
        );
        self.diagnostics()
    }

    fn labels(&mut self, uri: &str, line: u32, character: u32) -> Vec<String> {
        let answer = self.ask("textDocument/completion", at(uri, line, character)).unwrap();
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .map(|item| item["label"].as_str().unwrap().to_owned())
            .collect()
    }

    fn finish(mut self) {
        assert_eq!(self.ask("shutdown", Value::Null), Ok(Value::Null));
        self.tell("exit", Value::Null);
        assert!(self.server.join().unwrap().is_ok());
    }
}

fn at(uri: &str, line: u32, character: u32) -> Value {
    json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } })
}

fn uri_of(path: &Path) -> String {
    uri::of_path(path).unwrap().as_str().to_owned()
}

const UNTITLED: &str = "untitled:Tiltfile";

#[test]
fn a_session_from_initialize_to_exit() {
    let mut client = Client::new();
    assert_eq!(client.ask("textDocument/hover", at(UNTITLED, 0, 0)), Err(-32002));
    let answer = client.ask("initialize", json!({ "capabilities": {} })).unwrap();
    assert_eq!(answer["capabilities"]["positionEncoding"], "utf-16");
    assert_eq!(answer["serverInfo"]["name"], "tilt");
    client.tell("initialized", json!({}));
    assert_eq!(
        client.open(UNTITLED, "prnt('x')\nwar"),
        [
            "0:0 undefined: prnt\ndid you mean `print`?",
            "1:0 undefined: war\ndid you mean `warn`?"
        ]
    );
    assert!(client.labels(UNTITLED, 1, 3).contains(&"warn".to_owned()));
    assert_eq!(client.change(UNTITLED, json!([{ "text": "warn('x')" }])), [""; 0]);
    let hover = client.ask("textDocument/hover", at(UNTITLED, 0, 2)).unwrap();
    assert!(
        hover["contents"]["value"]
            .as_str()
            .unwrap()
            .starts_with("```python\nwarn(msg: str) -> None\n```\n\nLogs a warning")
    );
    let help = client.ask("textDocument/signatureHelp", at(UNTITLED, 0, 5)).unwrap();
    assert_eq!(help["signatures"][0]["parameters"][0]["label"], json!([5, 13]));
    assert_eq!(
        client.ask("textDocument/definition", at(UNTITLED, 0, 2)),
        Ok(Value::Null)
    );
    client.tell("textDocument/didClose", json!({ "textDocument": { "uri": UNTITLED } }));
    assert_eq!(client.diagnostics(), [""; 0]);
    assert_eq!(client.ask("textDocument/hover", at(UNTITLED, 0, 2)), Ok(Value::Null));
    client.finish();
}

#[test]
fn what_the_server_does_not_know_is_refused_and_nothing_ends_it() {
    let mut client = Client::initialized(json!({}));
    assert_eq!(client.ask("textDocument/rename", json!({})), Err(-32601));
    assert_eq!(client.ask("textDocument/hover", json!({ "position": 7 })), Err(-32602));
    assert_eq!(client.ask("initialize", json!({ "capabilities": {} })), Err(-32600));
    client.tell("textDocument/didOpen", json!([1, 2]));
    client.tell("$/setTrace", json!({ "value": "off" }));
    client.tell("no/such/thing", Value::Null);
    assert_eq!(
        client.ask("textDocument/hover", at("file:///nowhere", 3, 3)),
        Ok(Value::Null)
    );
    assert_eq!(client.ask("shutdown", Value::Null), Ok(Value::Null));
    assert_eq!(client.ask("textDocument/hover", at(UNTITLED, 0, 0)), Err(-32600));
    client.tell("exit", Value::Null);
    assert!(client.server.join().unwrap().is_ok());
}

#[test]
fn an_exit_without_shutdown_is_an_error_and_a_client_that_goes_away_is_none() {
    let client = Client::initialized(json!({}));
    client.tell("exit", Value::Null);
    assert!(client.server.join().unwrap().is_err());
    let Client { connection, server, .. } = Client::initialized(json!({}));
    drop(connection);
    assert!(server.join().unwrap().is_ok());
}

#[test]
fn positions_are_counted_as_the_client_wishes() {
    for (capabilities, column) in [
        (json!({}), 10),
        (json!({ "general": { "positionEncodings": ["utf-16", "utf-8"] } }), 12),
    ] {
        let client = Client::initialized(capabilities);
        assert_eq!(
            client.open(UNTITLED, "x = '𝄞'; zz"),
            [format!("0:{column} undefined: zz")]
        );
        client.finish();
    }
}

#[test]
fn changes_of_a_part_are_applied_to_what_was_there() {
    let client = Client::initialized(json!({}));
    client.open(UNTITLED, "a = 1\n");
    let range = |from: u32, to: u32| json!({ "start": { "line": 0, "character": from }, "end": { "line": 0, "character": to } });
    let changes = json!([{ "range": range(4, 5), "text": "bb" }, { "range": range(5, 6), "text": "c" }]);
    assert_eq!(client.change(UNTITLED, changes), ["0:4 undefined: bc"]);
    client.finish();
}

#[test]
fn other_files_are_seen_as_the_editor_has_them() {
    let folder = tempfile::tempdir().unwrap();
    let (main, lib) = (folder.path().join("Tiltfile"), folder.path().join("lib.star"));
    std::fs::write(&lib, "def greet(name):\n  '''Greets.'''\n").unwrap();
    std::fs::create_dir(folder.path().join("k8s")).unwrap();
    let mut client = Client::initialized(json!({}));
    let main = uri_of(&main);
    assert_eq!(
        client
            .open(&main, "load('./lib.star', 'greet')\ngreet(\ninclude('./')")
            .len(),
        1
    );
    assert_eq!(client.labels(&main, 2, 11), ["k8s/", "lib.star"]);
    let help = client.ask("textDocument/signatureHelp", at(&main, 1, 6)).unwrap();
    assert_eq!(help["signatures"][0]["label"], "greet(name)");
    let definition = client.ask("textDocument/definition", at(&main, 1, 2)).unwrap();
    assert_eq!(definition["uri"], uri_of(&lib));
    assert_eq!(definition["range"]["start"], json!({ "line": 0, "character": 4 }));
    client.finish();
}

#[test]
fn built_in_extensions_are_known_by_name_and_opened_as_files() {
    let folder = tempfile::tempdir().unwrap();
    let workspace = workspace::Workspace::new(Extensions {
        folder: Some(folder.path().to_owned()),
    });
    let checkout = folder.path().join("github.com/tilt-dev/tilt-extensions");
    std::fs::create_dir_all(checkout.join("fetched")).unwrap();
    std::fs::write(checkout.join("fetched/Tiltfile"), "").unwrap();
    std::fs::create_dir_all(checkout.join("empty")).unwrap();
    let names = workspace.extensions();
    assert!(
        names.contains(&"restart_process".to_owned()) && names.contains(&"fetched".to_owned()),
        "{names:?}"
    );
    assert!(!names.contains(&"empty".to_owned()));
    let document = Document::new(None, "load('ext://restart_process', '')");
    let offered = document.complete(document.text().len() - 2, &workspace);
    assert!(
        offered.iter().any(|c| c.label == "docker_build_with_restart"),
        "{offered:?}"
    );
    assert_eq!(workspace.extension("fetched"), Some(checkout.join("fetched/Tiltfile")));
    assert_eq!(workspace.extension("nothing"), None);
}

#[test]
fn the_outline_is_told_with_its_kinds() {
    let mut client = Client::initialized(json!({}));
    client.open(UNTITLED, "x = 1\ndef f():\n  pass\n");
    let symbols = client
        .ask(
            "textDocument/documentSymbol",
            json!({ "textDocument": { "uri": UNTITLED } }),
        )
        .unwrap();
    assert_eq!((&symbols[0]["name"], &symbols[0]["kind"]), (&json!("x"), &json!(13)));
    assert_eq!(
        (&symbols[1]["name"], &symbols[1]["range"]["end"]["line"]),
        (&json!("f"), &json!(3))
    );
    client.finish();
}

/// Everything written, sent to who looks at it.
struct Wire(mpsc::Sender<Vec<u8>>);

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stream_with_malformed_parts_is_served_to_its_end() {
    let framed = |body: &str| format!("Content-Length: {}\r\n\r\n{body}", body.len());
    let stream: String = [
        r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{}}}"#,
        "{ not json",
        r#"{"jsonrpc":"2.0","id":"two","method":"shutdown"}"#,
        r#"{"jsonrpc":"2.0","method":"exit"}"#,
    ]
    .map(framed)
    .concat();
    let (sender, written) = mpsc::channel();
    serve(io::Cursor::new(stream), Wire(sender), Extensions::default()).unwrap();
    let written = String::from_utf8(written.into_iter().flatten().collect()).unwrap();
    assert!(written.contains(r#""id":1,"result":{"capabilities""#), "{written}");
    assert!(written.ends_with(r#""id":"two","result":null}"#), "{written}");
}
