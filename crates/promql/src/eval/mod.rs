//! Columnar evaluation: a parsed query over any [`tortie_model::storage::Queryable`].
//!
//! Reading order: [`engine`] (what callers use), `plan` (tree to evaluate), `step_columns` (where results stand),
//! `run` (one node after the other), `select` (series from storage), `window` (functions over ranges), `aggregate`,
//! `binary`, `functions` (over instants), `histogram` (native histograms), `annotations` (warnings and infos).
//!
//! Evaluation goes series by series: each selector reads a series once for all steps. Answers have the same bits as
//! those of Prometheus 3.16, so sums add in the order of the selection and in Kahan's way where it does.

mod aggregate;
mod annotations;
mod binary;
pub mod context;
pub mod engine;
pub mod error;
mod functions;
pub mod histogram;
mod math;
mod plan;
mod run;
mod samples;
mod select;
mod step_columns;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod value;
mod window;

pub use context::{Budget, QueryContext};
pub use engine::{Engine, EngineOptions};
pub use error::{ErrorKind, EvalError};
pub use histogram::FloatHistogram;
pub use value::{Answer, Sample, SampleValue, Series, Stats, Value};
