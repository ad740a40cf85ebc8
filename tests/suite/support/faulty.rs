//! Stands before a real registry and does what a test tells it: lets requests through, answers them itself, cuts them off.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The status with its reason, and further headers with their line ends.
    Answer(&'static str, &'static str),
    /// The connection ends after so many bytes of its body.
    CutAfter(usize),
}

/// A fault for requests that begin with this, `PUT /v2/…` or less, and have the other part in them.
#[derive(Clone, Debug)]
pub struct Rule {
    pub method: &'static str,
    pub part: &'static str,
    pub fault: Fault,
    /// How often; then it is well again.
    pub times: usize,
}

pub struct Faulty {
    /// `127.0.0.1:PORT`.
    pub host: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    rules: Vec<Rule>,
    asked: Vec<String>,
}

impl Faulty {
    pub fn before(registry: &str) -> Faulty {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let (state, registry) = (Arc::<Mutex<State>>::default(), registry.to_owned());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (state, registry) = (Arc::clone(&shared), registry.clone());
                // Whoever asked may be gone before the answer is.
                thread::spawn(move || drop(serve(&stream, &state, &registry)));
            }
        });
        Faulty { host, state }
    }

    pub fn set(&self, rules: impl IntoIterator<Item = Rule>) {
        self.state.lock().expect("whole").rules = rules.into_iter().collect();
    }

    /// The requests since the last time: `METHOD /path`.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("whole").asked)
    }
}

/// One request, after which the connection ends.
fn serve(client: &TcpStream, state: &Mutex<State>, registry: &str) -> std::io::Result<()> {
    let mut from_client = BufReader::new(client.try_clone()?);
    // A greeting in TLS. By this answer engines know that this is a registry without it.
    if from_client.fill_buf()?.first() == Some(&0x16) {
        return write!(&mut &*client, "HTTP/1.0 400 Bad Request\r\n\r\n");
    }
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if from_client.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    let fault = state.lock().expect("whole").fault(&head);
    let mut client = client.try_clone()?;
    if let Some(Fault::Answer(status, headers)) = fault {
        write!(
            client,
            "HTTP/1.1 {status}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
        )?;
        return client.shutdown(Shutdown::Write);
    }
    let mut server = TcpStream::connect(registry)?;
    let kept = head
        .lines()
        .filter(|line| !line.is_empty() && !line.to_lowercase().starts_with("connection:"));
    let kept: String = kept.map(|line| format!("{line}\r\n")).collect();
    write!(server, "{kept}Connection: close\r\n\r\n")?;
    if let Some(Fault::CutAfter(bytes)) = fault {
        // What is shorter than that is cut once nothing more comes: whoever sent it waits for an answer.
        client.set_read_timeout(Some(Duration::from_secs(1)))?;
        match std::io::copy(&mut from_client.take(bytes as u64), &mut server) {
            Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Err(error),
            _ => {}
        }
        client.shutdown(Shutdown::Both)?;
        return server.shutdown(Shutdown::Both);
    }
    let mut to_server = server.try_clone()?;
    thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
    std::io::copy(&mut server, &mut client)?;
    client.shutdown(Shutdown::Both)
}

impl State {
    fn fault(&mut self, head: &str) -> Option<Fault> {
        let line = head.lines().next().unwrap_or_default();
        let request = line.split(" HTTP/").next().unwrap_or_default();
        self.asked.push(request.to_owned());
        let is_meant =
            |rule: &&mut Rule| rule.times > 0 && request.starts_with(rule.method) && request.contains(rule.part);
        let rule = self.rules.iter_mut().find(is_meant)?;
        rule.times -= 1;
        Some(rule.fault.clone())
    }
}
