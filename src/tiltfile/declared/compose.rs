//! Docker Compose projects and options of their services.

#[derive(Default)]
pub struct Compose {}
