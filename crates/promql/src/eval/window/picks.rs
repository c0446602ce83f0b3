//! Functions that only look at which samples a window holds: counts, first and last.

use super::super::error::EvalError;
use super::{Series, Sink, Window};
use std::sync::Arc;

/// `count_over_time`
pub(crate) fn count(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    for w in s.windows {
        out.float(w.step, (w.floats() + w.hists()) as f64);
    }
    Ok(())
}

/// `present_over_time`, and what `absent_over_time` starts from.
pub(crate) fn present(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    for w in s.windows {
        out.float(w.step, 1.0);
    }
    Ok(())
}

/// `first_over_time`
pub(crate) fn first(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    for w in s.windows {
        let float_first = w.hists() == 0 || (w.floats() > 0 && s.samples.t[w.flo] < s.samples.ht[w.hlo]);
        if float_first {
            out.float(w.step, s.samples.v[w.flo]);
        } else {
            out.histogram(w.step, Arc::clone(&s.samples.h[w.hlo]));
        }
    }
    Ok(())
}

/// `last_over_time`
pub(crate) fn last(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    for w in s.windows {
        let float_last =
            w.hists() == 0 || (w.floats() > 0 && s.samples.ht[w.hhi - 1] < s.samples.t[w.fhi - 1]);
        if float_last {
            out.float(w.step, s.samples.v[w.fhi - 1]);
        } else {
            out.histogram(w.step, Arc::clone(&s.samples.h[w.hhi - 1]));
        }
    }
    Ok(())
}

fn edge(s: &Series<'_>, out: &mut Sink<'_>, pick: impl Fn(&Window) -> i64) {
    for w in s.windows {
        out.float(w.step, pick(w) as f64 / 1000.0);
    }
}

/// `ts_of_first_over_time`
pub(crate) fn first_time(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    edge(s, out, |w| {
        let f = if w.floats() > 0 { s.samples.t[w.flo] } else { i64::MAX };
        let h = if w.hists() > 0 { s.samples.ht[w.hlo] } else { i64::MAX };
        f.min(h)
    });
    Ok(())
}

/// `ts_of_last_over_time`
pub(crate) fn last_time(s: &Series<'_>, out: &mut Sink<'_>) -> Result<(), EvalError> {
    edge(s, out, |w| {
        let f = if w.floats() > 0 { s.samples.t[w.fhi - 1] } else { i64::MIN };
        let h = if w.hists() > 0 { s.samples.ht[w.hhi - 1] } else { i64::MIN };
        f.max(h)
    });
    Ok(())
}
