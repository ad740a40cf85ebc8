//! Requests by hand: every header is the test's own.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::TOKEN;

#[derive(Clone)]
pub struct Ask {
    address: SocketAddr,
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

#[derive(Debug)]
pub struct Got {
    pub code: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

/// As the command line asks: with the token in the header.
pub fn get(address: SocketAddr, path: &str) -> Ask {
    request(address, "GET", path, "")
}

pub fn post(address: SocketAddr, path: &str, body: &str) -> Ask {
    request(address, "POST", path, body)
}

pub fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> Ask {
    let ask = Ask {
        address,
        method: method.to_owned(),
        path: path.to_owned(),
        headers: Vec::new(),
        body: body.to_owned(),
    };
    let ask = ask.with("Host", &address.to_string()).with("X-Tilt-Token", TOKEN);
    match method {
        "GET" | "HEAD" => ask,
        _ => ask.with("Content-Type", "application/json"),
    }
}

impl Ask {
    /// Sets a header, or leaves it out if it is empty.
    pub fn with(mut self, name: &str, value: &str) -> Ask {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        if !value.is_empty() {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub async fn send(&self) -> Got {
        let mut text = format!("{} {} HTTP/1.1\r\nConnection: close\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += &format!("Content-Length: {}\r\n\r\n{}", self.body.len(), self.body);
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        Got::parse(&String::from_utf8(answer).unwrap())
    }
}

impl Got {
    fn parse(text: &str) -> Got {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let code = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        };
        Got {
            code,
            headers: lines.map(header).collect(),
            body: body.to_owned(),
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn said(&self) -> (u16, &str) {
        (self.code, self.body.as_str())
    }
}

impl Ask {
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn changes(&self) -> bool {
        self.method != "GET"
    }
}
