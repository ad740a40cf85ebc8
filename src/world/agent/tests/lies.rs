//! The host believes nothing: agents that lie, fall silent, say too much, or die.

use std::time::Duration;

use tilt_agent::wire::{Beneath, Problem as Refusal, Trouble};
use tokio_util::sync::CancellationToken;

use super::*;

fn one_file() -> Batch {
    batch(std::path::Path::new("/app"), [file("a", "text")])
}

/// More than is sent unasked.
fn many_files() -> Batch {
    let files = (0..100).map(|nth| file(&format!("file {nth}"), &nth.to_string()));
    batch(std::path::Path::new("/app"), files)
}

async fn hear_all(mut far: Far) {
    while far.hear().await.is_some() {}
}

/// Up to a word that is answered.
async fn hear_until(far: &mut Far, is_meant: impl Fn(&FromHost) -> bool) -> Option<FromHost> {
    loop {
        let word = far.hear().await?;
        if is_meant(&word) {
            return Some(word);
        }
    }
}

#[tokio::test]
async fn garbage_ends_the_session_for_everybody_who_waits() {
    let (agent, mut news) = with(async |mut far: Far| {
        far.greet().await;
        hear_until(&mut far, |word| matches!(word, FromHost::Prepare { .. })).await;
        far.say_bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        hear_all(far).await;
    })
    .await;
    let files = one_file();
    let (applied, pinged) = tokio::join!(agent.apply(&files), agent.ping());
    for error in [applied.unwrap_err(), pinged.unwrap_err()] {
        assert!(
            matches!(&error, ApplyError::Gone { reason } if reason.contains("longer than")),
            "{error}"
        );
        assert!(error.is_over());
    }
    assert!(matches!(news.recv().await, Some(News::Gone { .. })));
    assert!(matches!(agent.ping().await, Err(ApplyError::Gone { .. })));
}

