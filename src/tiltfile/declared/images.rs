//! Images that the Tiltfile builds.

#[derive(Default)]
pub struct Images {}
