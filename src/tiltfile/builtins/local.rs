//! Commands that run while the Tiltfile loads.

use std::collections::BTreeMap;

use crate::model::command::{Command, Echo};
use crate::model::local_env::{Colour, Injected, local_env};
use crate::model::quote::quoted;
use crate::tiltfile::builtins::{context, io};
use crate::tiltfile::call::{Call, Flag};
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::host::{Environment, Level};
use crate::tiltfile::run::Run;
use crate::world::process::{self, Invocation, ProcessError};

pub const FUNCTIONS: &[Builtin] = &[Builtin {
    name: "local",
    params: &[
        Param::required("command", "str | list[str]"),
        Param::optional("quiet", "bool", "False"),
        Param::nullable("command_bat", "str | list[str]", "''"),
        Param::optional("echo_off", "bool", "False"),
        Param::nullable("env", "dict[str, str]", "{}"),
        Param::nullable("dir", "str", "''"),
        Param::nullable("stdin", "str | Blob", "None"),
    ],
    rest: Rest::Refused,
    returns: "Blob",
    doc: "Runs a command to its end while the Tiltfile loads and returns what it wrote to its standard output. `quiet` keeps its output out of the log, `echo_off` the command itself.",
    body: local,
}];

const PREFIX: &str = " → ";

/// A command of the Tiltfile's, and how it shows.
pub struct Task {
    pub command: Command,
    pub stdin: Vec<u8>,
    /// Stands before the command in the log.
    pub label: &'static str,
    pub output: Output,
}

/// What happens to a command's output while it runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Logged,
    /// Only shown if the command fails.
    Kept,
}

fn local<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    context::guard(call, call.builtin.name)?;
    let mut command = call.command("command", "env", "dir")?;
    call.argv("command_bat")?;
    if call.flag("echo_off", Flag::Off)? {
        command.echo = Echo::Off;
    }
    let task = Task {
        stdin: call.text("stdin")?.unwrap_or_default().into_bytes(),
        label: "local:",
        output: if call.flag("quiet", Flag::Off)? {
            Output::Kept
        } else {
            Output::Logged
        },
        command,
    };
    let source = format!("local: {}", Command::display(&task.command.argv));
    let text = perform(call.run, &task)?;
    Ok(call.blob(text, source))
}

/// Runs a command to its end; yields its standard output.
pub fn perform(run: &Run, task: &Task) -> Result<String, Fault> {
    let shown = Command::display(&task.command.argv);
    let echoes = task.command.echo == Echo::On;
    if echoes {
        run.host.log(Level::Info, format!("{} {shown}", task.label));
    }
    let invocation = Invocation {
        argv: task.command.argv.clone(),
        dir: task.command.dir.clone(),
        env: environment(&run.host.environment(), &task.command.env),
        stdin: task.stdin.clone(),
        cancel: run.request.cancel.clone(),
        ..Invocation::default()
    };
    let logs = task.output == Output::Logged;
    let outcome = process::run(&invocation, &mut |_, line| {
        if logs {
            run.host.log(Level::Info, format!("{PREFIX}{line}"));
        }
    });
    run.host.forget_contents();
    let output = outcome.map_err(|error| failed(&shown, &error, task.output))?;
    if echoes && logs && output.stdout.is_empty() && output.stderr.is_empty() {
        run.host.log(Level::Info, format!("{PREFIX}[no output]"));
    }
    Ok(io::text_of(
        run,
        &output.stdout,
        &format!("the output of {}", quoted(&shown)),
    ))
}

fn failed(shown: &str, error: &ProcessError, output: Output) -> Fault {
    let mut message = format!("command {} failed.\nerror: {error}", quoted(shown));
    if output == Output::Kept {
        let (stdout, stderr) = error
            .output()
            .map(|output| (&*output.stdout, &*output.stderr))
            .unwrap_or_default();
        let text = |bytes| quoted(&String::from_utf8_lossy(bytes));
        message.push_str(&format!("\nstdout: {}\nstderr: {}", text(stdout), text(stderr)));
    }
    Fault::Said(message)
}

/// The Tiltfile's environment, what is added where it is silent, and what the command itself asks for.
pub fn environment(ours: &Environment, additions: &[String]) -> BTreeMap<String, String> {
    let injected = Injected {
        host: "localhost".to_owned(),
        port: 10350,
        kubeconfig: None,
        colour: Colour::Off,
    };
    local_env(ours, &injected, additions)
}

#[cfg(test)]
mod tests;
