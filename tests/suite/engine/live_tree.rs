//! Whatever somebody does to files, and whatever befalls a container and the way to it: once all is quiet, the container has what
//! is here, to the byte and the mode.
//!
//! `TILT_FUZZ_CASES=500 cargo test --test suite live_tree` does so many bursts, other ones each time, and tells the seed.

mod cutter;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tilt::liveupdate::apply::{Fate, Target, Tell, Wanted, apply};
use tilt::liveupdate::plan::{Verdict, plan};
use tilt::model::filter::{Filter, Ignore};
use tilt::model::live::{LiveUpdate, Sync};
use tilt::world::agent::{Agent, Place, Stream};
use tilt::world::docker::Engine;
use tilt::world::watcher::{Settle, WatchEvent, WatchSpec, Watcher};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::support::{Name, docker, engine};
use crate::support::stderr;
use crate::support::tree::dice::Dice;
use crate::support::tree::editor::{Editor, MARK};
use crate::support::tree::{self, bursts, compare};
use cutter::Cutter;

const SYNCED: &str = "/app";
/// A burst that is not in the container by then never will be.
const PATIENCE: Duration = Duration::from_secs(90);
const ATTEMPTS: usize = 50;

/// What is told goes nowhere but into the report of a failure.
#[derive(Default)]
struct Told(std::sync::Mutex<Vec<String>>);

impl Tell for Told {
    fn info(&self, _text: &str) {}

    fn warn(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }

    fn error(&self, text: &str) {
        self.warn(text);
    }

    fn output(&self, _container: &str, _stream: Stream, _bytes: &[u8]) {}
}

/// A folder here, a container there, and what keeps them equal.
struct Pair {
    root: PathBuf,
    ignores: Vec<Ignore>,
    image: Name,
    container: String,
    engine: Engine,
    agent: Option<Agent>,
    rules: LiveUpdate,
    events: mpsc::UnboundedReceiver<WatchEvent>,
    _watcher: Watcher,
    pending: BTreeSet<PathBuf>,
    /// What a new container lacks.
    since_image: BTreeSet<PathBuf>,
    told: Told,
    count: Count,
    marks: usize,
    _folder: tempfile::TempDir,
}

#[derive(Debug, Default)]
struct Count {
    batches: usize,
    paths: usize,
    agents: usize,
    broken: usize,
}

impl Pair {
    async fn new(topic: &str, engine: Engine, prepare: impl FnOnce(&Path)) -> Pair {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap().join("project");
        std::fs::create_dir(&root).unwrap();
        prepare(&root);
        let ignores = tree::ignores(&root);
        let (sender, mut events) = mpsc::unbounded_channel();
        let watcher = Watcher::start(Settle::default(), sender).unwrap();
        let spec = WatchSpec {
            paths: vec![root.clone()],
            ignores: ignores.clone(),
        };
        watcher.keep("project", spec).unwrap();
        assert!(matches!(events.recv().await, Some(WatchEvent::Started { .. })));
        let image = Name::new(topic);
        make_image(&image, &root, &Filter::new(&ignores).unwrap());
        Pair {
            container: run(&image),
            image,
            engine,
            agent: None,
            rules: LiveUpdate {
                base: root.clone(),
                syncs: vec![Sync {
                    local: ".".to_owned(),
                    container: SYNCED.to_owned(),
                    ..Sync::default()
                }],
                ..LiveUpdate::default()
            },
            ignores,
            events,
            _watcher: watcher,
            pending: BTreeSet::new(),
            since_image: BTreeSet::new(),
            told: Told::default(),
            count: Count::default(),
            marks: 0,
            root,
            _folder: folder,
        }
    }

    fn heard(&mut self, event: WatchEvent) {
        if let WatchEvent::Changed { changes, .. } = event {
            for path in changes.into_iter().flat_map(|(_, paths)| paths) {
                self.since_image.insert(path.clone());
                self.pending.insert(path);
            }
        }
    }

