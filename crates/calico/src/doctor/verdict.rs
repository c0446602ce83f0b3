//! Verdicts of checks and levels of findings.

use std::fmt;

/// What a check says of one entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// As it should be.
    Pass,
    /// Broken.
    Fail,
    /// Works, and will hurt.
    Warn,
    /// Worth knowing.
    Info,
    /// Too young to judge: the operator, the kubelet and the reloader need about two minutes.
    Pending,
    /// Will break as soon as another finding is mended.
    Ahead,
    /// Could not be looked at.
    Unknown,
    /// Does not apply here.
    Skipped,
    /// An ancestor is broken, and nothing static could be said.
    Blocked,
    /// Known and accepted by the user's ignore file.
    Ignored,
}

impl Verdict {
    /// The word in machine output; part of the schema.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Warn => "warn",
            Verdict::Info => "info",
            Verdict::Pending => "pending",
            Verdict::Ahead => "ahead",
            Verdict::Unknown => "unknown",
            Verdict::Skipped => "skipped",
            Verdict::Blocked => "blocked",
            Verdict::Ignored => "ignored",
        }
    }

    /// Whether it is bad enough to be a finding.
    pub fn is_finding(self) -> bool {
        matches!(self, Verdict::Fail | Verdict::Warn | Verdict::Info)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How bad a finding is; `--fail-on` compares with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Works, and will hurt.
    Warn,
    /// Broken.
    Fail,
}

impl Level {
    /// The word in machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Fail => "fail",
        }
    }

    /// The level of a verdict that is a finding.
    pub fn of(verdict: Verdict) -> Option<Level> {
        match verdict {
            Verdict::Fail => Some(Level::Fail),
            Verdict::Warn => Some(Level::Warn),
            Verdict::Info => Some(Level::Info),
            _ => None,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// Concluded from rules that other software applies (policies).
    Inferred,
    /// Follows from the configuration.
    Certain,
    /// Seen to happen.
    Observed,
}

impl Confidence {
    /// The word in machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            Confidence::Inferred => "inferred",
            Confidence::Certain => "certain",
            Confidence::Observed => "observed",
        }
    }
}
