//! `tortie run`: the server, with Prometheus' flags.

use crate::logging::{Format, Threshold};
use crate::server::calico::Follow;
use crate::server::crds::{FromCrds, TakeOver};
use crate::server::options::{ClusterChoice, ServerOptions};
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use tortie_calico::scraping::Reach;
use tortie_config::flags::{self, Kind, Status};
use tortie_model::duration;

/// Flags of the server. Names, defaults and meaning are Prometheus'; `tortie run --help` lists what is honoured, and a
/// flag of Prometheus that is not says why.
#[derive(Debug, Args)]
#[command(disable_version_flag = true)]
pub(crate) struct Run {
    /// Configuration file; by default prometheus.yml where it is there. Without one in a cluster (of --kubeconfig, or the one
    /// this runs in) that has no Prometheus objects it is as if --calico was said
    #[arg(long = "config.file", value_name = "FILE")]
    config_file: Option<PathBuf>,

    /// Address to listen on; may be given several times
    #[arg(long = "web.listen-address", default_value = "0.0.0.0:9090", value_name = "HOST:PORT")]
    listen: Vec<String>,

    /// File with TLS, users and headers of this server; read anew for each connection and request
    #[arg(long = "web.config.file", value_name = "FILE")]
    web_config: Option<PathBuf>,

    /// URL under which others reach this server, when a proxy stands before it
    #[arg(long = "web.external-url", default_value = "", value_name = "URL")]
    external_url: String,

    /// Prefix of all own paths; by default the path of the external URL
    #[arg(long = "web.route-prefix", value_name = "PATH")]
    route_prefix: Option<String>,

    /// Allow POST /-/reload and /-/quit
    #[arg(long = "web.enable-lifecycle")]
    lifecycle: bool,

    /// Pattern of the origins whose pages may read answers (Prometheus allows all by default, this server none)
    #[arg(long = "web.cors.origin", value_name = "REGEX")]
    cors: Option<String>,

    /// Most connections at a time
    #[arg(long = "web.max-connections", default_value_t = 512, value_name = "N")]
    max_connections: usize,

    /// Idle connections are closed after this time
    #[arg(long = "web.read-timeout", default_value = "5m", value_parser = parse_duration, value_name = "DURATION")]
    read_timeout: i64,

    /// Directory of the data
    #[arg(long = "storage.tsdb.path", default_value = "data/", value_name = "DIR")]
    data: PathBuf,

    /// How long samples are kept; 0 turns it off
    #[arg(long = "storage.tsdb.retention.time", default_value = "15d", value_parser = parse_duration, value_name = "DURATION")]
    retention: i64,

    /// How many bytes blocks may take; 0 turns it off (units: B, KB, MB, GB, TB)
    #[arg(long = "storage.tsdb.retention.size", default_value = "0B", value_parser = parse_bytes, value_name = "BYTES")]
    retention_size: u64,

    /// Do not lock the data directory
    #[arg(long = "storage.tsdb.no-lockfile")]
    no_lockfile: bool,

    /// Shortest range of a block
    #[arg(long = "storage.tsdb.min-block-duration", default_value = "2h", value_parser = parse_duration, value_name = "DURATION", hide = true)]
    min_block: i64,

    /// Longest range of a block; by default a tenth of the retention, 31d at most
    #[arg(long = "storage.tsdb.max-block-duration", value_parser = parse_duration, value_name = "DURATION", hide = true)]
    max_block: Option<i64>,

    /// How far a query looks back for the newest sample
    #[arg(long = "query.lookback-delta", default_value = "5m", value_parser = parse_duration, value_name = "DURATION")]
    lookback: i64,

    /// Longest time of a query
    #[arg(long = "query.timeout", default_value = "2m", value_parser = parse_duration, value_name = "DURATION")]
    query_timeout: i64,

    /// Queries that run at a time
    #[arg(long = "query.max-concurrency", default_value_t = 20, value_name = "N")]
    max_concurrency: usize,

    /// Most samples a query may hold in memory
    #[arg(long = "query.max-samples", default_value_t = 50_000_000, value_name = "N")]
    max_samples: u64,

    /// Put timestamps on the exact grid of the interval
    #[arg(long = "scrape.adjust-timestamps", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true", hide = true)]
    adjust_timestamps: bool,

