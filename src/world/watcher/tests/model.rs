//! Whatever is done to files, the end is told: every path whose final state differs from what was last heard was heard of.

use super::*;

/// The state of every path below a folder.
fn snapshot(bench: &Bench) -> BTreeMap<String, Option<String>> {
    let mut found = BTreeMap::new();
    let mut ahead = vec![bench.path("w")];
    while let Some(folder) = ahead.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = relative(bench.folder.path(), &path);
            if path.is_dir() {
                found.insert(name, None);
                ahead.push(path);
            } else {
                found.insert(name, Some(fs::read_to_string(path).unwrap()));
            }
        }
    }
    found
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn path(&mut self) -> String {
        let depth = 1 + self.below(3);
        let names: Vec<String> = (0..depth).map(|_| self.below(3).to_string()).collect();
        format!("w/{}", names.join("/"))
    }
}

/// Some fail, as a file where a folder would have to be; that is as good.
fn operate(bench: &Bench, dice: &mut Dice) {
    let (one, other) = (bench.path(&dice.path()), bench.path(&dice.path()));
    let text = dice.below(3).to_string();
    let _any_outcome = match dice.below(7) {
        0 | 1 => fs::write(one, text),
        2 => fs::create_dir_all(&one).and_then(|()| fs::write(one.join("0"), text)),
        3 => fs::remove_file(one),
        4 => fs::remove_dir_all(one),
        _ => fs::rename(one, other),
    };
}

#[test]
fn after_random_operations_everything_that_differs_was_reported() {
    for seed in 0..12 {
        let mut dice = Dice(seed);
        let mut bench = Bench::watching(&[]);
        for round in 0..8 {
            let before = snapshot(&bench);
            for _ in 0..40 {
                operate(&bench, &mut dice);
            }
            let heard = bench.heard();
            let after = snapshot(&bench);
            let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
            let mark = |path: &str| path.starts_with("w/mark");
            let missed: Vec<_> = all
                .into_iter()
                .filter(|path| before.get(*path) != after.get(*path) && !heard.contains(path) && !mark(path))
                .collect();
            assert!(missed.is_empty(), "seed {seed}, round {round}: {missed:?}");
        }
    }
}
