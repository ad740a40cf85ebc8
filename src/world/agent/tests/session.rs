//! The real agent, over pipes: what is asked of it happens.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::install::Container;
use super::*;

async fn start() -> (Container, Agent, mpsc::UnboundedReceiver<News>) {
    let container = Container::with(&["sh", "uname", "chmod", "mv", "rm", "head", "sleep"]);
    let (agent, news) = container.start().await.unwrap();
    (container, agent, news)
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn path(path: &str) -> Vec<u8> {
    path.as_bytes().to_vec()
}

#[tokio::test]
async fn files_directories_links_and_deletions_arrive_as_they_are() {
    let (container, agent, _news) = start().await;
    let app = container.app();
    let changes = [
        Change::Dir {
            root: 0,
            path: path("dir"),
            mode: 0o750,
        },
        file("dir/a", "text"),
        Change::File {
            root: 0,
            path: path("run"),
            mode: 0o755,
            content: Content::Bytes(Bytes::new()),
        },
        Change::HardLink {
            root: 0,
            path: path("same"),
            to_root: 0,
            to: path("dir/a"),
        },
        Change::Symlink {
            root: 0,
            path: path("link"),
            target: path("dir/a"),
        },
        file("hostile -rf \u{1}\n*", "x"),
    ];
    agent.apply(&batch(&app, changes)).await.unwrap();
    assert_eq!(std::fs::read_to_string(app.join("link")).unwrap(), "text");
    assert_eq!((mode(&app.join("dir")), mode(&app.join("run"))), (0o750, 0o755));
    assert_eq!(std::fs::metadata(app.join("same")).unwrap().nlink(), 2);
    assert!(app.join("hostile -rf \u{1}\n*").exists());
    let delete = |name| Change::Delete {
        root: 0,
        path: path(name),
    };
    agent
        .apply(&batch(
            &app,
            [delete("dir"), delete("was never there"), file("run", "now a text")],
        ))
        .await
        .unwrap();
    assert!(!app.join("dir").exists());
    assert_eq!(std::fs::read_to_string(app.join("run")).unwrap(), "now a text");
}

#[tokio::test]
async fn what_is_staged_is_seen_when_it_is_committed_and_can_be_taken_back() {
    let (container, agent, _news) = start().await;
    let app = container.app();
    std::fs::write(app.join("a"), "before").unwrap();
    let read = || std::fs::read_to_string(app.join("a")).unwrap();
    let after = batch(&app, [file("a", "after"), file("b", "")]);
    let staged = agent.stage(&after).await.unwrap();
    assert_eq!(read(), "before");
    agent.commit(&staged).await.unwrap();
    assert_eq!((read(), app.join("b").exists()), ("after".to_owned(), true));
    agent.undo(&staged).await.unwrap();
    assert_eq!((read(), app.join("b").exists()), ("before".to_owned(), false));
    drop(agent.stage(&after).await.unwrap());
    agent.ping().await.unwrap();
    assert_eq!(read(), "before");
    let staged = agent.stage(&after).await.unwrap();
    agent.commit(&staged).await.unwrap();
    agent.keep(staged);
    agent.ping().await.unwrap();
    assert_eq!(read(), "after");
    let left: Vec<_> = std::fs::read_dir(&app)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 3, "the agent, `a` and `b`: {left:?}");
}

#[tokio::test]
async fn many_and_large_files_are_offered_and_arrive() {
    let (container, agent, _news) = start().await;
    let app = container.app();
    let folder = tempfile::tempdir().unwrap();
    let large: Vec<u8> = (0..300_000u32)
        .flat_map(u32::to_le_bytes)
        .chain(vec![0; 1 << 20])
        .collect();
    std::fs::write(folder.path().join("large"), &large).unwrap();
    std::fs::write(folder.path().join("zeros"), vec![0; 3 << 20]).unwrap();
    let local = |name: &str| Change::File {
        root: 0,
        path: path(name),
        mode: 0o644,
        content: Content::Local(folder.path().join(name)),
    };
    let small = (0..1500).map(|nth| file(&format!("{}/{nth}", nth % 7), &format!("text {nth}")));
    let whole = batch(&app, small.chain([local("large"), local("zeros")]));
    for _ in 0..2 {
        agent.apply(&whole).await.unwrap();
        assert_eq!(std::fs::read(app.join("large")).unwrap(), large);
        assert_eq!(std::fs::metadata(app.join("zeros")).unwrap().len(), 3 << 20);
        assert_eq!(std::fs::read_to_string(app.join("3/1102")).unwrap(), "text 1102");
        // The second time this alone differs.
        std::fs::write(app.join("3/1102"), "other").unwrap();
    }
}

