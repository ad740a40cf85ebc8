//! Pure. Values and rules about values: the words that the whole program speaks.
//!
//! Nothing here reads a file, a clock or an environment, and nothing here knows how it will be printed.

pub mod build;
pub mod built;
pub mod cluster;
pub mod cluster_product;
pub mod command;
pub mod compose;
pub mod context;
pub mod delivery;
pub mod deployed;
pub mod digest;
pub mod dockerfile;
pub mod duration;
pub mod filter;
pub mod gotemplate;
pub mod image;
pub mod kube;
pub mod kustomization;
pub mod label;
pub mod lines;
pub mod link;
pub mod live;
pub mod local;
pub mod local_env;
pub mod merge;
pub mod object;
pub mod pack;
pub mod path;
pub mod pod;
pub mod port;
pub mod probe;
pub mod project;
pub mod quote;
pub mod registry;
pub mod report;
pub mod secret;
pub mod settings;
pub mod shell;
pub mod solve;
pub mod suggest;
pub mod time;
pub mod tree;
pub mod version;
pub mod workload;
pub mod yaml;
