//! Pure. The resources as a tree of what waits for what, with how each stands: `tilt alpha tree-view`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::engine::state::{Hold, Name, ResourceState, State};
use crate::model::suggest::counted;
use crate::model::time::Time;
use crate::ui::style::Style;
use crate::ui::view::{Sign, standing};

/// A resource, as far as the tree shows it. The command fills it from what the API answers, everybody else from a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    pub deps: Vec<String>,
    pub status: Sign,
    /// Why it waits, if it does.
    pub hold: Option<String>,
    /// What it waits for that it need not depend on.
    pub waits_for: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    pub extent: Extent,
    pub repeats: Repeats,
    pub style: Style,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    #[default]
    All,
    /// `--blockers`: only what is not ready, and below it what keeps it from being so.
    Blockers,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeats {
    /// What several depend on is drawn in full below each of them.
    #[default]
    Whole,
    /// `--dedupe`: in full the first time only.
    Once,
}

/// The resources of a state, in the order of definition.
pub fn nodes(state: &State, now: Time) -> Vec<Node> {
    let node = |(name, resource): (&Name, &Arc<ResourceState>)| Node {
        name: name.to_string(),
        deps: resource.declared.deps.clone(),
        status: standing(resource, now).0,
        hold: resource.hold.as_ref().map(Hold::to_string),
        waits_for: waits_for(resource),
    };
    state.resources.iter().map(node).collect()
}

fn waits_for(resource: &ResourceState) -> Vec<String> {
    let on = resource.hold.iter().flat_map(Hold::on);
    on.map(ToString::to_string).collect()
}

/// Below each resource what it depends on; at the top those that nothing else depends on. The last line counts.
pub fn tree(nodes: &[Node], options: Options) -> String {
    let mut drawing = Drawing {
        by_name: nodes.iter().map(|node| (node.name.as_str(), node)).collect(),
        options,
        path: Vec::new(),
        drawn: HashSet::new(),
        out: String::new(),
    };
    for root in roots(nodes) {
        if drawing.is_wanted(root) {
            drawing.node(root, "", "");
        }
    }
    if drawing.out.is_empty() && !nodes.is_empty() {
        drawing
            .out
            .push_str("nothing is blocked: every resource is ready or off\n");
    }
    drawing.out + &totals(nodes)
}

/// Nothing depends on them; where all depend on one another in a ring, the first one of it is as good as any.
fn roots(nodes: &[Node]) -> Vec<&Node> {
    let by_name: HashMap<&str, &Node> = nodes.iter().map(|node| (node.name.as_str(), node)).collect();
    let depended_on: HashSet<&str> = nodes
        .iter()
        .flat_map(|node| node.deps.iter().filter(|dep| **dep != node.name))
        .map(String::as_str)
        .collect();
    let is_free = |node: &&Node| !depended_on.contains(node.name.as_str());
    let (mut roots, rest): (Vec<&Node>, Vec<&Node>) = nodes.iter().partition(is_free);
    let mut reached: HashSet<&str> = HashSet::new();
    roots.iter().for_each(|root| reach(root, &by_name, &mut reached));
    for node in rest {
        if !reached.contains(node.name.as_str()) {
            roots.push(node);
            reach(node, &by_name, &mut reached);
        }
    }
    roots
}

fn reach<'a>(from: &'a Node, by_name: &HashMap<&str, &'a Node>, reached: &mut HashSet<&'a str>) {
    let mut ahead = vec![from];
    while let Some(node) = ahead.pop() {
        if reached.insert(&node.name) {
            ahead.extend(node.deps.iter().filter_map(|dep| by_name.get(dep.as_str())));
        }
    }
}

struct Drawing<'a> {
    by_name: HashMap<&'a str, &'a Node>,
    options: Options,
    /// From the root to the node that is being drawn.
    path: Vec<&'a str>,
    drawn: HashSet<&'a str>,
    out: String,
}

impl<'a> Drawing<'a> {
    fn is_wanted(&self, node: &Node) -> bool {
        self.options.extent == Extent::All || matches!(node.status, Sign::Failing | Sign::Busy | Sign::Waiting)
    }

    fn node(&mut self, node: &'a Node, branch: &str, indent: &str) {
        let style = self.options.style;
        let hold = node.hold.iter().map(|hold| format!("  {}", style.faint(hold)));
        let note = self.note(node);
        let name = style.bold(&node.name);
        let head = format!("{}{name}  {}{note}", style.faint(branch), status(node.status, style));
        self.out.push_str(&head);
        self.out.extend(hold);
        self.out.push('\n');
        if !note.is_empty() {
            return;
        }
        self.drawn.insert(&node.name);
        self.path.push(&node.name);
        self.below(node, indent);
        self.path.pop();
    }

    /// Why nothing is drawn below it.
    fn note(&self, node: &Node) -> &'static str {
        let is_leaf = self.wanted_below(node).is_empty();
        if self.path.contains(&node.name.as_str()) {
            " (depends on itself)"
        } else if self.options.repeats == Repeats::Once && self.drawn.contains(node.name.as_str()) && !is_leaf {
            " (see above)"
        } else {
            ""
        }
    }

    fn wanted_below(&self, node: &Node) -> Vec<Below<'a>> {
        let mut seen = HashSet::new();
        let of_deps = node.deps.iter().map(|dep| (dep, ""));
        let blockers = node
            .waits_for
            .iter()
            .filter(|_| self.options.extent == Extent::Blockers);
        let all = of_deps.chain(blockers.map(|name| (name, "waits for ")));
        let known = all.filter(|(name, _)| seen.insert(name.as_str()));
        let found = known.filter_map(|(name, why)| Some((*self.by_name.get(name.as_str())?, why)));
        found.filter(|(node, _)| self.is_wanted(node)).collect()
    }

    fn below(&mut self, node: &'a Node, indent: &str) {
        let below = self.wanted_below(node);
        for (at, (node, why)) in below.iter().enumerate() {
            let (branch, more) = match at + 1 == below.len() {
                true => ("└─ ", "   "),
                false => ("├─ ", "│  "),
            };
            self.node(node, &format!("{indent}{branch}{why}"), &format!("{indent}{more}"));
        }
    }
}

/// A node below another one, and what leads there if it is no dependency.
type Below<'a> = (&'a Node, &'static str);

fn status(status: Sign, style: Style) -> String {
    match status {
        Sign::Failing => style.red(word(status)),
        Sign::Busy => style.yellow(word(status)),
        Sign::Ready => style.green(word(status)),
        Sign::Waiting => word(status).to_owned(),
        Sign::Off => style.faint(word(status)),
    }
}

fn word(status: Sign) -> &'static str {
    match status {
        Sign::Failing => "failing",
        Sign::Busy => "updating",
        Sign::Waiting => "waiting",
        Sign::Ready => "ready",
        Sign::Off => "off",
    }
}

fn totals(nodes: &[Node]) -> String {
    let count = |status: Sign| nodes.iter().filter(|node| node.status == status).count();
    let all = [Sign::Ready, Sign::Busy, Sign::Waiting, Sign::Failing, Sign::Off];
    let counts = all.map(|status| (count(status), word(status)));
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
    match nodes.len() {
        0 => "no resources\n".to_owned(),
        many => format!("{}: {}\n", counted(many, "resource"), counts.join(", ")),
    }
}

#[cfg(test)]
mod tests;
