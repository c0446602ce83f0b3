//! The plan shown, saved, exported or made, and proven by fresh samples.

use super::proof::{Proof, components};
use super::session::{Session, failed, look_whole};
use super::{Ended, UNFINISHED, USAGE, consent};
use crate::commands::doctor::kube_flags::{KubeFlags, PrometheusFlags};
use crate::commands::doctor::screen::Screen;
use clap::Args;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tortie_calico::component::Component;
use tortie_calico::facts::Facts;
use tortie_calico::render::ink::Ink;
use tortie_calico::render::wrap::prose;
use tortie_calico::setup::apply::Work;
use tortie_calico::setup::trial::rehearse_all;
use tortie_calico::setup::{
    Checked, FelixThrough, Options, Plan, PlanError, arriving, export, plan, rights, saved, screen,
};
use tortie_calico::snapshot::Snapshot;
use tortie_host::{Fs, RealFs};

/// Flags of the plan.
#[derive(Debug, Args)]
pub(super) struct Make {
    /// Shows the plan, tried by the server, and writes nothing
    #[arg(long)]
    dry_run: bool,
    /// Makes the plan without asking; takes nobody's fields over
    #[arg(short, long)]
    yes: bool,
    /// Saves the plan in this file (with --export kustomize: a folder) and writes nothing to the cluster
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Makes this saved plan; refused when what it was made for changed
    #[arg(long, value_name = "FILE", conflicts_with_all = ["out", "export"])]
    plan: Option<PathBuf>,
    /// Writes the plan as files instead: yaml (on standard output, or --out FILE), kustomize (--out FOLDER), or helm (--out
    /// FOLDER): values of kube-prometheus-stack (additionalServiceMonitors, extraManifests) and of tigera-operator, and
    /// plain objects for settings that no release keeps
    #[arg(long, value_name = "FORM", value_parser = ["yaml", "kustomize", "helm"])]
    export: Option<String>,
    /// The Prometheus object, NAMESPACE/NAME; needed when there are several
    #[arg(long = "prometheus", value_name = "NS/NAME")]
    object: Option<String>,
    /// Felix' port
    #[arg(long, value_name = "PORT")]
    felix_port: Option<u16>,
    /// Typha's port
    #[arg(long, value_name = "PORT")]
    typha_port: Option<u16>,
    /// The port of kube-controllers
    #[arg(long, value_name = "PORT")]
    kube_controllers_port: Option<u16>,
    /// How Felix is turned on: configuration (all restart at once) or installation (the DaemonSet rolls)
    #[arg(long, value_name = "WAY", value_parser = ["configuration", "installation"])]
    felix_through: Option<String>,
    /// Overwrites fields that this manager keeps with another value; may be repeated
    #[arg(long, value_name = "MANAGER")]
    take: Vec<String>,
    /// Leaves dashboards out
    #[arg(long)]
    no_dashboards: bool,
    /// Leaves alerts and recording rules out
    #[arg(long)]
    no_rules: bool,
    /// Where the runbooks of alerts open: the URL of a tortie, with /runbooks. Without it alerts name `tortie explain`
    #[arg(long, value_name = "URL")]
    runbooks: Option<String>,
    /// Longest wait for the effect of a step: a rollout, endpoints, at last fresh samples. 0s writes all of it and verifies
    /// nothing
    #[arg(long, value_name = "TIME", default_value = "10m")]
    wait: String,
    /// Looks again after this time whether all of it stayed; 0s leaves it out
    #[arg(long, value_name = "TIME", default_value = "1m")]
    second_look: String,
    #[command(flatten)]
    kube: KubeFlags,
    #[command(flatten)]
    reach: PrometheusFlags,
    #[command(flatten)]
    screen: Screen,
}

/// How to draw.
pub(super) fn screen_ink(screen: &Screen) -> Ink {
    screen.ink()
}

