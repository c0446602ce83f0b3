//! What evaluation needs from outside: storage, templates, time, whom to tell.

use crate::metrics::Counters;
use crate::notify::Notify;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError, RwLock};
use tortie_host::Clock;
use tortie_model::Labels;
use tortie_model::storage::Queryable;
use tortie_promql::eval::{
    Budget, Engine, EngineOptions, EvalError, FloatHistogram, QueryContext, Sample, SampleValue, Value,
};
use tortie_promql::{Expr, parse_expr};
use tortie_template::Needs;
use tortie_tsdb::append::{AppendError, Batch, Committed, Slot};

/// Where samples come from and go to.
pub trait Store: Queryable {
    /// Stores a batch whole or not at all; single rows may be refused. The caller holds the slots of the answer.
    ///
    /// # Errors
    /// When nothing was stored.
    fn commit(&self, batch: &Batch) -> Result<Committed, AppendError>;

    /// Gives up slots that [`Store::commit`] returned.
    fn release(&self, slots: &[Slot]);

    /// Stores native histograms (labels, milliseconds, value), each or none.
    ///
    /// # Errors
    /// By default always: a store that has no room for them says so.
    fn commit_histograms(&self, rows: &[(Labels, i64, Arc<FloatHistogram>)]) -> Result<(), String> {
        let _ = rows;
        Err("native histograms are not stored yet (hint: record a number of it, as histogram_quantile gives one)"
            .to_owned())
    }
}

/// What a template of an alert sees.
#[derive(Debug, Clone)]
pub struct TemplateData<'a> {
    /// Labels of the series, the metric's name among them.
    pub labels: &'a Labels,
    /// External labels of the server.
    pub external_labels: &'a Labels,
    /// URL under which others reach the server.
    pub external_url: &'a str,
    /// The value of the series.
    pub value: &'a SampleValue,
    /// Time of the evaluation, milliseconds.
    pub now_ms: i64,
}

/// Answers a template's own queries at a time, milliseconds.
pub type TemplateQuery<'a> = dyn FnMut(&str, i64) -> Result<Vec<Sample>, String> + 'a;

/// A text of a label or annotation, ready to be expanded.
pub trait Template: Send + Sync {
    /// Expands it, with `$labels`, `$externalLabels`, `$externalURL` and `$value` set.
    ///
    /// # Errors
    /// What is wrong with the template; the alert goes on.
    fn expand(&self, data: &TemplateData<'_>, query: &mut TemplateQuery<'_>) -> Result<String, String>;

    /// What must stay the same for it to give the same again; by default it never does.
    fn needs(&self) -> Needs {
        Needs::Moment
    }
}

/// Reads templates of labels and annotations.
pub trait Templates: Send + Sync {
    /// Reads `text` of the alert `alert`, once a rule. A text that is no template fails when it is expanded.
    fn read(&self, alert: &str, text: &str) -> Box<dyn Template>;
}

/// What flags decide.
#[derive(Debug, Clone)]
pub struct Options {
    /// URL under which others reach the server, without a slash at its end.
    pub external_url: String,
    /// Least time between two notices of a firing alert, milliseconds (`--rules.alert.resend-delay`).
    pub resend_delay_ms: i64,
    /// Longest outage after which alerts go on waiting where they were (`--rules.alert.for-outage-tolerance`).
    pub outage_tolerance_ms: i64,
    /// Least wait of a restored alert (`--rules.alert.for-grace-period`).
    pub for_grace_period_ms: i64,
    /// Longest time of one query, milliseconds; 0 is no limit.
    pub query_timeout_ms: u64,
    /// Rules of one group that do not need each other run at a time (`--enable-feature=concurrent-rule-eval`).
    pub concurrent: bool,
    /// Most of them over all groups (`--rules.max-concurrent-evals`).
    pub max_concurrent: usize,
    /// Which experimental parts of the language are on.
    pub language: tortie_promql::Options,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            external_url: String::new(),
            resend_delay_ms: 60_000,
            outage_tolerance_ms: 3_600_000,
            for_grace_period_ms: 600_000,
            query_timeout_ms: 120_000,
            concurrent: false,
            max_concurrent: 4,
            language: tortie_promql::Options::default(),
        }
    }
}

