//! One Prometheus object and what it selects, as a configuration: who was accepted, who was refused and why, and the jobs.

use super::accept::{Judge, check_authorization, check_proxy, compare_times, load_tls};
use super::credentials::{Credentials, Store};
use super::generate::{Maker, Material, Sharing, additional_jobs, additional_list};
use super::managers;
use super::objects::{Name, Objects};
use super::rule_files::{RuleFile, RuleWriter, file_name};
use super::types::{KeyRef, LabelSelector, Meta, Prometheus, ScrapeClass};
use super::version::{self, Version};
use std::collections::BTreeMap;
use std::sync::Arc;
use tortie_config::emit::{self, Doc};

/// What stands before the reason of who is left out because of what could not be read here.
pub(super) const UNAVAILABLE: &str = "credentials unavailable";

/// How the configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// How certificates and keys come into it.
    pub material: Material,
    /// Whether several share the targets.
    pub sharing: Sharing,
}

/// What became of one object that the Prometheus selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// `ServiceMonitor`, `PodMonitor`, `Probe`, `ScrapeConfig` or `PrometheusRule`.
    pub kind: &'static str,
    /// `namespace/name`.
    pub key: String,
    /// The operator's words, when it was refused; its reason is then `InvalidConfiguration`.
    pub refused: Option<String>,
    /// Whether it is left out only because its credentials could not be read here: the operator may well take it.
    pub unavailable: bool,
    /// What is wrong, with its place, where the operator's words do not say it.
    pub details: Option<String>,
}

/// A job of the configuration and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Its name, also that of its pool: `serviceMonitor/NAMESPACE/NAME/INDEX`.
    pub name: String,
    /// Kind of the object behind it; empty for jobs of the additional Secret.
    pub kind: &'static str,
    /// `namespace/name` of the object.
    pub key: String,
    /// The element of `scrape_configs`.
    pub config: Doc,
}

/// What one Prometheus object amounts to.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// `namespace/name` of the Prometheus object.
    pub prometheus: String,
    /// Section `global`.
    pub global: Doc,
    /// The other sections but `scrape_configs`, in their order.
    pub sections: Vec<(String, Doc)>,
    /// The jobs, in their order.
    pub jobs: Vec<Job>,
    /// Files of rules, ascending by path as the operator packs them.
    pub rules: Vec<RuleFile>,
    /// Every selected object, by kind and key.
    pub verdicts: Vec<Verdict>,
    /// Fields of the Prometheus object that are left out because their Secrets could not be read here, with the reason.
    pub unavailable: Vec<(&'static str, String)>,
    /// Secrets that were asked for: namespace and name.
    pub secrets: Vec<Name>,
    /// ConfigMaps that were asked for.
    pub config_maps: Vec<Name>,
}

impl Configuration {
    /// The whole configuration as text.
    pub fn text(&self) -> String {
        self.text_of(&self.jobs)
    }

    /// The configuration with these jobs as text.
    pub fn text_of(&self, jobs: &[Job]) -> String {
        let mut entries = vec![("global".to_owned(), self.global.clone())];
        let (before, after): (Vec<_>, Vec<_>) =
            self.sections.iter().partition(|(k, _)| k == "runtime" || k == "rule_files");
        entries.extend(before.into_iter().cloned());
        entries
            .push(("scrape_configs".to_owned(), Doc::List(jobs.iter().map(|j| j.config.clone()).collect())));
        entries.extend(after.into_iter().cloned());
        emit::emit(&Doc::Map(entries))
    }
}

