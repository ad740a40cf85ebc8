//! Ports for what tests start.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// Below the ports that the kernel gives to whoever asks for just any: nobody has one by chance before it is used.
const FIRST: u32 = 20_000;
/// Up to those that a cluster gives to its Services.
const COUNT: u32 = 10_000;

/// A port that nobody listens on, and that nobody else in this process is given.
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Processes that run side by side have numbers side by side.
    let start = std::process::id().wrapping_mul(97);
    let mut ports = (0..COUNT).map(|_| {
        let nth = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        u16::try_from(FIRST + nth).expect("a port")
    });
    let free = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.expect("a free port")
}
