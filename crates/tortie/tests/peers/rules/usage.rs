//! What a process has used, and what its own metrics say.

/// Of a process, since it began.
pub(super) struct Usage {
    /// Processor time, user and system, seconds.
    pub(super) cpu_s: f64,
    /// Anonymous memory now.
    pub(super) anonymous_mib: u64,
    /// The most resident memory, file pages among it.
    pub(super) most_mib: u64,
}

impl Usage {
    pub(super) fn of(id: u32) -> Usage {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let jiffies: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let mib = |name: &str| -> u64 {
            let line = status.lines().find_map(|l| l.strip_prefix(name)).unwrap_or("0 kB");
            line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
        };
        Usage { cpu_s: jiffies / 100.0, anonymous_mib: mib("RssAnon"), most_mib: mib("VmHWM") }
    }
}

/// The sum of all samples of a family in `/metrics`.
pub(super) fn metric(text: &str, name: &str) -> f64 {
    let of = |l: &str| {
        let rest = l.strip_prefix(name)?;
        rest.starts_with(['{', ' ']).then(|| rest.rsplit(' ').next()?.parse::<f64>().ok())?
    };
    text.lines().filter_map(of).sum()
}
