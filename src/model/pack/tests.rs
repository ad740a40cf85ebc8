//! Options of `pack()`, good ones and bad ones.

use super::*;

#[test]
fn a_variable_has_a_name_that_a_file_can_have() {
    for good in ["A=b", "A", "A=", "BP_X=a=b c/d", "my.var=1"] {
        assert_eq!(check_env(good), Ok(()), "{good}");
    }
    for bad in ["", "=x"] {
        assert_eq!(check_env(bad), Err(OptionError::Env(bad.to_owned())));
    }
    for (bad, name) in [("a b=c", "a b"), ("a/b=c", "a/b"), ("..=x", ".."), ("a\n=x", "a\n")] {
        assert_eq!(check_env(bad), Err(OptionError::EnvName(name.to_owned())), "{bad}");
    }
}

#[test]
fn pull_policies_have_names_or_intervals() {
    let table = [
        ("", Ok(PullPolicy::IfNotPresent)),
        ("if-not-present", Ok(PullPolicy::IfNotPresent)),
        ("always", Ok(PullPolicy::Always)),
        ("never", Ok(PullPolicy::Never)),
        ("hourly", Ok(PullPolicy::Every(3600))),
        ("daily", Ok(PullPolicy::Every(86400))),
        ("weekly", Ok(PullPolicy::Every(604_800))),
        ("interval=2d", Ok(PullPolicy::Every(172_800))),
        ("interval=1d1h", Ok(PullPolicy::Every(90_000))),
        ("interval=30m", Ok(PullPolicy::Every(1800))),
        ("interval=", Err(())),
        ("interval=0s", Err(())),
        ("interval=-1h", Err(())),
        ("interval=99999999999999999999d", Err(())),
        ("sometimes", Err(())),
    ];
    for (text, expected) in table {
        let policy = PullPolicy::parse(text);
        assert_eq!(policy.clone().map_err(|_| ()), expected, "{text}");
    }
    let message = PullPolicy::parse("sometimes").unwrap_err().to_string();
    assert!(
        message.starts_with(r#"unknown pull policy "sometimes": use `always`,"#),
        "{message}"
    );
}

#[test]
fn a_volume_is_read_only_unless_it_says_otherwise() {
    let read = |text| Volume::parse(text).map(|v| (v.source, v.target, v.access, v.options));
    let owned = |a: &str| a.to_owned();
    assert_eq!(
        read("./m2:/m2"),
        Ok((owned("./m2"), owned("/m2"), Access::ReadOnly, vec![]))
    );
    assert_eq!(
        read("v:/m2:rw,z"),
        Ok((owned("v"), owned("/m2"), Access::ReadWrite, vec![owned("z")]))
    );
    for bad in ["", "/a", ":/a", "a:", "a:b:c:d"] {
        assert_eq!(read(bad), Err(OptionError::Volume(owned(bad))), "{bad}");
    }
    assert_eq!(
        read("a:b").unwrap_err().to_string(),
        r#"volume "a:b" is mounted at "b", which is no absolute path"#
    );
    let message = r#"unknown option "x" of volume "a:/b:x": use `ro` (the default) or `rw`"#;
    assert_eq!(read("a:/b:x").unwrap_err().to_string(), message);
}

#[test]
fn a_volume_over_a_directory_of_the_build_is_noticed() {
    let hides = |text| Volume::parse(text).unwrap().hides();
    assert_eq!(hides("a:/cnb/buildpacks"), Some("/cnb"));
    assert_eq!(hides("a:/workspace"), Some("/workspace"));
    assert_eq!(hides("a:/workspaces"), None);
}

#[test]
fn a_cache_has_a_kind_and_a_place() {
    let read = |kind, text| Cache::parse(kind, &Cache::parts(text));
    let cache = |kind, place| Ok(Cache { kind, place });
    assert_eq!(
        read("build", "name=x"),
        cache(CacheKind::Build, CachePlace::Volume("x".to_owned()))
    );
    assert_eq!(
        read("launch", "format=bind; source=./c"),
        cache(CacheKind::Launch, CachePlace::Bind("./c".to_owned()))
    );
    assert_eq!(
        read("build", "format=image;name=r/c"),
        cache(CacheKind::Build, CachePlace::Image("r/c".to_owned()))
    );
    let message = |kind, text| read(kind, text).unwrap_err().to_string();
    assert_eq!(message("build", ""), "cache build of format `volume` needs `name`");
    assert_eq!(
        message("build", "format=bind;name=x"),
        "cache build of format `bind` needs `source`"
    );
    assert_eq!(
        message("run", "name=x"),
        r#"unknown cache "run": there is one for `build` and one for `launch`"#
    );
    assert_eq!(
        message("build", "size=1"),
        r#"unknown part "size" of cache build: use `format`, `name` and `source`"#
    );
    assert_eq!(
        message("build", "format=zip"),
        r#"unknown format "zip" of cache build: use `volume`, `bind` or `image`"#
    );
}

#[test]
fn times_targets_platforms_and_ids_are_checked() {
    assert_eq!(CreationTime::parse(""), Ok(CreationTime::Fixed));
    assert_eq!(CreationTime::parse("now"), Ok(CreationTime::Now));
    assert_eq!(CreationTime::parse("1700000000"), Ok(CreationTime::At(1_700_000_000)));
    assert!(CreationTime::parse("-1").is_err());
    assert!(CreationTime::parse("yesterday").is_err());
    assert_eq!(PackTarget::parse("cluster"), Ok(PackTarget::Cluster));
    assert!(PackTarget::parse("moon").is_err());
    assert_eq!(check_platform("linux/amd64"), Ok(()));
    assert_eq!(check_platform("linux/arm/v7"), Ok(()));
    assert!(
        ["linux", "linux/", "a/b/c/d", "linux/a b"]
            .iter()
            .all(|text| check_platform(text).is_err())
    );
    assert_eq!(check_exec_env("my-env.1"), Ok(()));
    assert!(check_exec_env("my env").is_err() && check_exec_env("").is_err());
    assert_eq!((id(0), id(1000)), (Ok(0), Ok(1000)));
    assert!(id(-1).is_err() && id(1 << 32).is_err());
}