impl Make {
    #[allow(clippy::print_stdout, clippy::print_stderr)]
    pub(super) fn run(self) -> Result<u8, Ended> {
        let limit = time("--wait", &self.wait)?;
        let second_look = time("--second-look", &self.second_look)?;
        let snap = look_whole(&self.kube, &self.reach)?;
        let mut plan = match &self.plan {
            Some(file) => load(file, &snap)?,
            None => self.planned(&snap)?,
        };
        if let Some(form) = &self.export {
            return self.write_files(&plan, form);
        }
        let session = Session::open(&self.kube)?;
        session.wait(rehearse_all(&mut plan, &session.writer)).map_err(failed)?;
        let wanted = rights::of_plan(&plan);
        let have = session.wait(session.writer.cluster().review(&wanted)).unwrap_or_default();
        let count = have.iter().filter(|h| **h).count();
        let shown = (!have.is_empty()).then_some((count, wanted.len()));
        print!("{}", screen::plan(&plan, shown, self.screen.ink()));
        for (access, _) in wanted.iter().zip(&have).filter(|(_, have)| !**have) {
            println!("missing right: {access} (hint: tortie rbac setup --plan FILE)");
        }
        if plan.writes().next().is_some() && !limit.is_zero() {
            let text =
                format!("Each step is waited for until it is seen to work, {} at most (--wait).", self.wait);
            prose(&text, self.screen.ink().width).iter().for_each(|l| println!("{l}"));
        }
        if let Some(file) = &self.out {
            RealFs.write_atomic(file, saved::write(&plan).as_bytes()).map_err(|e| unwritten(file, &e))?;
            eprintln!("saved; make it with: {}", self.again(file));
        }
        let left = u8::from(!plan.is_done());
        if plan.is_done() {
            self.standing(&plan, &snap);
        }
        if self.dry_run || self.out.is_some() || plan.writes().next().is_none() {
            return Ok(left);
        }
        if let Some(step) = plan.writes().find(|s| matches!(s.checked, Checked::Refused { .. })) {
            return Err((
                UNFINISHED,
                format!("nothing was written: the server refuses {}", step.target.reference()),
            ));
        }
        if !consent::given(self.yes, session.identity.contexts, self.kube.context.is_some(), "Write this?")? {
            return Ok(left);
        }
        self.write(&plan, &session, limit, second_look)?;
        let others =
            plan.steps.iter().any(|s| !s.write.writes() && s.write != tortie_calico::setup::Write::Nothing);
        Ok(u8::from(others))
    }

    /// A chain that stands on paper may still bring nothing; then it is said, for there is nothing to write about it.
    #[allow(clippy::print_stdout)]
    fn standing(&self, plan: &Plan, snap: &Snapshot) {
        let (there, asked) = arriving(snap, &plan.prometheus);
        let missing: Vec<&str> = components(plan).filter(|c| !there.contains(c)).map(|c| c.title()).collect();
        if asked && !missing.is_empty() {
            println!("No fresh samples of {} arrive yet (hint: tortie doctor).", missing.join(", "));
        }
    }

    /// Makes the steps, each seen to work before the next.
    #[allow(clippy::print_stderr)]
    fn write(
        &self,
        plan: &Plan,
        session: &Session,
        limit: Duration,
        second_look: Duration,
    ) -> Result<(), Ended> {
        let making = session.making(&plan.cluster_uid);
        let mut proof = Proof { kube: &self.kube, reach: &self.reach, limit, blind: false };
        let mut work = session.wait(Work::begin(plan, &session.writer, &making)).map_err(failed)?;
        for (index, step) in plan.steps.iter().enumerate().filter(|(_, s)| s.write.writes()) {
            session.wait(work.make(step)).map_err(failed)?;
            eprintln!("written: {}", step.target.reference());
            proof.step(plan, index)?;
        }
        let verified = proof.all(plan);
        if verified.is_err() && !proof.blind {
            return verified;
        }
        // Whether the fields stay can be seen without Prometheus.
        match (verified, proof.again(plan, second_look)) {
            (Err((code, seen)), Err((_, stayed))) => Err((code, format!("{seen}\n{stayed}"))),
            (verified, stayed) => verified.and(stayed),
        }
    }