/// Makes the configuration of one Prometheus object.
///
/// # Errors
/// When the object itself is wrong, so that the operator would change nothing any more; the text is the operator's.
pub fn configure(
    objects: &Objects,
    prometheus: &Prometheus,
    credentials: &dyn Credentials,
    style: Style,
) -> Result<Configuration, String> {
    let named = Some(&prometheus.spec.version).filter(|v| !v.is_empty());
    let version =
        Version::parse(named.map_or(version::DEFAULT, String::as_str)).map_err(|e| e.to_string())?;
    let store = Store::new(credentials);
    let judge = Judge { prometheus, version: &version, store: &store };
    let mut verdicts = Vec::new();
    let mut pick = Picker { objects, prometheus, store: &store, verdicts: &mut verdicts };
    let selected = pick.all(&judge)?;
    let (rules, rule_files) = pick.rules(&version)?;
    if !matches!(version.major(), 2 | 3) {
        let text = named.map_or(version::DEFAULT, String::as_str);
        return Err(format!("unsupported Prometheus version {text:?}"));
    }
    let maker = Maker {
        prometheus,
        version: &version,
        store: &store,
        material: style.material,
        sharing: style.sharing,
        no_class: ScrapeClass::default(),
    };
    maker.check_classes().map_err(|e| format!("failed to parse scrape classes: {e}"))?;
    load_own(prometheus, &version, &store)?;
    let mut unavailable = Vec::new();
    let (scrape, alert_rules, managers) = additional(prometheus, &store, &mut unavailable)?;
    let spec = &prometheus.spec;
    if !spec.scrape_timeout.is_empty() {
        compare_times(&spec.scrape_timeout, &spec.scrape_interval).map_err(generating)?;
    }
    let mut jobs = selected.jobs(&maker);
    if let Some(text) = scrape {
        let docs = additional_jobs(&maker, &text).map_err(|e| {
            generating(format!(
                "generate additional scrape configs: unmarshalling additional scrape configs failed: {e}"
            ))
        })?;
        jobs.extend(docs.into_iter().map(|config| Job {
            name: name_of(&config),
            kind: "",
            key: String::new(),
            config,
        }));
    }
    let mut sections = Vec::new();
    let mut section = |name: &str, doc: Option<Doc>| {
        sections.extend(doc.map(|doc| (name.to_owned(), doc)));
    };
    section("runtime", maker.runtime());
    section("rule_files", rule_files);
    section("storage", maker.storage());
    let lists = |text: Option<String>, what: &str| match text {
        None => Ok(None),
        Some(text) => additional_list(&text).map(Some).map_err(|e| {
            generating(format!(
                "generating alerting configuration failed: unmarshalling additional {what} failed: {e}"
            ))
        }),
    };
    let managers = lists(managers, "alertmanager configs")?;
    section("alerting", maker.alerting(lists(alert_rules, "alerting relabel configs")?, managers));
    let (secrets, config_maps) = store.asked();
    let global = maker.global();
    verdicts.sort_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
    Ok(Configuration {
        prometheus: prometheus.meta.key(),
        global,
        sections,
        jobs,
        rules,
        verdicts,
        unavailable,
        secrets,
        config_maps,
    })
}

#[allow(clippy::needless_pass_by_value)] // for map_err
fn generating(e: String) -> String {
    format!("generating config failed: {e}")
}

fn name_of(job: &Doc) -> String {
    let Doc::Map(entries) = job else { return String::new() };
    match entries.iter().find(|(k, _)| k == "job_name") {
        Some((_, Doc::Text(t) | Doc::Raw(t))) => t.clone(),
        _ => String::new(),
    }
}

/// What the Prometheus object itself refers to.
fn load_own(prometheus: &Prometheus, version: &Version, store: &Store<'_>) -> Result<(), String> {
    let (spec, ns) = (&prometheus.spec, prometheus.meta.namespace.as_str());
    if let Some(api) = &spec.apiserver_config {
        let of = |e: String| format!("apiserver config: {e}");
        if let Some(b) = &api.basic_auth {
            store.load(ns, &b.username).map_err(|e| of(format!("failed to get basic auth username: {e}")))?;
            store.load(ns, &b.password).map_err(|e| of(format!("failed to get basic auth password: {e}")))?;
        }
        if let Some((a, key)) = api.authorization.as_ref().and_then(|a| Some((a, a.credentials.as_ref()?))) {
            check_authorization(a).map_err(of)?;
            if !key.name.is_empty() {
                store.load(ns, key).map_err(|e| {
                    of(format!("failed to get authorization token of type {:?}: {e}", a.kind))
                })?;
            }
        }
        load_tls(store, ns, api.tls_config.as_ref(), true).map_err(of)?;
        check_proxy(&api.proxy).map_err(of)?;
    }
    managers::load(prometheus, version, store)?;
    for class in &spec.scrape_classes {
        load_tls(store, ns, class.tls_config.as_ref(), true)
            .map_err(|e| format!("failed to process scrape classes: scrape class {:?}: {e}", class.name))?;
    }
    Ok(())
}

