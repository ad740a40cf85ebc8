//! Agents in containers of whatever kind: that they do what they are asked, and how long that takes.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tilt::world::agent::{Agent, Batch, Change, Content, News, Place, Root, StartError};
use tokio::sync::mpsc;

/// Where tests sync to.
pub const ROOT: &str = "/app";

/// An image of copies of one program under several names, gone when dropped.
pub struct Image(pub String);

impl Image {
    /// With everything that a small shell has.
    pub fn with_shell(name: &str) -> Image {
        let names = "sh cat head dd chmod mv rm mkdir uname sleep tar echo";
        let links = format!("for n in {names}; do ln -s busybox bin/$n; done");
        Image::make(name, &format!("cp $(command -v busybox) bin/busybox; {links}"))
    }

    /// With nothing but these programs.
    pub fn with(name: &str, programs: &str) -> Image {
        Image::make(
            name,
            &format!("for n in {programs}; do cp $(command -v busybox) bin/$n; done"),
        )
    }

    fn make(name: &str, content: &str) -> Image {
        let name = format!("reach-{name}-{}", std::process::id());
        let folder = tempfile::tempdir().unwrap();
        let script = format!(
            "set -e; mkdir bin app tmp etc; chmod 1777 app tmp; {content}; echo root:x:0:0:root:/:/bin/sh >etc/passwd; \
             tar c . | docker import - {name}"
        );
        let made = Command::new("bash")
            .args(["-c", &script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", super::stderr(&made));
        Image(name)
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let removed = Command::new("docker")
            .args(["rmi", "-f", &self.0])
            .stdout(Stdio::null())
            .status();
        drop(removed);
    }
}

pub async fn start(place: Place) -> Result<(Agent, mpsc::UnboundedReceiver<News>), StartError> {
    let (news, heard) = mpsc::unbounded_channel();
    Ok((Agent::start(place, &[ROOT.to_owned()], news).await?, heard))
}

pub fn batch(changes: impl IntoIterator<Item = Change>) -> Batch {
    Batch {
        roots: vec![Root {
            path: ROOT.to_owned(),
            ..Root::default()
        }],
        changes: changes.into_iter().collect(),
    }
}

pub fn file(path: &str, text: &str) -> Change {
    Change::File {
        root: 0,
        path: path.as_bytes().to_vec(),
        mode: 0o644,
        content: Content::Bytes(Bytes::copy_from_slice(text.as_bytes())),
    }
}

pub fn local(path: &str, file: &Path) -> Change {
    Change::File {
        root: 0,
        path: path.as_bytes().to_vec(),
        mode: 0o644,
        content: Content::Local(file.to_owned()),
    }
}

/// What the agent says is in a file.
pub async fn read(agent: &Agent, path: &str) -> String {
    let mut content = Vec::new();
    let mut take = |bytes: &[u8]| {
        content.extend_from_slice(bytes);
        Ok(())
    };
    agent.read(ROOT, path.as_bytes(), 1 << 20, &mut take).await.unwrap();
    String::from_utf8(content).unwrap()
}

/// Files come and go.
pub async fn works(agent: &Agent) {
    let gone = Change::Delete {
        root: 0,
        path: b"dir".to_vec(),
    };
    agent
        .apply(&batch([file("dir/a", "text"), file("b", "before")]))
        .await
        .unwrap();
    assert_eq!(read(agent, "dir/a").await, "text");
    let staged = agent.stage(&batch([gone, file("b", "after")])).await.unwrap();
    assert_eq!(read(agent, "b").await, "before");
    agent.commit(&staged).await.unwrap();
    agent.keep(staged);
    assert_eq!(read(agent, "b").await, "after");
    let left = agent.list(ROOT, &["**".to_owned()]).await.unwrap();
    assert!(left.iter().all(|entry| !entry.path.starts_with(b"dir/")), "{left:?}");
}

fn told(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!(
        "{name}: p50 {p50:?}, p99 {p99:?}, best {:?} of {}",
        times[0],
        times.len()
    );
}

/// How long a held stream takes for what is done all the time.
pub async fn measure(name: &str, agent: &Agent) {
    let mut times = Vec::new();
    for _ in 0..500 {
        times.push(agent.ping().await.unwrap());
    }
    told(&format!("{name}: ping"), times);
    let mut times = Vec::new();
    for nth in 0..500 {
        let small = batch([file("main.go", &format!("{nth} {}", "x".repeat(2000)))]);
        let began = Instant::now();
        agent.apply(&small).await.unwrap();
        times.push(began.elapsed());
    }
    told(&format!("{name}: one file of 2 kB applied"), times);
}

/// How long much takes: ten thousand files, the same again, one of 64 MiB.
pub async fn measure_bulk(name: &str, agent: &Agent) {
    let folder = tempfile::tempdir().unwrap();
    let path = |nth: usize| format!("many/{}/{nth}", nth % 100);
    for nth in 0..10_000 {
        let file = folder.path().join(path(nth));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, format!("{nth} {}", "y".repeat(4090))).unwrap();
    }
    let many = batch((0..10_000).map(|nth| local(&path(nth), &folder.path().join(path(nth)))));
    for again in ["10,000 files of 4 kB", "the same again, unchanged"] {
        let began = Instant::now();
        agent.apply(&many).await.unwrap();
        println!("{name}: {again}: {:?}", began.elapsed());
    }
    let large = folder.path().join("large");
    let content: Vec<u8> = (0..16u32 << 20)
        .flat_map(|word| word.wrapping_mul(0x9e37_79b1).to_le_bytes())
        .collect();
    std::fs::write(&large, content).unwrap();
    let began = Instant::now();
    agent.apply(&batch([local("large", &large)])).await.unwrap();
    println!("{name}: one file of 64 MiB: {:?}", began.elapsed());
}
