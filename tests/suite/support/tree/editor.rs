//! Somebody who works on files without any plan, with every tool that there is.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::dice::Dice;

/// More names than this in the tree, and much is removed.
const CROWD: usize = 250;
/// What begins so is somebody else's and left alone.
pub const MARK: &str = ".mark";
const LARGE: usize = 5 << 20;

/// Few, so that things take one another's place.
const NAMES: &[&str] = &[
    "a",
    "b",
    "c",
    "main.go",
    "src",
    "web",
    "two words",
    "ünï",
    "日本語",
    "line\nbreak",
    "-rf",
    "$(reboot)",
    "back\\slash",
    "'quoted\"",
    "*",
    "...",
    " ",
    // Those that the watch leaves out.
    "out.log",
    "keep.log",
    "node_modules",
    "tmp",
    ".git",
    ".main.go.swp",
];

const FILE_MODES: &[u32] = &[0o644, 0o755, 0o600, 0o444, 0o555, 0o640, 0o4755, 0o777];
const FOLDER_MODES: &[u32] = &[0o755, 0o700, 0o775, 0o1777, 0o2755];
const TARGETS: &[&str] = &[
    "a",
    "../b",
    "/etc/passwd",
    "nowhere",
    "src",
    "..",
    ".",
    "web/main.go",
    "/",
];

pub struct Editor {
    root: PathBuf,
    dice: Dice,
    /// So far.
    pub done: usize,
}

impl Editor {
    pub fn new(root: &Path, seed: u64) -> Editor {
        Editor {
            root: root.to_owned(),
            dice: Dice::new(seed),
            done: 0,
        }
    }

    /// Many at once, as fast as they go.
    pub fn burst(&mut self, operations: usize) {
        for _ in 0..operations {
            let begun = self.operation();
            // What cannot be done is no failure: it is random.
            if begun.is_ok() {
                self.done += 1;
            }
        }
    }

    fn operation(&mut self) -> io::Result<()> {
        let (folders, files) = self.tree();
        if folders.len() + files.len() > CROWD {
            return self.remove_one_of(&folders[1..], &files);
        }
        match self.dice.below(100) {
            0..16 => self.write(&files),
            16..22 => self.append(&files),
            22..40 => self.save(&files),
            40..50 => self.create(&folders),
            50..54 => fs::create_dir_all(self.name_in(&folders).join(self.name())),
            54..62 => self.rename(&folders, &files),
            62..67 => self.remove_one_of(&folders[1..], &files),
            67..73 => self.flip(&folders, &files),
            73..78 => self.link(&folders),
            78..85 => self.mode(&folders, &files),
            85..88 => fs::hard_link(self.one(&files)?, self.fresh(&folders)),
            88..91 => self.there_and_back(&files),
            91..94 => self.swap(&folders[1..], &files),
            94..96 => self.copy_folder(&folders),
            96 => self.large(&folders),
            97 => self.sparse(&folders),
            98 => self.pipe(&folders),
            _ => self.checkout(&folders),
        }
    }

    pub fn remove_pipes(&self) {
        for path in self.tree().1 {
            if !is_file(&path) && !path.is_symlink() {
                fs::remove_file(path).unwrap();
            }
        }
    }

    /// Folders, the root first, and everything else.
    fn tree(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let (mut folders, mut files) = (vec![self.root.clone()], Vec::new());
        let mut next = 0;
        while let Some(folder) = folders.get(next).cloned() {
            next += 1;
            let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
            found.sort_by_key(std::fs::DirEntry::file_name);
            for entry in found {
                match entry.file_type().unwrap().is_dir() {
                    true => folders.push(entry.path()),
                    false if entry.file_name().to_string_lossy().starts_with(MARK) => {}
                    false => files.push(entry.path()),
                }
            }
        }
        (folders, files)
    }

    fn one(&mut self, paths: &[PathBuf]) -> io::Result<PathBuf> {
        match paths.len() {
            0 => Err(io::ErrorKind::NotFound.into()),
            count => Ok(paths[self.dice.below(count)].clone()),
        }
    }

    fn name_in(&mut self, folders: &[PathBuf]) -> PathBuf {
        folders[self.dice.below(folders.len())].clone()
    }

    fn name(&mut self) -> String {
        match self.dice.below(12) {
            0 => "n".repeat(255),
            1 => "ü".repeat(127),
            2 => format!("file {}", self.dice.below(40)),
            _ => self.dice.of(NAMES).to_owned(),
        }
    }

