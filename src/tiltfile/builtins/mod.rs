//! The functions of the language, a family a file.
//!
//! To add one: give its family a table entry with name, parameters, one sentence of documentation and a body. The evaluator, the
//! language server and the docs read the same entry.

pub mod common;
pub mod compose;
pub mod config;
pub mod context;
pub mod custom_build;
pub mod docker_build;
pub mod encoding;
pub mod git;
pub mod helm;
pub mod io;
pub mod k8s_custom_deploy;
pub mod k8s_kind;
pub mod k8s_resource;
pub mod k8s_yaml;
pub mod kustomize;
pub mod language;
pub mod live_update;
pub mod local;
pub mod local_resource;
pub mod os;
pub mod pack;
pub mod probe;
pub mod settings;
pub mod text;
pub mod universe;
pub mod v1alpha1;

use crate::tiltfile::function::Builtin;

/// Every function, in the order of its family.
pub fn all() -> Vec<&'static Builtin> {
    let families: &[&'static [Builtin]] = &[
        language::FUNCTIONS,
        universe::FUNCTIONS,
        os::FUNCTIONS,
        io::FUNCTIONS,
        encoding::FUNCTIONS,
        text::FUNCTIONS,
        git::FUNCTIONS,
        local::FUNCTIONS,
        helm::FUNCTIONS,
        kustomize::FUNCTIONS,
        context::FUNCTIONS,
        config::FUNCTIONS,
        settings::FUNCTIONS,
        docker_build::FUNCTIONS,
        custom_build::FUNCTIONS,
        pack::FUNCTIONS,
        live_update::FUNCTIONS,
        k8s_yaml::FUNCTIONS,
        k8s_resource::FUNCTIONS,
        k8s_kind::FUNCTIONS,
        k8s_custom_deploy::FUNCTIONS,
        compose::FUNCTIONS,
        local_resource::FUNCTIONS,
        probe::FUNCTIONS,
        v1alpha1::functions(),
    ];
    families.iter().flat_map(|family| family.iter()).collect()
}
