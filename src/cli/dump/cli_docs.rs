//! Pure. A page of Markdown for each command, from the very table that reads the command line.

use clap::{Arg, Command, CommandFactory};

use crate::cli::args::Cli;

/// Names of files, and what is in them.
pub fn all() -> Vec<(String, String)> {
    let mut root = Cli::command();
    root.build();
    let mut pages = Vec::new();
    collect(&root, root.get_name(), &mut pages);
    pages
}

fn collect(command: &Command, path: &str, pages: &mut Vec<(String, String)>) {
    pages.push((file(path), page(command, path)));
    for sub in shown(command) {
        collect(sub, &format!("{path} {}", sub.get_name()), pages);
    }
}

fn file(path: &str) -> String {
    format!("{}.md", path.replace(' ', "_"))
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    let subs = command.get_subcommands();
    subs.filter(|sub| !sub.is_hide_set() && sub.get_name() != "help")
}

fn page(command: &Command, path: &str) -> String {
    let about = command.get_long_about().or_else(|| command.get_about());
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let mut text = format!(
        "# {path}\n\n{}\n\n```\n{usage}\n```\n",
        about.map(ToString::to_string).unwrap_or_default()
    );
    let args: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_hide_set()).collect();
    let (words, flags): (Vec<&Arg>, Vec<&Arg>) = args.into_iter().partition(|arg| arg.is_positional());
    section(&mut text, "Arguments", words.into_iter().map(argument));
    section(&mut text, "Flags", flags.into_iter().map(argument));
    let subs = shown(command).map(|sub| {
        let path = format!("{path} {}", sub.get_name());
        let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
        format!("- [{path}]({}): {about}", file(&path))
    });
    section(&mut text, "Commands", subs);
    if let Some(examples) = command.get_after_help() {
        let examples = examples.to_string();
        let examples = examples.trim_start_matches("Examples:").trim_matches('\n');
        text.push_str(&format!("\n## Examples\n\n```\n{examples}\n```\n"));
    }
    text
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        text.push_str(&format!("\n## {title}\n\n{}\n", lines.join("\n")));
    }
}

fn argument(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let help = help
        .map(|help| help.to_string().replace("\n\n", " "))
        .unwrap_or_default();
    let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    format!("- `{short}{arg}`: {help}")
}
