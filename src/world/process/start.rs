//! Where a program lies, and a command ready to be spawned: in a group of its own, with nothing inherited.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ProcessError;

/// How often a busy file is tried: each attempt takes about as long as another child needs to become a program.
const ATTEMPTS: usize = 200;

/// The program's file, looked for in the folders of `PATH` as the given environment has it.
pub fn find_program(program: &str, env: &BTreeMap<String, String>) -> Result<PathBuf, ProcessError> {
    let path = env.get("PATH").map(String::as_str).unwrap_or_default();
    // A relative folder on PATH would run whatever lies in the current project; it is passed over, as upstream does.
    let searched: Vec<PathBuf> = path
        .split(':')
        .map(PathBuf::from)
        .filter(|folder| folder.is_absolute())
        .collect();
    match searched
        .iter()
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
    {
        Some(file) => Ok(file),
        None => Err(ProcessError::NotFound {
            program: program.to_owned(),
            searched,
        }),
    }
}

fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// A command without an input, whose output goes into pipes. An empty `dir` is the folder that we run in.
pub fn command(argv: &[String], dir: &Path, env: &BTreeMap<String, String>) -> Result<Command, ProcessError> {
    let (program, arguments) = argv.split_first().ok_or(ProcessError::Empty)?;
    let dir = match dir.as_os_str().is_empty() {
        true => Path::new("."),
        false => dir,
    };
    let refused = |source| ProcessError::Folder {
        dir: dir.to_owned(),
        source,
    };
    if !dir.metadata().map_err(refused)?.is_dir() {
        return Err(refused(io::Error::from(io::ErrorKind::NotADirectory)));
    }
    let file = match program.contains('/') {
        true => dir.join(program),
        false => find_program(program, env)?,
    };
    #[allow(
        clippy::disallowed_methods,
        reason = "this is where processes are started for everybody else"
    )]
    let mut command = Command::new(file);
    command
        .arg0(program)
        .args(arguments)
        .current_dir(dir)
        .env_clear()
        .envs(env)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    Ok(command)
}

/// Spawns. A file that was written a moment ago is busy while a child that is about to become another program has it open as well.
pub fn once_free<T>(mut spawn: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 1..ATTEMPTS {
        match spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            done => return done,
        }
    }
    spawn()
}

/// Becomes another program, which keeps our terminal and our place in the world. Gives back only why it could not.
pub fn replace(argv: &[String], env: &BTreeMap<String, String>) -> ProcessError {
    let Some((program, arguments)) = argv.split_first() else {
        return ProcessError::Empty;
    };
    let file = match find_program(program, env) {
        Ok(file) => file,
        Err(error) => return error,
    };
    #[allow(
        clippy::disallowed_methods,
        reason = "this is where processes are started for everybody else"
    )]
    let mut command = Command::new(file);
    let source = command.arg0(program).args(arguments).env_clear().envs(env).exec();
    refused(argv, source)
}

/// Why a command could not be started.
pub fn refused(argv: &[String], source: io::Error) -> ProcessError {
    ProcessError::Start {
        program: argv.first().cloned().unwrap_or_default(),
        source,
    }
}
