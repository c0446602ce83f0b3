//! From what is seen to a configuration that this program accepts: what it cannot do is left out by name, and the rest runs.

use super::Identity;
use super::fetch::{Asked, Here, Noted};
use super::policy;
use crate::crds::alertmanagers::{ConfigSeen, alertmanager_configs};
use crate::crds::configuration::{Configuration, Job, Style, Verdict, configure};
use crate::crds::generate::Material;
use crate::crds::managers;
use crate::crds::objects::{Name, Objects, Unreadable};
use crate::crds::rule_files::RuleFile;
use crate::crds::types::{AlertSettings, Prometheus};
use crate::crds::unread;
use crate::crds::unselected::{Unselected, unselected};
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_config::emit::Doc;

/// Says whether this program can do what a configuration says; if not, why.
pub type Accepts = Arc<dyn Fn(&str) -> Result<(), String> + Send + Sync>;

/// Something that tortie leaves out though the operator would not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The job or the section.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// Settings of a Prometheus object that a process takes when it starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// Of alerts.
    pub alert: AlertSettings,
    /// Feature flags.
    pub features: Vec<String>,
}

/// What is known of a Prometheus object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    /// `namespace/name` of the object.
    pub prometheus: String,
    /// The configuration. When the object is wrong it is that of its last good state.
    pub text: String,
    /// Why the object is wrong, in the operator's words.
    pub wrong: Option<String>,
    /// Whether the operator's own pods for it are ready: then this process only looks on.
    pub ready_beside: bool,
    /// Why that is not known; they count as ready then.
    pub beside_unknown: Option<String>,
    /// Names of the jobs, each with kind and `namespace/name` of the object behind it.
    pub jobs: Vec<(String, &'static str, String)>,
    /// Files of rules.
    pub rules: Vec<RuleFile>,
    /// Whom alerts go to, in words.
    pub alertmanagers: Vec<String>,
    /// Settings of the object that are flags of the process.
    pub flags: Flags,
    /// Every selected object: accepted or refused in the operator's words.
    pub verdicts: Vec<Verdict>,
    /// Jobs and sections that are left out here.
    pub refused: Vec<Refused>,
    /// Objects that no Prometheus object selects.
    pub unselected: Vec<Unselected>,
    /// Identities of all monitors and rules, by kind and `namespace/name`.
    pub uids: BTreeMap<(&'static str, String), String>,
    /// AlertmanagerConfigs and who takes them.
    pub alertmanager_configs: Vec<ConfigSeen>,
    /// Objects that are not as their definitions say.
    pub unreadable: Vec<Unreadable>,
}

pub(super) struct Resolver {
    prometheus: Name,
    identity: Identity,
    accepts: Accepts,
}

impl Resolver {
    pub(super) fn new(prometheus: Name, identity: Identity, accepts: Accepts) -> Resolver {
        Resolver { prometheus, identity, accepts }
    }

    /// Resolves with the credentials that are here, and tells which were asked for. What is wrong as a whole keeps the
    /// configuration of `last`.
    pub(super) fn resolve(
        &self,
        objects: &Objects,
        here: &Here,
        ready_beside: bool,
        last: Option<&State>,
    ) -> (State, Asked) {
        let key = format!("{}/{}", self.prometheus.0, self.prometheus.1);
        let unselected = unselected(objects);
        let noted = Noted::new(here);
        let of_configs = alertmanager_configs(objects, &noted);
        let alertmanager_configs = of_configs.configs;
        let empty = State {
            prometheus: key.clone(),
            ready_beside,
            unselected,
            alertmanager_configs,
            uids: objects.uids(),
            ..State::default()
        };
        let kept = |wrong: String| {
            let last = last.cloned().unwrap_or_else(|| State { text: "{}\n".to_owned(), ..empty.clone() });
            let (unselected, alertmanager_configs) =
                (empty.unselected.clone(), empty.alertmanager_configs.clone());
            State { wrong: Some(wrong), ready_beside, unselected, alertmanager_configs, ..last }
        };
        let Some(prometheus) = objects.prometheuses.get(&self.prometheus) else {
            let asked = (of_configs.secrets, of_configs.config_maps);
            return (kept(format!("the Prometheus object {key} is gone")), asked);
        };
        let style = Style { material: Material::Inline, sharing: self.identity.sharing() };
        match configure(objects, prometheus, &noted, style) {
            // What it would have asked for further on is not known; what is here stays.
            Err(e) => (kept(e), noted.names()),
            Ok(made) => {
                let mut asked = (of_configs.secrets, of_configs.config_maps);
                asked.0.extend(made.secrets.iter().cloned());
                asked.1.extend(made.config_maps.iter().cloned());
                (self.acceptable(made, objects, prometheus, empty), asked)
            }
        }
    }

    fn acceptable(
        &self,
        mut made: Configuration,
        objects: &Objects,
        prometheus: &Prometheus,
        empty: State,
    ) -> State {
        let mut refused = unused(prometheus);
        let unavailable = made.unavailable.drain(..);
        refused.extend(unavailable.map(|(name, reason)| Refused { name: name.to_owned(), reason }));
        let mut jobs = std::mem::take(&mut made.jobs);
        jobs.retain(|job| {
            match own_discovery(job, objects).and_then(|()| policy::check_files(job, prometheus)) {
                Ok(()) => true,
                Err(reason) => {
                    refused.push(Refused { name: job.name.clone(), reason });
                    false
                }
            }
        });
        let whole = self.text(&made, &jobs);
        let text = if (self.accepts)(&whole).is_ok() {
            whole
        } else {
            self.leave_out(&mut made, &mut jobs, &mut refused);
            self.text(&made, &jobs)
        };
        let spec = &prometheus.spec;
        let flags = Flags {
            alert: spec.rules.as_ref().map(|r| r.alert.clone()).unwrap_or_default(),
            features: spec.enable_features.clone(),
        };
        State {
            text,
            rules: made.rules,
            alertmanagers: managers::named(prometheus),
            flags,
            jobs: jobs.into_iter().map(|j| (j.name, j.kind, j.key)).collect(),
            verdicts: made.verdicts,
            refused,
            ..empty
        }
    }

    /// Leaves out the sections, keys of `global` and jobs that are refused alone.
    fn leave_out(&self, made: &mut Configuration, jobs: &mut Vec<Job>, refused: &mut Vec<Refused>) {
        let mut sections = std::mem::take(&mut made.sections);
        if let Doc::Map(keys) = &mut made.global {
            let global = std::mem::take(keys);
            let mut kept = Vec::new();
            for (key, value) in global {
                kept.push((key.clone(), value));
                made.global = Doc::Map(kept.clone());
                if let Err(reason) = (self.accepts)(&self.text(made, &[])) {
                    kept.pop();
                    refused.push(Refused { name: format!("global.{key}"), reason });
                }
            }
            made.global = Doc::Map(kept);
        }
        sections.retain_mut(|section| {
            if section.0 == "alerting" {
                self.leave_out_managers(made, &mut section.1, refused);
            }
            made.sections = vec![section.clone()];
            let fine = (self.accepts)(&self.text(made, &[]));
            made.sections.clear();
            fine.map_err(|reason| refused.push(Refused { name: section.0.clone(), reason })).is_ok()
        });
        jobs.retain(|job| {
            let alone = self.text(made, std::slice::from_ref(job));
            let fine = (self.accepts)(&alone);
            fine.map_err(|reason| refused.push(Refused { name: job.name.clone(), reason })).is_ok()
        });
        made.sections = sections;
    }

    /// Leaves out single Alertmanagers, so that the others are told.
    fn leave_out_managers(&self, made: &mut Configuration, section: &mut Doc, refused: &mut Vec<Refused>) {
        let Doc::Map(keys) = section else { return };
        let Some((_, Doc::List(managers))) = keys.iter_mut().find(|(k, _)| k == "alertmanagers") else {
            return;
        };
        let mut number = 0;
        managers.retain(|one| {
            let name = format!("alerting.alertmanagers[{number}]");
            number += 1;
            let alone = Doc::Map(vec![("alertmanagers".to_owned(), Doc::List(vec![one.clone()]))]);
            made.sections = vec![("alerting".to_owned(), alone)];
            let fine = (self.accepts)(&self.text(made, &[]));
            made.sections.clear();
            fine.map_err(|reason| refused.push(Refused { name, reason })).is_ok()
        });
    }

    fn text(&self, made: &Configuration, jobs: &[Job]) -> String {
        let shard = self.identity.shard.unwrap_or(0).to_string();
        let mut text = made.text_of(jobs);
        for (name, value) in [
            ("$(POD_NAME)", self.identity.pod.as_str()),
            ("$(SHARD)", &shard),
            ("$(INZONE_SHARD)", &shard),
            ("$(TOPOLOGY_ZONE)", &self.identity.zone),
        ] {
            if text.contains(name) {
                text = text.replace(name, value);
            }
        }
        text
    }
}

/// A job that has targets of a kind that is not there would look whole and not be.
fn own_discovery(job: &Job, objects: &Objects) -> Result<(), String> {
    let Some((ns, name)) = job.key.split_once('/').filter(|_| job.kind == "ScrapeConfig") else {
        return Ok(());
    };
    let object = objects.scrape_configs.get(&(ns.to_owned(), name.to_owned()));
    match object.map_or(&[][..], |o| o.foreign.as_slice()) {
        [] => Ok(()),
        foreign => Err(format!("{} is not supported yet", foreign.join(", "))),
    }
}

/// What the object says that has no effect here.
fn unused(prometheus: &Prometheus) -> Vec<Refused> {
    let named = |name: &&str| Refused { name: (*name).to_owned(), reason: unread::reason(name).to_owned() };
    prometheus.unread.iter().map(named).collect()
}