type Texts = (Option<String>, Option<String>, Option<String>);

/// The texts in Secrets: jobs, rules for alerts, Alertmanagers. Jobs and Alertmanagers that could not be read here are left
/// out, and the rest runs; without its rules alerts would be others.
fn additional(
    prometheus: &Prometheus,
    store: &Store<'_>,
    unavailable: &mut Vec<(&'static str, String)>,
) -> Result<Texts, String> {
    let spec = &prometheus.spec;
    let mut text =
        |key: &Option<KeyRef>, what: &str, alone: Option<&'static str>| -> Result<Option<String>, String> {
            let Some(key) = key else { return Ok(None) };
            let found = store.look(&prometheus.meta.namespace, &key.name).and_then(|contents| {
                let value = contents.get(&key.key).map(|v| String::from_utf8_lossy(v).into_owned());
                value.ok_or_else(|| format!("key {} could not be found in secret {}", key.key, key.name))
            });
            match found {
                Ok(text) => Ok(Some(text)),
                Err(e) => {
                    let unread = store.take_unread();
                    let why = format!("loading additional {what} from Secret failed: {e}");
                    match alone.filter(|_| unread) {
                        Some(field) => {
                            unavailable.push((field, format!("{UNAVAILABLE}: {why}")));
                            Ok(None)
                        }
                        None if key.optional == Some(true) && !unread => Ok(None),
                        None => Err(why),
                    }
                }
            }
        };
    Ok((
        text(&spec.additional_scrape_configs, "scrape configs", Some("additionalScrapeConfigs"))?,
        text(&spec.additional_alert_relabel_configs, "alert relabel configs", None)?,
        text(
            &spec.additional_alert_manager_configs,
            "alert manager configs",
            Some("additionalAlertManagerConfigs"),
        )?,
    ))
}

/// Looks for what a Prometheus selects.
struct Picker<'a> {
    objects: &'a Objects,
    prometheus: &'a Prometheus,
    store: &'a Store<'a>,
    verdicts: &'a mut Vec<Verdict>,
}

/// The accepted objects of each kind, by `namespace/name` as the operator sorts it.
#[derive(Default)]
struct Selected {
    services: BTreeMap<String, Arc<super::types::ServiceMonitor>>,
    pods: BTreeMap<String, Arc<super::types::PodMonitor>>,
    probes: BTreeMap<String, Arc<super::types::Probe>>,
    scrapes: BTreeMap<String, Arc<super::types::ScrapeConfig>>,
}

