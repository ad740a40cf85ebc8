//! A command that is spoken with: what is written goes to its input, what is read is its output.

use std::collections::BTreeMap;
use std::path::Path;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use super::{ProcessError, start};

/// Ends the command when it is dropped.
#[derive(Debug)]
pub struct Pipe {
    input: ChildStdin,
    output: ChildStdout,
    _child: Child,
}

/// Starts a command to speak with. What it prints as an error is dropped with it.
pub fn open(argv: &[String], env: &BTreeMap<String, String>) -> Result<Pipe, ProcessError> {
    let mut command = start::command(argv, Path::new(""), env)?;
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    let mut command = Command::from(command);
    command.kill_on_drop(true);
    let mut child = start::once_free(|| command.spawn()).map_err(|source| start::refused(argv, source))?;
    let (input, output) = child
        .stdin
        .take()
        .zip(child.stdout.take())
        .expect("both are piped above");
    Ok(Pipe {
        input,
        output,
        _child: child,
    })
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.output).poll_read(context, buffer)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.input).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.input).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.input).poll_shutdown(context)
    }
}
