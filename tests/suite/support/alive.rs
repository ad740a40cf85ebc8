//! Whether anybody of a family of processes is left: they share a pipe, which closes with the last of them.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(30);

/// Commands take part with `exec 3>NAME`; what they start inherits it.
pub struct Family {
    gone: Receiver<()>,
}

impl Family {
    /// Makes the pipe. Nobody is gone before somebody was there.
    pub fn at(path: &Path) -> Family {
        if !path.exists() {
            assert!(
                Command::new("mkfifo")
                    .arg(path)
                    .status()
                    .expect("mkfifo runs")
                    .success()
            );
        }
        let (sender, gone) = channel();
        let path = path.to_owned();
        thread::spawn(move || {
            let mut pipe = fs::File::open(path).expect("the pipe");
            pipe.read_to_end(&mut Vec::new()).expect("it can be read");
            // The test may have failed meanwhile.
            let _ = sender.send(());
        });
        Family { gone }
    }

    /// Waits until the last of them has ended.
    #[track_caller]
    pub fn awaits_the_last(self) {
        self.gone.recv_timeout(PATIENCE).expect("some of them still live");
    }
}
