//! Faults that can be put into a running fleet, each one a way in which a real installation fails silently.

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The Felix of one node refuses connections.
    FelixDown,
    /// Typha's metrics are switched off: nothing listens on its port.
    TyphaMetricsOff,
    /// Typha's metrics port is Felix's: on a node with a Typha, Felix's port answers with Typha's series.
    TyphaOnFelixPort,
    /// kube-controllers answers only after the scrape has given up.
    KubeControllersSlow,
    /// The Felix of one node breaks off in the middle of its answer.
    FelixHalfBody,
    /// The Felix of one node answers with a broken line.
    FelixGarbage,
}

impl Fault {
    /// All faults.
    pub fn all() -> &'static [Fault] {
        &[
            Fault::FelixDown,
            Fault::TyphaMetricsOff,
            Fault::TyphaOnFelixPort,
            Fault::KubeControllersSlow,
            Fault::FelixHalfBody,
            Fault::FelixGarbage,
        ]
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Fault::FelixDown => "felix-down",
            Fault::TyphaMetricsOff => "typha-metrics-off",
            Fault::TyphaOnFelixPort => "typha-on-felix-port",
            Fault::KubeControllersSlow => "kube-controllers-slow",
            Fault::FelixHalfBody => "felix-half-body",
            Fault::FelixGarbage => "felix-garbage",
        }
    }

    /// The fault called `name`.
    pub fn from_name(name: &str) -> Option<Fault> {
        Fault::all().iter().copied().find(|f| f.name() == name)
    }

    /// What happens, in one line.
    pub fn summary(self) -> &'static str {
        match self {
            Fault::FelixDown => "the Felix of one node is gone; its port refuses connections",
            Fault::TyphaMetricsOff => "Typha's metrics are switched off; nothing listens on its port",
            Fault::TyphaOnFelixPort => "Typha's metrics port is set to Felix's, and Typha binds it first",
            Fault::KubeControllersSlow => "kube-controllers answers after 30 s, later than any scrape waits",
            Fault::FelixHalfBody => "the Felix of one node breaks off in the middle of its answer",
            Fault::FelixGarbage => "the Felix of one node answers with a line that is no sample",
        }
    }

    /// What a person will see of it.
    pub fn seen(self) -> &'static str {
        match self {
            Fault::FelixDown => {
                "one Felix target is down with `connection refused`, its series end; after healing all its counters start anew"
            }
            Fault::TyphaMetricsOff => "all Typha targets are down with `connection refused`; Felix goes on",
            Fault::TyphaOnFelixPort => {
                "the Felix target of that node is up, but has no felix_host and zeros for felix_*; the Typha target there is down"
            }
            Fault::KubeControllersSlow => {
                "the kube-controllers target is down with `context deadline exceeded`"
            }
            Fault::FelixHalfBody => {
                "one Felix target is down with `unexpected EOF`; none of its lines is kept"
            }
            Fault::FelixGarbage => {
                "one Felix target is down with the line and column of the broken line; none of its lines is kept"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_faults() {
        for fault in Fault::all() {
            assert_eq!(Fault::from_name(fault.name()), Some(*fault));
        }
        assert_eq!(Fault::from_name("felix"), None);
    }
}
