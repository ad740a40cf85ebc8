//! Pure. Applying a parsed JSON path to a tree.

use std::cmp::Ordering;

use super::{Node, Operator, Place, Step, go_type, shown};
use crate::model::tree::Tree;

/// How many values a path may pass through; `{......}` on a large document multiplies.
const MOST_HITS: usize = 100_000;

/// Something a node led to: in the tree, or a literal of the path.
#[derive(Clone)]
pub enum Hit<'t> {
    At(Place, &'t Tree),
    Literal(Tree),
}

impl Hit<'_> {
    pub fn value(&self) -> &Tree {
        match self {
            Hit::At(_, tree) => tree,
            Hit::Literal(tree) => tree,
        }
    }
}

type Hits<'t> = Vec<Hit<'t>>;

/// Where every path starts.
pub fn whole(tree: &Tree) -> Hits<'_> {
    vec![Hit::At(Place::default(), tree)]
}

pub fn find<'t>(actions: &[Vec<Node>], tree: &'t Tree) -> Result<Vec<(Place, &'t Tree)>, String> {
    let mut found = Vec::new();
    let start = vec![Hit::At(Place::default(), tree)];
    let left = template(actions, start, &mut found)?;
    if !left.is_empty() {
        return Err("not in range, nothing to end".to_owned());
    }
    let places = found.into_iter().filter_map(|hit| match hit {
        Hit::At(place, tree) => Some((place, tree)),
        Hit::Literal(_) => None,
    });
    Ok(places.collect())
}

/// Evaluates actions up to the `{end}` of an enclosing range; returns what comes from there on.
fn template<'a, 't>(
    mut actions: &'a [Vec<Node>],
    current: Hits<'t>,
    found: &mut Hits<'t>,
) -> Result<&'a [Vec<Node>], String> {
    while let Some((action, rest)) = actions.split_first() {
        match action.first() {
            Some(Node::Identifier(word)) if &**word == "end" => return Ok(actions),
            Some(Node::Identifier(word)) if &**word == "range" => {
                let items = list(&action[1..], current.clone())?;
                actions = range(rest, items, found)?;
            }
            _ => {
                found.extend(list(action, current.clone())?);
                actions = rest;
            }
        }
    }
    Ok(actions)
}

/// Evaluates what stands between a range and its end once for each item; returns what follows the end.
fn range<'a, 't>(body: &'a [Vec<Node>], items: Hits<'t>, found: &mut Hits<'t>) -> Result<&'a [Vec<Node>], String> {
    let mut after = template(body, Vec::new(), &mut Vec::new())?;
    for item in items {
        after = template(body, vec![item], found)?;
    }
    Ok(after.split_first().map_or(after, |(_, rest)| rest))
}

pub fn list<'t>(nodes: &[Node], mut hits: Hits<'t>) -> Result<Hits<'t>, String> {
    for node in nodes {
        hits = step(node, hits)?;
        if hits.len() > MOST_HITS {
            return Err("too many matches".to_owned());
        }
    }
    Ok(hits)
}

fn step<'t>(node: &Node, hits: Hits<'t>) -> Result<Hits<'t>, String> {
    match node {
        Node::Literal(value) => Ok(hits.iter().map(|_| Hit::Literal(value.clone())).collect()),
        Node::Identifier(name) => Err(format!("unrecognized identifier {name}")),
        Node::Field(name) => Ok(hits.iter().filter_map(|hit| field(hit, name)).collect()),
        Node::Wildcard => Ok(hits.iter().flat_map(children).collect()),
        Node::Recursive => {
            let mut all = Vec::new();
            recurse(hits, &mut all);
            Ok(all)
        }
        Node::Union(parts) => {
            let results: Result<Vec<Hits>, String> = parts.iter().map(|part| list(part, hits.clone())).collect();
            Ok(results?.into_iter().flatten().collect())
        }
        Node::Index(index) => each_list(
            &hits,
            |length| {
                let at = if *index < 0 { index + length } else { *index };
                in_bounds(at, length).map(|at| at..at + 1)
            },
            1,
        ),
        Node::Slice { from, to, step } => {
            let step = step.unwrap_or(1);
            let stride = usize::try_from(step)
                .ok()
                .filter(|step| *step > 0)
                .ok_or("step must be > 0")?;
            each_list(&hits, |length| bounds(*from, *to, length), stride)
        }
        Node::Filter { left, test } => filter(&hits, left, test.as_ref()),
    }
}

fn field<'t>(hit: &Hit<'t>, name: &str) -> Option<Hit<'t>> {
    let Hit::At(place, tree) = hit else {
        return None;
    };
    Some(Hit::At(place.then(Step::Key(name.into())), tree.get(name)?))
}

