//! How often clients are told something, on a clock that the tests hold.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, advance};

use super::super::socket::{Ending, Gone, PACE, Peer, follow};
use super::*;
use crate::model::object::kinds::CONFIG_MAP;

/// Notes when it was told what. Whatever it waits for before it takes a message is the test's.
struct Client {
    told: UnboundedSender<(Instant, String)>,
    takes: watch::Receiver<bool>,
    heard: UnboundedReceiver<()>,
}

impl Peer for Client {
    async fn tell(&mut self, message: String) -> Result<(), Gone> {
        self.told.send((Instant::now(), message)).map_err(|_| Gone)?;
        self.takes.wait_for(|takes| *takes).await.map(drop).map_err(|_| Gone)
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        self.told.send((Instant::now(), "ping".to_owned())).map_err(|_| Gone)
    }

    async fn heard(&mut self) -> Result<(), Gone> {
        self.heard.recv().await.ok_or(Gone)
    }
}

/// A client that is being followed, from the outside.
struct Watched {
    told: UnboundedReceiver<(Instant, String)>,
    takes: watch::Sender<bool>,
    says: UnboundedSender<()>,
    site: Arc<Site>,
    ended: JoinSet<Ending>,
}

fn watched(engine: &Engine, logs: &Lines) -> Watched {
    let site = Arc::new(Site {
        handle: engine.handle.clone(),
        logs: Arc::new(logs.clone()),
        access: Access::new("localhost", &[], None),
        csrf: String::new(),
        analytics_choice: None,
        deltas: Default::default(),
        stop: CancellationToken::new(),
        tasks: TaskTracker::new(),
    });
    let (telling, told) = unbounded_channel();
    let (takes, taking) = watch::channel(true);
    let (says, heard) = unbounded_channel();
    let mut client = Client {
        told: telling,
        takes: taking,
        heard,
    };
    let mut ended = JoinSet::new();
    let followed = Arc::clone(&site);
    ended.spawn(async move { follow(&followed, &mut client, 1000).await });
    Watched {
        told,
        takes,
        says,
        site,
        ended,
    }
}

impl Watched {
    async fn next(&mut self) -> (Instant, Value) {
        let (at, text) = self.told.recv().await.unwrap();
        (at, serde_json::from_str(&text).unwrap())
    }

    fn so_far(&mut self) -> Vec<(Instant, String)> {
        std::iter::from_fn(|| self.told.try_recv().ok()).collect()
    }
}

fn status(view: &Value) -> &str {
    view["uiResources"][0]["status"]["updateStatus"].as_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_changes_is_told_at_most_every_50_ms_and_to_its_end() {
    let engine = engine(state());
    engine.create(resource("a", "ok")).await;
    let mut client = watched(&engine, &Lines::default());
    client.next().await;
    let began = Instant::now();
    for turn in 0..=1000 {
        engine.put(resource("a", &turn.to_string())).await;
        advance(Duration::from_millis(1)).await;
    }
    let mut told = client.so_far();
    assert!((18..=20).contains(&told.len()), "{} messages in a second", told.len());
    let last = told.last().unwrap().1.clone();
    if status(&serde_json::from_str(&last).unwrap()) != "1000" {
        let (at, text) = client.told.recv().await.unwrap();
        assert_eq!(status(&serde_json::from_str(&text).unwrap()), "1000");
        told.push((at, text));
    }
    let times: Vec<Instant> = std::iter::once(began).chain(told.iter().map(|told| told.0)).collect();
    for pair in times.windows(2) {
        assert!(pair[1] - pair[0] >= PACE, "{:?}", pair[1] - pair[0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_after_a_pause_is_told_at_once() {
    let engine = engine(state());
    engine.create(resource("a", "ok")).await;
    let mut client = watched(&engine, &Lines::default());
    client.next().await;
    advance(2 * PACE).await;
    let changed = Instant::now();
    engine.put(resource("a", "error")).await;
    let (at, view) = client.next().await;
    assert_eq!(status(&view), "error");
    // The clock's own grain.
    assert!(at - changed <= Duration::from_millis(1), "{:?}", at - changed);
}

#[tokio::test(start_paused = true)]
async fn what_a_slow_client_missed_is_one_message() {
    let engine = engine(state());
    engine.create(resource("a", "ok")).await;
    let logs = Lines::default();
    let mut client = watched(&engine, &logs);
    client.next().await;
    client.takes.send_replace(false);
    engine.put(resource("a", "first")).await;
    assert_eq!(status(&client.next().await.1), "first");
    for turn in 0..500 {
        engine.put(resource("a", &turn.to_string())).await;
        logs.push("line\n");
        advance(Duration::from_millis(10)).await;
    }
    assert_eq!(client.so_far().len(), 0);
    client.takes.send_replace(true);
    let (_, view) = client.next().await;
    assert_eq!(status(&view), "499");
    assert_eq!(view["logList"]["segments"].as_array().unwrap().len(), 500);
}

#[tokio::test(start_paused = true)]
async fn what_no_page_shows_wakes_no_page() {
    let engine = engine(state());
    let mut client = watched(&engine, &Lines::default());
    client.next().await;
    let hidden = Stored::new(&CONFIG_MAP, "hidden");
    engine.write(&hidden, Verb::Create(hidden.clone())).await;
    advance(4 * PACE).await;
    engine.create(resource("a", "ok")).await;
    let (_, view) = client.next().await;
    assert!(view["uiResources"].is_array(), "{view}");
}

#[tokio::test(start_paused = true)]
async fn who_is_silent_is_asked_and_then_left() {
    let engine = engine(state());
    let mut client = watched(&engine, &Lines::default());
    client.next().await;
    let began = Instant::now();
    assert_eq!(client.told.recv().await.unwrap().1, "ping");
    assert!(Instant::now() - began >= Duration::from_secs(15));
    client.says.send(()).unwrap();
    let ended = client.ended.join_next().await.unwrap().unwrap();
    assert_eq!(ended, Ending::ClientGone);
    assert!(Instant::now() - began >= Duration::from_secs(60));
}

#[tokio::test(start_paused = true)]
async fn following_ends_when_the_server_stops_even_for_one_that_takes_nothing() {
    let engine = engine(state());
    let mut free = watched(&engine, &Lines::default());
    free.next().await;
    free.site.stop.cancel();
    assert_eq!(free.ended.join_next().await.unwrap().unwrap(), Ending::Stopped);
    let mut stuck = watched(&engine, &Lines::default());
    stuck.takes.send_replace(false);
    stuck.next().await;
    stuck.site.stop.cancel();
    assert_eq!(stuck.ended.join_next().await.unwrap().unwrap(), Ending::ClientGone);
}
