//! The name of the supervisor's socket, which both ends work out for themselves.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::SocketAddr;

/// An abstract socket: it needs nothing writable, and is gone with its process. Its name space is that of the network, which
/// the containers of a pod share; the mount namespace is what each container has for itself. Without `/proc` the root
/// folder's device stands for it: each container's root is a file system, and so a device number, of its own.
pub fn own() -> io::Result<SocketAddr> {
    let space = std::fs::metadata("/proc/self/ns/mnt");
    let name = match space {
        Ok(space) => format!("tilt-agent/mnt-{}", space.ino()),
        Err(_) => {
            let root = std::fs::metadata("/")?;
            format!("tilt-agent/root-{}-{}", root.dev(), root.ino())
        }
    };
    abstract_name(&name)
}

pub fn abstract_name(name: &str) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(name)
}
