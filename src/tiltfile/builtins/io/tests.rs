//! Reading, listing and watching.

use crate::tiltfile::testing::Tiltfile;
