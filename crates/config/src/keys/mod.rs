//! Every key of Prometheus' configuration and what becomes of it here. The strict reader looks keys up in this table,
//! COMPAT.md prints it, and a test walks Prometheus' own key tree along it.

pub mod alerting;
pub mod http_client;
pub mod web;

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It does what it does in Prometheus.
    Honoured {
        /// The test of this crate that reads it (module and name).
        test: &'static str,
    },
    /// It is read and checked and changes nothing.
    Accepted {
        /// Why nothing is lost.
        reason: &'static str,
    },
    /// It is an error, unless it says nothing.
    Refused {
        /// Why.
        reason: &'static str,
        /// Values that say nothing (empty ones always do).
        neutral: &'static [&'static str],
    },
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Path of the key: names with dots between, `[]` for the elements of a list. A refused row stands for all below it.
    pub path: &'static str,
    /// What becomes of it.
    pub status: Status,
}

/// The row of a key. Below a refused key it is the refused key's row.
pub fn find(path: &str) -> Option<&'static Row> {
    if let Ok(i) = ROWS.binary_search_by(|r| r.path.cmp(path)) {
        return ROWS.get(i);
    }
    refused_above(ROWS, path)
        .or_else(|| alerting::find(path))
        .or_else(|| http_client::find(path))
        .or_else(|| web::find(path))
}

/// The row of a refused key that `path` lies below.
fn refused_above(rows: &'static [Row], path: &str) -> Option<&'static Row> {
    rows.iter().find(|r| {
        matches!(r.status, Status::Refused { .. })
            && path.strip_prefix(r.path).is_some_and(|rest| rest.starts_with(['.', '[', '{']))
    })
}

/// All keys with their whole paths, ascending: [`ROWS`] and those of each HTTP client.
pub fn all() -> Vec<(String, Status)> {
    let mut out: Vec<(String, Status)> = ROWS.iter().map(|r| (r.path.to_owned(), r.status)).collect();
    out.extend(alerting::all());
    let own = |path: &str| {
        alerting::find(path).is_some()
            || ROWS.binary_search_by(|r| r.path.cmp(path)).is_ok()
            || refused_above(ROWS, path).is_some()
    };
    out.extend(http_client::all().filter(|(path, _)| !own(path)));
    out.sort_by(|a, b| a.0.cmp(&b.0));
    out
}

/// The key of the section `path` that looks most like `name`, if one does.
pub(crate) fn nearest(path: &str, name: &str) -> Option<&'static str> {
    let names = ROWS.iter().chain(alerting::ROWS).filter_map(|r| {
        if path.is_empty() {
            Some(r.path)
        } else {
            r.path.strip_prefix(path).and_then(|s| s.strip_prefix('.'))
        }
    });
    names
        .chain(alerting::below(path))
        .chain(http_client::below(path))
        .chain(web::below(path))
        .filter(|n| !n.contains(['.', '[', '{']))
        .map(|n| (strsim::jaro_winkler(n, name), n))
        .filter(|(likeness, _)| *likeness > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, n)| n)
}

