//! Pure. The frame around the log of an update that builds and deploys: its steps as they begin, and how long each took.
//!
//! Plain text, in the form that people and scripts know; whoever shows it to people adds colours.

use std::time::Duration;

use crate::model::time::Time;

/// What stands before lines inside of a step.
const INDENT: &str = "     ";

/// The steps of one update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    count: usize,
    began: Time,
    open: Option<(String, Time)>,
    done: Vec<(String, Duration)>,
}

impl Frame {
    pub fn new(count: usize, now: Time) -> Frame {
        Frame {
            count,
            began: now,
            open: None,
            done: Vec::new(),
        }
    }

    /// The next step: the line that opens it, after a blank one if another step is over.
    pub fn step(&mut self, title: impl Into<String>, now: Time) -> String {
        self.close(now);
        let (title, number) = (title.into(), self.done.len() + 1);
        let gap = if self.done.is_empty() { "" } else { "\n" };
        let line = format!("{gap}STEP {number}/{} — {title}", self.count);
        self.open = Some((title, now));
        line
    }

    /// All is done: how long everything took. Ends with a blank line, as the whole log of an update does.
    pub fn end(&mut self, now: Time) -> String {
        self.close(now);
        let mut out = String::from("\n");
        for (at, (title, took)) in self.done.iter().enumerate() {
            out.push_str(&format!("{INDENT}Step {} - {} ({title})\n", at + 1, seconds(*took)));
        }
        let whole = seconds(now.since(self.began));
        out.push_str(&format!("{INDENT}DONE IN: {whole} \n"));
        out
    }

    fn close(&mut self, now: Time) {
        if let Some((title, since)) = self.open.take() {
            self.done.push((title, now.since(since)));
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.2}s", duration.as_secs_f64())
}

/// The title of a step that builds from a Dockerfile.
pub fn building_dockerfile(image: &str) -> String {
    format!("Building Dockerfile: [{image}]")
}

/// The title of a step that builds with a command.
pub fn building_custom(image: &str) -> String {
    format!("Building Custom Build: [{image}]")
}

pub fn pushing(reference: &str) -> String {
    format!("Pushing {reference}")
}

pub const DEPLOYING: &str = "Deploying";

/// A line inside of a step: `     Skipping push`.
pub fn line(text: &str) -> String {
    format!("{INDENT}{text}")
}

/// The Dockerfile as the log shows it before it is built. `platform` may be empty.
pub fn dockerfile(text: &str, platform: &str) -> String {
    let mut out = match platform {
        "" => "Building Dockerfile:\n".to_owned(),
        platform => format!("Building Dockerfile for platform {platform}:\n"),
    };
    for line in text.trim_end().lines() {
        out.push_str(format!("  {line}").trim_end());
        out.push('\n');
    }
    out + "\n\n" + &line("Building image")
}

/// The line that ends an update that failed, after its `ERROR: `.
pub fn failed(cause: &dyn std::fmt::Display) -> String {
    format!("Build Failed: {cause}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Time {
        Time::from_micros(millis * 1000)
    }

    /// What upstream printed, `$DIR` and times aside.
    #[test]
    fn an_update_reads_as_it_always_did() {
        let mut frame = Frame::new(3, at(0));
        let text = "FROM bb\nWORKDIR /srv\n\nCOPY web /srv\n";
        let log = [
            frame.step(building_dockerfile("demo-web"), at(0)),
            dockerfile(text, "linux/amd64"),
            frame.step(pushing("demo-web:tilt-fa872e98237473bd"), at(104)),
            line("Skipping push: building on cluster's container runtime"),
            frame.step(DEPLOYING, at(104)),
            line("Applying YAML to cluster"),
            frame.end(at(1_534)),
        ];
        let expected = "\
STEP 1/3 — Building Dockerfile: [demo-web]
Building Dockerfile for platform linux/amd64:
  FROM bb
  WORKDIR /srv

  COPY web /srv


     Building image

STEP 2/3 — Pushing demo-web:tilt-fa872e98237473bd
     Skipping push: building on cluster's container runtime

STEP 3/3 — Deploying
     Applying YAML to cluster

     Step 1 - 0.10s (Building Dockerfile: [demo-web])
     Step 2 - 0.00s (Pushing demo-web:tilt-fa872e98237473bd)
     Step 3 - 1.43s (Deploying)
     DONE IN: 1.53s \n";
        assert_eq!(log.join("\n"), expected);
    }
}
