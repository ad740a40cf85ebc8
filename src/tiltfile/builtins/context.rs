//! Which cluster, and whether it may be touched.
//!
//! A cluster that is not known to be for development is left alone until the Tiltfile names its context: before that, no command of
//! the Tiltfile's runs and nothing is deployed. Context and namespace are those of the start: what the Tiltfile does to its
//! environment changes neither.

use std::path::Path;

use crate::model::cluster_product::Product;
use crate::model::report::Failure;
use crate::tiltfile::call::Call;
use crate::tiltfile::function::{Builtin, Fault, Outcome, Param, Rest};
use crate::tiltfile::run::Run;
use crate::world::kubeconfig::{self, Context, KubeconfigError};

pub const FUNCTIONS: &[Builtin] = &[
    Builtin {
        name: "allow_k8s_contexts",
        params: &[Param::required("contexts", "str | list[str]")],
        rest: Rest::Refused,
        returns: "None",
        doc: "Says that these Kubernetes contexts are safe to develop against. Needed for a cluster that Tilt does not know as a local one, before any `local()`.",
        body: allow_k8s_contexts,
    },
    Builtin {
        name: "k8s_context",
        params: &[],
        rest: Rest::Refused,
        returns: "str",
        doc: "The name of the active Kubernetes context; empty where there is none.",
        body: |call| {
            let name = cluster(call.run)?.context;
            Ok(call.alloc(name))
        },
    },
    Builtin {
        name: "k8s_namespace",
        params: &[],
        rest: Rest::Refused,
        returns: "str",
        doc: "The namespace that objects without one go to.",
        body: |call| {
            let namespace = cluster(call.run)?.namespace;
            Ok(call.alloc(namespace))
        },
    },
];

/// The active cluster, as far as a Tiltfile is concerned.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Empty where no kubeconfig names one.
    pub context: String,
    pub namespace: String,
    pub product: Product,
}

/// Found out once for each evaluation.
pub fn cluster(run: &Run) -> Result<Cluster, String> {
    run.cluster.get_or_init(|| find(run)).clone()
}

fn find(run: &Run) -> Result<Cluster, String> {
    let request = &run.request;
    let home = request.environment.get("HOME").cloned().unwrap_or_default();
    if let Some(pinned) = &request.pinned {
        return Ok(of(pinned, &home));
    }
    match kubeconfig::active(&request.kubeconfig()) {
        Ok(Some(context)) => Ok(of(&context, &home)),
        Ok(None) => Ok(no_cluster(request.kube_namespace.clone())),
        Err(error @ KubeconfigError::UnknownContext { .. }) => Err(unknown(&error)),
        Err(error) => {
            // Somebody who runs no Kubernetes should not have to mend its configuration.
            run.warn(format!("going on without a Kubernetes context: {error}"));
            Ok(no_cluster(request.kube_namespace.clone()))
        }
    }
}

fn of(context: &Context, home: &str) -> Cluster {
    Cluster {
        product: context.product(Path::new(home)),
        context: context.name.clone(),
        namespace: context.namespace.clone(),
    }
}

fn no_cluster(namespace: Option<String>) -> Cluster {
    Cluster {
        context: String::new(),
        namespace: namespace
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "default".to_owned()),
        product: Product::None,
    }
}

fn unknown(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::UnknownContext { known, .. } if !known.is_empty() => {
            format!("{error}; the kubeconfig has: {}", known.join(", "))
        }
        _ => error.to_string(),
    }
}

/// Whether the active cluster is for development, or the Tiltfile has said that it is safe, or there is none.
fn is_allowed(run: &Run, cluster: &Cluster) -> bool {
    let allowed = &run.declared.borrow().allowed_contexts;
    cluster.product == Product::None || cluster.product.is_dev() || allowed.contains(&cluster.context)
}

/// For builtins that run what the user wrote: refuses while the active cluster may be a production one.
pub fn guard(call: &Call, function: &str) -> Result<(), Fault> {
    let cluster = cluster(call.run)?;
    if is_allowed(call.run, &cluster) {
        return Ok(());
    }
    let context = &cluster.context;
    Err(Fault::Said(format!(
        "Refusing to run '{function}' because {context} might be a production kube context.\n\
         If you're sure you want to continue add:\n\
         allow_k8s_contexts('{context}')\n\
         before this function call in your Tiltfile. Otherwise, switch k8s contexts and restart Tilt."
    )))
}

/// For a project that has Kubernetes resources: refuses if the active cluster may be a production one.
pub fn may_deploy(run: &Run) -> Result<(), Failure> {
    let cluster = cluster(run).map_err(Failure::whole)?;
    if is_allowed(run, &cluster) {
        return Ok(());
    }
    let context = &cluster.context;
    Err(Failure::whole(format!(
        "Stop! {context} might be production.\n\
         If you're sure you want to deploy there, add:\n\
         allow_k8s_contexts('{context}')\n\
         to your Tiltfile. Otherwise, switch k8s contexts and restart Tilt."
    )))
}

fn allow_k8s_contexts<'v>(call: &mut Call<'v, '_, '_, '_>) -> Outcome<'v> {
    let mut names = Vec::new();
    for value in call.one_or_many("contexts") {
        let of = value.get_type();
        names.push(value.unpack_str().map(str::to_owned).ok_or_else(|| {
            Fault::Said(format!(
                "allow_k8s_contexts contexts must be a string or a sequence of strings; found a {of}"
            ))
        })?);
    }
    call.run.declared.borrow_mut().allowed_contexts.extend(names);
    call.none()
}

#[cfg(test)]
mod tests;
