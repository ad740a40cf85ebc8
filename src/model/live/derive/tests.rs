//! Dockerfiles as people write them, and what can be synced of them.

use super::*;

/// A context where what has a dot in its last element is a file, and `no…` is absent.
fn kind(local: &str) -> Kind {
    let name = local.rsplit('/').next().unwrap_or(local);
    match name {
        "." => Kind::Folder,
        name if name.starts_with("no") => Kind::Absent,
        name if name.contains('.') || name == "Makefile" => Kind::File,
        _ => Kind::Folder,
    }
}

fn shown(derived: &Derived) -> String {
    let rules = |sync: &Sync| match (sync.owner, sync.mode) {
        (Ownership::LikeExisting, ModeRule::Host) => String::new(),
        (owner, mode) => format!(" {owner:?} {mode:?}"),
    };
    let syncs = derived
        .syncs
        .iter()
        .map(|sync| format!("{} -> {}{}\n", sync.local, sync.container, rules(sync)));
    let stops = derived.stops.iter().map(|stop| format!("stop {stop}\n"));
    let left = derived
        .left_out
        .iter()
        .map(|left| format!("line {}: {}\n", left.line, left.reason));
    syncs.chain(stops).chain(left).collect()
}

fn check(text: &str, expected: &str) {
    assert_eq!(shown(&derive(text, &[], "", &kind)), expected, "{text}");
}

#[test]
fn copies_become_syncs() {
    check(
        "FROM x\nCOPY src /app/src\nCOPY a.txt /etc/a.txt\n",
        "src -> /app/src\na.txt -> /etc/a.txt\n",
    );
    check("FROM scratch\nCOPY src .\n", "src -> /\n");
    check("FROM x\nWORKDIR /srv\nWORKDIR app\nCOPY . .\n", ". -> /srv/app\n");
    check(
        "FROM x\nCOPY a.py b.py lib /app/\n",
        "a.py -> /app/a.py\nb.py -> /app/b.py\nlib -> /app\n",
    );
    check("FROM x\nCOPY a.py /app/\n", "a.py -> /app/a.py\n");
    check("FROM x\nWORKDIR /app\nCOPY a.py /app\n", "a.py -> /app/a.py\n");
    check(
        "FROM x\nCOPY [\"with blank.txt\", \"/a/\"]\n",
        "with blank.txt -> /a/with blank.txt\n",
    );
    check("FROM x\nADD /src/../lib /l\n", "lib -> /l\n");
}

#[test]
fn variables_are_filled_in() {
    check(
        "ARG D=/d\nFROM x\nARG D\nENV E=$D/e\nWORKDIR ${E}\nCOPY src ${F:-f}\n",
        "src -> /d/e/f\n",
    );
    check(
        "FROM x\nCOPY src $HOME/src\nCOPY lib /lib\n",
        "lib -> /lib\nline 2: `$HOME` has no value that the Dockerfile says\n",
    );
    let derived = derive(
        "FROM x\nARG D=/d\nCOPY src $D\n",
        &[("D".to_owned(), "/z".to_owned())],
        "",
        &kind,
    );
    assert_eq!(shown(&derived), "src -> /z\n");
}

#[test]
fn owners_and_modes_are_kept_where_they_are_numbers() {
    check(
        "FROM x\nCOPY --chown=10:20 --chmod=755 a /a\nCOPY --chown=node b /b\nCOPY --link --chown=7 c /c\n",
        "a -> /a Ids { uid: 10, gid: 20 } Fixed(493)\nb -> /b\nc -> /c Ids { uid: 7, gid: 7 } Host\n",
    );
}

#[test]
fn a_file_with_an_owner_of_its_own_comes_before_its_folder() {
    check(
        "FROM x\nCOPY . /app\nCOPY --chown=7:8 run.sh /app/run.sh\n",
        "run.sh -> /app/run.sh Ids { uid: 7, gid: 8 } Host\n. -> /app\n",
    );
}

#[test]
fn what_a_command_may_need_is_not_synced_and_stops_a_live_update() {
    check(
        "FROM node\nWORKDIR /app\nCOPY package.json yarn.lock ./\nRUN yarn\nCOPY . .\n",
        ". -> /app\nstop package.json\nstop yarn.lock\nline 3: the command in line 4 may need `package.json`\n",
    );
    check(
        "FROM golang\nCOPY . /src\nRUN go build\n",
        "line 2: the command in line 3 may need `.`\n",
    );
}

#[test]
fn what_cannot_be_followed_is_said() {
    check(
        "FROM x\nCOPY *.py /app/\nADD https://x.org/a /a\nADD a.tar.gz /a\nCOPY <<EOF /etc/x\nhi\nEOF\nCOPY nothing /n\nCOPY --parents a/b /c\nCOPY src rel\nCOPY --from=nginx /etc/n /etc/n\n",
        "line 2: `*.py` is a pattern\n\
         line 3: `https://x.org/a` comes from the network\n\
         line 4: `a.tar.gz` is an archive, which `ADD` unpacks\n\
         line 5: its content is in the Dockerfile\n\
         line 8: `nothing` is not in the context\n\
         line 9: `--parents` cannot be followed\n\
         line 10: `rel` is relative to the working directory of the base image, which the Dockerfile does not say\n\
         line 11: it copies from the image `nginx`\n",
    );
}

#[test]
fn copies_from_stages_are_traced_to_the_context() {
    check(
        "FROM x AS src\nWORKDIR /w\nCOPY . .\nFROM scratch\nCOPY --from=src /w/static /static\nCOPY --from=0 /w/main.py /\n",
        "static -> /static\nmain.py -> /main.py\n",
    );
    check(
        "FROM x AS a\nCOPY one /in/one\nCOPY two.txt /in/two.txt\nFROM x AS b\nCOPY --from=a /in /mid\nFROM x\nCOPY --from=b /mid /out\n",
        "one -> /out/one\ntwo.txt -> /out/two.txt\n",
    );
    check(
        "FROM node AS build\nCOPY . /w\nRUN make\nFROM nginx\nCOPY --from=build /w/dist /html\nCOPY --from=build /opt /opt\nCOPY conf /conf\n",
        "conf -> /conf\nline 5: the command in line 3 may make `/w/dist` of it\nline 6: `/opt` is made by the stage `build`, not copied from the context\n",
    );
}

#[test]
fn a_stage_has_what_the_stage_has_that_it_starts_from() {
    check(
        "FROM x AS base\nWORKDIR /app\nCOPY src src\nFROM base\nCOPY lib lib\n",
        "src -> /app/src\nlib -> /app/lib\n",
    );
    check(
        "FROM x AS base\nCOPY src /src\nFROM base\nRUN make\nCOPY lib /lib\n",
        "lib -> /lib\nline 2: the command in line 4 may need `src`\n",
    );
}

#[test]
fn a_target_is_one_of_the_stages() {
    let text = "FROM x AS dev\nCOPY src /dev\nFROM x\nCOPY src /prod\n";
    assert_eq!(shown(&derive(text, &[], "DEV", &kind)), "src -> /dev\n");
    assert_eq!(shown(&derive(text, &[], "", &kind)), "src -> /prod\n");
    assert_eq!(shown(&derive(text, &[], "other", &kind)), "");
}

#[test]
fn files_that_go_to_two_places_are_built_anew() {
    check(
        "FROM x\nCOPY . /app\nCOPY conf /etc/conf\nCOPY lib /app/lib\n",
        ". -> /app\nstop conf\nline 3: `conf` also goes to `/app/conf`\n",
    );
}