    /// A place where something can be, or is.
    fn fresh(&mut self, folders: &[PathBuf]) -> PathBuf {
        let folder = self.name_in(folders);
        folder.join(self.name())
    }

    /// Often one that was there before.
    fn content(&mut self) -> Vec<u8> {
        match self.dice.below(8) {
            0 => Vec::new(),
            1..4 => format!("version {}\n", self.dice.below(3)).into_bytes(),
            4 => vec![b'x'; self.dice.below(400 << 10)],
            _ => format!("{:x}\n", self.dice.next())
                .repeat(1 + self.dice.below(200))
                .into_bytes(),
        }
    }

    /// As VS Code does it.
    fn write(&mut self, files: &[PathBuf]) -> io::Result<()> {
        let (file, content) = (self.one(files)?, self.content());
        write(&file, &content)
    }

    fn append(&mut self, files: &[PathBuf]) -> io::Result<()> {
        let file = self.one(files)?;
        let mut file = appending(&file)?;
        for _ in 0..=self.dice.below(3) {
            file.write_all(b"one line more\n")?;
        }
        if self.dice.once_in(3) {
            file.set_len(self.dice.below(100) as u64)?;
        }
        Ok(())
    }

    /// As editors do it that fear for their files.
    fn save(&mut self, files: &[PathBuf]) -> io::Result<()> {
        let (file, content) = (self.one(files)?, self.content());
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let beside = |name: String| file.with_file_name(name);
        match self.dice.below(5) {
            // Vim, with a backup.
            0 => {
                let probe = beside("4913".to_owned());
                write(&probe, b"")?;
                fs::remove_file(&probe)?;
                let backup = beside(format!("{name}~"));
                fs::rename(&file, &backup)?;
                write(&file, &content)?;
                fs::remove_file(backup)
            }
            // JetBrains.
            1 => {
                let (new, old) = (
                    beside(format!("{name}___jb_tmp___")),
                    beside(format!("{name}___jb_old___")),
                );
                write(&new, &content)?;
                fs::rename(&file, &old)?;
                fs::rename(&new, &file)?;
                fs::remove_file(old)
            }
            // Emacs, with its lock.
            2 => {
                let lock = beside(format!(".#{name}"));
                symlink("me@here.1234:5678", &lock)?;
                let written = write(&file, &content);
                fs::remove_file(lock)?;
                written
            }
            // Removed and written anew.
            3 => {
                fs::remove_file(&file)?;
                write(&file, &content)
            }
            // A temporary that nobody has ever heard of.
            _ => {
                let new = beside(format!(".tmp{}", self.dice.below(1000)));
                write(&new, &content)?;
                fs::rename(new, file)
            }
        }
    }

    fn create(&mut self, folders: &[PathBuf]) -> io::Result<()> {
        let (path, content) = (self.fresh(folders), self.content());
        write(&path, &content)?;
        if self.dice.once_in(4) {
            let mode = FILE_MODES[self.dice.below(FILE_MODES.len())];
            fs::set_permissions(path, Permissions::from_mode(mode))?;
        }
        Ok(())
    }

    fn rename(&mut self, folders: &[PathBuf], files: &[PathBuf]) -> io::Result<()> {
        let from = match self.dice.once_in(2) {
            true => self.one(&folders[1..])?,
            false => self.one(files)?,
        };
        fs::rename(from, self.fresh(folders))
    }

    fn remove_one_of(&mut self, folders: &[PathBuf], files: &[PathBuf]) -> io::Result<()> {
        let path = match self.dice.once_in(2) {
            true => self.one(folders)?,
            false => self.one(files)?,
        };
        remove(&path)
    }

    /// Something of another kind comes in its place.
    fn flip(&mut self, folders: &[PathBuf], files: &[PathBuf]) -> io::Result<()> {
        let path = match self.dice.once_in(3) {
            true => self.one(&folders[1..])?,
            false => self.one(files)?,
        };
        remove(&path)?;
        match self.dice.below(3) {
            0 => write(&path, &self.content()),
            1 => symlink(self.dice.of(TARGETS), path),
            _ => {
                fs::create_dir(&path)?;
                for _ in 0..self.dice.below(3) {
                    let file = path.join(self.name());
                    write(&file, &self.content())?;
                }
                Ok(())
            }
        }
    }

