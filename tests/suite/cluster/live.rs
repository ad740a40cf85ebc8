//! Containers that are changed in place: the real binary, a real cluster, and what the containers have afterwards.

mod auto;
mod custom;
mod cuts;
mod differ;
mod discovery;
mod faults;
mod pulled;
mod replaced;
mod restart;
mod sample;
mod scene;
mod served;
mod steps;
