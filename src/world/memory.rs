//! How much memory this process holds.

/// Bytes of memory in use, where the system tells (Linux).
pub fn resident() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn parse(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_of_a_process_tells_its_memory() {
        assert_eq!(
            parse("Name:\ttilt\nVmRSS:\t    5632 kB\nThreads:\t2\n"),
            Some(5632 * 1024)
        );
        assert_eq!(parse("Name:\ttilt\n"), None);
        assert_eq!(parse("VmRSS:\tmuch kB\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn memory_in_use_counts() {
        let block = vec![1_u8; 64 << 20];
        let bytes = resident().expect("Linux tells");
        assert!(bytes > 64 << 20, "{bytes} with a block of {}", block.len());
    }
}