impl Picker<'_> {
    fn all(&mut self, judge: &Judge<'_>) -> Result<Selected, String> {
        let (o, s) = (self.objects, &self.prometheus.spec);
        Ok(Selected {
            services: self.pick(
                "ServiceMonitor",
                &o.service_monitors,
                (&s.service_monitor_selector, &s.service_monitor_namespace_selector),
                |m| (&m.meta, judge.service_monitor(m)),
            )?,
            pods: self.pick(
                "PodMonitor",
                &o.pod_monitors,
                (&s.pod_monitor_selector, &s.pod_monitor_namespace_selector),
                |m| (&m.meta, judge.pod_monitor(m)),
            )?,
            probes: self.pick("Probe", &o.probes, (&s.probe_selector, &s.probe_namespace_selector), |p| {
                (&p.meta, judge.probe(p))
            })?,
            scrapes: self.pick(
                "ScrapeConfig",
                &o.scrape_configs,
                (&s.scrape_config_selector, &s.scrape_config_namespace_selector),
                |c| (&c.meta, judge.scrape_config(c)),
            )?,
        })
    }

    fn pick<T: HasMeta>(
        &mut self,
        kind: &'static str,
        all: &BTreeMap<Name, Arc<T>>,
        (selector, namespaces): (&Option<LabelSelector>, &Option<LabelSelector>),
        judge: impl Fn(&T) -> (&Meta, Result<(), String>),
    ) -> Result<BTreeMap<String, Arc<T>>, String> {
        let mut out = BTreeMap::new();
        if let Some(n) = namespaces {
            n.check().map_err(|e| format!("failed to convert namespace label selector to selector: {e}"))?;
        }
        let Some(selector) = selector else { return Ok(out) };
        selector.check()?;
        for object in all.values() {
            if !self.takes(selector, namespaces.as_ref(), object.meta()) {
                continue;
            }
            let (meta, verdict) = judge(object);
            let key = meta.key();
            if verdict.is_ok() {
                out.insert(key.clone(), Arc::clone(object));
            }
            let unavailable = self.store.take_unread() && verdict.is_err();
            let refused = match verdict {
                Err(why) if unavailable => Some(format!("{UNAVAILABLE}: {why}")),
                other => other.err(),
            };
            self.verdicts.push(Verdict { kind, key, refused, unavailable, details: None });
        }
        Ok(out)
    }

    /// Whether the Prometheus takes an object with its selectors of one kind.
    fn takes(&self, selector: &LabelSelector, namespaces: Option<&LabelSelector>, meta: &Meta) -> bool {
        self.objects.in_namespace(namespaces, &self.prometheus.meta.namespace, &meta.namespace)
            && selector.matches(&meta.labels)
    }

    /// The rule files, and section `rule_files` when rules are selected at all.
    fn rules(&mut self, version: &Version) -> Result<(Vec<RuleFile>, Option<Doc>), String> {
        let spec = &self.prometheus.spec;
        let namespaces = spec.rule_namespace_selector.as_ref();
        if let Some(n) = namespaces {
            n.check().map_err(|e| format!("failed to convert namespace label selector to selector: {e}"))?;
        }
        let Some(selector) = &spec.rule_selector else { return Ok((Vec::new(), None)) };
        selector.check().map_err(|e| {
            format!("initializing PrometheusRules failed: convert rule label selector to selector: {e}")
        })?;
        let writer = RuleWriter::new(self.prometheus, version);
        let mut texts = BTreeMap::new();
        for rule in self.objects.rules.values() {
            if !self.takes(selector, namespaces, &rule.meta) {
                continue;
            }
            let key = rule.meta.key();
            let (refused, details) = match writer.write(rule) {
                Ok(text) => {
                    texts.insert(file_name(rule), (key.clone(), text));
                    (None, None)
                }
                Err(e) => (Some(e.words), e.details),
            };
            self.verdicts.push(Verdict { kind: "PrometheusRule", key, refused, unavailable: false, details });
        }
        let (files, patterns) = writer.packed(texts);
        Ok((files, Some(patterns)))
    }
}

impl Selected {
    fn jobs(&self, maker: &Maker<'_>) -> Vec<Job> {
        let mut out = Vec::new();
        let mut add = |kind: &'static str, key: &str, (name, config): (String, Doc)| {
            out.push(Job { name, kind, key: key.to_owned(), config });
        };
        for (key, m) in &self.services {
            for (i, e) in m.spec.endpoints.iter().enumerate() {
                add("ServiceMonitor", key, maker.service_monitor(m, i, e));
            }
        }
        for (key, m) in &self.pods {
            for (i, e) in m.spec.pod_metrics_endpoints.iter().enumerate() {
                add("PodMonitor", key, maker.pod_monitor(m, i, e));
            }
        }
        for (key, p) in &self.probes {
            add("Probe", key, maker.probe(p));
        }
        for (key, s) in &self.scrapes {
            add("ScrapeConfig", key, maker.scrape_config(s));
        }
        out
    }
}

/// An object with metadata.
trait HasMeta {
    fn meta(&self) -> &Meta;
}

macro_rules! has_meta {
    ($($kind:ident),*) => {$(
        impl HasMeta for super::types::$kind {
            fn meta(&self) -> &Meta {
                &self.meta
            }
        }
    )*};
}
has_meta!(ServiceMonitor, PodMonitor, Probe, ScrapeConfig);
