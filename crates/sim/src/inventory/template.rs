//! A compiled inventory: text that never changes, and where the numbers go.

use std::ops::Range;

use super::parse::{Child, Value};
use super::{Dist, Family, Grid, Var};
use crate::state::Values;

/// Names that an inventory's `$pool` and `$node` stand for, each sorted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Axes {
    /// IP pools.
    pub pools: Vec<String>,
    /// Nodes.
    pub nodes: Vec<String>,
}

/// A rendered body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rendered {
    /// The whole text.
    pub text: Vec<u8>,
    /// Where the value of the label `host` of `felix_host` stands, when the component has it.
    pub host: Option<Range<usize>>,
}

/// A body with holes.
#[derive(Debug)]
pub(crate) struct Template {
    families: Vec<Block>,
}

#[derive(Debug)]
struct Block {
    head: String,
    /// Whether all lines may be absent, and the head with them.
    optional: bool,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    text: String,
    hole: Hole,
    optional: bool,
}

#[derive(Debug)]
enum Hole {
    None,
    Var(Var),
    Grid(Grid, usize),
    Quantile(Dist, usize),
    Sum(Dist),
    Count(Dist),
    Host,
}

/// Quantiles of Calico's summaries.
const QUANTILES: [&str; 3] = ["0.5", "0.9", "0.99"];
/// Quantiles of the Go runtime's summary of pauses.
const GC_QUANTILES: [&str; 5] = ["0", "0.25", "0.5", "0.75", "1"];

impl Template {
    /// Compiles families.
    pub(crate) fn new(families: &[Family], axes: &Axes) -> Template {
        let families = families
            .iter()
            .map(|family| {
                let mut block = Block {
                    head: format!("# HELP {0} {1}\n# TYPE {0} {2}\n", family.name, family.help, family.kind),
                    optional: family.children.iter().all(|c| c.optional),
                    lines: Vec::new(),
                };
                for child in &family.children {
                    lines(family.name, child, axes, &mut block.lines);
                }
                block
            })
            .collect();
        Template { families }
    }

    /// The body for `values`, as the host `host`.
    pub(crate) fn render(&self, values: &Values, host: &str) -> Rendered {
        let mut out = Rendered { text: Vec::with_capacity(32 << 10), host: None };
        for block in &self.families {
            if block.optional && block.lines.iter().all(|l| l.absent(values)) {
                continue;
            }
            out.text.extend_from_slice(block.head.as_bytes());
            for line in block.lines.iter().filter(|l| !l.absent(values)) {
                line.render(values, host, &mut out);
            }
        }
        out
    }
}

impl Line {
    fn absent(&self, values: &Values) -> bool {
        self.optional
            && match self.hole {
                Hole::Var(var) => values.get(var) == 0.0,
                Hole::Grid(grid, i) => values.cell(grid, i) == 0.0,
                _ => false,
            }
    }

    fn render(&self, values: &Values, host: &str, out: &mut Rendered) {
        out.text.extend_from_slice(self.text.as_bytes());
        let number = match self.hole {
            Hole::None => return,
            Hole::Host => {
                let from = out.text.len();
                out.text.extend_from_slice(host.as_bytes());
                out.host = Some(from..out.text.len());
                out.text.extend_from_slice(b"\"} 1\n");
                return;
            }
            Hole::Var(var) => values.get(var),
            Hole::Grid(grid, i) => values.cell(grid, i),
            Hole::Quantile(dist, i) => values.quantile(dist, i),
            Hole::Sum(dist) => values.sum(dist),
            Hole::Count(dist) => values.count(dist),
        };
        write_number(number, &mut out.text);
        out.text.push(b'\n');
    }
}

/// The lines of one child.
fn lines(name: &str, child: &Child, axes: &Axes, out: &mut Vec<Line>) {
    let braced = |suffix: &str, labels: &str| {
        if labels.is_empty() { format!("{name}{suffix} ") } else { format!("{name}{suffix}{{{labels}}} ") }
    };
    let with = |extra: &str| match child.labels {
        "" => extra.to_owned(),
        labels => format!("{labels},{extra}"),
    };
    let mut push = |text: String, hole: Hole| out.push(Line { text, hole, optional: child.optional });
    match &child.value {
        Value::Text(_) if child.labels == "host=\"$host\"" => push(format!("{name}{{host=\""), Hole::Host),
        Value::Text(number) => push(format!("{}{number}\n", braced("", child.labels)), Hole::None),
        Value::Var(var) => push(braced("", child.labels), Hole::Var(*var)),
        Value::Grid(grid) => {
            for (i, labels) in expand(child.labels, axes).into_iter().enumerate() {
                push(braced("", &labels), Hole::Grid(*grid, i));
            }
        }
        Value::Summary(dist, quantiles) => {
            let names = if *dist == Dist::Gc { &GC_QUANTILES[..] } else { &QUANTILES[..] };
            for (i, q) in names.iter().enumerate().filter(|_| *quantiles) {
                push(braced("", &with(&format!("quantile=\"{q}\""))), Hole::Quantile(*dist, i));
            }
            push(braced("_sum", child.labels), Hole::Sum(*dist));
            push(braced("_count", child.labels), Hole::Count(*dist));
        }
        Value::Histogram(bounds) => {
            for bound in bounds.iter().chain(&["+Inf"]) {
                push(format!("{}0\n", braced("_bucket", &with(&format!("le=\"{bound}\"")))), Hole::None);
            }
            push(format!("{}0\n", braced("_sum", child.labels)), Hole::None);
            push(format!("{}0\n", braced("_count", child.labels)), Hole::None);
        }
    }
}

/// All combinations of pools and nodes that `labels` asks for: nodes within pools.
fn expand(labels: &str, axes: &Axes) -> Vec<String> {
    let one = [String::new()];
    let pools = if labels.contains("$pool") { &axes.pools[..] } else { &one[..] };
    let nodes = if labels.contains("$node") { &axes.nodes[..] } else { &one[..] };
    let both = pools.iter().flat_map(|p| nodes.iter().map(move |n| (p, n)));
    both.map(|(p, n)| labels.replace("$pool", p).replace("$node", n)).collect()
}

/// Appends a number as Go's text exposition writes it. Most are small integers, which need no digits searched.
fn write_number(v: f64, out: &mut Vec<u8>) {
    let integer = v as i64;
    if (0..1_000_000).contains(&integer) && (integer as f64).to_bits() == v.to_bits() {
        out.extend_from_slice(itoa::Buffer::new().format(integer).as_bytes());
        return;
    }
    tortie_model::gofloat::format_g_into(v, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(v: f64, expect: &str) {
        let mut out = Vec::new();
        write_number(v, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn numbers_as_go_writes_them() {
        check(0.0, "0");
        check(-0.0, "-0");
        check(415_291.0, "415291");
        check(999_999.5, "999999.5");
        check(1_000_000.0, "1e+06");
        check(8_664_424.0, "8.664424e+06");
        check(0.000_209_912, "0.000209912");
        check(8.793e-6, "8.793e-06");
        check(9.223_372_036_854_776e18, "9.223372036854776e+18");
        check(1.795_470_284_48e9, "1.79547028448e+09");
        check(f64::NAN, "NaN");
    }
}