/// What a reload of the configuration may change for all groups.
#[derive(Debug, Clone)]
pub struct Settings {
    /// External labels.
    pub external_labels: Labels,
    /// How far in the past queries look when their group does not say, milliseconds.
    pub query_offset_ms: i64,
    /// Step of subqueries that name none, milliseconds.
    pub evaluation_interval_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { external_labels: Labels::empty(), query_offset_ms: 0, evaluation_interval_ms: 60_000 }
    }
}

/// What all groups of a manager share.
pub struct Environment {
    /// Samples.
    pub store: Arc<dyn Store>,
    /// Templates.
    pub templates: Arc<dyn Templates>,
    /// Whom to tell of alerts.
    pub notify: Arc<dyn Notify>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// What flags decide.
    pub options: Options,
    /// Memory that queries share.
    pub budget: Option<Arc<Budget>>,
    /// Counters over all groups.
    pub counters: Counters,
    /// Raised when the server ends: queries stop.
    pub(crate) ending: Arc<AtomicBool>,
    live: RwLock<Live>,
}

#[derive(Clone)]
struct Live {
    engine: Arc<Engine>,
    settings: Arc<Settings>,
}

impl Environment {
    /// An environment with the settings of an empty configuration.
    pub fn new(
        store: Arc<dyn Store>,
        templates: Arc<dyn Templates>,
        notify: Arc<dyn Notify>,
        clock: Arc<dyn Clock>,
        engine: EngineOptions,
        options: Options,
    ) -> Environment {
        Environment {
            store,
            templates,
            notify,
            clock,
            options,
            budget: None,
            counters: Counters::default(),
            ending: Arc::default(),
            live: RwLock::new(Live {
                engine: Arc::new(Engine::new(engine)),
                settings: Arc::new(Settings::default()),
            }),
        }
    }

    /// Takes over what a reload changed.
    pub fn set(&self, settings: Settings) {
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        let subquery_step_ms = settings.evaluation_interval_ms;
        let options = EngineOptions { subquery_step_ms, ..live.engine.options().clone() };
        *live = Live { engine: Arc::new(Engine::new(options)), settings: Arc::new(settings) };
    }

    /// The settings of the running configuration.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner).settings)
    }

    /// How far an instant query looks back, milliseconds.
    pub(crate) fn lookback_ms(&self) -> i64 {
        self.engine().options().lookback_ms
    }

    fn engine(&self) -> Arc<Engine> {
        Arc::clone(&self.live.read().unwrap_or_else(PoisonError::into_inner).engine)
    }

    /// Evaluates `expr` at an instant; a number is a vector of one sample without labels.
    pub(crate) fn query(
        &self,
        data: &dyn Queryable,
        text: &str,
        expr: &Expr,
        at_ms: i64,
    ) -> Result<Vec<Sample>, String> {
        let mut ctx = QueryContext::new(text);
        ctx.budget = self.budget.clone();
        ctx.cancel = Arc::clone(&self.ending);
        if self.options.query_timeout_ms > 0 {
            let until = self.options.query_timeout_ms.saturating_mul(1_000_000);
            ctx.deadline = Some((&*self.clock, self.clock.monotonic_ns().saturating_add(until)));
        }
        let answer = self.engine().instant(data, expr, at_ms, &ctx).map_err(|e: EvalError| e.to_string())?;
        match answer.value {
            Value::Vector(samples) => Ok(samples),
            Value::Scalar { t, v } => {
                Ok(vec![Sample { labels: Labels::empty(), t, v: SampleValue::Float(v) }])
            }
            Value::Str { .. } | Value::Matrix(_) => Err("rule result is not a vector or scalar".to_owned()),
        }
    }

    /// Answers a query of a template.
    pub(crate) fn template_query(&self, text: &str, at_ms: i64) -> Result<Vec<Sample>, String> {
        let expr = parse_expr(text, &self.options.language).map_err(|e| e.to_string())?;
        self.query(&*self.store, text, &expr, at_ms)
    }
}
