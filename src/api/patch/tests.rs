//! Patches by example and by law.
