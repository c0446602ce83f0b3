//! `tortie relabel`: what each relabel rule of a job does to a set of labels.

use clap::Args;
use std::path::PathBuf;
use std::process::ExitCode;
use tortie_config::Config;
use tortie_host::{Fs, RealFs};
use tortie_model::labels::{Labels, LabelsBuilder};
use tortie_model::relabel::{Rule, trace};

/// Runs a job's relabel rules step by step and shows which one changes or drops the target
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tortie relabel felix '__address__=10.0.0.1:9091,__meta_kubernetes_endpoint_port_name=felix-metrics'\n\
\n  tortie relabel felix --metric '__name__=felix_active_local_endpoints'\n\nExit: 0 kept, 1 dropped, 2 usage"
)]
pub(crate) struct Relabel {
    /// Name of the job
    job: String,
    /// The labels before: name=value,..; a comma within a value is written \,
    #[arg(default_value = "", hide_default_value = true)]
    labels: String,
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "prometheus.yml")]
    config: PathBuf,
    /// Runs the rules for samples (metric_relabel_configs)
    #[arg(long)]
    metric: bool,
}

impl Relabel {
    #[allow(clippy::print_stderr)]
    pub(crate) fn execute(self) -> ExitCode {
        match self.run() {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(1),
            Err(e) => {
                eprintln!("tortie relabel: {e}");
                ExitCode::from(super::EXIT_USAGE)
            }
        }
    }

    #[allow(clippy::print_stdout)]
    fn run(self) -> Result<bool, String> {
        let name = self.config.display().to_string();
        let bytes = RealFs.read(&self.config).map_err(|e| format!("{name}: {e} (hint: --config FILE)"))?;
        let config = Config::load(&String::from_utf8_lossy(&bytes), &name).map_err(|e| e.to_string())?;
        let job = config.scrape_configs.iter().find(|j| j.job_name == self.job).ok_or_else(|| {
            let all: Vec<&str> = config.scrape_configs.iter().map(|j| j.job_name.as_str()).collect();
            format!("{name} has no job {} (hint: its jobs are: {})", self.job, all.join(", "))
        })?;
        let rules = if self.metric { &job.metric_relabel } else { &job.relabel };
        let mut builder = LabelsBuilder::new();
        for (k, v) in pairs(&self.labels)? {
            builder.set(&k, &v);
        }
        if !self.metric {
            // The server puts these where discovery gives none.
            for (k, v) in [
                ("job", job.job_name.as_str()),
                ("__scheme__", job.scheme.as_str()),
                ("__metrics_path__", job.metrics_path.as_str()),
            ] {
                if builder.get(k).is_empty() {
                    builder.set(k, v);
                }
            }
        }
        let mut before = builder.labels();
        println!("begin {}", shown(&before));
        let steps = trace(rules, &mut builder);
        for (i, (rule, step)) in rules.iter().zip(&steps).enumerate() {
            let number = i + 1;
            println!("{number:>3} {}", described(rule));
            if !step.keep {
                println!("    dropped here");
                return Ok(false);
            }
            for line in changes(&before, &step.output) {
                println!("    {line}");
            }
            before = step.output.clone();
        }
        println!("kept  {}", shown(&before));
        Ok(true)
    }
}

/// Reads `a=b,c=d`; a backslash takes the next character as it is.
fn pairs(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut parts = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => parts.last_mut().into_iter().for_each(|p| p.extend(chars.next())),
            ',' => parts.push(String::new()),
            c => parts.last_mut().into_iter().for_each(|p| p.push(c)),
        }
    }
    let pair = |p: &String| {
        let (k, v) =
            p.split_once('=').ok_or_else(|| format!("{p:?} is no label (hint: write name=value)"))?;
        Ok((k.trim().to_owned(), v.trim_matches('"').to_owned()))
    };
    parts.iter().filter(|p| !p.trim().is_empty()).map(pair).collect()
}

fn shown(labels: &Labels) -> String {
    let all: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
    format!("{{{}}}", all.join(", "))
}

fn described(rule: &Rule) -> String {
    let mut out = rule.action.as_str().to_owned();
    if !rule.source_labels.is_empty() {
        out.push_str(&format!(" [{}]", rule.source_labels.join(&rule.separator)));
    }
    if rule.regex_given {
        out.push_str(&format!(" =~ {:?}", rule.regex.as_str()));
    }
    if !rule.target_label.is_empty() {
        out.push_str(&format!(" -> {} = {:?}", rule.target_label, rule.replacement));
    }
    out
}

fn changes(before: &Labels, after: &Labels) -> Vec<String> {
    let mut out = Vec::new();
    for (k, v) in after.iter() {
        match before.get(k) {
            Some(old) if old == v => {}
            Some(old) => out.push(format!("{k}: {old:?} becomes {v:?}")),
            None => out.push(format!("{k}: {v:?} is new")),
        }
    }
    out.extend(
        before.iter().filter(|(k, _)| after.get(k).is_none()).map(|(k, v)| format!("{k}: {v:?} goes")),
    );
    if out.is_empty() {
        out.push("nothing changes".to_owned());
    }
    out
}
