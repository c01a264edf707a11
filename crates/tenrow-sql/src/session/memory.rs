//! How much memory the machine has.

use std::path::Path;

/// What is assumed of a machine that does not say.
const UNKNOWN_MACHINE_BYTES: u64 = 4 << 30;

/// Seven tenths of the memory of the machine, or of the group of processes that this one is in.
pub(crate) fn default_limit_bytes() -> u64 {
    let machine = meminfo_bytes(&read("/proc/meminfo"));
    let group = read("/sys/fs/cgroup/memory.max").trim().parse().ok();
    let bytes = [machine, group].into_iter().flatten().min().unwrap_or(UNKNOWN_MACHINE_BYTES);
    bytes / 10 * 7
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(path)).unwrap_or_default()
}

fn meminfo_bytes(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_from_its_line() {
        assert_eq!(meminfo_bytes("X: 1 kB\nMemTotal:       16 kB\n"), Some(16 << 10));
        assert_eq!(meminfo_bytes("MemTotal: much"), None);
    }
}
