//! Kubernetes objects, and what the Tiltfile says of them.

#[derive(Default)]
pub struct Kube {}
