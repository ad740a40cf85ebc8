//! What an editor may send: any text, any place in it, any message.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use proptest::prelude::*;
use serde_json::{Value, json};
use tilt::tiltfile::analysis::{Document, FolderEntry, Surroundings};

use super::{changed, fuzz, soup, tiltfiles};
use crate::support::{stderr, tilt};

/// Nothing but two files that are the same as the document.
struct Elsewhere(String);

impl Surroundings for Elsewhere {
    fn text(&self, _: &Path) -> Option<String> {
        Some(self.0.clone())
    }

    fn exists(&self, path: &Path) -> bool {
        path.ends_with("a")
    }

    fn entries(&self, _: &Path) -> Vec<FolderEntry> {
        let name = "é".to_owned();
        vec![FolderEntry { name, is_folder: true }]
    }

    fn extensions(&self) -> Vec<String> {
        vec!["a".to_owned()]
    }

    fn extension(&self, name: &str) -> Option<PathBuf> {
        (name == "a").then(|| PathBuf::from("/ext/a"))
    }
}

const SAMPLE: &str = "load('./a', 'b', c='d')\ndef deploy(name, port=1, *args, **kwargs):\n  \"\"\"Doc.\"\"\"\n  \
docker_build('img', '.', live_update=[sync('a', '/b')])\n  for x, (y, z) in [(1, (2, 3))]:\n    k8s_resource(name, port_forwards=port)\n\
deploy('web', port=[1, 2][0])\nconfig.define_string('a')\nx = {'a': lambda q: q.b}\n";

#[test]
fn any_place_in_any_text_can_be_asked_about() {
    let changes = proptest::collection::vec(super::change(tiltfiles::PIECES), 0..6);
    let text = prop_oneof![
        changes.prop_map(|changes| changed(SAMPLE, &changes)),
        soup(tiltfiles::PIECES, 40)
    ];
    fuzz(300, (text, any::<[u16; 4]>()), |(text, places)| {
        let surroundings = Elsewhere(text.clone());
        let document = Document::new(Some(PathBuf::from("/a/Tiltfile")), text.as_str());
        document.mistakes(&surroundings);
        document.symbols();
        for place in places {
            let mut offset = usize::from(place) % (text.len() + 1);
            while !text.is_char_boundary(offset) {
                offset -= 1;
            }
            document.complete(offset, &surroundings);
            document.hover(offset, &surroundings);
            document.signature_help(offset, &surroundings);
            document.definition(offset, &surroundings);
        }
        Ok(())
    });
}

/// A language server that nobody listens to.
fn server(dir: &Path) -> Child {
    tilt(dir)
        .args(["lsp", "start"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn any_messages_leave_the_language_server_on_its_feet() {
    fuzz(3, proptest::collection::vec(message(), 60), |messages| {
        let dir = tempfile::tempdir().unwrap();
        let mut server = server(dir.path());
        let mut input = server.stdin.take().unwrap();
        let begin = [
            json!({"id": 0, "method": "initialize", "params": {"capabilities": {}}}),
            json!({"method": "initialized", "params": {}}),
        ];
        let end = [json!({"id": 1, "method": "shutdown"}), json!({"method": "exit"})];
        for message in begin.iter().chain(&messages).chain(&end) {
            let mut message = message.clone();
            message["jsonrpc"] = json!("2.0");
            let text = message.to_string();
            write!(input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        }
        drop(input);
        let output = server.wait_with_output().unwrap();
        let log = stderr(&output);
        prop_assert!(
            output.status.success() && !log.contains("panicked"),
            "{:?}: {}",
            output.status,
            log
        );
        Ok(())
    });
}

#[test]
fn any_bytes_end_the_language_server_without_a_panic() {
    const PIECES: &[&str] = &[
        "Content-Length: ",
        "content-type: a",
        "5",
        "99999999999999999999",
        "-1",
        ": ",
        "\r\n",
        "\r\n\r\n",
        "\n",
        "{}",
        "{\"id\":1}",
        "[]",
        "null",
        "{\"method\":\"exit\"}",
    ];
    fuzz(10, soup(PIECES, 12), |text| {
        let dir = tempfile::tempdir().unwrap();
        let mut server = server(dir.path());
        // A server that has given up reads no more.
        drop(server.stdin.take().unwrap().write_all(text.as_bytes()));
        let log = stderr(&server.wait_with_output().unwrap());
        prop_assert!(!log.contains("panicked"), "{}", log);
        Ok(())
    });
}

fn message() -> impl Strategy<Value = Value> {
    const METHODS: &[&str] = &[
        "textDocument/didOpen",
        "textDocument/didChange",
        "textDocument/didClose",
        "textDocument/didSave",
        "textDocument/completion",
        "textDocument/hover",
        "textDocument/definition",
        "textDocument/signatureHelp",
        "textDocument/documentSymbol",
        "$/cancelRequest",
        "workspace/didChangeConfiguration",
        "workspace/executeCommand",
        "initialize",
        "unknown",
        "",
    ];
    let uri = proptest::sample::select(
        &[
            "file:///a/Tiltfile",
            "file:///%zz",
            "untitled:1",
            "",
            "http://a",
            "file://h/a b",
        ][..],
    );
    let number = || prop_oneof![0..20_i64, Just(-1), Just(i64::from(u32::MAX)), Just(i64::MAX)];
    let text = soup(tiltfiles::PIECES, 20);
    (
        proptest::sample::select(METHODS),
        uri,
        number(),
        number(),
        text,
        any::<bool>(),
    )
        .prop_map(|(method, uri, line, character, text, whole)| {
            let position = json!({"line": line, "character": character});
            let range = json!({"start": position, "end": {"line": character, "character": line}});
            let change = match whole {
                true => json!({"text": text}),
                false => json!({"range": range, "text": text}),
            };
            let params = json!({
                "textDocument": {"uri": uri, "version": line, "languageId": "tiltfile", "text": text},
                "position": position,
                "contentChanges": [change],
                "id": line,
            });
            let is_notification = method.contains("did") || method.starts_with('$');
            match is_notification {
                true => json!({"method": method, "params": params}),
                false => json!({"id": line, "method": method, "params": params}),
            }
        })
}