#[tokio::test]
async fn a_local_file_that_is_gone_or_no_file_any_more_is_said_to_change() {
    let (container, agent, _news) = start().await;
    let app = container.app();
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("dir")).unwrap();
    for name in ["nothing", "dir"] {
        let local = folder.path().join(name);
        let change = Change::File {
            root: 0,
            path: path("a"),
            mode: 0o644,
            content: Content::Local(local.clone()),
        };
        let error = agent.apply(&batch(&app, [file("b", ""), change])).await.unwrap_err();
        assert_eq!(
            error,
            ApplyError::Changed {
                path: local.display().to_string()
            }
        );
    }
    agent.ping().await.unwrap();
    assert!(!app.join("a").exists() && !app.join("b").exists());
}

#[tokio::test]
async fn a_command_tells_what_it_says_and_how_it_ends() {
    let (_container, agent, _news) = start().await;
    let run = async |words: &[&str]| {
        let mut said = (String::new(), String::new());
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let mut hear = |stream: Stream, bytes: &[u8]| {
            let to = if stream == Stream::Stdout {
                &mut said.0
            } else {
                &mut said.1
            };
            to.push_str(&String::from_utf8_lossy(bytes));
        };
        let exit = agent.run(&words, &mut hear, &CancellationToken::new()).await.unwrap();
        (exit, said.0, said.1)
    };
    let (exit, out, complaints) = run(&["sh", "-c", "echo out; echo oh >&2; exit 42"]).await;
    assert_eq!(
        (exit, out.as_str(), complaints.as_str()),
        (Exit::Code(42), "out\n", "oh\n")
    );
    let (exit, ..) = run(&["sh", "-c", "kill -9 $$"]).await;
    assert_eq!((exit.code(), exit.is_its_own()), (137, false));
    let (exit, _, complaints) = run(&["no such program"]).await;
    assert_eq!(exit, Exit::Code(127));
    assert!(complaints.contains("no such program"), "{complaints}");
}

#[tokio::test]
async fn a_command_that_is_cancelled_ends() {
    let (container, agent, _news) = start().await;
    let cancel = CancellationToken::new();
    let begun = cancel.clone();
    let mut hear = move |_: Stream, _: &[u8]| begun.cancel();
    let lasting = container.app().join("lasting").display().to_string();
    let command = ["sh", "-c", &format!("echo begun; sleep 1000; echo > {lasting}")].map(str::to_owned);
    let ended = agent.run(&command, &mut hear, &cancel).await;
    assert_eq!(ended, Err(ApplyError::Cancelled));
    agent.ping().await.unwrap();
}

#[tokio::test]
async fn files_come_back_and_changes_are_told() {
    let (container, agent, mut news) = start().await;
    let app = container.app();
    std::fs::create_dir(app.join("db")).unwrap();
    std::fs::write(app.join("db/1.sql"), "create").unwrap();
    std::fs::write(app.join("other"), "").unwrap();
    let root = app.display().to_string();
    let patterns = ["db/**".to_owned()];
    let listed = agent.list(&root, &patterns).await.unwrap();
    let paths: Vec<_> = listed
        .iter()
        .map(|entry| String::from_utf8_lossy(&entry.path).into_owned())
        .collect();
    assert_eq!(paths, ["db/1.sql"]);
    let mut content = Vec::new();
    let mut take = |bytes: &[u8]| {
        content.extend_from_slice(bytes);
        Ok(())
    };
    let fetched = agent.read(&root, b"db/1.sql", 100, &mut take).await.unwrap();
    assert_eq!(
        (fetched.size, fetched.hash, content.as_slice()),
        (6, listed[0].hash, &b"create"[..])
    );
    let error = agent.read(&root, b"db/1.sql", 5, &mut |_| Ok(())).await.unwrap_err();
    assert!(error.to_string().contains("more than 5 bytes"), "{error}");
    assert!(agent.read(&root, b"no", 5, &mut |_| Ok(())).await.is_err());
    agent.follow(&root, &patterns).await.unwrap();
    agent.follow(&root, &patterns).await.unwrap();
    std::fs::write(app.join("db/2.sql"), "alter").unwrap();
    assert_eq!(news.recv().await, Some(News::Changed { root }));
    assert!(agent.ping().await.unwrap() < Duration::from_secs(1));
}

#[tokio::test]
async fn an_agent_that_is_killed_is_gone_and_the_next_one_works() {
    let (container, agent, mut news) = start().await;
    let command = ["sh", "-c", "kill -9 $PPID"].map(str::to_owned);
    let ended = agent.run(&command, &mut |_, _| {}, &CancellationToken::new()).await;
    assert!(matches!(ended, Err(ApplyError::Gone { .. })), "{ended:?}");
    assert_eq!(
        news.recv().await,
        Some(News::Gone {
            reason: "it was killed".to_owned()
        })
    );
    let (agent, _news) = container.start().await.unwrap();
    agent
        .apply(&batch(&container.app(), [file("a", "text")]))
        .await
        .unwrap();
    assert_eq!(std::fs::read_to_string(container.app().join("a")).unwrap(), "text");
}