    /// The plan. What it asks somebody to decide is asked at a terminal.
    fn planned(&self, snap: &Snapshot) -> Result<Plan, Ended> {
        let facts = Facts::of(snap);
        let mut options = self.options();
        let mut made = plan(&facts, &options);
        if let Err(e @ PlanError::ManyNodes { operated, .. }) = &made
            && !self.yes
        {
            options.felix = consent::felix_through(&e.to_string(), *operated);
            if options.felix.is_some() {
                made = plan(&facts, &options);
            }
        }
        made.map_err(|e| (USAGE, e.to_string()))
    }

    /// The command that makes a saved plan, in the cluster that it is for.
    fn again(&self, file: &Path) -> String {
        let mut argv = vec!["tortie".to_owned(), "setup".to_owned()];
        argv.extend(self.kube.there());
        argv.extend(self.kube.context.iter().map(|c| format!("--context={c}")));
        argv.extend(["--plan".to_owned(), file.display().to_string()]);
        tortie_calico::doctor::fix::Command { argv, stdin: None }.to_string()
    }

    fn options(&self) -> Options {
        let ports = [
            (Component::Felix, self.felix_port),
            (Component::Typha, self.typha_port),
            (Component::KubeControllers, self.kube_controllers_port),
        ];
        let ports: BTreeMap<Component, u16> = ports.into_iter().filter_map(|(c, p)| Some((c, p?))).collect();
        Options {
            prometheus: self.object.clone(),
            ports,
            take: self.take.clone(),
            felix: self.felix_through.as_deref().map(|w| match w {
                "installation" => FelixThrough::Installation,
                _ => FelixThrough::Configuration,
            }),
            no_dashboards: self.no_dashboards,
            no_rules: self.no_rules,
            runbooks: self.runbooks.clone(),
            rules: None,
        }
    }

    #[allow(clippy::print_stdout, clippy::print_stderr)]
    fn write_files(&self, plan: &Plan, form: &str) -> Result<u8, Ended> {
        let several = form != "yaml";
        let files = export::files(
            plan,
            match form {
                "kustomize" => export::Form::Kustomize,
                "helm" => export::Form::Helm,
                _ => export::Form::Yaml,
            },
        );
        match &self.out {
            Some(folder) if several => {
                RealFs.create_dir_all(folder).map_err(|e| unwritten(folder, &e))?;
                for (name, text) in &files {
                    let path = folder.join(name);
                    RealFs.write_atomic(&path, text.as_bytes()).map_err(|e| unwritten(&path, &e))?;
                    eprintln!("wrote {}", path.display());
                }
            }
            None if several => {
                return Err((USAGE, format!("--export {form} writes several files (hint: --out FOLDER)")));
            }
            Some(file) => {
                let text = files.first().map(|f| f.1.as_str()).unwrap_or_default();
                RealFs.write_atomic(file, text.as_bytes()).map_err(|e| unwritten(file, &e))?;
            }
            None => files.iter().for_each(|(_, text)| print!("{text}")),
        }
        Ok(0)
    }
}

fn time(flag: &str, text: &str) -> Result<Duration, Ended> {
    let ms = tortie_model::duration::parse(text)
        .map_err(|e| (USAGE, format!("{flag} {text}: {e} (hint: {flag} 10m)")))?;
    Ok(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}

fn unwritten(file: &Path, e: &std::io::Error) -> Ended {
    (USAGE, format!("{} cannot be written: {e} (hint: --out with another path)", file.display()))
}

/// A saved plan that still fits the cluster.
fn load(file: &Path, snap: &Snapshot) -> Result<Plan, Ended> {
    let text = RealFs.read(file).map_err(|e| {
        let hint = "(hint: tortie setup --out plan.json writes one)";
        (USAGE, format!("{} cannot be read: {e} {hint}", file.display()))
    })?;
    let plan = saved::read(&text).map_err(|e| (USAGE, format!("{}: {e}", file.display())))?;
    let moved = saved::drift(&plan, snap);
    if moved.is_empty() {
        return Ok(plan);
    }
    Err((
        UNFINISHED,
        format!(
            "{}: the plan is refused, for the cluster moved on:\n  {}\n(hint: plan anew)",
            file.display(),
            moved.join("\n  ")
        ),
    ))
}
