//! `tilt completion SHELL`.

use clap::CommandFactory;
use clap_complete::Shell as Generator;

use crate::cli::args::{Cli, Completion, Shell};
use crate::cli::exit::Exit;
use crate::cli::output;

pub fn run(args: &Completion) -> Result<(), Exit> {
    let mut command = Cli::command();
    if args.no_descriptions {
        command = without_descriptions(command);
    }
    let mut script = Vec::new();
    clap_complete::generate(generator(args.shell), &mut command, "tilt", &mut script);
    output::result(&String::from_utf8_lossy(&script))
}

fn generator(shell: Shell) -> Generator {
    match shell {
        Shell::Bash => Generator::Bash,
        Shell::Zsh => Generator::Zsh,
        Shell::Fish => Generator::Fish,
        Shell::Powershell => Generator::PowerShell,
    }
}

fn without_descriptions(command: clap::Command) -> clap::Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    let command = command
        .about("")
        .long_about("")
        .mut_args(|arg| arg.help("").long_help(""));
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, without_descriptions)
    })
}