fn children<'t>(hit: &Hit<'t>) -> Hits<'t> {
    let Hit::At(place, tree) = hit else {
        return Vec::new();
    };
    match tree {
        Tree::Map(map) => map
            .iter()
            .map(|(key, value)| Hit::At(place.then(Step::Key(key.into())), value))
            .collect(),
        Tree::List(items) => items
            .iter()
            .enumerate()
            .map(|(index, item)| Hit::At(place.then(Step::Index(index)), item))
            .collect(),
        _ => Vec::new(),
    }
}

/// Every value that has others inside, outer ones first.
fn recurse<'t>(hits: Hits<'t>, all: &mut Hits<'t>) {
    for hit in hits {
        let inner = children(&hit);
        if !inner.is_empty() && all.len() <= MOST_HITS {
            all.push(hit);
            recurse(inner, all);
        }
    }
}

fn each_list<'t>(
    hits: &[Hit<'t>],
    pick: impl Fn(i64) -> Result<std::ops::Range<usize>, String>,
    stride: usize,
) -> Result<Hits<'t>, String> {
    let mut picked = Vec::new();
    for hit in hits.iter().filter(|hit| !hit.value().is_null()) {
        let Tree::List(items) = hit.value() else {
            return Err(format!("{} is not array or slice", go_type(hit.value())));
        };
        let range = pick(items.len() as i64)?;
        let inside = children(hit);
        picked.extend(range.step_by(stride).filter_map(|index| inside.get(index).cloned()));
    }
    Ok(picked)
}

fn bounds(from: Option<i64>, to: Option<i64>, length: i64) -> Result<std::ops::Range<usize>, String> {
    let from_end = |at: i64| if at < 0 { at + length } else { at };
    let (from, to) = (from_end(from.unwrap_or(0)), from_end(to.unwrap_or(length)));
    if from == to {
        return Ok(0..0);
    }
    let first = in_bounds(from, length)?;
    let last = in_bounds(to - 1, length)?;
    if from > to {
        return Err(format!("starting index {from} is greater than ending index {to}"));
    }
    Ok(first..last + 1)
}

fn in_bounds(index: i64, length: i64) -> Result<usize, String> {
    usize::try_from(index)
        .ok()
        .filter(|_| index < length)
        .ok_or_else(|| format!("array index out of bounds: index {index}, length {length}"))
}

fn filter<'t>(hits: &[Hit<'t>], left: &[Node], test: Option<&(Operator, Vec<Node>)>) -> Result<Hits<'t>, String> {
    let mut passed = Vec::new();
    for hit in hits {
        if !matches!(hit.value(), Tree::List(_)) {
            return Err(format!(
                "{} is not array or slice and cannot be filtered",
                shown(hit.value())
            ));
        }
        for item in children(hit) {
            let Some((operator, right)) = test else {
                // An item that the path does not fit simply has not got it.
                if list(left, vec![item.clone()]).is_ok_and(|found| !found.is_empty()) {
                    passed.push(item);
                }
                continue;
            };
            let sides = (
                only(list(left, vec![item.clone()])?)?,
                only(list(right, vec![item.clone()])?)?,
            );
            if let (Some(left), Some(right)) = sides
                && holds(*operator, left.value(), right.value())?
            {
                passed.push(item);
            }
        }
    }
    Ok(passed)
}

fn only(mut hits: Hits) -> Result<Option<Hit>, String> {
    match hits.len() {
        0 | 1 => Ok(hits.pop()),
        _ => Err("can only compare one element at a time".to_owned()),
    }
}

fn holds(operator: Operator, left: &Tree, right: &Tree) -> Result<bool, String> {
    let ordering = match (left, right) {
        (Tree::Text(a), Tree::Text(b)) => Some(a.cmp(b)),
        (Tree::Int(a), Tree::Int(b)) => Some(a.cmp(b)),
        (Tree::Bool(a), Tree::Bool(b)) if matches!(operator, Operator::Equal | Operator::NotEqual) => Some(a.cmp(b)),
        (Tree::Float(a), Tree::Float(b)) => a.partial_cmp(b),
        (Tree::Int(a), Tree::Float(b)) => (*a as f64).partial_cmp(b),
        (Tree::Float(a), Tree::Int(b)) => a.partial_cmp(&(*b as f64)),
        (Tree::Bool(_) | Tree::List(_) | Tree::Map(_) | Tree::Null, _) => {
            return Err("invalid type for comparison".to_owned());
        }
        _ => return Err("incompatible types for comparison".to_owned()),
    };
    Ok(match operator {
        Operator::Less => ordering == Some(Ordering::Less),
        Operator::LessOrEqual => ordering.is_some_and(Ordering::is_le),
        Operator::Equal => ordering == Some(Ordering::Equal),
        Operator::NotEqual => ordering != Some(Ordering::Equal),
        Operator::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
        Operator::Greater => ordering == Some(Ordering::Greater),
    })
}