/// All rows, ascending by path.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row { path: "global", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "global.always_scrape_classic_histograms", status: Status::Refused { reason: "without native histograms classic ones are always scraped", neutral: &["false", "true"] } },
    Row { path: "global.body_size_limit", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "global.convert_classic_histograms_to_nhcb", status: Status::Refused { reason: "native histograms are not stored yet", neutral: &["false"] } },
    Row { path: "global.evaluation_interval", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "global.external_labels", status: Status::Honoured { test: "load::external_labels" } },
    Row { path: "global.extra_scrape_metrics", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "global.keep_dropped_targets", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "global.label_limit", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "global.label_name_length_limit", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "global.label_value_length_limit", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "global.metric_name_escaping_scheme", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "global.metric_name_validation_scheme", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "global.query_log_file", status: Status::Refused { reason: "queries are not logged to a file yet", neutral: &[""] } },
    Row { path: "global.query_max_duration", status: Status::Refused { reason: "limits by query cost are not there; --query.timeout is", neutral: &["0", "0s"] } },
    Row { path: "global.query_max_samples_read", status: Status::Refused { reason: "limits by query cost are not there; the budget of all queries in bytes is", neutral: &["0"] } },
    Row { path: "global.query_max_series", status: Status::Refused { reason: "limits by query cost are not there; the budget of all queries in bytes is", neutral: &["0"] } },
    Row { path: "global.rule_query_offset", status: Status::Honoured { test: "load::rule_files" } },
    Row { path: "global.sample_limit", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "global.scrape_failure_log_file", status: Status::Refused { reason: "scrape failures are not logged to a file yet; the Targets page keeps them", neutral: &[""] } },
    Row { path: "global.scrape_interval", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "global.scrape_native_histograms", status: Status::Refused { reason: "native histograms are not stored yet", neutral: &["false"] } },
    Row { path: "global.scrape_protocols", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "global.scrape_timeout", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "global.target_limit", status: Status::Honoured { test: "load::globals_fill_jobs" } },
    Row { path: "otlp", status: Status::Accepted { reason: "its keys are rows of their own" } },
    Row { path: "otlp.convert_histograms_to_nhcb", status: Status::Refused { reason: "OTLP is not received yet", neutral: &["false"] } },
    Row { path: "otlp.ignore_resource_attributes", status: Status::Refused { reason: "OTLP is not received yet", neutral: &[] } },
    Row { path: "otlp.keep_identifying_resource_attributes", status: Status::Refused { reason: "OTLP is not received yet", neutral: &["false"] } },
    Row { path: "otlp.label_name_preserve_multiple_underscores", status: Status::Refused { reason: "OTLP is not received yet", neutral: &["true"] } },
    Row { path: "otlp.label_name_underscore_sanitization", status: Status::Refused { reason: "OTLP is not received yet", neutral: &["true"] } },
    Row { path: "otlp.promote_all_resource_attributes", status: Status::Refused { reason: "OTLP is not received yet", neutral: &["false"] } },
    Row { path: "otlp.promote_resource_attributes", status: Status::Refused { reason: "OTLP is not received yet", neutral: &[] } },
    Row { path: "otlp.promote_scope_metadata", status: Status::Refused { reason: "OTLP is not received yet", neutral: &["false"] } },
    Row { path: "otlp.translation_strategy", status: Status::Refused { reason: "OTLP is not received yet", neutral: &["UnderscoreEscapingWithSuffixes"] } },
    Row { path: "remote_read", status: Status::Refused { reason: "nothing is read from other servers yet", neutral: &[] } },
    Row { path: "remote_write", status: Status::Refused { reason: "nothing is written to other servers yet", neutral: &[] } },
    Row { path: "rule_files", status: Status::Honoured { test: "load::rule_files" } },
    Row { path: "runtime", status: Status::Honoured { test: "load::runtime_settings" } },
    Row { path: "runtime.gogc", status: Status::Accepted { reason: "there is no Go garbage collector to tune" } },
    Row { path: "runtime.log_level", status: Status::Honoured { test: "load::runtime_settings" } },
    Row { path: "scrape_config_files", status: Status::Refused { reason: "scrape configurations stand in the one file for now", neutral: &[] } },
    Row { path: "scrape_configs", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].always_scrape_classic_histograms", status: Status::Refused { reason: "without native histograms classic ones are always scraped", neutral: &["false", "true"] } },
    Row { path: "scrape_configs[].aws_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].azure_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].body_size_limit", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].consul_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].convert_classic_histograms_to_nhcb", status: Status::Refused { reason: "native histograms are not stored yet", neutral: &["false"] } },
    Row { path: "scrape_configs[].digitalocean_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].dns_sd_configs", status: Status::Honoured { test: "load::dns_discovery" } },
    Row { path: "scrape_configs[].dns_sd_configs[].names", status: Status::Honoured { test: "load::dns_discovery" } },
    Row { path: "scrape_configs[].dns_sd_configs[].port", status: Status::Honoured { test: "load::dns_discovery" } },
    Row { path: "scrape_configs[].dns_sd_configs[].refresh_interval", status: Status::Honoured { test: "load::dns_discovery" } },
    Row { path: "scrape_configs[].dns_sd_configs[].type", status: Status::Honoured { test: "load::dns_discovery" } },
    Row { path: "scrape_configs[].docker_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].dockerswarm_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].ec2_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].ecs_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].elasticache_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].enable_compression", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].eureka_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].extra_scrape_metrics", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].fallback_scrape_protocol", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].file_sd_configs", status: Status::Honoured { test: "load::file_discovery" } },
    Row { path: "scrape_configs[].file_sd_configs[].files", status: Status::Honoured { test: "load::file_discovery" } },
    Row { path: "scrape_configs[].file_sd_configs[].refresh_interval", status: Status::Honoured { test: "load::file_discovery" } },
    Row { path: "scrape_configs[].gce_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].hetzner_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].honor_labels", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].honor_timestamps", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].http_sd_configs", status: Status::Refused { reason: "discovery over HTTP is not there yet; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].ionos_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].job_name", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].keep_dropped_targets", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].api_server", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].attach_metadata", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].attach_metadata.cronjob", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].attach_metadata.deployment", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].attach_metadata.job", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].attach_metadata.namespace", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].attach_metadata.node", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].kubeconfig_file", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].namespaces", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].namespaces.names", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].namespaces.own_namespace", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].no_proxy", status: Status::Refused { reason: "the API server is reached directly or through proxy_url", neutral: &[""] } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].oauth2", status: Status::Refused { reason: "tokens of other servers are not asked for when talking to an API server; authorization works", neutral: &[] } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].proxy_connect_header", status: Status::Refused { reason: "headers for the proxy to the API server are not sent", neutral: &[] } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].proxy_from_environment", status: Status::Refused { reason: "the API server is reached directly or through proxy_url", neutral: &["false"] } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].role", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].selectors", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].selectors[].field", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].selectors[].label", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].selectors[].role", status: Status::Honoured { test: "load::kubernetes_discovery" } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].tls_config.max_version", status: Status::Refused { reason: "the API server is spoken to with TLS 1.2 or 1.3, as it chooses", neutral: &[""] } },
    Row { path: "scrape_configs[].kubernetes_sd_configs[].tls_config.min_version", status: Status::Refused { reason: "the API server is spoken to with TLS 1.2 or 1.3, as it chooses", neutral: &["", "TLS12"] } },
    Row { path: "scrape_configs[].kuma_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].label_limit", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].label_name_length_limit", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].label_value_length_limit", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].lightsail_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].linode_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].marathon_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].metric_name_escaping_scheme", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].metric_name_validation_scheme", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].metric_relabel_configs", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].metric_relabel_configs[].action", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].metric_relabel_configs[].modulus", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].metric_relabel_configs[].regex", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].metric_relabel_configs[].replacement", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].metric_relabel_configs[].separator", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].metric_relabel_configs[].source_labels", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].metric_relabel_configs[].target_label", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].metrics_path", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].msk_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].native_histogram_bucket_limit", status: Status::Refused { reason: "native histograms are not stored yet", neutral: &["0"] } },
    Row { path: "scrape_configs[].native_histogram_min_bucket_factor", status: Status::Refused { reason: "native histograms are not stored yet", neutral: &["0"] } },
    Row { path: "scrape_configs[].nerve_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].nomad_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].oci_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].openstack_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].outscale_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].ovhcloud_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].params", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].puppetdb_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].rds_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].relabel_configs", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].relabel_configs[].action", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].relabel_configs[].modulus", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].relabel_configs[].regex", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].relabel_configs[].replacement", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].relabel_configs[].separator", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].relabel_configs[].source_labels", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].relabel_configs[].target_label", status: Status::Honoured { test: "load::relabel_rules" } },
    Row { path: "scrape_configs[].sample_limit", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].scaleway_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].scheme", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].scrape_failure_log_file", status: Status::Refused { reason: "scrape failures are not logged to a file yet; the Targets page keeps them", neutral: &[""] } },
    Row { path: "scrape_configs[].scrape_interval", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].scrape_native_histograms", status: Status::Refused { reason: "native histograms are not stored yet", neutral: &["false"] } },
    Row { path: "scrape_configs[].scrape_protocols", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].scrape_timeout", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].serverset_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].stackit_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].static_configs", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].static_configs[].labels", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].static_configs[].labels{}", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].static_configs[].targets", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].static_configs[].targets[]", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].target_limit", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].track_timestamps_staleness", status: Status::Honoured { test: "load::a_whole_job" } },
    Row { path: "scrape_configs[].triton_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].uyuni_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "scrape_configs[].vultr_sd_configs", status: Status::Refused { reason: "this discovery is not there; file_sd_configs works", neutral: &[] } },
    Row { path: "storage", status: Status::Honoured { test: "load::storage_settings" } },
    Row { path: "storage.exemplars", status: Status::Refused { reason: "exemplars are not stored yet", neutral: &[] } },
    Row { path: "storage.tsdb", status: Status::Honoured { test: "load::storage_settings" } },
    Row { path: "storage.tsdb.chunk_encoding", status: Status::Refused { reason: "chunks are written as XOR", neutral: &["xor", ""] } },
    Row { path: "storage.tsdb.out_of_order_time_window", status: Status::Refused { reason: "out-of-order samples are not stored yet", neutral: &["0", "0s"] } },
    Row { path: "storage.tsdb.outofordertimewindow", status: Status::Refused { reason: "not a documented key", neutral: &["0"] } },
    Row { path: "storage.tsdb.retention", status: Status::Honoured { test: "load::storage_settings" } },
    Row { path: "storage.tsdb.retention.percentage", status: Status::Refused { reason: "retention by share of the disk is not there; size is", neutral: &["0"] } },
    Row { path: "storage.tsdb.retention.size", status: Status::Honoured { test: "load::storage_settings" } },
    Row { path: "storage.tsdb.retention.time", status: Status::Honoured { test: "load::storage_settings" } },
    Row { path: "storage.tsdb.stale_series_compaction_threshold", status: Status::Refused { reason: "stale series are compacted with all others", neutral: &["0"] } },
    Row { path: "tracing", status: Status::Refused { reason: "traces are not sent", neutral: &[] } },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys of Prometheus 3.16, as its own types spell them; what lies below refused keys is left out.
    const PROMETHEUS: &str = include_str!("prometheus.txt");

    #[test]
    fn rows_are_sorted_and_every_key_of_prometheus_has_one() {
        assert!(ROWS.is_sorted_by(|a, b| a.path < b.path));
        for key in PROMETHEUS.lines() {
            assert!(find(key).is_some(), "{key}");
        }
        let known: Vec<&str> = PROMETHEUS.lines().collect();
        for (path, _) in all() {
            assert!(known.contains(&path.as_str()), "Prometheus has no key {path}");
        }
    }

    #[test]
    fn honoured_keys_name_a_test_that_is_there() {
        let tests = include_str!("../load/tests.rs");
        for (path, status) in all() {
            if let Status::Honoured { test } = status {
                let name = test.strip_prefix("load::").unwrap_or(test);
                assert!(tests.contains(&format!("fn {name}()")), "{path}: no test {test}");
            }
        }
    }

    #[test]
    fn below_a_refused_key_all_is_refused() {
        assert_eq!(find("remote_write[].url").map(|r| r.path), Some("remote_write"));
        assert_eq!(find("remote_writes"), None);
        assert_eq!(nearest("global", "scrape_intervall"), Some("scrape_interval"));
        assert_eq!(nearest("", "scrape_config"), Some("scrape_configs"));
    }
}
