//! Pure. How values of Kubernetes' types are merged by a strategic merge patch: which lists have keys, which are sets, which
//! values are replaced as a whole. What is not in the table is the default: maps are merged, lists are replaced.

use super::schema::{Schema, Shape};

/// How the value of one field is merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    #[default]
    Usual,
    /// Also where it is a map.
    Replaced,
    /// A list of maps, each of which is known by the value of this key.
    Keyed(&'static str),
    /// A list of texts without an order.
    Set,
}

/// One field: how it is merged, and what is below it.
#[derive(Clone, Copy, Debug)]
pub struct MergedField {
    pub rule: Rule,
    /// A union: fields that are not named go when another one comes. For a list that is true of each of its items.
    pub is_union: bool,
    pub below: MergeRules,
}

/// A place in the types.
#[derive(Clone, Copy, Debug)]
pub struct MergeRules(Option<&'static Shape>);

const RULES: &[(&str, &str, Rule)] = &[
    ("ObjectMeta", "finalizers", Rule::Set),
    ("ObjectMeta", "ownerReferences", Rule::Keyed("uid")),
    ("PodSpec", "containers", Rule::Keyed("name")),
    ("PodSpec", "ephemeralContainers", Rule::Keyed("name")),
    ("PodSpec", "hostAliases", Rule::Keyed("ip")),
    ("PodSpec", "imagePullSecrets", Rule::Keyed("name")),
    ("PodSpec", "initContainers", Rule::Keyed("name")),
    ("PodSpec", "resourceClaims", Rule::Keyed("name")),
    ("PodSpec", "schedulingGates", Rule::Keyed("name")),
    ("PodSpec", "topologySpreadConstraints", Rule::Keyed("topologyKey")),
    ("PodSpec", "volumes", Rule::Keyed("name")),
    ("Container", "env", Rule::Keyed("name")),
    ("Container", "ports", Rule::Keyed("containerPort")),
    ("Container", "volumeDevices", Rule::Keyed("devicePath")),
    ("Container", "volumeMounts", Rule::Keyed("mountPath")),
    ("EphemeralContainer", "env", Rule::Keyed("name")),
    ("EphemeralContainer", "ports", Rule::Keyed("containerPort")),
    ("EphemeralContainer", "volumeDevices", Rule::Keyed("devicePath")),
    ("EphemeralContainer", "volumeMounts", Rule::Keyed("mountPath")),
    ("ServiceSpec", "ports", Rule::Keyed("port")),
    ("ServiceAccount", "secrets", Rule::Keyed("name")),
    ("NodeSpec", "podCIDRs", Rule::Set),
    ("PodDisruptionBudgetSpec", "selector", Rule::Replaced),
    ("MutatingWebhookConfiguration", "webhooks", Rule::Keyed("name")),
    ("MutatingWebhook", "matchConditions", Rule::Keyed("name")),
    ("ValidatingWebhookConfiguration", "webhooks", Rule::Keyed("name")),
    ("ValidatingWebhook", "matchConditions", Rule::Keyed("name")),
    ("MutatingAdmissionPolicySpec", "matchConditions", Rule::Keyed("name")),
    ("ValidatingAdmissionPolicySpec", "matchConditions", Rule::Keyed("name")),
    ("ValidatingAdmissionPolicySpec", "variables", Rule::Keyed("name")),
];

const UNIONS: &[(&str, &str)] = &[
    ("DeploymentSpec", "strategy"),
    ("PodSpec", "volumes"),
    ("PodSpec", "resourceClaims"),
];

impl MergeRules {
    /// For an object, where Kubernetes itself has its kind.
    pub fn of_kind(api_version: &str, kind: &str) -> Option<MergeRules> {
        Schema::builtin()
            .shape(api_version, kind)
            .map(|shape| MergeRules(Some(shape)))
    }

    /// For a field of a map, or of the maps in a list.
    pub fn field(self, name: &str) -> MergedField {
        let unknown = MergedField {
            rule: Rule::Usual,
            is_union: false,
            below: MergeRules(None),
        };
        match self.0.map(items) {
            Some(Shape::Struct(id)) => {
                let owner = Schema::builtin().get(*id);
                let field = owner.fields.iter().find(|field| field.name == name);
                let is_this = |(known, field): (&str, &str)| known == owner.name && field == name;
                let rule = RULES.iter().find(|(known, field, _)| is_this((known, field)));
                MergedField {
                    rule: rule.map(|(_, _, rule)| *rule).unwrap_or_default(),
                    is_union: UNIONS.iter().any(|union| is_this(*union)),
                    below: MergeRules(field.map(|field| &field.shape)),
                }
            }
            Some(Shape::Map(value)) => MergedField {
                below: MergeRules(Some(value)),
                ..unknown
            },
            _ => unknown,
        }
    }
}

fn items(shape: &'static Shape) -> &'static Shape {
    match shape {
        Shape::List(item) => item,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_about_a_field_that_there_is_and_every_key_about_one_of_its_items() {
        let schema = Schema::builtin();
        let owners = |name: &str| {
            schema
                .structs()
                .filter(move |known| known.name == name)
                .collect::<Vec<_>>()
        };
        for (owner, name, rule) in RULES {
            assert!(!owners(owner).is_empty(), "{owner}");
            for owner in owners(owner) {
                let field = owner.fields.iter().find(|field| field.name == *name);
                let field = field.unwrap_or_else(|| panic!("{}.{name}", owner.name));
                let is_right = match (rule, &field.shape) {
                    (Rule::Keyed(key), Shape::List(item)) => match &**item {
                        Shape::Struct(id) => schema.get(*id).fields.iter().any(|field| field.name == *key),
                        _ => false,
                    },
                    (Rule::Set, Shape::List(item)) => **item == Shape::Text,
                    (Rule::Replaced, Shape::Struct(_)) => true,
                    _ => false,
                };
                assert!(is_right, "{}.{name}: {rule:?}", owner.name);
            }
        }
        for (owner, name) in UNIONS {
            let has = |owner: &&super::super::schema::Struct| owner.fields.iter().any(|field| field.name == *name);
            assert!(owners(owner).iter().all(has), "{owner}.{name}");
        }
    }

    #[test]
    fn rules_are_found_along_the_path() {
        let deployment = MergeRules::of_kind("apps/v1", "Deployment").unwrap();
        let spec = deployment.field("spec").below;
        assert!(spec.field("strategy").is_union);
        let pod = spec.field("template").below.field("spec").below;
        assert_eq!(pod.field("tolerations").rule, Rule::Usual);
        let containers = pod.field("containers");
        assert_eq!(containers.rule, Rule::Keyed("name"));
        assert_eq!(containers.below.field("ports").rule, Rule::Keyed("containerPort"));
        assert_eq!(deployment.field("metadata").below.field("finalizers").rule, Rule::Set);
        assert!(MergeRules::of_kind("example.org/v1", "Deployment").is_none());
    }
}
