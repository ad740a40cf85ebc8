//! A session of `tilt up` or `tilt ci` from its start to its end, with everything that can go wrong in between.

mod ci;
mod ending;
mod files;
mod fresh;
mod objects;
mod stream;
mod tiltfile;
