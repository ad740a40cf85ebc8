//! Settings that the Tiltfile defines for its user, and which resources they enable.

#[derive(Default)]
pub struct Config {}