    /// How far off the grid a scrape may start to be put on it
    #[arg(long = "scrape.timestamp-tolerance", default_value = "10ms", value_parser = parse_duration, value_name = "DURATION", hide = true)]
    timestamp_tolerance: i64,

    /// Least time between two notices of the same firing alert
    #[arg(long = "rules.alert.resend-delay", default_value = "1m", value_parser = parse_duration, value_name = "DURATION")]
    alert_resend_delay: i64,

    /// Longest outage after which alerts go on waiting where they were
    #[arg(long = "rules.alert.for-outage-tolerance", default_value = "1h", value_parser = parse_duration, value_name = "DURATION")]
    alert_outage_tolerance: i64,

    /// Least wait of an alert after a restart, when its rule waits longer
    #[arg(long = "rules.alert.for-grace-period", default_value = "10m", value_parser = parse_duration, value_name = "DURATION")]
    alert_grace_period: i64,

    /// Independent rules that run at a time, with --enable-feature=concurrent-rule-eval
    #[arg(long = "rules.max-concurrent-evals", default_value_t = 4, value_name = "N")]
    max_concurrent_evals: usize,

    /// Send the alerts that wait before ending
    #[arg(long = "alertmanager.drain-notification-queue-on-shutdown", default_value_t = true, action = clap::ArgAction::Set, num_args = 0..=1, default_missing_value = "true")]
    drain_notifications: bool,

    /// Most alerts in one request to an Alertmanager
    #[arg(long = "alertmanager.notification-batch-size", default_value_t = 256, value_name = "N")]
    notification_batch: usize,

    /// Most alerts that wait for one Alertmanager
    #[arg(long = "alertmanager.notification-queue-capacity", default_value_t = 10_000, value_name = "N")]
    notification_capacity: usize,

    /// Features to turn on, separated by commas
    #[arg(long = "enable-feature", value_delimiter = ',', value_name = "NAME")]
    features: Vec<String>,

    /// Least level that is logged, unless the configuration has runtime.log_level
    #[arg(long = "log.level", default_value = "info", value_enum, value_name = "LEVEL")]
    log_level: Threshold,

    /// Format of the log
    #[arg(long = "log.format", default_value = "logfmt", value_enum, value_name = "FORMAT")]
    log_format: Format,

    /// Worker threads; by default the cores of the cgroup
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Finds Felix, Typha and kube-controllers in the cluster (of --kubeconfig, or the one this runs in) by their pods' labels and
    /// effective ports, and scrapes them; needs no Service, monitor or configuration file
    #[arg(long, conflicts_with_all = ["config_file", "context"])]
    calico: bool,

    /// With --calico: from one scrape to the next
    #[arg(long, default_value = crate::server::calico::INTERVAL, value_parser = parse_duration, value_name = "DURATION", requires = "calico")]
    calico_interval: i64,

    /// Lets the page Doctor judge the cluster of this kubeconfig; with --calico targets are discovered through it too
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// With --kubeconfig: its context, instead of the current one
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    context: Option<String>,

    /// With --kubeconfig, and only on loopback addresses: lets the page Doctor write what `tortie setup` plans
    #[arg(long, requires = "kubeconfig")]
    allow_setup: bool,

    /// Take the configuration from a Prometheus object of a cluster (that of --kubeconfig, else of the own pod) and follow it
    #[arg(long, conflicts_with = "context")]
    from_crds: bool,

    /// With --from-crds: which Prometheus object; by default the only one
    #[arg(long, value_name = "NAMESPACE/NAME", requires = "from_crds")]
    prometheus: Option<String>,

    /// With --from-crds: send alerts while no pod of the operator's is ready; `beside` sends them always
    #[arg(long, value_name = "HOW", requires = "from_crds", num_args = 0..=1, require_equals = true, default_missing_value = "alone", value_parser = ["alone", "beside"])]
    take_over: Option<String>,

    /// With --from-crds: write Events beside monitors and rules that are refused, that nobody selects or that have no target
    /// (`tortie rbac run --emit-events` prints the right)
    #[arg(long, requires = "from_crds")]
    emit_events: bool,

    /// With --from-crds: monitors may name targets on this machine and at link-local addresses
    #[arg(long = "crds.allow-local-targets", requires = "from_crds")]
    allow_local_targets: bool,
}

