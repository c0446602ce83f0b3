//! Every flag and feature name of Prometheus' server and what becomes of it here. The command line takes the honoured
//! ones, says why of the others, and COMPAT.md prints the table.

/// What becomes of a flag or feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It does what it does in Prometheus.
    Honoured,
    /// It is taken and changes nothing: why nothing is lost.
    Accepted(&'static str),
    /// It is an error: why.
    Refused(&'static str),
}

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// Nothing, or `true` and `false`; `--no-NAME` too.
    Switch,
    /// A duration such as `5m`.
    Duration,
    /// A number.
    Number,
    /// Bytes with a unit, such as `512MB`.
    Size,
    /// A text; the flag may stand several times.
    List,
}

/// A flag of Prometheus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// Name without dashes.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Default of Prometheus, empty for none.
    pub default: &'static str,
    /// What it is for.
    pub help: &'static str,
    /// What becomes of it.
    pub status: Status,
    /// Whether Prometheus leaves it out of `--help`.
    pub hidden: bool,
}

/// The flag of a name, if Prometheus has one.
pub fn find(name: &str) -> Option<&'static Flag> {
    FLAGS.binary_search_by(|f| f.name.cmp(name)).ok().and_then(|i| FLAGS.get(i))
}

/// The status of a feature name, if Prometheus has one.
pub fn find_feature(name: &str) -> Option<Status> {
    FEATURES.binary_search_by(|(n, _)| (*n).cmp(name)).ok().and_then(|i| FEATURES.get(i)).map(|(_, s)| *s)
}

/// Why a flag cannot be given here, for whoever gave it; nothing for flags that can.
pub fn why_not_flag(name: &str) -> Option<String> {
    match find(name)?.status {
        Status::Refused(reason) => {
            Some(format!("not supported yet: {reason} (COMPAT.md, Flags, row `{name}`)"))
        }
        Status::Honoured | Status::Accepted(_) => None,
    }
}

/// Why a feature cannot be turned on here, for whoever tried.
pub fn why_not_feature(name: &str) -> String {
    match find_feature(name) {
        Some(Status::Refused(reason)) => {
            format!("not supported yet: {reason} (COMPAT.md, Features, row `{name}`)")
        }
        Some(Status::Accepted(reason)) => format!("nothing to turn on: {reason}"),
        Some(Status::Honoured) => "not built into this program".to_owned(),
        None => match nearest_feature(name) {
            Some(near) => format!("unknown feature\nhint: did you mean {near}?"),
            None => "unknown feature\nhint: COMPAT.md, Features, lists them".to_owned(),
        },
    }
}

fn nearest_feature(name: &str) -> Option<&'static str> {
    let likeness = |n: &str| strsim::jaro_winkler(n, name);
    FEATURES
        .iter()
        .map(|(n, _)| *n)
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
        .filter(|n| likeness(n) > 0.85)
}

