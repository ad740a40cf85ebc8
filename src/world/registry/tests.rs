//! Against a registry that does what a test tells it.
