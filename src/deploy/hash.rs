//! Pure. One hash of all that an apply depends on: an equal one leaves the cluster as it is.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;

use crate::deploy::inject::Injected;
use crate::model::command::Command;
use crate::model::digest;
use crate::model::kube::Object;
use crate::model::settings::ServerSideApply;
use crate::model::yaml::json;

/// Where objects go, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination<'a> {
    /// Whatever tells this cluster and namespace from any other.
    pub cluster: &'a str,
    pub mode: ServerSideApply,
}

/// Of objects as they are sent, in this order; the order of their keys does not count.
pub fn of_objects<'a>(objects: impl IntoIterator<Item = &'a Object>, destination: &Destination) -> String {
    let objects = objects.into_iter().map(|object| json::compact(object.tree()));
    encoded(destination.fields("objects").into_iter().chain(objects))
}

/// Of a command that deploys, and what it is told. What it reads besides nobody knows.
pub fn of_command(command: &Command, images: &[Injected], destination: &Destination) -> String {
    let counted = [command.argv.len().to_string(), command.env.len().to_string()];
    let words = command.argv.iter().chain(&command.env).cloned();
    let dir = command.dir.to_string_lossy().into_owned();
    let images = images
        .iter()
        .flat_map(|image| [image.target.image_map(), image.reference.to_owned()]);
    let fields = destination.fields("command").into_iter().chain(counted).chain(words);
    encoded(fields.chain([dir]).chain(images))
}

impl Destination<'_> {
    fn fields(&self, what: &str) -> [String; 3] {
        let mode = match self.mode {
            ServerSideApply::Always => "server",
            // Upstream's `auto` is the client's way, too.
            ServerSideApply::Auto | ServerSideApply::Never => "client",
        };
        [what, self.cluster, mode].map(str::to_owned)
    }
}

fn encoded(fields: impl IntoIterator<Item = String>) -> String {
    URL_SAFE.encode(digest::sha1_of_fields(fields))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kube;

    const HERE: Destination = Destination {
        cluster: "kind-a/default/1234",
        mode: ServerSideApply::Auto,
    };

    fn of_yaml(yaml: &str, destination: &Destination) -> String {
        of_objects(&kube::parse(yaml).unwrap(), destination)
    }

    const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: '1', y: '2'}\n";

    #[test]
    fn equal_objects_have_an_equal_hash_however_they_are_written() {
        let hash = of_yaml(MAP, &HERE);
        let written = "kind: ConfigMap\ndata:\n  y: \"2\"\n  x: \"1\"\nmetadata:\n  name: a\napiVersion: v1\n";
        assert_eq!(of_yaml(written, &HERE), hash);
        assert_eq!(hash.len(), "cOXKkLwvRhD-b1TXaaSzeilgYRE=".len());
        let crd = "apiVersion: a/v1\nkind: A\nspec: {b: 1, a: [1, 2]}\n";
        let other = "kind: A\nspec: {a: [1, 2], b: 1}\napiVersion: a/v1\n";
        assert_eq!(of_yaml(crd, &HERE), of_yaml(other, &HERE));
    }

    #[test]
    fn whatever_changes_what_the_cluster_gets_changes_the_hash() {
        let hash = of_yaml(MAP, &HERE);
        assert_ne!(of_yaml(&MAP.replace("'2'", "'3'"), &HERE), hash);
        assert_ne!(of_yaml(&format!("{MAP}---\n{MAP}"), &HERE), hash);
        let elsewhere = Destination {
            cluster: "kind-b/default/5678",
            ..HERE
        };
        assert_ne!(of_yaml(MAP, &elsewhere), hash);
        let mode = |mode| Destination { mode, ..HERE };
        assert_ne!(of_yaml(MAP, &mode(ServerSideApply::Always)), hash);
        assert_eq!(of_yaml(MAP, &mode(ServerSideApply::Never)), hash);
    }

    #[test]
    fn a_command_is_known_by_its_words_and_its_surroundings() {
        let command = |argv: &[&str], env: &[&str], dir: &str| Command {
            argv: argv.iter().map(|word| (*word).to_owned()).collect(),
            env: env.iter().map(|word| (*word).to_owned()).collect(),
            dir: dir.into(),
            ..Command::default()
        };
        let commands = [
            command(&["a", "b"], &[], "/x"),
            command(&["a"], &["b"], "/x"),
            command(&["a b"], &[], "/x"),
            command(&["a", "b"], &[], "/y"),
        ];
        let hashes: std::collections::BTreeSet<String> = commands.iter().map(|it| of_command(it, &[], &HERE)).collect();
        assert_eq!(hashes.len(), commands.len());
        assert_eq!(
            of_command(&commands[0], &[], &HERE),
            of_command(&commands[0].clone(), &[], &HERE)
        );
    }
}
