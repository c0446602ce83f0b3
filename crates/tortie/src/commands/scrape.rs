//! `tortie scrape`: one endpoint, asked once: does it answer, can it be read, how much is it.

use super::doctor::kube_flags::KubeFlags;
use clap::Args;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;
use tortie_calico::collect::PrometheusAddress;
use tortie_calico::collect::one::{Page, page, pod_page};
use tortie_wire::text::{Entry, Parser};

/// Asks one endpoint, reads the answer as a scrape would and counts its series
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tortie scrape http://10.0.0.1:9091/metrics\n  tortie scrape pod/calico-node-x:9091 -n calico-system\n\n\
Exit: 0 it can be read, 1 no answer or a body that cannot be read, 2 usage"
)]
pub(crate) struct Scrape {
    /// http(s)://HOST:PORT/PATH, or pod/NAME:PORT through a port-forward
    endpoint: String,
    /// Namespace of the pod
    #[arg(short = 'n', long, value_name = "NAME", default_value = "calico-system")]
    namespace: String,
    /// Path asked of a pod
    #[arg(long, value_name = "PATH", default_value = "/metrics")]
    path: String,
    /// Longest wait for the whole answer
    #[arg(long, value_name = "TIME", default_value = "10s")]
    scrape_timeout: String,
    /// Takes any certificate
    #[arg(long)]
    insecure: bool,
    /// Prints the body
    #[arg(long)]
    raw: bool,
    #[command(flatten)]
    kube: KubeFlags,
}

impl Scrape {
    #[allow(clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        match self.run() {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(1),
            Err(e) => {
                eprintln!("tortie scrape: {e}");
                ExitCode::from(super::EXIT_USAGE)
            }
        }
    }

    #[allow(clippy::print_stdout, clippy::print_stderr)]
    fn run(self) -> Result<bool, String> {
        let ms = tortie_model::duration::parse(&self.scrape_timeout)
            .map_err(|e| format!("--scrape-timeout {}: {e}", self.scrape_timeout))?;
        let limit = Duration::from_millis(u64::try_from(ms).unwrap_or(0));
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| e.to_string())?;
        let answer = if let Some(pod) = self.endpoint.strip_prefix("pod/") {
            let (name, port) = pod
                .rsplit_once(':')
                .and_then(|(n, p)| Some((n, p.parse::<u16>().ok()?)))
                .ok_or_else(|| format!("{}: no pod and port (hint: pod/NAME:PORT)", self.endpoint))?;
            let options = self.kube.options()?;
            runtime.block_on(pod_page(&options, (&self.namespace, name), port, &self.path, limit))
        } else {
            let (base, path) = split(&self.endpoint)?;
            let address = PrometheusAddress {
                url: base,
                basic: None,
                bearer: None,
                authorities: None,
                insecure: self.insecure,
            };
            runtime.block_on(page(&address, &path, limit))
        };
        let page = match answer {
            Ok(page) => page,
            Err(e) => {
                eprintln!("tortie scrape: {}: {e}", self.endpoint);
                return Ok(false);
            }
        };
        if self.raw {
            print!("{}", String::from_utf8_lossy(&page.body));
        }
        Ok(told(&page, self.raw))
    }
}

/// Scheme and host, and the path with its query.
fn split(url: &str) -> Result<(String, String), String> {
    let (scheme, rest) =
        url.split_once("://").filter(|(s, r)| matches!(*s, "http" | "https") && !r.is_empty()).ok_or_else(
            || format!("{url}: not an http or https URL (hint: http://HOST:PORT/metrics or pod/NAME:PORT)"),
        )?;
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(at);
    let path = if path.is_empty() { "/metrics" } else { path };
    Ok((
        format!("{scheme}://{host}"),
        if path.starts_with('?') { format!("/{path}") } else { path.to_owned() },
    ))
}

/// Says what came; false when it is nothing that can be scraped. With `quiet` only what is wrong.
#[allow(clippy::print_stdout, clippy::print_stderr)]
fn told(page: &Page, quiet: bool) -> bool {
    if page.status != 200 {
        eprintln!("status {}: a scrape needs 200", page.status);
        return false;
    }
    let mut families: BTreeMap<String, u64> = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    let (mut typed, mut twice) = (0_u64, 0_u64);
    let mut parser = Parser::new(&page.body);
    let error = loop {
        match parser.next() {
            Ok(Some(Entry::Sample(s))) => {
                let end =
                    s.series.iter().position(|b| matches!(b, b'{' | b' ' | b'\t')).unwrap_or(s.series.len());
                let name = s.series.get(..end).unwrap_or_default();
                *families.entry(String::from_utf8_lossy(name).into_owned()).or_default() += 1;
                twice += u64::from(!seen.insert(s.series.to_vec()));
            }
            Ok(Some(Entry::Type { .. })) => typed += 1,
            Ok(Some(_)) => {}
            Ok(None) => break None,
            Err(e) => break Some(e.to_string()),
        }
    };
    let series: u64 = families.values().sum();
    if !quiet {
        println!("{} bytes, {}", page.body.len(), page.content_type);
        println!("{series} series of {} names, {typed} with a type", families.len());
        let mut most: Vec<_> = families.iter().collect();
        most.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        for (name, n) in most.into_iter().take(10) {
            println!("{n:>7}  {name}");
        }
    }
    if twice > 0 {
        eprintln!("{twice} series stand twice: only the first of each is stored");
    }
    if let Some(e) = &error {
        eprintln!("the body cannot be read as text format: {e}");
    }
    error.is_none() && series > 0
}