    /// An agent that works, however often it takes.
    async fn agent(&mut self) -> Agent {
        if let Some(agent) = &self.agent {
            return agent.clone();
        }
        let mut failures = Vec::new();
        for _ in 0..ATTEMPTS {
            let place = Place::Docker {
                engine: self.engine.clone(),
                container: self.container.clone(),
            };
            let (news, _) = mpsc::unbounded_channel();
            match Agent::start(place, &[SYNCED.to_owned()], news).await {
                Ok(agent) => {
                    // Whoever was here before may have left something.
                    if let Err(error) = agent.clean(&[SYNCED.to_owned()]).await {
                        failures.push(error.to_string());
                        continue;
                    }
                    self.count.agents += 1;
                    self.agent = Some(agent.clone());
                    return agent;
                }
                Err(error) => failures.push(error.to_string()),
            }
        }
        panic!("no agent comes in: {failures:#?}");
    }

    /// Brings in what changed, until everything up to a mark is there: its arrival shows that all before it was heard.
    async fn settle(&mut self) {
        self.marks += 1;
        // The one before has been heard of.
        let before = self.root.join(format!("{MARK}{}", self.marks - 1));
        std::fs::remove_file(before).ok();
        let file = self.root.join(format!("{MARK}{}", self.marks));
        std::fs::write(&file, "").unwrap();
        let mut is_marked = false;
        while !is_marked || !self.pending.is_empty() {
            if self.pending.is_empty() {
                let event = self.events.recv().await.expect("the watcher works");
                self.heard(event);
            }
            while let Ok(event) = self.events.try_recv() {
                self.heard(event);
            }
            is_marked |= self.since_image.contains(&file);
            self.send().await;
            // An answer shows that what was replaced is gone; whoever gives none has left it there.
            let is_there = match &self.agent {
                Some(agent) => agent.ping().await.is_ok(),
                None => false,
            };
            if !is_there {
                self.agent = None;
                self.agent().await;
            }
        }
    }

    async fn send(&mut self) {
        let agent = self.agent().await;
        let sending = std::mem::take(&mut self.pending);
        let Verdict::Go(plan) = plan(&self.rules, &sending) else {
            return;
        };
        self.count.batches += 1;
        self.count.paths += plan.copies.len();
        let target = Target {
            agent,
            name: "container".to_owned(),
            ledgers: Vec::new(),
            wanted: Wanted::These(plan),
        };
        match &apply(&[target], &self.told, &CancellationToken::new()).await[..] {
            [Fate::Synced] => {}
            [Fate::Gone] => {
                self.count.broken += 1;
                self.agent = None;
                self.pending.extend(sending);
            }
            other => panic!("{other:?}; {:#?}", self.told.0.lock().unwrap()),
        }
    }

    fn recreate(&mut self) {
        remove(&self.container);
        self.container = run(&self.image);
        self.agent = None;
        self.pending.extend(self.since_image.iter().cloned());
    }

    #[track_caller]
    fn assert_equal(&self, when: &str) {
        let filter = Filter::new(&self.ignores).unwrap();
        let here = compare::local(&self.root, &filter);
        let mut there = compare::of_container(&self.container, SYNCED).unwrap();
        // A folder that is left out is there for a file in it that is not.
        there.retain(|path, _| !filter.matches(&self.root.join(path)));
        let differences = compare::differences(&here, &there);
        assert!(
            differences.is_empty(),
            "{when}: {} of {} differ; {:?}\n{}\n{:#?}",
            differences.len(),
            here.len(),
            self.count,
            differences.join("\n"),
            self.told.0.lock().unwrap(),
        );
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        remove(&self.container);
    }
}

/// One static program, and what the folder holds now.
fn make_image(name: &Name, root: &Path, filter: &Filter) {
    let folder = tempfile::tempdir().unwrap();
    let list: Vec<Vec<u8>> = compare::local(root, filter)
        .into_keys()
        .map(|path| std::os::unix::ffi::OsStringExt::into_vec(path.into_os_string()))
        .collect();
    std::fs::write(folder.path().join("list"), list.join(&0)).unwrap();
    let script = format!(
        "set -e -o pipefail; mkdir -p image/bin image/app image/tmp; cp $(command -v busybox) image/bin/sleep; \
         tar c -C \"$ROOT\" --no-recursion --null --verbatim-files-from -T list | tar x -p -C image/app; \
         tar c -C image . | docker import - {}",
        name.as_str()
    );
    let made = Command::new("bash")
        .args(["-c", &script])
        .env("ROOT", root)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", stderr(&made));
}

