//! The flags by which every command that looks at a cluster is told which one and as whom.

use clap::Args;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tortie_calico::collect::{PrometheusAddress, Wants, collect};
use tortie_calico::snapshot::Snapshot;
use tortie_cluster::client::ConnectOptions;
use tortie_cluster::files;
use tortie_config::Secret;
use tortie_host::{Clock, Fs, RealFs, SystemClock};

/// Which cluster, and as whom.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct KubeFlags {
    /// The kubeconfig file; else KUBECONFIG or ~/.kube/config, and in a pod its service account
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The kubeconfig's context
    #[arg(long, value_name = "NAME", env = "TORTIE_CONTEXT")]
    pub(crate) context: Option<String>,
    /// The kubeconfig's cluster
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// The kubeconfig's user
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Acts as this user
    #[arg(long = "as", value_name = "USER")]
    pub(crate) impersonate: Option<String>,
    /// Acts as a member of this group; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", requires = "impersonate")]
    pub(crate) groups: Vec<String>,
    /// Longest wait for one answer of the API server
    #[arg(long, value_name = "TIME", default_value = "5s")]
    pub(crate) request_timeout: String,
    /// Longest time for looking at everything
    #[arg(long, value_name = "TIME", default_value = "30s")]
    pub(crate) timeout: String,
}

/// Which Prometheus, and how to reach it.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Prometheus")]
pub(crate) struct PrometheusFlags {
    /// Asks this Prometheus instead of those of the cluster
    #[arg(long, value_name = "URL", env = "TORTIE_PROM_URL")]
    pub(crate) prom_url: Option<String>,
    /// User of basic authentication; the password is read from --prom-password-file or TORTIE_PROM_PASSWORD
    #[arg(long, value_name = "NAME", requires = "prom_url")]
    pub(crate) prom_user: Option<String>,
    /// File with the password
    #[arg(long, value_name = "FILE", requires = "prom_user")]
    pub(crate) prom_password_file: Option<PathBuf>,
    /// File with a bearer token
    #[arg(long, value_name = "FILE", requires = "prom_url")]
    pub(crate) prom_token_file: Option<PathBuf>,
    /// File with certificate authorities to trust besides the system's
    #[arg(long, value_name = "FILE", requires = "prom_url")]
    pub(crate) prom_ca_file: Option<PathBuf>,
    /// Takes any certificate
    #[arg(long, requires = "prom_url")]
    pub(crate) prom_insecure: bool,
    /// Asks this Grafana for its data sources and dashboards besides what the cluster's objects say
    #[arg(long, value_name = "URL", help_heading = "Grafana")]
    pub(crate) grafana_url: Option<String>,
    /// File with a token of a Grafana service account
    #[arg(long, value_name = "FILE", requires = "grafana_url", help_heading = "Grafana")]
    pub(crate) grafana_token_file: Option<PathBuf>,
    /// User of basic authentication
    #[arg(long, value_name = "NAME", requires_all = ["grafana_url", "grafana_password_file"],
        conflicts_with = "grafana_token_file", help_heading = "Grafana")]
    pub(crate) grafana_user: Option<String>,
    /// File with the password
    #[arg(long, value_name = "FILE", requires = "grafana_user", help_heading = "Grafana")]
    pub(crate) grafana_password_file: Option<PathBuf>,
    /// File with certificate authorities to trust besides the system's
    #[arg(long, value_name = "FILE", requires = "grafana_url", help_heading = "Grafana")]
    pub(crate) grafana_ca_file: Option<PathBuf>,
    /// Does not ask Prometheus at all
    #[arg(long)]
    pub(crate) no_prometheus: bool,
    /// Probes of processes a component, besides those whose targets fail; 0 for none
    #[arg(long, value_name = "N", default_value = "10")]
    pub(crate) probe_nodes: usize,
    /// Looks once at everything, also at what two writers seem to fight over: for whoever looks again anyway.
    #[arg(skip)]
    pub(crate) once: bool,
}