/// Takes out of the arguments of `run` the flags of Prometheus that change nothing here, and refuses those that would
/// have to change something.
#[allow(clippy::print_stderr)] // before the log is there
pub(crate) fn without_refused(args: Vec<OsString>) -> Result<Vec<OsString>, ExitCode> {
    if args.get(1).is_none_or(|a| a != "run") {
        return Ok(args);
    }
    let mut kept = Vec::with_capacity(args.len());
    let mut it = args.into_iter().peekable();
    while let Some(arg) = it.next() {
        let Some((name, has_value)) = arg.to_str().and_then(flag_name) else {
            kept.push(arg);
            continue;
        };
        if let Some(why) = flags::why_not_flag(&name) {
            eprintln!("--{name}: {why}");
            return Err(ExitCode::from(super::EXIT_USAGE));
        }
        match flags::find(&name) {
            Some(f) if matches!(f.status, Status::Accepted(_)) => {
                if f.kind != Kind::Switch && !has_value {
                    it.next();
                }
            }
            // `--no-NAME`: what is on by default is put off, the rest is off anyway.
            Some(f)
                if f.kind == Kind::Switch
                    && !has_value
                    && arg.to_str() == Some(&format!("--no-{}", f.name)) =>
            {
                if f.default == "true" {
                    kept.push(format!("--{}=false", f.name).into());
                }
            }
            _ => kept.push(arg),
        }
    }
    Ok(kept)
}

/// The name of a flag (`--name`, `--name=value`, `--no-name`) and whether its value stands with it.
fn flag_name(arg: &str) -> Option<(String, bool)> {
    let rest = arg.strip_prefix("--").filter(|r| !r.is_empty())?;
    let (name, has_value) = rest.split_once('=').map_or((rest, false), |(n, _)| (n, true));
    let positive =
        name.strip_prefix("no-").filter(|n| flags::find(n).is_some_and(|f| f.kind == Kind::Switch));
    Some((positive.unwrap_or(name).to_owned(), has_value))
}

fn parse_duration(s: &str) -> Result<i64, String> {
    duration::parse(s).map_err(|e| e.to_string())
}

/// Bytes with a unit of powers of 1024, as Prometheus' `units.Base2Bytes`.
fn parse_bytes(s: &str) -> Result<u64, String> {
    let digits = s.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match s[digits.len()..].to_ascii_uppercase().as_str() {
        "B" => 0,
        "KB" | "KIB" => 10,
        "MB" | "MIB" => 20,
        "GB" | "GIB" => 30,
        "TB" | "TIB" => 40,
        "PB" | "PIB" => 50,
        "EB" | "EIB" => 60,
        "" if digits == "0" => 0,
        unit => return Err(format!("unknown unit {unit:?} (hint: B, KB, MB, GB, TB, PB or EB)")),
    };
    let n: u64 = digits.parse().map_err(|_| format!("{digits:?} is not a whole number"))?;
    n.checked_mul(1 << shift).ok_or_else(|| "too large".to_owned())
}