fn run(image: &Name) -> String {
    docker(&["run", "-d", "--network=none", image.as_str(), "/bin/sleep", "100000"])
}

fn remove(container: &str) {
    // Whoever is gone already is gone.
    let _gone = Command::new("docker").args(["rm", "-f", container]).output();
}

/// Kills the agents of a container as somebody does who wants memory.
fn kill_agents(container: &str) {
    for line in docker(&["top", container, "-eo", "pid,args"]).lines() {
        let mut words = line.split_whitespace();
        let pid = words.next().and_then(|pid| pid.parse().ok());
        let is_agent = words.next_back() == Some("serve");
        if let Some(pid) = pid.and_then(rustix::process::Pid::from_raw).filter(|_| is_agent) {
            // It may have ended since.
            let _gone = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Bursts of operations while their predecessors are on their way, with what `disturb` does in between.
async fn live_through(
    pair: &mut Pair,
    (bursts, seed): (usize, u64),
    mut disturb: impl FnMut(&mut Pair, &mut Dice),
) -> usize {
    let began = Instant::now();
    println!("seed {seed}, {bursts} bursts");
    let mut dice = Dice::new(!seed);
    let mut editor = Editor::new(&pair.root, seed);
    for burst in 0..bursts {
        let most = if dice.once_in(4) { 120 } else { 12 };
        let operations = 1 + dice.below(most);
        let working = tokio::task::spawn_blocking(move || {
            editor.burst(operations);
            editor
        });
        let when = format!("seed {seed}, burst {burst}");
        disturb(pair, &mut dice);
        let settled = async {
            // Meanwhile the files change under our hands.
            pair.settle().await;
            let editor = working.await.unwrap();
            pair.settle().await;
            editor
        };
        editor = match tokio::time::timeout(PATIENCE, settled).await {
            Ok(editor) => editor,
            Err(_) => panic!("{when}: it does not come to rest; {:?}", pair.count),
        };
        pair.assert_equal(&when);
    }
    println!(
        "{} operations, {:?}, took {:?}",
        editor.done,
        pair.count,
        began.elapsed()
    );
    editor.done
}

fn some_files(root: &Path) {
    Editor::new(root, 7).burst(150);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_has_what_is_here_whatever_happens_to_either() {
    let Some(engine) = engine("a_container_has_what_is_here_whatever_happens_to_either").await else {
        return;
    };
    let mut pair = Pair::new("tree", engine, some_files).await;
    pair.assert_equal("at first");
    let mut befell = BTreeMap::<&str, usize>::new();
    let done = live_through(&mut pair, bursts(70, 1), |pair, dice| {
        let what = match dice.below(12) {
            0 => {
                docker(&["restart", "-t", "0", &pair.container]);
                "restarts"
            }
            1 => {
                pair.recreate();
                "new containers"
            }
            2..4 => {
                kill_agents(&pair.container);
                "killed agents"
            }
            _ => return,
        };
        *befell.entry(what).or_default() += 1;
    })
    .await;
    println!("{befell:?}");
    assert!(done > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_cut_at_any_byte_costs_nothing_but_time() {
    if engine("a_stream_that_is_cut_at_any_byte_costs_nothing_but_time")
        .await
        .is_none()
    {
        return;
    }
    let cutter = Cutter::start().await;
    let mut pair = Pair::new("tree-cut", cutter.engine.clone(), some_files).await;
    let shared = &cutter;
    live_through(&mut pair, bursts(50, 2), move |_, dice| {
        let bytes = match dice.below(3) {
            0 => dice.below(2_000),
            1 => dice.below(50_000),
            _ => dice.below(1_500_000),
        };
        shared.cut_after(bytes);
    })
    .await;
    println!("{} cuts", cutter.cuts());
    assert!(cutter.cuts() > 10, "{}", cutter.cuts());
}
