//! The store through its front door: real files, a real thread.

mod folder;
mod kept;
mod printed;
mod queries;
mod secrets;
mod written;

use super::query::Query;
use super::*;

/// A store of its own, in a folder that goes with it.
struct Bench {
    folder: tempfile::TempDir,
    logs: Logs,
}

fn bench() -> Bench {
    bench_with(|_| {})
}

fn bench_with(change: impl FnOnce(&mut Config)) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::below(folder.path());
    change(&mut config);
    let logs = Logs::open(config).unwrap();
    Bench { folder, logs }
}

impl Bench {
    async fn all(&self) -> Vec<Segment> {
        self.logs.flush().await;
        let (mut at, mut segments) = (Checkpoint::default(), Vec::new());
        while at < self.logs.end() {
            let page = self.logs.read(at, 100).unwrap();
            at = page.to;
            segments.extend(page.segments);
        }
        segments
    }

    async fn text(&self) -> String {
        self.all().await.iter().map(|segment| &*segment.text).collect()
    }

    async fn found(&self, query: Query) -> Vec<String> {
        self.logs.flush().await;
        let found = self.logs.find(&query).unwrap();
        found.lines.into_iter().map(|line| line.text).collect()
    }
}

fn secret(name: &str, value: &str) -> Secret {
    Secret {
        name: name.to_owned(),
        key: "key".to_owned(),
        value: value.as_bytes().to_vec(),
    }
}