/// All flags, ascending by name.
#[rustfmt::skip]
pub const FLAGS: &[Flag] = &[
    Flag { name: "agent", kind: Kind::Switch, default: "false", help: "run as an agent", status: Status::Refused("agent mode is not there; the server without queries is `tortie run`"), hidden: false },
    Flag { name: "alertmanager.drain-notification-queue-on-shutdown", kind: Kind::Switch, default: "true", help: "send what waits at the end", status: Status::Honoured, hidden: false },
    Flag { name: "alertmanager.notification-batch-size", kind: Kind::Number, default: "256", help: "notifications sent at a time", status: Status::Honoured, hidden: false },
    Flag { name: "alertmanager.notification-queue-capacity", kind: Kind::Number, default: "10000", help: "notifications that wait", status: Status::Honoured, hidden: false },
    Flag { name: "auto-gomaxprocs", kind: Kind::Switch, default: "true", help: "set the number of Go's threads to the quota of the container", status: Status::Accepted("cores are always those of the cgroup; --threads overrides"), hidden: false },
    Flag { name: "auto-gomemlimit", kind: Kind::Switch, default: "true", help: "set Go's memory limit to that of the container", status: Status::Accepted("memory is always that of the cgroup"), hidden: false },
    Flag { name: "auto-gomemlimit.ratio", kind: Kind::Number, default: "0.9", help: "share of the memory that Go may use", status: Status::Accepted("there is no Go runtime"), hidden: false },
    Flag { name: "auto-gomemlimit.refresh-interval", kind: Kind::Duration, default: "0s", help: "how often the memory of the container is looked at", status: Status::Accepted("there is no Go runtime"), hidden: false },
    Flag { name: "config.auto-reload", kind: Kind::Switch, default: "false", help: "read the configuration again when its file changes", status: Status::Refused("not there yet; SIGHUP and /-/reload reload"), hidden: false },
    Flag { name: "config.auto-reload-interval", kind: Kind::Duration, default: "30s", help: "how often the file is looked at for that", status: Status::Refused("not there yet; SIGHUP and /-/reload reload"), hidden: false },
    Flag { name: "config.file", kind: Kind::Text, default: "prometheus.yml", help: "the configuration to read", status: Status::Honoured, hidden: false },
    Flag { name: "enable-feature", kind: Kind::List, default: "", help: "features to turn on", status: Status::Honoured, hidden: false },
    Flag { name: "help", kind: Kind::Switch, default: "false", help: "show the flags", status: Status::Honoured, hidden: false },
    Flag { name: "log.format", kind: Kind::Text, default: "logfmt", help: "format of the log", status: Status::Honoured, hidden: false },
    Flag { name: "log.level", kind: Kind::Text, default: "info", help: "least level that is logged", status: Status::Honoured, hidden: false },
    Flag { name: "query.lookback-delta", kind: Kind::Duration, default: "5m", help: "how far a query looks back for a sample", status: Status::Honoured, hidden: false },
    Flag { name: "query.max-concurrency", kind: Kind::Number, default: "20", help: "queries at a time", status: Status::Honoured, hidden: false },
    Flag { name: "query.max-samples", kind: Kind::Number, default: "50000000", help: "most samples of a query in memory", status: Status::Honoured, hidden: false },
    Flag { name: "query.timeout", kind: Kind::Duration, default: "2m", help: "longest time of a query", status: Status::Honoured, hidden: false },
    Flag { name: "rules.alert.for-grace-period", kind: Kind::Duration, default: "10m", help: "least wait of restored alerts", status: Status::Honoured, hidden: false },
    Flag { name: "rules.alert.for-outage-tolerance", kind: Kind::Duration, default: "1h", help: "longest outage after which alerts go on", status: Status::Honoured, hidden: false },
    Flag { name: "rules.alert.resend-delay", kind: Kind::Duration, default: "1m", help: "least time between notifications", status: Status::Honoured, hidden: false },
    Flag { name: "rules.max-concurrent-evals", kind: Kind::Number, default: "4", help: "rules evaluated at a time", status: Status::Honoured, hidden: false },
    Flag { name: "scrape.adjust-timestamps", kind: Kind::Switch, default: "true", help: "put timestamps on the grid of the interval", status: Status::Honoured, hidden: true },
    Flag { name: "scrape.discovery-reload-interval", kind: Kind::Duration, default: "5s", help: "least time between updates of targets", status: Status::Refused("updates of targets are taken at once"), hidden: true },
    Flag { name: "scrape.timestamp-tolerance", kind: Kind::Duration, default: "2ms", help: "how far off the grid a scrape may be for that (here 10ms by default)", status: Status::Honoured, hidden: true },
    Flag { name: "storage.agent.checkpoint-batch-size", kind: Kind::Number, default: "1000", help: "records of such a checkpoint at a time", status: Status::Refused("agent mode is not there; the server without queries is `tortie run`"), hidden: false },
    Flag { name: "storage.agent.checkpoint-from-in-memory-series", kind: Kind::Switch, default: "false", help: "make checkpoints from memory", status: Status::Refused("agent mode is not there; the server without queries is `tortie run`"), hidden: false },
    Flag { name: "storage.agent.no-lockfile", kind: Kind::Switch, default: "false", help: "do not lock the agent's directory", status: Status::Refused("agent mode is not there; the server without queries is `tortie run`"), hidden: false },
    Flag { name: "storage.agent.path", kind: Kind::Text, default: "data-agent/", help: "data directory of the agent", status: Status::Refused("agent mode is not there; the server without queries is `tortie run`"), hidden: false },
    Flag { name: "storage.agent.retention.max-time", kind: Kind::Duration, default: "4h", help: "most age of samples", status: Status::Refused("agent mode is not there; the server without queries is `tortie run`"), hidden: false },
    Flag { name: "storage.agent.retention.min-time", kind: Kind::Duration, default: "5m", help: "least age of samples that go", status: Status::Refused("agent mode is not there; the server without queries is `tortie run`"), hidden: false },
    Flag { name: "storage.agent.wal-compression", kind: Kind::Switch, default: "true", help: "compress the agent's WAL", status: Status::Refused("agent mode is not there; the server without queries is `tortie run`"), hidden: false },
    Flag { name: "storage.agent.wal-compression-type", kind: Kind::Text, default: "snappy", help: "how the agent's WAL is compressed", status: Status::Refused("agent mode is not there; the server without queries is `tortie run`"), hidden: true },
    Flag { name: "storage.agent.wal-segment-size", kind: Kind::Size, default: "128MB", help: "size of the agent's WAL segments", status: Status::Refused("agent mode is not there; the server without queries is `tortie run`"), hidden: true },
    Flag { name: "storage.agent.wal-truncate-frequency", kind: Kind::Duration, default: "2h", help: "how often the agent's WAL is cut", status: Status::Refused("agent mode is not there; the server without queries is `tortie run`"), hidden: true },
    Flag { name: "storage.remote.flush-deadline", kind: Kind::Duration, default: "1m", help: "longest wait for remote writes at the end", status: Status::Refused("nothing is written to other servers yet"), hidden: false },
    Flag { name: "storage.remote.read-concurrent-limit", kind: Kind::Number, default: "10", help: "most remote reads at a time", status: Status::Refused("remote read is not there yet"), hidden: false },
    Flag { name: "storage.remote.read-max-bytes-in-frame", kind: Kind::Number, default: "1048576", help: "bytes of a frame of a remote read", status: Status::Refused("remote read is not there yet"), hidden: false },
    Flag { name: "storage.remote.read-sample-limit", kind: Kind::Number, default: "5e7", help: "most samples of a remote read", status: Status::Refused("remote read is not there yet"), hidden: false },
    Flag { name: "storage.tsdb.allow-overlapping-compaction", kind: Kind::Switch, default: "true", help: "compact overlapping blocks", status: Status::Refused("overlapping blocks are always compacted"), hidden: true },
    Flag { name: "storage.tsdb.block-reload-interval", kind: Kind::Duration, default: "1m", help: "how often new blocks are looked for", status: Status::Refused("blocks are looked for at start and after compaction"), hidden: true },
    Flag { name: "storage.tsdb.delay-compact-file.path", kind: Kind::Text, default: "", help: "file of uploaded blocks that compaction waits for", status: Status::Refused("compaction does not wait for uploads yet"), hidden: false },
    Flag { name: "storage.tsdb.delayed-compaction.max-percent", kind: Kind::Number, default: "10", help: "most delay of compaction", status: Status::Refused("compaction is not delayed"), hidden: true },
    Flag { name: "storage.tsdb.head-chunks-write-queue-size", kind: Kind::Number, default: "0", help: "queue before head chunks are written", status: Status::Accepted("no scrape waits for head chunks"), hidden: false },
    Flag { name: "storage.tsdb.max-block-chunk-segment-size", kind: Kind::Size, default: "512MB", help: "largest segment of chunks in a block", status: Status::Refused("segments have 512 MiB"), hidden: true },
    Flag { name: "storage.tsdb.max-block-duration", kind: Kind::Duration, default: "", help: "longest range of a block", status: Status::Honoured, hidden: true },
    Flag { name: "storage.tsdb.min-block-duration", kind: Kind::Duration, default: "2h", help: "shortest range of a block", status: Status::Honoured, hidden: true },
    Flag { name: "storage.tsdb.no-lockfile", kind: Kind::Switch, default: "false", help: "do not lock the data directory", status: Status::Honoured, hidden: false },
    Flag { name: "storage.tsdb.path", kind: Kind::Text, default: "data/", help: "the data directory", status: Status::Honoured, hidden: false },
    Flag { name: "storage.tsdb.retention.size", kind: Kind::Size, default: "0B", help: "how many bytes blocks may take", status: Status::Honoured, hidden: false },
    Flag { name: "storage.tsdb.retention.time", kind: Kind::Duration, default: "15d", help: "how long samples are kept", status: Status::Honoured, hidden: false },
    Flag { name: "storage.tsdb.samples-per-chunk", kind: Kind::Number, default: "120", help: "samples a chunk aims at", status: Status::Refused("chunks aim at 120 samples"), hidden: true },
    Flag { name: "storage.tsdb.wal-compression", kind: Kind::Switch, default: "true", help: "compress the WAL", status: Status::Refused("the compression of the WAL is fixed"), hidden: true },
    Flag { name: "storage.tsdb.wal-compression-type", kind: Kind::Text, default: "snappy", help: "how the WAL is compressed", status: Status::Refused("the compression of the WAL is fixed"), hidden: true },
    Flag { name: "storage.tsdb.wal-segment-size", kind: Kind::Size, default: "128MB", help: "size of a WAL segment", status: Status::Refused("segments have 128 MiB"), hidden: true },
    Flag { name: "version", kind: Kind::Switch, default: "false", help: "show the version", status: Status::Refused("`tortie --version` shows it"), hidden: false },
    Flag { name: "web.config.file", kind: Kind::Text, default: "", help: "TLS and users of the web server", status: Status::Honoured, hidden: false },
    Flag { name: "web.console.libraries", kind: Kind::Text, default: "console_libraries", help: "folder of console libraries", status: Status::Accepted("there are no console templates, and nobody asks for them"), hidden: false },
    Flag { name: "web.console.templates", kind: Kind::Text, default: "consoles", help: "folder of console templates", status: Status::Accepted("there are no console templates, and nobody asks for them"), hidden: false },
    Flag { name: "web.cors.origin", kind: Kind::Text, default: ".*", help: "origins whose pages may read answers", status: Status::Honoured, hidden: false },
    Flag { name: "web.enable-admin-api", kind: Kind::Switch, default: "false", help: "allow deleting and snapshots over HTTP", status: Status::Refused("the admin API is not there yet"), hidden: false },
    Flag { name: "web.enable-lifecycle", kind: Kind::Switch, default: "false", help: "allow reload and quit over HTTP", status: Status::Honoured, hidden: false },
    Flag { name: "web.enable-otlp-receiver", kind: Kind::Switch, default: "false", help: "take OTLP writes", status: Status::Refused("OTLP is not received yet"), hidden: false },
    Flag { name: "web.enable-remote-write-receiver", kind: Kind::Switch, default: "false", help: "take remote writes", status: Status::Refused("the remote write receiver is not there yet"), hidden: false },
    Flag { name: "web.external-url", kind: Kind::Text, default: "", help: "the URL that others use, behind a proxy", status: Status::Honoured, hidden: false },
    Flag { name: "web.listen-address", kind: Kind::List, default: "0.0.0.0:9090", help: "where to listen; several are possible", status: Status::Honoured, hidden: false },
    Flag { name: "web.max-connections", kind: Kind::Number, default: "512", help: "most connections at a time", status: Status::Honoured, hidden: false },
    Flag { name: "web.max-notifications-subscribers", kind: Kind::Number, default: "16", help: "most listeners to live notifications", status: Status::Refused("live notifications are not there yet"), hidden: false },
    Flag { name: "web.page-title", kind: Kind::Text, default: "Prometheus Time Series Collection and Processing Server", help: "title of the pages", status: Status::Refused("the title is fixed"), hidden: false },
    Flag { name: "web.read-timeout", kind: Kind::Duration, default: "5m", help: "longest time to read a request, and of idle connections", status: Status::Honoured, hidden: false },
    Flag { name: "web.remote-write-receiver.accepted-protobuf-messages", kind: Kind::List, default: "prometheus.WriteRequest,io.prometheus.write.v2.Request", help: "messages that the receiver takes", status: Status::Refused("the remote write receiver is not there yet"), hidden: false },
    Flag { name: "web.route-prefix", kind: Kind::Text, default: "", help: "prefix of all own paths", status: Status::Honoured, hidden: false },
    Flag { name: "web.search.max-limit", kind: Kind::Number, default: "10000", help: "most results of the search API", status: Status::Refused("the search API is not there"), hidden: false },
    Flag { name: "web.user-assets", kind: Kind::Text, default: "", help: "a folder to serve under /user", status: Status::Refused("files of users are not served"), hidden: false },
    Flag { name: "write-documentation", kind: Kind::Switch, default: "false", help: "write Prometheus' own documentation", status: Status::Refused("`tortie run --help` is the documentation"), hidden: true },
];

