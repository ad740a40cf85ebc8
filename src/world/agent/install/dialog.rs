//! What is said with a command until it is the agent, or is not.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tilt_agent::wire::{Decoder, FromAgent, VERSION};
use tokio::time::timeout;

use super::script::{self, Line};
use super::{
    Brought, CARRYING, Failed, GREETING, Hello, LONGEST_LINE, MOST_LINES, TOLD, WORDLESS, cannot_start, is_cut, late,
    said,
};
use crate::world::agent::Way;
use crate::world::agent::place::{Held, Place, Said};

/// A command that may become the agent.
pub(super) struct Dialog {
    held: Held,
    /// What it said and nobody has looked at.
    heard: BytesMut,
    complaints: Vec<u8>,
}

impl Dialog {
    pub(super) async fn open(place: &Place, argv: &[&str]) -> Result<Dialog, Failed> {
        let held = late("starting a command in it", GREETING, place.hold(argv)).await?;
        match held {
            Ok(held) => Ok(Dialog {
                held,
                heard: BytesMut::new(),
                complaints: Vec::new(),
            }),
            Err(error) => match cannot_start(&error) {
                Some(reason) => Err(Failed::Way(reason)),
                None => Err(Failed::All(error)),
            },
        }
    }

    /// More of what it says; fails at its end.
    async fn hear(&mut self) -> Result<(), Failed> {
        match late("the agent's first word", GREETING, self.held.output.next()).await? {
            Said::Stdout(bytes) => self.heard.extend_from_slice(&bytes),
            Said::Stderr(bytes) if self.complaints.len() < TOLD => self.complaints.extend_from_slice(&bytes),
            Said::Stderr(_) => {}
            Said::End => return Err(self.end().await),
            Said::Broken(reason) => {
                return Err(match self.end().await {
                    Failed::Way(known) if known.is_empty() => Failed::Way(reason),
                    failed => failed,
                });
            }
        }
        Ok(())
    }

    /// What is known of a command that has ended.
    async fn end(&mut self) -> Failed {
        let said = said(&self.heard, &self.complaints);
        let code = timeout(GREETING, self.held.output.exit()).await;
        match (code, said.is_empty()) {
            (Ok(Err(error)), _) if is_cut(&error) => Failed::All(error),
            // 137 and 143 are a kill and a polite one.
            (Ok(Ok(code @ (0 | 137 | 143))), true) => Failed::Way(format!("exit code {code} {WORDLESS}")),
            (Ok(Ok(code)), true) => Failed::Way(format!("exit code {code}")),
            (Ok(Err(error)), true) => Failed::Way(cannot_start(&error).unwrap_or_else(|| error.to_string())),
            _ => Failed::Way(said),
        }
    }

    /// The next line that is meant for us.
    pub(super) async fn line(&mut self) -> Result<Line, Failed> {
        for _ in 0..MOST_LINES {
            let length = loop {
                match self.heard.iter().position(|byte| *byte == b'\n') {
                    Some(length) => break length,
                    None if self.heard.len() > LONGEST_LINE => {
                        return Err(Failed::Way("a shell that says too much".to_owned()));
                    }
                    None => self.hear().await?,
                }
            };
            let line = self.heard.split_to(length + 1);
            if let Some(line) = script::parse(&String::from_utf8_lossy(&line)) {
                return Ok(line);
            }
        }
        Err(Failed::Way("a shell that says too much".to_owned()))
    }

    pub(super) async fn carry(&mut self, program: Bytes, to_the_end: bool) -> Result<(), Failed> {
        if to_the_end && !self.held.input.can_finish() {
            return Err(Failed::Way(
                "its `cat` does not learn that its input has ended".to_owned(),
            ));
        }
        let input = &mut self.held.input;
        let carrying = async {
            input.send(program).await?;
            if to_the_end { input.finish().await } else { Ok(()) }
        };
        // Why it went away, it says next.
        let _gone = late("taking the agent", CARRYING, carrying).await?.is_err();
        Ok(())
    }

    /// The agent speaks first.
    pub(super) async fn greet(mut self, way: Way) -> Result<Brought, Failed> {
        let mut decoder = Decoder::default();
        let mut first = self.heard.split().freeze();
        let word = loop {
            decoder.feed(&first);
            match decoder.next() {
                Ok(Some(word)) => break word,
                Ok(None) => {}
                // What engines say of a program that they cannot start comes here too.
                Err(_) => return Err(Failed::Way(self.nonsense(&first).await)),
            }
            self.hear().await?;
            first = self.heard.split().freeze();
        };
        match word {
            FromAgent::Hello {
                version: VERSION,
                uid,
                gid,
                arch,
                supervised,
                ..
            } => Ok(Brought {
                held: self.held,
                decoder,
                hello: Hello {
                    uid,
                    gid,
                    arch: script::arch(&arch).to_owned(),
                    supervised,
                },
                way,
            }),
            FromAgent::Hello { version, .. } => Err(Failed::Way(format!("it speaks version {version}"))),
            _ => Err(Failed::Way("its first word is no greeting".to_owned())),
        }
    }

    /// The text that came instead of an agent, to its end if that is near.
    async fn nonsense(&mut self, first: &[u8]) -> String {
        self.heard = BytesMut::from(first);
        while self.heard.len() < TOLD {
            match timeout(Duration::from_millis(200), self.held.output.next()).await {
                Ok(Said::Stdout(bytes)) => self.heard.extend_from_slice(&bytes),
                Ok(Said::Stderr(bytes)) => self.complaints.extend_from_slice(&bytes),
                _ => break,
            }
        }
        said(&self.heard, &self.complaints)
    }
}
