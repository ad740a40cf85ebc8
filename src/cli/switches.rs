//! `tilt enable` and `tilt disable`: flips the ConfigMaps that say which resources are disabled.

use std::collections::BTreeMap;

use crate::cli::client::{Accept, Client, PatchType, Selection, Write};
use crate::cli::exit::Exit;
use crate::cli::instance::{Disable, Enable, WhichResources};
use crate::cli::output;
use crate::cli::verbs::surroundings::Surroundings;
use crate::model::object::kinds::{CONFIG_MAP, UI_RESOURCE};
use crate::model::suggest;
use crate::model::tree::{Map, Tree};
use crate::model::yaml::json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flip {
    Enabled,
    Disabled,
}

/// What becomes of the resources that were not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Others {
    Stay,
    AreDisabled,
}

pub async fn enable(args: &Enable, here: &Surroundings) -> Result<(), Exit> {
    if args.only && args.which.all {
        return Err(Exit::error("cannot use --all with --only"));
    }
    let others = match args.only {
        true => Others::AreDisabled,
        false => Others::Stay,
    };
    flip(&args.which, Flip::Enabled, others, here).await
}

pub async fn disable(args: &Disable, here: &Surroundings) -> Result<(), Exit> {
    flip(&args.which, Flip::Disabled, Others::Stay, here).await
}

/// A resource, and the switch that disables it.
struct Resource {
    name: String,
    labels: Vec<String>,
    /// A ConfigMap and its key; several for none that we could flip alone.
    switches: Vec<(String, String)>,
}

async fn flip(which: &WhichResources, to: Flip, others: Others, here: &Surroundings) -> Result<(), Exit> {
    if which.all && !which.names.is_empty() {
        return Err(Exit::error("cannot use --all with resource names"));
    }
    if !which.all && which.names.is_empty() && which.labels.is_empty() {
        return Err(Exit::error("must specify at least one resource"));
    }
    let client = here.client(&which.connection)?;
    let resources = resources(&client).await?;
    let chosen = chosen(which, &resources)?;
    let switches = Switches::read(&client).await?;
    let mut flipped = Vec::new();
    for (resource, is_chosen) in resources.iter().zip(chosen) {
        let to = match is_chosen {
            true => to,
            false if others == Others::AreDisabled => Flip::Disabled,
            false => continue,
        };
        if switches.flip(&client, resource, to).await? {
            flipped.push((to, resource.name.as_str()));
        }
    }
    say(&flipped);
    Ok(())
}

async fn resources(client: &Client) -> Result<Vec<Resource>, Exit> {
    let list = client
        .list(&UI_RESOURCE, &Selection::default(), Accept::Objects)
        .await?;
    let items = list.get("items").and_then(Tree::as_list).unwrap_or_default();
    Ok(items.iter().filter_map(resource).collect())
}

fn resource(item: &Tree) -> Option<Resource> {
    let labels = item.at(&["metadata", "labels"]).and_then(Tree::as_map);
    let sources = item.at(&["status", "disableStatus", "sources"]).and_then(Tree::as_list);
    let switch = |source: &Tree| {
        let text = |key: &str| Some(source.at(&["configMap", key])?.as_text()?.to_owned());
        Some((text("name")?, text("key")?))
    };
    Some(Resource {
        name: item.at(&["metadata", "name"])?.as_text()?.to_owned(),
        labels: labels
            .map(|labels| labels.iter().map(|(label, _)| label.to_owned()).collect())
            .unwrap_or_default(),
        switches: sources.unwrap_or_default().iter().filter_map(switch).collect(),
    })
}

/// Whether each is meant. What cannot be switched is an error only where it is named.
fn chosen(which: &WhichResources, resources: &[Resource]) -> Result<Vec<bool>, Exit> {
    for name in &which.names {
        match resources.iter().find(|resource| resource.name == *name) {
            None => {
                let known = resources.iter().map(|resource| resource.name.as_str());
                let meant = suggest::did_you_mean(name, known);
                return Err(Exit::error(format!("no such resource {name:?}{meant}")));
            }
            Some(resource) if resource.switches.is_empty() => {
                return Err(Exit::error(format!("{name} cannot be enabled or disabled")));
            }
            Some(_) => {}
        }
    }
    let is_chosen = |resource: &Resource| {
        which.all
            || which.names.contains(&resource.name)
            || which.labels.iter().any(|label| resource.labels.contains(label))
    };
    let chosen: Vec<bool> = resources.iter().map(is_chosen).collect();
    match chosen.contains(&true) || which.all {
        true => Ok(chosen),
        false => Err(Exit::error(format!(
            "no resource has the label {}",
            which.labels.join(" or ")
        ))),
    }
}

/// What the ConfigMaps say now.
struct Switches(BTreeMap<String, Tree>);

impl Switches {
    async fn read(client: &Client) -> Result<Switches, Exit> {
        let list = client.list(&CONFIG_MAP, &Selection::default(), Accept::Objects).await?;
        let items = list.get("items").and_then(Tree::as_list).unwrap_or_default();
        let named = |item: &Tree| Some((item.at(&["metadata", "name"])?.as_text()?.to_owned(), item.clone()));
        Ok(Switches(items.iter().filter_map(named).collect()))
    }

    /// Tells whether anything had to be changed.
    async fn flip(&self, client: &Client, resource: &Resource, to: Flip) -> Result<bool, Exit> {
        let value = match to {
            Flip::Enabled => "false",
            Flip::Disabled => "true",
        };
        let mut has_changed = false;
        for (config_map, key) in &resource.switches {
            let now = self.0.get(config_map).and_then(|map| map.at(&["data", key])?.as_text());
            if now == Some(value) {
                continue;
            }
            let patch = nested(["data", key], value);
            let write = Write {
                manager: "tilt",
                ..Write::default()
            };
            let patch = (PatchType::Merge, json::compact(&patch));
            client.patch(&CONFIG_MAP, config_map, patch, &write).await?;
            has_changed = true;
        }
        Ok(has_changed)
    }
}

fn nested([outer, inner]: [&str; 2], value: &str) -> Tree {
    let mut data = Map::new();
    data.push(inner, Tree::text(value));
    let mut patch = Map::new();
    patch.push(outer, Tree::Map(data));
    Tree::Map(patch)
}

fn say(flipped: &[(Flip, &str)]) {
    let names = |wanted: Flip| -> Vec<&str> {
        let of = flipped.iter().filter(|(to, _)| *to == wanted);
        of.map(|(_, name)| *name).collect()
    };
    for (to, word) in [(Flip::Enabled, "Enabled"), (Flip::Disabled, "Disabled")] {
        let names = names(to);
        if !names.is_empty() {
            output::say(format_args!("{word} {}", names.join(", ")));
        }
    }
    if flipped.is_empty() {
        output::say("Nothing changed: they were like that already");
    }
}
