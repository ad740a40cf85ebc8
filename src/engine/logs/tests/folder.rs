//! The folder of a session, and disks that do not take what is written.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use super::*;

fn sessions(folder: &Path) -> usize {
    fs::read_dir(folder)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().path().is_dir())
        .count()
}

#[tokio::test]
async fn the_folder_of_a_session_goes_with_it_and_those_of_dead_ones_go_too() {
    let folder = tempfile::tempdir().unwrap();
    // What a process leaves that was killed: files, and a lock that nobody holds.
    let dead = folder.path().join("dead");
    fs::create_dir(&dead).unwrap();
    fs::write(dead.join("lock"), "").unwrap();
    fs::write(dead.join("1.log"), "text").unwrap();
    let one = Logs::open(Config::below(folder.path())).unwrap();
    assert!(!dead.exists());
    one.span("a", "").info("kept");
    one.flush().await;
    let two = Logs::open(Config::below(folder.path())).unwrap();
    assert_eq!(sessions(folder.path()), 2);
    let kept = one.read(Checkpoint::default(), 100).unwrap();
    assert_eq!(&*kept.segments[0].text, "kept\n");
    let late = one.span("b", "");
    one.close().await;
    assert_eq!(sessions(folder.path()), 1);
    assert_eq!(late.write(Level::Info, b"x").await, Err(LogError::Closed));
    two.close().await;
    assert_eq!(sessions(folder.path()), 0);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let error = Logs::open(Config::below("/proc/no/such")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the folder for logs cannot be used: mkdir "),
        "{error}"
    );
}

#[derive(Debug, Default)]
struct FullDisk(AtomicBool);

impl Disk for FullDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        RealDisk.create(path)
    }

    fn write(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.0.load(Ordering::SeqCst) {
            // A full disk takes the beginning.
            RealDisk.write(file, &bytes[..bytes.len() / 2], offset)?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        RealDisk.write(file, bytes, offset)
    }
}

/// Writes until the store says that the disk takes something again.
async fn until_told(it: &Bench, writer: &SpanWriter) -> String {
    let mut at = it.logs.end();
    loop {
        writer.write(Level::Info, b"again\n").await.unwrap();
        it.logs.flush().await;
        let page = it.logs.read(at, 10_000).unwrap();
        let told = page.segments.iter().find(|it| it.text.contains("could not be written"));
        if let Some(told) = told {
            return told.text.trim_end().to_owned();
        }
        at = page.to;
    }
}

#[tokio::test]
async fn a_full_disk_loses_nothing_that_fits_into_memory_and_is_told_afterwards() {
    let disk = Arc::new(FullDisk::default());
    let it = bench_with(|config| config.disk = disk.clone());
    let a = it.logs.span("a", "");
    a.info("before");
    it.logs.flush().await;
    disk.0.store(true, Ordering::SeqCst);
    a.info("meanwhile: hunter2");
    assert_eq!(it.text().await, "before\nmeanwhile: hunter2\n");
    it.logs.add_secrets(vec![secret("s", "hunter2")]);
    assert_eq!(it.text().await, "before\nmeanwhile: [redacted secret s:key]\n");
    disk.0.store(false, Ordering::SeqCst);
    let told = until_told(&it, &a).await;
    assert!(told.ends_with("nothing is lost") && told.contains("storage"), "{told}");
    let text = it.text().await;
    assert!(
        text.starts_with("before\nmeanwhile: [redacted secret s:key]\nagain\n"),
        "{text}"
    );
    let warning = it
        .all()
        .await
        .into_iter()
        .find(|it| it.text.contains("could not be written"))
        .unwrap();
    assert_eq!((warning.level, &*warning.span.id), (Level::Warn, ""));
}

#[tokio::test]
async fn a_full_disk_does_not_fill_memory() {
    let disk = Arc::new(FullDisk::default());
    let it = bench_with(|config| {
        config.disk = disk.clone();
        config.most_in_memory = 200_000;
    });
    disk.0.store(true, Ordering::SeqCst);
    let a = it.logs.span("a", "");
    for _ in 0..50 {
        a.write(Level::Info, "0123456789012345678901234567890\n".repeat(1000).as_bytes())
            .await
            .unwrap();
    }
    it.logs.flush().await;
    let kept = it.all().await;
    assert!(kept.len() < 10_000, "{}", kept.len());
    disk.0.store(false, Ordering::SeqCst);
    let told = until_told(&it, &a).await;
    assert!(told.ends_with("lines of that time are lost"), "{told}");
}

#[tokio::test]
async fn a_folder_that_vanishes_is_made_again() {
    let it = bench_with(|config| config.most = 80_000);
    let a = it.logs.span("a", "");
    a.info("first");
    it.logs.flush().await;
    for session in fs::read_dir(it.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if session.is_dir() {
            fs::remove_dir_all(session).unwrap();
        }
    }
    for _ in 0..2000 {
        a.info("a line that makes the ring turn");
    }
    assert!(it.text().await.ends_with("a line that makes the ring turn\n"));
}