/// All feature names, ascending.
#[rustfmt::skip]
pub const FEATURES: &[(&str, Status)] = &[
    ("concurrent-rule-eval", Status::Honoured),
    ("created-timestamp-zero-ingestion", Status::Refused("start timestamps are not stored yet")),
    ("delayed-compaction", Status::Refused("compaction is not delayed")),
    ("exemplar-storage", Status::Refused("exemplars are not stored yet")),
    ("extra-scrape-metrics", Status::Refused("set extra_scrape_metrics in the configuration instead")),
    ("histograms-st-encoding", Status::Refused("native histograms are not stored yet")),
    ("memory-snapshot-on-shutdown", Status::Refused("the head is not written as a snapshot yet; the WAL brings it back")),
    ("metadata-wal-records", Status::Refused("metadata is not written to the WAL yet")),
    ("old-ui", Status::Refused("there is one UI")),
    ("openmetrics2", Status::Refused("OpenMetrics 2.0 is not asked for yet")),
    ("otlp-deltatocumulative", Status::Refused("OTLP is not received yet")),
    ("otlp-native-delta-ingestion", Status::Refused("OTLP is not received yet")),
    ("promql-binop-fill-modifiers", Status::Honoured),
    ("promql-delayed-name-removal", Status::Honoured),
    ("promql-experimental-functions", Status::Honoured),
    ("promql-per-step-stats", Status::Refused("statistics by step are not counted yet")),
    ("promql-unquoted-utf8-names", Status::Refused("names beyond ASCII stand in quotes")),
    ("query-cost", Status::Refused("limits by query cost are not there; the budget of all queries in bytes is")),
    ("search-api", Status::Refused("the search API is not there")),
    ("st-storage", Status::Refused("start timestamps are not stored yet")),
    ("st-synthesis", Status::Refused("start timestamps are not stored yet")),
    ("type-and-unit-labels", Status::Refused("labels of type and unit are not made yet")),
    ("use-start-timestamps", Status::Refused("start timestamps are not stored yet")),
    ("use-uncached-io", Status::Refused("compaction writes through the page cache")),
    ("xor2-encoding", Status::Refused("chunks are written as XOR; XOR2 of others is read")),
    ("zstd-scrape", Status::Refused("zstd is not asked for yet; gzip is")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted() {
        assert!(FLAGS.is_sorted_by(|a, b| a.name < b.name));
        assert!(FEATURES.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn refusals_say_why() {
        assert!(why_not_flag("agent").is_some_and(|w| w.contains("agent mode is not there")));
        assert_eq!(why_not_flag("config.file"), None);
        assert_eq!(why_not_flag("nothing"), None);
        assert!(why_not_feature("exemplar-storage").contains("exemplars are not stored yet"));
        assert!(
            why_not_feature("promql-experimental-function")
                .contains("did you mean promql-experimental-functions")
        );
        assert!(why_not_feature("zzz").starts_with("unknown feature"));
    }
}