impl KubeFlags {
    /// How to connect.
    ///
    /// # Errors
    /// When a time is none.
    pub(crate) fn options(&self) -> Result<ConnectOptions, String> {
        Ok(ConnectOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            impersonate: self.impersonate.clone(),
            groups: self.groups.clone(),
            request_timeout: time("--request-timeout", &self.request_timeout)?,
            ..ConnectOptions::default()
        })
    }

    /// Takes a snapshot of the cluster; files are laid over it. The second value is what to tell on the terminal.
    ///
    /// # Errors
    /// When a flag is wrong. A cluster that cannot be reached is a finding, no error.
    pub(crate) fn look(
        &self,
        prometheus: &PrometheusFlags,
        over: Option<&[PathBuf]>,
    ) -> Result<(Snapshot, Vec<String>), String> {
        let options = self.options()?;
        let wants = Wants {
            probes: prometheus.probe_nodes,
            prometheus: prometheus.address()?,
            ask: !prometheus.no_prometheus,
            grafana: prometheus.grafana()?,
            limit: time("--timeout", &self.timeout)?,
            twice: !prometheus.once,
        };
        let (objects, problems) = over.map(|paths| files::read(&RealFs, paths)).unwrap_or_default();
        let told = problems.iter().map(ToString::to_string).collect();
        let now = SystemClock::new().now_ms();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(|e| e.to_string())?;
        let mut snap = runtime.block_on(collect(&options, &wants, objects, now));
        snap.identity.there = self.there();
        Ok((snap, told))
    }

    /// The flags by which kubectl comes to the same place as the same user; the context is known once it is connected. Whom
    /// the doctor acts as is left out: who may look need not be who may mend.
    pub(crate) fn there(&self) -> Vec<String> {
        let file = self.kubeconfig.as_ref().map(|f| f.display().to_string());
        [("kubeconfig", &file), ("cluster", &self.cluster), ("user", &self.user)]
            .into_iter()
            .filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?)))
            .collect()
    }
}

impl PrometheusFlags {
    fn address(&self) -> Result<Option<PrometheusAddress>, String> {
        let Some(url) = &self.prom_url else { return Ok(None) };
        let credentials = Credentials {
            user: self.prom_user.as_deref(),
            password_file: self.prom_password_file.as_deref(),
            token_file: self.prom_token_file.as_deref(),
            ca_file: self.prom_ca_file.as_deref(),
            insecure: self.prom_insecure,
        };
        credentials.address(url).map(Some)
    }

    fn grafana(&self) -> Result<Option<PrometheusAddress>, String> {
        let Some(url) = &self.grafana_url else { return Ok(None) };
        let credentials = Credentials {
            user: self.grafana_user.as_deref(),
            password_file: self.grafana_password_file.as_deref(),
            token_file: self.grafana_token_file.as_deref(),
            ca_file: self.grafana_ca_file.as_deref(),
            insecure: false,
        };
        credentials.address(url).map(Some)
    }
}

/// What flags say of getting into a Prometheus.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Credentials<'a> {
    /// User of basic authentication.
    pub(crate) user: Option<&'a str>,
    /// File with the password; without it TORTIE_PROM_PASSWORD is read.
    pub(crate) password_file: Option<&'a Path>,
    /// File with a bearer token.
    pub(crate) token_file: Option<&'a Path>,
    /// File with authorities to trust besides the system's.
    pub(crate) ca_file: Option<&'a Path>,
    /// Whether any certificate is taken.
    pub(crate) insecure: bool,
}

impl Credentials<'_> {
    /// The address with them.
    ///
    /// # Errors
    /// When it is no address, or a file cannot be read.
    pub(crate) fn address(&self, url: &str) -> Result<PrometheusAddress, String> {
        if !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
            let shown = url.rsplit('@').next().unwrap_or_default();
            return Err(format!("{shown}: not an http or https URL (hint: http://HOST:PORT)"));
        }
        let basic = match self.user {
            None => None,
            Some(user) => {
                let password = match self.password_file {
                    Some(file) => secret(file)?,
                    None => Secret::new(&std::env::var("TORTIE_PROM_PASSWORD").unwrap_or_default()),
                };
                Some((user.to_owned(), password))
            }
        };
        Ok(PrometheusAddress {
            url: url.to_owned(),
            basic,
            bearer: self.token_file.map(secret).transpose()?,
            authorities: self.ca_file.map(read).transpose()?,
            insecure: self.insecure,
        })
    }
}

fn secret(file: &Path) -> Result<Secret, String> {
    let bytes = read(file)?;
    Ok(Secret::new(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n'])))
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    RealFs.read(file).map_err(|e| {
        let file = file.display();
        format!("{file} cannot be read: {e} (hint: the flag that names it takes the path of a file)")
    })
}

fn time(flag: &str, text: &str) -> Result<Duration, String> {
    let ms =
        tortie_model::duration::parse(text).map_err(|e| format!("{flag} {text}: {e} (hint: {flag} 5s)"))?;
    Ok(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}
