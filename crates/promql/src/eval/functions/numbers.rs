//! Functions that map a float to a float.

use super::super::error::EvalError;
use super::super::math::{go, go_max, go_min};
use super::super::plan::Call;
use super::super::run::Evaluator;
use super::super::step_columns::{Grid, Steps};

/// The function `name` of one float.
pub(crate) fn function(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => go::ceil,
        "floor" => go::floor,
        "sqrt" => go::sqrt,
        "exp" => go::exp,
        "ln" => go::log,
        "log2" => go::log2,
        "log10" => go::log10,
        "sin" => go::sin,
        "cos" => go::cos,
        "tan" => go::tan,
        "asin" => go::asin,
        "acos" => go::acos,
        "atan" => go::atan,
        "sinh" => go::sinh,
        "cosh" => go::cosh,
        "tanh" => go::tanh,
        "asinh" => go::asinh,
        "acosh" => go::acosh,
        "atanh" => go::atanh,
        "rad" => |v| v * (std::f64::consts::PI / 180.0),
        "deg" => |v| v * (180.0 / std::f64::consts::PI),
        "sgn" => |v| {
            if v < 0.0 {
                -1.0
            } else if v > 0.0 {
                1.0
            } else {
                v
            }
        },
        _ => return None,
    })
}

impl Evaluator<'_> {
    pub(crate) fn clamp(&mut self, c: &Call, grid: Grid) -> Result<Steps, EvalError> {
        let mut v = self.vector_arg(c, 0, grid)?;
        let (min, max) = match c.func.name {
            "clamp_min" => (self.scalar_arg(c, 1, grid)?, vec![f64::INFINITY; grid.n]),
            "clamp_max" => (vec![f64::NEG_INFINITY; grid.n], self.scalar_arg(c, 1, grid)?),
            _ => (self.scalar_arg(c, 1, grid)?, self.scalar_arg(c, 2, grid)?),
        };
        for i in 0..v.len() {
            let (bits, _) = v.floats_mut(i);
            for s in 0..grid.n {
                if max[s] < min[s] {
                    bits[s >> 6] &= !(1 << (s & 63));
                }
            }
        }
        self.map_floats(v, grid, |s, v| go_max(min[s], go_min(max[s], v)))
    }

    pub(crate) fn round(&mut self, c: &Call, grid: Grid) -> Result<Steps, EvalError> {
        let v = self.vector_arg(c, 0, grid)?;
        let to = if c.args.len() > 1 { self.scalar_arg(c, 1, grid)? } else { vec![1.0; grid.n] };
        self.map_floats(v, grid, |s, v| {
            let inverse = 1.0 / to[s];
            go::floor(v * inverse + 0.5) / inverse
        })
    }
}
