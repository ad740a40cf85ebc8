//! Pure. The output of the builder without BuildKit, told as if it came from BuildKit.

use crate::build::progress::output::Lines;
use crate::model::solve::{Output, Progress, Step, Transfer};
use crate::model::time::Time;

/// Reads what the classic builder streams. The step at hand begins once it is known that it is not cached.
#[derive(Debug, Default)]
pub struct Classic {
    lines: Lines,
    step: Option<Step>,
}

impl Classic {
    pub fn new() -> Classic {
        Classic::default()
    }

    /// A piece of the stream.
    pub fn feed(&mut self, text: &str, now: Time) -> Progress {
        let mut out = Progress::default();
        for line in self.lines.push(text.as_bytes()) {
            self.read(&line, now, &mut out);
        }
        out
    }

    /// How far a layer is that is pulled.
    pub fn pull(&mut self, layer: &str, counted: (u64, u64), now: Time) -> Progress {
        let mut out = Progress::default();
        self.begin(now, &mut out);
        let Some(step) = &self.step else { return out };
        out.transfers.push(Transfer {
            id: layer.to_owned(),
            step: step.digest.clone(),
            current: counted.0,
            total: counted.1,
            started: Some(now),
            // The engine says so in words; a layer that is complete is done with.
            finished: (counted.1 > 0 && counted.0 >= counted.1).then_some(now),
            ..Transfer::default()
        });
        out
    }

    /// The stream is over: all went well, or the builder said what did not.
    pub fn finish(&mut self, failure: Option<&str>, now: Time) -> Progress {
        let mut out = Progress::default();
        if let Some(line) = self.lines.flush() {
            self.read(&line, now, &mut out);
        }
        if let Some(step) = &mut self.step {
            step.error = failure.unwrap_or_default().to_owned();
        }
        self.end(now, &mut out);
        out
    }

    fn read(&mut self, line: &str, now: Time, out: &mut Progress) {
        if let Some((count, name)) = opening(line) {
            self.end(now, out);
            let step = Step {
                digest: count.to_owned(),
                name: format!("[{count}] {name}"),
                ..Step::default()
            };
            out.steps.push(step.clone());
            self.step = Some(step);
            return;
        }
        // A colour is ended before it in the same line.
        match line.trim_start_matches("\u{1b}[0m") {
            " ---> Using cache" => {
                if let Some(step) = &mut self.step {
                    step.cached = true;
                }
            }
            line if line.starts_with(" ---> Running in ") => self.begin(now, out),
            line if line.starts_with(" ---> ") => self.end(now, out),
            line if is_housekeeping(line) => {}
            _ => {
                self.begin(now, out);
                self.print(line, now, out);
            }
        }
    }

    fn print(&self, line: &str, now: Time, out: &mut Progress) {
        let Some(step) = &self.step else { return };
        out.output.push(Output {
            step: step.digest.clone(),
            stderr: false,
            bytes: format!("{line}\n").into_bytes(),
            at: Some(now),
        });
    }

    fn begin(&mut self, now: Time, out: &mut Progress) {
        if let Some(step) = &mut self.step
            && step.started.is_none()
        {
            step.started = Some(now);
            out.steps.push(step.clone());
        }
    }

    fn end(&mut self, now: Time, out: &mut Progress) {
        self.begin(now, out);
        if let Some(mut step) = self.step.take() {
            step.finished = Some(now);
            out.steps.push(step);
        }
    }
}

/// `1/3` and `FROM x` of `Step 1/3 : FROM x`.
fn opening(line: &str) -> Option<(&str, &str)> {
    let (count, name) = line.strip_prefix("Step ")?.split_once(" : ")?;
    let (at, of) = count.split_once('/')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(at) && is_number(of)).then_some((count, name))
}

fn is_housekeeping(line: &str) -> bool {
    let known = [
        "Removing intermediate container ",
        "Successfully built ",
        "Successfully tagged ",
        "Sending build context",
    ];
    known.iter().any(|start| line.starts_with(start))
}
