//! How long a save takes here. The limits are far above what is measured: they catch what is wrong, not what is slow.

use crate::support::*;
use std::time::{Duration, Instant};

fn timed(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

#[test]
fn a_save_is_one_short_round_trip_and_ten_thousand_files_are_no_wait() {
    let root = folder();
    let mut agent = Agent::start();
    let mut times: Vec<Duration> = (0..200)
        .map(|batch| {
            let content = format!("content {batch}").repeat(100);
            let bytes = frames(&whole(
                batch,
                root.path(),
                &file(batch, 0, "src/main.go", 0o644, content.as_bytes()),
                tilt_agent::wire::FromHost::Keep { batch },
            ));
            timed(|| {
                agent.write(&bytes);
                agent.committed(batch).unwrap();
            })
        })
        .collect();
    times.sort();
    eprintln!("one file: p50 {:?}, p99 {:?}", times[100], times[197]);
    assert!(times[100] < Duration::from_millis(20), "{:?}", times[100]);
    for (round, name) in [(0_u8, "new"), (1, "changed")] {
        let batch = 1000 + u32::from(round);
        let mut entries = Vec::new();
        for number in 0..10_000_u32 {
            let content = [number.to_be_bytes().as_slice(), &[round; 4092]].concat();
            let path = format!("tree/{}/{}/f{number}", number % 10, number % 100);
            entries.extend(file(batch, number, &path, 0o644, &content));
        }
        let bytes = frames(&whole(
            batch,
            root.path(),
            &entries,
            tilt_agent::wire::FromHost::Keep { batch },
        ));
        let applied = timed(|| {
            agent.write(&bytes);
            agent.committed(batch).unwrap();
        });
        let kept = timed(|| agent.settle());
        eprintln!("10,000 {name} files of 4 KiB: {applied:?}, and {kept:?} to keep");
        assert!(applied < Duration::from_secs(30));
    }
    let content = vec![3; 64 << 20];
    let bytes = frames(&whole(
        2000,
        root.path(),
        &file(2000, 0, "large", 0o644, &content),
        tilt_agent::wire::FromHost::Keep { batch: 2000 },
    ));
    let applied = timed(|| {
        agent.write(&bytes);
        agent.committed(2000).unwrap();
    });
    eprintln!("64 MiB: {applied:?}");
    assert_eq!(std::fs::metadata(root.path().join("large")).unwrap().len(), 64 << 20);
}