    fn link(&mut self, folders: &[PathBuf]) -> io::Result<()> {
        let path = self.fresh(folders);
        let target = self.dice.of(TARGETS);
        if path.is_symlink() {
            // As `ln -sfn` does it.
            let new = path.with_file_name(".new-link");
            symlink(target, &new)?;
            return fs::rename(new, path);
        }
        symlink(target, path)
    }

    fn mode(&mut self, folders: &[PathBuf], files: &[PathBuf]) -> io::Result<()> {
        let (path, modes) = match self.dice.once_in(3) {
            true => (self.one(&folders[1..])?, FOLDER_MODES),
            false => (self.one(files)?, FILE_MODES),
        };
        let found = fs::symlink_metadata(&path)?;
        if found.is_symlink() || is_secret(&path, &found) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mode = modes[self.dice.below(modes.len())];
        fs::set_permissions(path, Permissions::from_mode(mode))
    }

    /// What is over before anybody has looked.
    fn there_and_back(&mut self, files: &[PathBuf]) -> io::Result<()> {
        let file = self.one(files)?;
        let aside = file.with_file_name("aside");
        for _ in 0..=self.dice.below(4) {
            match self.dice.below(3) {
                0 => {
                    fs::rename(&file, &aside)?;
                    fs::rename(&aside, &file)?;
                }
                1 if is_file(&file) => {
                    let before = fs::read(&file)?;
                    write(&file, b"something else")?;
                    write(&file, &before)?;
                }
                _ if is_file(&file) => {
                    let before = fs::read(&file)?;
                    fs::remove_file(&file)?;
                    write(&file, &before)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn swap(&mut self, folders: &[PathBuf], files: &[PathBuf]) -> io::Result<()> {
        let of = if self.dice.once_in(2) { folders } else { files };
        let (one, other) = (self.one(of)?, self.one(of)?);
        if one.starts_with(&other) || other.starts_with(&one) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let aside = self.root.join("aside");
        fs::rename(&one, &aside)?;
        fs::rename(&other, &one)?;
        fs::rename(aside, other)
    }

    fn copy_folder(&mut self, folders: &[PathBuf]) -> io::Result<()> {
        let (from, to) = (self.name_in(folders), self.fresh(folders));
        fs::create_dir(&to)?;
        for entry in fs::read_dir(from)?.flatten() {
            if is_file(&entry.path()) {
                fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
        }
        Ok(())
    }

    fn large(&mut self, folders: &[PathBuf]) -> io::Result<()> {
        let mut content = vec![0; LARGE];
        for place in content.chunks_mut(64) {
            place[0] = self.dice.next() as u8;
        }
        let folder = self.name_in(folders);
        write(&folder.join("large"), &content)
    }

    fn sparse(&mut self, folders: &[PathBuf]) -> io::Result<()> {
        let mut file = File::create(self.name_in(folders).join("sparse"))?;
        for _ in 0..3 {
            file.seek(SeekFrom::Start(self.dice.below(12 << 20) as u64))?;
            file.write_all(b"an island")?;
        }
        Ok(())
    }

    fn pipe(&mut self, folders: &[PathBuf]) -> io::Result<()> {
        let path = self.fresh(folders);
        if is_file(&path) {
            fs::remove_file(&path)?;
        }
        let mode = rustix::fs::Mode::from_raw_mode(0o644);
        let made = rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0);
        Ok(made?)
    }

    /// As a switch of branches does it.
    fn checkout(&mut self, folders: &[PathBuf]) -> io::Result<()> {
        for _ in 0..20 {
            let (path, content) = (self.fresh(folders), self.content());
            if is_file(&path) {
                fs::remove_file(&path)?;
                if self.dice.once_in(3) {
                    continue;
                }
            }
            if !path.exists() {
                write(&path, &content)?;
            }
        }
        Ok(())
    }
}

fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

/// Whoever changes a file by a name that nobody watches is not heard.
fn is_secret(path: &Path, found: &fs::Metadata) -> bool {
    let secret = ["out.log", "node_modules", "tmp", ".git", ".main.go.swp"];
    found.nlink() > 1 && path.iter().any(|name| secret.iter().any(|secret| name == *secret))
}

/// Never through a link, nor into a pipe.
fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() || is_secret(path, &found) => return Err(io::ErrorKind::InvalidInput.into()),
        _ => {}
    }
    fs::write(path, content)
}

fn appending(path: &Path) -> io::Result<File> {
    match fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && !is_secret(path, &found)) {
        true => OpenOptions::new().append(true).open(path),
        false => Err(io::ErrorKind::InvalidInput.into()),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path)?.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}
