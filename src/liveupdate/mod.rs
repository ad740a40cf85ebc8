//! Live updates: changed files reach running containers without a build. What is to happen is worked out by [`plan`], what the
//! files hold now is read by [`gather`], and [`apply`] brings it into all containers of a resource, or into none.
//!
//! Nothing here knows how a container is reached; that is the agent's business in `world`.

pub mod apply;
pub mod gather;
pub mod plan;
pub mod pull;
