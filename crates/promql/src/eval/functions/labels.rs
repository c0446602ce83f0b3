//! `label_replace` and `label_join`.

use super::super::error::EvalError;
use super::super::plan::Call;
use super::super::run::{Evaluator, merge_rows};
use super::super::step_columns::{Grid, Steps};
use super::text;
use tortie_model::labels::METRIC_NAME;
use tortie_model::regex::Regex;

impl Evaluator<'_> {
    pub(crate) fn label_replace(&mut self, c: &Call, grid: Grid) -> Result<Steps, EvalError> {
        let (dst, template, src, pattern) = (text(c, 1)?, text(c, 2)?, text(c, 3)?, text(c, 4)?);
        let invalid =
            |_| EvalError::exec(format!("invalid regular expression in label_replace(): {pattern}"));
        let regex = Regex::anchored(pattern).map_err(invalid)?;
        if dst.is_empty() {
            return Err(EvalError::exec(format!("invalid destination label name in label_replace(): {dst}")));
        }
        let mut v = self.vector_arg(c, 0, grid)?;
        let mut value = String::new();
        for i in 0..v.len() {
            let source = v.labels[i].value(src);
            let Some(captures) = regex.captures(source) else { continue };
            value.clear();
            regex.expand(template, source, &captures, &mut value);
            let mut b = v.labels[i].builder();
            b.set(dst, &value);
            v.labels[i] = b.labels();
            if dst == METRIC_NAME {
                v.drop_name[i] = false;
            }
        }
        merge_rows(v)
    }

    pub(crate) fn label_join(&mut self, c: &Call, grid: Grid) -> Result<Steps, EvalError> {
        let (dst, separator) = (text(c, 1)?, text(c, 2)?);
        let sources: Vec<&str> = (3..c.args.len()).map(|i| text(c, i)).collect::<Result<_, _>>()?;
        if let Some(bad) = sources.iter().find(|s| s.is_empty()) {
            return Err(EvalError::exec(format!("invalid source label name in label_join(): {bad}")));
        }
        if dst.is_empty() {
            return Err(EvalError::exec(format!("invalid destination label name in label_join(): {dst}")));
        }
        let mut v = self.vector_arg(c, 0, grid)?;
        for i in 0..v.len() {
            let parts: Vec<&str> = sources.iter().map(|s| v.labels[i].value(s)).collect();
            let mut b = v.labels[i].builder();
            b.set(dst, &parts.join(separator));
            v.labels[i] = b.labels();
            if dst == METRIC_NAME {
                v.drop_name[i] = false;
            }
        }
        merge_rows(v)
    }
}
