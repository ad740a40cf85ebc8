//! A real registry on this machine, on a port and in a folder of its own, gone when dropped.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use super::is_skipped_without;
use super::ports::free_port;
use super::program::Program;

/// `me` with the password `test-pw`.
const HTPASSWD: &str = "me:$2y$04$abcdefghijklmnopqrstuuNraH9r8lh5G4pB.21L8KsGG7086jr3y\n";

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    Open,
    /// `me` with the password `test-pw`.
    Password,
    /// Everybody who speaks TLS, with a certificate that nobody has reason to trust.
    Tls,
}

pub struct Registry {
    /// `127.0.0.1:PORT`, which engines take for one that may speak plain HTTP.
    pub host: String,
    program: Program,
    folder: tempfile::TempDir,
    marks: usize,
}

impl Registry {
    /// None where the program is missing, which the test says then.
    pub fn start(door: Door, test: &str) -> Option<Registry> {
        if is_skipped_without("docker-registry", test) {
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let here = folder.path().display();
        let host = format!("127.0.0.1:{}", free_port());
        let mut config = format!(
            "version: 0.1\nlog:\n  accesslog:\n    disabled: false\nstorage:\n  filesystem:\n    rootdirectory: {here}/data\n  \
             delete:\n    enabled: true\nhttp:\n  addr: {host}\n"
        );
        if door == Door::Password {
            std::fs::write(folder.path().join("htpasswd"), HTPASSWD).expect("written");
            config.push_str(&format!(
                "auth:\n  htpasswd:\n    realm: test\n    path: {here}/htpasswd\n"
            ));
        }
        if door == Door::Tls {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
            std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).expect("written");
            std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).expect("written");
            let tls = format!("  tls:\n    certificate: {here}/cert.pem\n    key: {here}/key.pem\n");
            config.push_str(&tls);
        }
        let file = folder.path().join("config.yml");
        std::fs::write(&file, config).expect("written");
        // What it serves goes to one stream, and that it serves to the other.
        let script = format!("exec docker-registry serve '{}' 2>&1", file.display());
        let mut program = Program::start(
            Command::new("sh")
                .args(["-c", &script])
                .env("OTEL_TRACES_EXPORTER", "none"),
        );
        program.line_with("listening on");
        Some(Registry {
            host,
            program,
            folder,
            marks: 0,
        })
    }

    /// The requests since the last time, `METHOD /path`, in the order in which they ended.
    #[track_caller]
    pub fn asked(&mut self) -> Vec<String> {
        self.marks += 1;
        let mark = format!("/v2/mark-{}/tags/list", self.marks);
        get(&self.host, &mark, &[]);
        let lines = self.program.lines_to(&format!("\"GET {mark}"));
        let requests = lines.iter().filter_map(|line| {
            let (_, quoted) = line.split_once("] \"")?;
            let (request, _) = quoted.split_once(" HTTP/1.")?;
            Some(request.to_owned())
        });
        requests.filter(|request| !request.contains("/v2/mark-")).collect()
    }

    /// Loses everything.
    pub fn wipe(&self) {
        std::fs::remove_dir_all(self.folder.path().join("data")).expect("it has something");
    }
}

/// The status and body of an answer.
#[track_caller]
pub fn get(host: &str, path: &str, headers: &[&str]) -> (u16, String) {
    let mut stream = TcpStream::connect(host).expect("the registry listens");
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\n{headers}\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    (status.expect("a status"), body.unwrap_or_default())
}