#[tokio::test]
async fn a_program_of_another_version_or_of_another_kind_is_no_agent() {
    for first in [hello(VERSION + 1), FromAgent::Pong { n: 1 }] {
        let commands = Commands::fake(move |mut far| {
            let first = first.clone();
            async move {
                far.say(&first).await;
                hear_all(far).await;
            }
        });
        let (news, _) = mpsc::unbounded_channel();
        let Err(StartError::NoWay { tried }) = Agent::start(Place::Process(commands), &[], news).await else {
            panic!("that is no agent");
        };
        let told = tried.join("\n");
        assert!(
            told.contains("it speaks version 2") || told.contains("is no greeting"),
            "{told}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_falls_silent_is_asked_and_then_given_up() {
    let (agent, mut news) = with(async |mut far: Far| {
        far.greet().await;
        let asked = hear_until(&mut far, |word| matches!(word, FromHost::Ping { .. })).await;
        assert!(asked.is_some());
        hear_all(far).await;
    })
    .await;
    let began = tokio::time::Instant::now();
    let mut ignored = |_: Stream, _: &[u8]| {};
    let ran = agent
        .run(&["true".to_owned()], &mut ignored, &CancellationToken::new())
        .await;
    assert!(matches!(ran, Err(ApplyError::Gone { .. })), "{ran:?}");
    let took = began.elapsed();
    assert!(
        took >= Duration::from_secs(20) && took < Duration::from_secs(25),
        "{took:?}"
    );
    assert!(matches!(news.recv().await, Some(News::Gone { reason }) if reason.contains("said nothing")));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_lives_but_never_answers_is_given_up_too() {
    let (agent, _news) = with(async |mut far: Far| {
        far.greet().await;
        while let Some(word) = far.hear().await {
            if let FromHost::Ping { n } = word {
                far.say(&FromAgent::Pong { n }).await;
            }
        }
    })
    .await;
    let applied = agent.apply(&one_file()).await;
    assert!(
        matches!(applied, Err(ApplyError::Deadline { seconds: 60, .. })),
        "{applied:?}"
    );
    assert!(matches!(agent.ping().await, Err(ApplyError::Gone { .. })));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_does_not_greet_or_read_holds_nobody_up() {
    let commands = Commands::fake(hear_all);
    let (news, _) = mpsc::unbounded_channel();
    let started = Agent::start(Place::Process(commands), &[], news).await;
    assert!(matches!(started, Err(StartError::Late { seconds: 10, .. })));
    let (agent, _news) = with(async |mut far: Far| {
        far.greet().await;
        // Held, not read.
        std::future::pending::<()>().await;
        drop(far);
    })
    .await;
    let large = batch(
        std::path::Path::new("/app"),
        (0..10).map(|nth| file(&nth.to_string(), &"x".repeat(1 << 20))),
    );
    let applied = agent.apply(&large).await;
    assert!(matches!(applied, Err(ApplyError::Gone { .. })), "{applied:?}");
}

#[tokio::test]
async fn answers_that_nobody_waits_for_are_not_heard() {
    let (agent, _news) = with(async |mut far: Far| {
        far.greet().await;
        for batch in 0..1000 {
            far.say(&FromAgent::Committed { batch: batch + 77 }).await;
            far.say(&FromAgent::Restarted { id: batch + 77, pid: 1 }).await;
        }
        far.say(&FromAgent::Changed { id: 3 }).await;
        while let Some(word) = far.hear().await {
            if let FromHost::Ping { n } = word {
                far.say(&FromAgent::Pong { n }).await;
            }
        }
    })
    .await;
    agent.ping().await.unwrap();
}

#[tokio::test]
async fn an_agent_that_answers_something_else_is_believed_no_more() {
    let (agent, mut news) = with(async |mut far: Far| {
        far.greet().await;
        while let Some(word) = far.hear().await {
            if let FromHost::Offer { batch, .. } = word {
                far.say(&FromAgent::Wanted {
                    batch,
                    bitmap: vec![0xff],
                })
                .await;
            }
        }
    })
    .await;
    let applied = agent.apply(&many_files()).await;
    assert!(matches!(applied, Err(ApplyError::Protocol { .. })), "{applied:?}");
    assert!(matches!(news.recv().await, Some(News::Gone { .. })));
    let (agent, _news) = with(async |mut far: Far| {
        far.greet().await;
        while let Some(word) = far.hear().await {
            if let FromHost::Restart { id } = word {
                far.say(&FromAgent::Exited {
                    id,
                    ending: tilt_agent::wire::Ending::Code(0),
                })
                .await;
            }
        }
    })
    .await;
    assert!(matches!(agent.restart().await, Err(ApplyError::Protocol { .. })));
}

#[tokio::test]
async fn an_agent_that_tells_endless_news_is_not_listened_to() {
    let (agent, mut news) = with(async |mut far: Far| {
        far.greet().await;
        for pid in 0..100_000 {
            far.say(&FromAgent::AppStarted { pid }).await;
        }
        hear_all(far).await;
    })
    .await;
    let mut told = 0;
    let reason = loop {
        match news.recv().await.unwrap() {
            News::Gone { reason } => break reason,
            _ => told += 1,
        }
    };
    assert!(reason.contains("too much"), "{reason}");
    assert!(told < 100_000, "{told}");
    assert!(agent.ping().await.is_err());
}

#[tokio::test]
async fn an_agent_that_answers_more_than_it_was_asked_does_not_hold_us_up() {
    let (agent, _news) = with(async |mut far: Far| {
        far.greet().await;
        let begun = hear_until(&mut far, |word| matches!(word, FromHost::Root { .. })).await;
        let Some(FromHost::Root { batch, .. }) = begun else {
            return;
        };
        for _ in 0..1000 {
            far.say(&FromAgent::Wanted {
                batch,
                bitmap: vec![0xff; 13],
            })
            .await;
        }
        // Held, not read.
        std::future::pending::<()>().await;
    })
    .await;
    let large = batch(
        std::path::Path::new("/app"),
        (0..100).map(|nth| file(&nth.to_string(), &"x".repeat(1 << 20))),
    );
    let applied = agent.apply(&large).await;
    assert!(applied.unwrap_err().is_over());
}

#[tokio::test]
async fn a_cut_connection_is_told_at_once() {
    let (agent, mut news) = with(async |mut far: Far| {
        far.greet().await;
        hear_until(&mut far, |word| matches!(word, FromHost::File { .. })).await;
    })
    .await;
    let applied = agent.apply(&one_file()).await;
    assert!(matches!(applied, Err(ApplyError::Gone { .. })), "{applied:?}");
    assert!(matches!(news.recv().await, Some(News::Gone { .. })));
}

#[tokio::test]
async fn a_refusal_says_what_was_refused_and_a_file_that_changed_is_told_from_that() {
    let refusing = |kind: Trouble, errno: i32| {
        with(move |mut far: Far| async move {
            far.greet().await;
            while let Some(word) = far.hear().await {
                if let FromHost::Prepare { batch } = word {
                    let problem = Refusal {
                        root: 0,
                        path: Beneath::new(b"a").unwrap(),
                        kind,
                        errno,
                        text: "`/app/a`: no".to_owned(),
                    };
                    let problems = vec![problem];
                    far.say(&FromAgent::Refused { batch, problems }).await;
                }
            }
        })
    };
    for (errno, cause) in [
        (13, Cause::Denied),
        (28, Cause::Full),
        (30, Cause::ReadOnly),
        (5, Cause::Other),
    ] {
        let (agent, _news) = refusing(Trouble::System, errno).await;
        let error = agent.apply(&one_file()).await.unwrap_err();
        let ApplyError::Refused { problems } = &error else {
            panic!("{error}");
        };
        assert_eq!((problems[0].cause, error.to_string().as_str()), (cause, "`/app/a`: no"));
        assert!(!error.is_over());
    }
    let (agent, _news) = refusing(Trouble::NotAsAnnounced, 0).await;
    let error = agent.stage(&one_file()).await.unwrap_err();
    assert!(matches!(error, ApplyError::Changed { .. }), "{error}");
}

#[tokio::test]
async fn a_stage_that_is_dropped_is_undone() {
    let (told, mut heard) = mpsc::unbounded_channel();
    let (agent, _news) = with(move |mut far: Far| {
        let told = told.clone();
        async move {
            far.greet().await;
            while let Some(word) = far.hear().await {
                if let FromHost::Prepare { batch } = word {
                    far.say(&FromAgent::Prepared {
                        batch,
                        notes: Vec::new(),
                    })
                    .await;
                }
                if let FromHost::Commit { batch } = word {
                    far.say(&FromAgent::Committed { batch }).await;
                }
                drop(told.send(word));
            }
        }
    })
    .await;
    drop(agent.stage(&one_file()).await.unwrap());
    let kept = agent.stage(&one_file()).await.unwrap();
    agent.commit(&kept).await.unwrap();
    agent.keep(kept);
    drop(agent);
    let mut ends = Vec::new();
    while let Some(word) = heard.recv().await {
        if matches!(
            word,
            FromHost::Undo { .. } | FromHost::Commit { .. } | FromHost::Keep { .. }
        ) {
            ends.push(word);
        }
    }
    assert_eq!(
        ends,
        [
            FromHost::Undo { batch: 1 },
            FromHost::Commit { batch: 2 },
            FromHost::Keep { batch: 2 }
        ]
    );
}

#[tokio::test]
async fn a_path_that_leads_out_is_not_even_sent() {
    let (agent, _news) = with(async |mut far: Far| {
        far.greet().await;
        while let Some(word) = far.hear().await {
            if let FromHost::Ping { n } = word {
                far.say(&FromAgent::Pong { n }).await;
            }
            assert!(
                !matches!(word, FromHost::File { .. } | FromHost::Prepare { .. }),
                "{word:?}"
            );
        }
    })
    .await;
    for path in ["../a", "/a", "a/../b", "a//b", "a\0b", "."] {
        let error = agent
            .apply(&batch(std::path::Path::new("/app"), [file(path, "")]))
            .await
            .unwrap_err();
        assert!(
            matches!(&error, ApplyError::Refused { problems } if problems[0].cause == Cause::Outside),
            "{error}"
        );
    }
    let error = agent
        .apply(&batch(std::path::Path::new("app"), [file("a", "")]))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("should be absolute"), "{error}");
    let mut rootless = one_file();
    rootless.roots.clear();
    assert!(agent.apply(&rootless).await.is_err());
    agent.ping().await.unwrap();
}

/// Answers the first question of a kind with these words, again and again.
async fn answering(
    question: fn(&FromHost) -> Option<u32>,
    answer: impl Fn(u32) -> FromAgent + Clone + Send + Sync + 'static,
) -> (Agent, mpsc::UnboundedReceiver<News>) {
    with(move |mut far: Far| {
        let answer = answer.clone();
        async move {
            far.greet().await;
            while let Some(word) = far.hear().await {
                if let Some(id) = question(&word) {
                    for _ in 0..100_000 {
                        far.say(&answer(id)).await;
                    }
                }
            }
        }
    })
    .await
}

fn listing(word: &FromHost) -> Option<u32> {
    match word {
        FromHost::List { id, .. } => Some(*id),
        _ => None,
    }
}

fn reading(word: &FromHost) -> Option<u32> {
    match word {
        FromHost::Read { id, .. } => Some(*id),
        _ => None,
    }
}

fn entry(path: &str) -> tilt_agent::wire::ListedEntry {
    tilt_agent::wire::ListedEntry {
        path: Beneath::new(path.as_bytes()).unwrap(),
        kind: tilt_agent::wire::EntryKind::File,
        mode: 0o644,
        size: u64::MAX,
        changed_nanos: i64::MIN,
        sha256: [7; 32],
        target: Vec::new(),
    }
}

#[tokio::test]
async fn a_list_that_never_ends_is_no_list() {
    let endless = |id| FromAgent::Listed {
        id,
        entries: (0..100).map(|nth| entry(&format!("f{nth}"))).collect(),
        last: false,
    };
    let nothing = |id| FromAgent::Listed {
        id,
        entries: Vec::new(),
        last: false,
    };
    for (agent, _news) in [answering(listing, endless).await, answering(listing, nothing).await] {
        let listed = agent.list("/app", &["**".to_owned()]).await;
        assert!(
            matches!(listed, Err(ApplyError::Protocol { .. })),
            "{:?}",
            listed.map(|listed| listed.len())
        );
    }
}

#[tokio::test]
async fn a_file_of_another_size_or_content_than_was_said_is_no_file() {
    let none = |id| FromAgent::Piece { id, bytes: Vec::new() };
    let wrong = |id| FromAgent::ReadEnd {
        id,
        size: 0,
        mode: 0o7777,
        sha256: [7; 32],
    };
    let large = |id| FromAgent::ReadEnd {
        id,
        size: u64::MAX,
        mode: u32::MAX,
        sha256: [7; 32],
    };
    for (agent, _news) in [
        answering(reading, none).await,
        answering(reading, wrong).await,
        answering(reading, large).await,
    ] {
        let read = agent.read("/app", b"a", 1000, &mut |_| Ok(())).await;
        assert!(matches!(read, Err(ApplyError::Protocol { .. })), "{read:?}");
    }
    let more = |id| FromAgent::Piece {
        id,
        bytes: vec![0; 600],
    };
    let (agent, _news) = answering(reading, more).await;
    let mut taken = 0;
    let mut take = |bytes: &[u8]| {
        taken += bytes.len();
        Ok(())
    };
    let read = agent.read("/app", b"a", 1000, &mut take).await;
    assert!(matches!(read, Err(ApplyError::Refused { .. })), "{read:?}");
    assert!(taken <= 1000, "{taken}");
}

#[tokio::test]
async fn a_batch_is_prepared_once() {
    let prepare = |word: &FromHost| match word {
        FromHost::Prepare { batch } => Some(*batch),
        _ => None,
    };
    let again = |batch| FromAgent::Prepared {
        batch,
        notes: Vec::new(),
    };
    let (agent, _news) = answering(prepare, again).await;
    assert!(agent.apply(&one_file()).await.unwrap_err().is_over());
}

/// Chance that can be had again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % limit as u64) as usize
    }
}

/// An answer to whatever, about whatever.
fn any_word(dice: &mut Dice) -> FromAgent {
    let (batch, id) = (dice.below(6) as u32, dice.below(6) as u32);
    let bytes = vec![b'x'; dice.below(40)];
    let problem = Refusal {
        root: dice.below(3) as u16,
        path: Beneath::new(b"a").unwrap(),
        kind: [Trouble::System, Trouble::Missing, Trouble::LeadsOut][dice.below(3)],
        errno: dice.below(200) as i32 - 50,
        text: "no".to_owned(),
    };
    match dice.below(17) {
        0 => FromAgent::Wanted { batch, bitmap: bytes },
        1 => FromAgent::Wanted {
            batch,
            bitmap: vec![dice.below(256) as u8; 13],
        },
        2 => FromAgent::Prepared {
            batch,
            notes: vec![problem],
        },
        3 => FromAgent::Refused {
            batch,
            problems: vec![problem],
        },
        4 => FromAgent::Committed { batch },
        5 => FromAgent::Undone {
            batch,
            problems: Vec::new(),
        },
        6 => FromAgent::Output {
            id,
            stream: tilt_agent::wire::Stream::Stdout,
            bytes,
        },
        7 => FromAgent::Exited {
            id,
            ending: tilt_agent::wire::Ending::Signal(i32::MIN + 200),
        },
        8 => FromAgent::CannotRun {
            id,
            errno: -1,
            text: String::new(),
        },
        9 => FromAgent::Listed {
            id,
            entries: vec![entry("a")],
            last: dice.below(2) == 0,
        },
        10 => FromAgent::Piece { id, bytes },
        11 => FromAgent::ReadEnd {
            id,
            size: dice.below(50) as u64,
            mode: 0,
            sha256: [0; 32],
        },
        12 => FromAgent::Failed {
            id,
            errno: 2,
            text: "no".to_owned(),
        },
        13 => FromAgent::Pong {
            n: dice.below(8) as u64,
        },
        14 => FromAgent::Changed { id },
        15 => FromAgent::Restarted { id, pid: 0 },
        _ => FromAgent::Cleaned { id, removed: u32::MAX },
    }
}

/// Words in any order, some of them bent, now and then too few.
async fn chatter(mut far: Far, seed: u64) {
    far.greet().await;
    let mut dice = Dice(seed);
    let mut words = dice.below(60);
    while far.hear().await.is_some() && words > 0 {
        for _ in 0..dice.below(4) {
            words = words.saturating_sub(1);
            let mut bytes = Vec::new();
            any_word(&mut dice).encode(&mut bytes).unwrap();
            if dice.below(12) == 0 {
                let at = dice.below(bytes.len());
                bytes[at] ^= 1 << dice.below(8);
            }
            far.say_bytes(&bytes).await;
        }
    }
    if dice.below(3) > 0 {
        hear_all(far).await;
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "how long a fuzzing test takes is up to whoever runs it"
)]
#[tokio::test(start_paused = true)]
async fn whatever_an_agent_says_nobody_waits_for_ever() {
    let cases = std::env::var("TILT_FUZZ_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    for seed in 0..cases.unwrap_or(300) {
        let (agent, _news) = with(move |far: Far| chatter(far, seed)).await;
        let (small, large) = (one_file(), many_files());
        let patterns = ["**".to_owned()];
        let all = async {
            let mut ignored = |_: Stream, _: &[u8]| {};
            let command = ["true".to_owned()];
            let cancel = CancellationToken::new();
            let limit = Duration::from_secs(100);
            let mut sink = |_: &[u8]| Ok(());
            let run = tokio::time::timeout(limit, agent.run(&command, &mut ignored, &cancel));
            let staged = async {
                let staged = agent.stage(&small).await?;
                let committed = agent.commit(&staged).await;
                let undone = agent.undo(&staged).await;
                agent.keep(staged);
                committed.and(undone)
            };
            let root = ["/app".to_owned()];
            drop(tokio::join!(
                agent.apply(&small),
                agent.apply(&large),
                staged,
                agent.list("/app", &patterns),
                agent.read("/app", b"a", 100, &mut sink),
                agent.restart(),
                agent.follow("/app", &patterns),
                agent.clean(&root),
                agent.ping(),
                run,
            ));
        };
        let ended = tokio::time::timeout(Duration::from_secs(600), all).await;
        assert!(ended.is_ok(), "seed {seed}: somebody waits for ever");
    }
}
