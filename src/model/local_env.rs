//! Pure. The environment of commands that run on this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Where this Tilt is reached, and what its output can show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injected {
    pub host: String,
    pub port: u16,
    /// The kubeconfig that this session was started with.
    pub kubeconfig: Option<PathBuf>,
    pub colour: Colour,
}

/// Whether the terminal that shows a command's output shows colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    On,
    #[default]
    Off,
}

/// What a command finds in its environment: Tilt's own environment, then what Tilt has to say where nobody has said it
/// yet, then what the command itself was given as `NAME=value`, which wins.
pub fn local_env(base: &BTreeMap<String, String>, injected: &Injected, own: &[String]) -> BTreeMap<String, String> {
    let mut env = base.clone();
    for (name, value) in additions(injected) {
        env.entry(name.to_owned()).or_insert(value);
    }
    // Nothing that we start speaks to another cluster than we do, unless it is told to.
    if let Some(file) = &injected.kubeconfig {
        env.insert("KUBECONFIG".to_owned(), file.to_string_lossy().into_owned());
    }
    // An entry without `=` names nothing that could be set.
    let own = own.iter().filter_map(|entry| entry.split_once('='));
    env.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    env
}

fn additions(injected: &Injected) -> impl Iterator<Item = (&'static str, String)> {
    let fixed = [
        ("TILT_HOST", injected.host.clone()),
        ("TILT_PORT", injected.port.to_string()),
        ("TILT_DISABLE_ANALYTICS", "1".to_owned()),
        // Nobody watches on a terminal, and some programs guess badly when there is none.
        ("LINES", "24".to_owned()),
        ("COLUMNS", "80".to_owned()),
        ("PYTHONUNBUFFERED", "1".to_owned()),
    ];
    let colour = match injected.colour {
        Colour::On => Some(("FORCE_COLOR", "1".to_owned())),
        Colour::Off => None,
    };
    fixed.into_iter().chain(colour)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    fn injected() -> Injected {
        Injected {
            host: "localhost".to_owned(),
            port: 10350,
            kubeconfig: Some(PathBuf::from("/run/frozen.yml")),
            colour: Colour::On,
        }
    }

    #[test]
    fn a_bare_environment_gets_everything() {
        let expected = env(&[
            ("COLUMNS", "80"),
            ("FORCE_COLOR", "1"),
            ("KUBECONFIG", "/run/frozen.yml"),
            ("LINES", "24"),
            ("PYTHONUNBUFFERED", "1"),
            ("TILT_DISABLE_ANALYTICS", "1"),
            ("TILT_HOST", "localhost"),
            ("TILT_PORT", "10350"),
        ]);
        assert_eq!(local_env(&BTreeMap::new(), &injected(), &[]), expected);
    }

    #[test]
    fn what_is_set_already_stays_but_for_the_cluster_and_the_commands_own_entries_win() {
        let base = env(&[
            ("LINES", "50"),
            ("KUBECONFIG", "/mine"),
            ("TILT_PORT", "1"),
            ("A", "base"),
        ]);
        let own = ["A=own", "TILT_PORT=2", "EMPTY=", "B=x=y", "A=last", "nonsense"].map(str::to_owned);
        let got = local_env(&base, &injected(), &own);
        let expected = env(&[
            ("LINES", "50"),
            ("KUBECONFIG", "/run/frozen.yml"),
            ("TILT_PORT", "2"),
            ("A", "last"),
        ]);
        for (name, value) in &expected {
            assert_eq!(got.get(name), Some(value), "{name}");
        }
        assert_eq!((got["EMPTY"].as_str(), got["B"].as_str()), ("", "x=y"));
        assert!(!got.contains_key("nonsense"));
    }

    #[test]
    fn neither_colour_nor_a_kubeconfig_is_made_up() {
        let plain = Injected {
            kubeconfig: None,
            colour: Colour::Off,
            ..injected()
        };
        let got = local_env(&BTreeMap::new(), &plain, &[]);
        assert!(!got.contains_key("FORCE_COLOR") && !got.contains_key("KUBECONFIG"));
    }
}
