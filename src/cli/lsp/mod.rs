//! `tilt lsp start`: the language server for Tiltfiles.
//!
//! Answers come from `tiltfile::analysis`; here is the protocol. One thread reads, one answers, one writes. Standard output belongs to the
//! protocol, so everything else that is to be said goes to standard error. Nothing that a client sends ends the server but `exit`.

mod convert;
mod place;
mod session;
mod transport;
mod uri;
mod workspace;

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;

use anyhow::Context;
use lsp_server::Connection;

use crate::cli::args;
use crate::cli::exit::Exit;
use crate::cli::lsp::session::Session;
use crate::cli::output;
use crate::world::dirs::Dirs;

/// The parser recurses on the native stack; its pages are used only when touched.
const STACK_BYTES: usize = 256 << 20;

/// `tilt lsp start`.
pub fn run(command: &args::Lsp) -> Result<(), Exit> {
    let args::Lsp::Start(start) = command;
    // Without a home, extensions are known by name only.
    #[allow(
        clippy::disallowed_methods,
        reason = "the command line is where the environment is read"
    )]
    let dirs = Dirs::from_env(|name| std::env::var_os(name)?.into_string().ok()).ok();
    let extensions = Extensions {
        folder: dirs.map(|dirs| dirs.extension_checkouts()),
    };
    match &start.address {
        Some(address) => serve_tcp(address, extensions)?,
        None => serve_stdio(extensions)?,
    }
    Ok(())
}

/// Where `load('ext://…')` finds extensions, beside those that are built in.
#[derive(Clone, Debug, Default)]
pub struct Extensions {
    /// The folder of all checkouts, into which built-in ones are unpacked too.
    pub folder: Option<PathBuf>,
}

/// Serves one client over standard input and output until it says `exit` or goes away.
pub fn serve_stdio(extensions: Extensions) -> anyhow::Result<()> {
    serve(BufReader::new(io::stdin()), io::stdout(), extensions)
}

/// Serves every client that connects to an address, for good.
pub fn serve_tcp(address: &str, extensions: Extensions) -> anyhow::Result<()> {
    let address = if address.starts_with(':') {
        format!("localhost{address}")
    } else {
        address.to_owned()
    };
    let listener = TcpListener::bind(&address).with_context(|| format!("listening on {address}"))?;
    output::say(format_args!("tilt lsp: listening on {}", listener.local_addr()?));
    for client in listener.incoming() {
        let served = client.context("accepting a connection").and_then(|client| {
            let extensions = extensions.clone();
            thread::Builder::new().spawn(move || report(serve_client(client, extensions)))?;
            Ok(())
        });
        report(served);
    }
    Ok(())
}

fn serve_client(client: TcpStream, extensions: Extensions) -> anyhow::Result<()> {
    serve(BufReader::new(client.try_clone()?), client, extensions)
}

fn report(outcome: anyhow::Result<()>) {
    if let Err(error) = outcome {
        output::say(format_args!("tilt lsp: {error:#}"));
    }
}

fn serve<I, O>(input: I, output: O, extensions: Extensions) -> anyhow::Result<()>
where
    I: BufRead + Send + 'static,
    O: Write + Send + 'static,
{
    let (ours, Connection { sender, receiver }) = Connection::memory();
    // Not joined: it may be waiting for a client that has said `exit` and yet keeps the line open.
    thread::Builder::new()
        .name("lsp-read".to_owned())
        .spawn(move || transport::read_all(input, |message| sender.send(message).is_ok()))?;
    let writer = thread::Builder::new()
        .name("lsp-write".to_owned())
        .spawn(move || transport::write_all(output, &receiver))?;
    let session = thread::Builder::new().name("lsp".to_owned()).stack_size(STACK_BYTES);
    let session = session.spawn(move || Session::new(extensions).run(&ours))?;
    let outcome = session
        .join()
        .map_err(|_| anyhow::anyhow!("the server panicked; this is a bug in tilt"))?;
    match writer.join() {
        Ok(Err(error)) => output::say(format_args!("tilt lsp: writing: {error}")),
        Ok(Ok(())) => {}
        Err(_) => output::say("tilt lsp: the writer panicked; this is a bug in tilt"),
    }
    outcome
}

#[cfg(test)]
mod tests;
