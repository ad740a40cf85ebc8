//! Pure. In which order objects are created: what others need first, what watches over others last.

const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Where a kind stands; kinds nobody thought of share the place between the first and the last. For a stable sort.
pub fn kind_rank(kind: &str) -> usize {
    let first = FIRST.iter().position(|known| *known == kind);
    let last = || {
        LAST.iter()
            .position(|known| *known == kind)
            .map(|index| FIRST.len() + 1 + index)
    };
    first.or_else(last).unwrap_or(FIRST.len())
}