impl Run {
    /// Runs the server until it is told to end.
    pub(crate) fn execute(self) -> ExitCode {
        let calico = self.calico.then(|| Follow {
            reach: match &self.kubeconfig {
                Some(file) => Reach::Kubeconfig(file.display().to_string()),
                None => Reach::InCluster,
            },
            interval: duration::format(self.calico_interval),
        });
        let cluster = self.kubeconfig.map(|kubeconfig| ClusterChoice {
            from: match &self.context {
                Some(c) => format!("context {c} of {}", kubeconfig.display()),
                None => kubeconfig.display().to_string(),
            },
            kubeconfig,
            context: self.context,
            own: false,
        });
        let from_crds = self.from_crds.then(|| FromCrds {
            prometheus: self.prometheus,
            kubeconfig: cluster.as_ref().map(|c| c.kubeconfig.clone()),
            take_over: match self.take_over.as_deref() {
                None => TakeOver::No,
                Some("beside") => TakeOver::Beside,
                Some(_) => TakeOver::Alone,
            },
            emit_events: self.emit_events,
            allow_local_targets: self.allow_local_targets,
        });
        let options = ServerOptions {
            from_crds,
            cluster,
            allow_setup: self.allow_setup,
            calico,
            listen: self.listen,
            web_config: self.web_config.filter(|f| !f.as_os_str().is_empty()),
            external_url: self.external_url,
            route_prefix: self.route_prefix,
            lifecycle: self.lifecycle,
            cors: self.cors,
            max_connections: self.max_connections,
            read_timeout_ms: self.read_timeout.max(0) as u64,
            data: self.data,
            retention_ms: self.retention,
            retention_bytes: self.retention_size,
            no_lockfile: self.no_lockfile,
            min_block_ms: self.min_block,
            max_block_ms: self.max_block,
            lookback_ms: self.lookback,
            query_timeout_ms: self.query_timeout.max(0) as u64,
            max_concurrency: self.max_concurrency,
            max_samples: self.max_samples,
            adjust_timestamps: self.adjust_timestamps,
            timestamp_tolerance_ms: self.timestamp_tolerance,
            alert_resend_delay_ms: self.alert_resend_delay,
            alert_outage_tolerance_ms: self.alert_outage_tolerance,
            alert_grace_period_ms: self.alert_grace_period,
            max_concurrent_evals: self.max_concurrent_evals,
            drain_notifications: self.drain_notifications,
            notification_batch: self.notification_batch,
            notification_capacity: self.notification_capacity,
            features: self.features,
            threads: self.threads,
            log_level: self.log_level,
            log_format: format!("{:?}", self.log_format).to_lowercase(),
            config_named: self.config_file.is_some(),
            config_file: self.config_file.unwrap_or_else(|| PathBuf::from("prometheus.yml")),
        };
        crate::server::execute(options, self.log_level, self.log_format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of flags and the command line say the same.
    #[test]
    fn every_honoured_flag_is_a_flag_of_run_and_the_other_way_round() {
        let command = Run::augment_args(clap::Command::new("run"));
        let ours: Vec<String> =
            command.get_arguments().filter_map(|a| a.get_long().map(str::to_owned)).collect();
        for f in flags::FLAGS
            .iter()
            .filter(|f| f.status == Status::Honoured && !matches!(f.name, "help" | "version"))
        {
            assert!(ours.iter().any(|o| o == f.name), "--{} is honoured by the table only", f.name);
        }
        const OWN: &[&str] = &[
            "threads",
            "kubeconfig",
            "context",
            "allow-setup",
            "calico",
            "calico-interval",
            "from-crds",
            "prometheus",
            "take-over",
            "emit-events",
            "crds.allow-local-targets",
        ];
        for o in ours.iter().filter(|o| !OWN.contains(&o.as_str())) {
            let status = flags::find(o).map(|f| f.status);
            assert_eq!(
                status,
                Some(Status::Honoured),
                "--{o} is a flag of run and the table says {status:?}"
            );
        }
    }

    #[test]
    fn flags_without_effect_are_taken_with_their_values_and_others_refused() {
        let check = |args: &[&str], want: Option<&[&str]>| {
            let args: Vec<OsString> = ["tortie", "run"].iter().chain(args).map(OsString::from).collect();
            let got = without_refused(args).ok();
            let want =
                want.map(|w| ["tortie", "run"].iter().chain(w).map(OsString::from).collect::<Vec<_>>());
            assert_eq!(got, want);
        };
        check(&["--config.file=x"], Some(&["--config.file=x"]));
        check(&["--auto-gomemlimit.ratio", "0.5", "--log.level=warn"], Some(&["--log.level=warn"]));
        check(&["--no-auto-gomemlimit", "--log.level=warn"], Some(&["--log.level=warn"]));
        check(
            &["--no-web.enable-lifecycle", "--no-scrape.adjust-timestamps"],
            Some(&["--scrape.adjust-timestamps=false"]),
        );
        check(&["--web.enable-lifecycle"], Some(&["--web.enable-lifecycle"]));
        check(&["--agent"], None);
        check(&["--rules.alert.resend-delay=1m"], Some(&["--rules.alert.resend-delay=1m"]));
        check(&["--nonsense"], Some(&["--nonsense"]));
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(parse_bytes("0B"), Ok(0));
        assert_eq!(parse_bytes("0"), Ok(0));
        assert_eq!(parse_bytes("512MB"), Ok(512 << 20));
        assert_eq!(parse_bytes("2GiB"), Ok(2 << 30));
        assert!(parse_bytes("5").is_err());
        assert!(parse_bytes("5XB").is_err());
        assert!(parse_bytes("99999999EB").is_err());
    }
}
