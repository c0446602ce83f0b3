//! What this process may use: cores, memory, open files.

#![allow(clippy::disallowed_methods)] // reads /proc and /sys, which are not data

/// Cores and memory of the cgroup, or of the machine when no limit is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// CPU quota rounded up, at least 1.
    pub cores: usize,
    /// Memory limit in bytes.
    pub memory: u64,
}

impl Limits {
    /// Reads cgroup v2 limits, falling back to what the machine has.
    pub fn read() -> Limits {
        let machine = std::thread::available_parallelism().map_or(1, usize::from);
        let cores = read("/sys/fs/cgroup/cpu.max")
            .and_then(|s| cpu_max(&s))
            .map_or(machine, |c| c.min(machine))
            .max(1);
        let ram = read("/proc/meminfo").and_then(|s| mem_total(&s)).unwrap_or(1 << 30);
        let memory = read("/sys/fs/cgroup/memory.max")
            .and_then(|s| s.trim().parse().ok())
            .map_or(ram, |m: u64| m.min(ram));
        Limits { cores, memory }
    }
}

/// Anonymous resident memory of this process in bytes (`RssAnon` of `/proc/self/status`), 0 where unknown.
pub fn anonymous_rss() -> u64 {
    read("/proc/self/status")
        .and_then(|s| s.lines().find_map(|l| l.strip_prefix("RssAnon:").and_then(kib)))
        .unwrap_or(0)
}

/// Threads of this process, 1 where unknown.
pub fn threads() -> usize {
    read("/proc/self/status")
        .and_then(|s| s.lines().find_map(|l| l.strip_prefix("Threads:")?.trim().parse().ok()))
        .unwrap_or(1)
}

/// Name of this machine, `localhost` where unknown.
pub fn hostname() -> String {
    read("/proc/sys/kernel/hostname")
        .map(|s| s.trim().to_owned())
        .filter(|s| !s.is_empty())
        .unwrap_or_else(|| "localhost".into())
}

/// Raises the soft limit of open files to the hard one; returns the limit now in force.
pub fn raise_file_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: now.maximum, maximum: now.maximum };
    match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => now.maximum.unwrap_or(u64::MAX),
        Err(_) => now.current.unwrap_or(u64::MAX),
    }
}

/// Keeps the kernel from giving this process pages of 2 MiB, which the allocator asks for: a program of a few megabytes
/// would hold tens (`tortie doctor` on a small cluster: 30 MiB of anonymous memory instead of 4). Says whether it could.
/// Programs that it starts inherit it.
pub fn small_pages() -> bool {
    rustix::thread::disable_transparent_huge_pages(true).is_ok()
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

fn cpu_max(s: &str) -> Option<usize> {
    let (quota, period) = s.trim().split_once(' ')?;
    let (q, p): (u64, u64) = (quota.parse().ok()?, period.parse().ok()?);
    (p > 0).then(|| q.div_ceil(p) as usize)
}

fn mem_total(s: &str) -> Option<u64> {
    s.lines().find_map(|l| l.strip_prefix("MemTotal:").and_then(kib))
}

fn kib(s: &str) -> Option<u64> {
    s.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|k| k * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quota_is_rounded_up_and_max_means_none() {
        assert_eq!(cpu_max("150000 100000\n"), Some(2));
        assert_eq!(cpu_max("max 100000\n"), None);
        assert_eq!(mem_total("MemTotal:       24000 kB\n"), Some(24_576_000));
    }

    #[test]
    fn this_machine_has_something() {
        let l = Limits::read();
        assert!(l.cores >= 1 && l.memory > 1 << 20);
        assert!(anonymous_rss() > 0);
    }
}
