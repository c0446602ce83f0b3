//! `load STEP` and `load_with_nhcb STEP`: series with a value every step, from time zero on.

use crate::command::{Lines, split_word, time};
use crate::storage::{Memory, Sample, Value};
use crate::values::{Point, series};
use crate::{nhcb, start_times};
use tortie_model::Labels;

/// A `load` command: series and their samples, in order of their lines.
#[derive(Debug, Default)]
pub(crate) struct Load {
    pub(crate) series: Vec<(Labels, Vec<Sample>)>,
    with_nhcb: bool,
}

/// Parses the body of the command that `line` begins.
pub(crate) fn parse(line: &str, lines: &mut Lines<'_>) -> Result<Load, String> {
    let (word, step) = split_word(line);
    let with_nhcb = match word {
        "load" => false,
        "load_with_nhcb" => true,
        _ => return Err("invalid load command. (load[_with_nhcb] <step:duration>)".to_owned()),
    };
    let step = time(step, "step")?;
    let mut load = Load { series: Vec::new(), with_nhcb };
    let mut start_line: Option<(Labels, Vec<Option<i64>>)> = None;
    while let Some(line) = lines.next_of_body() {
        if let Some((metric, offsets)) = start_times::split(line) {
            if start_line.is_some() {
                return Err("@st line has no following sample line".to_owned());
            }
            let (labels, _) = series(&format!("{metric} _"))?;
            start_line = Some((labels, start_times::parse(offsets)?));
            continue;
        }
        let (labels, points) = series(line)?;
        let starts = match start_line.take() {
            None => None,
            Some((metric, _)) if metric != labels => {
                return Err("@st metric does not match the following sample line metric".to_owned());
            }
            Some((_, starts)) if starts.len() != points.len() => {
                return Err(format!(
                    "@st line has {} values but sample line has {}",
                    starts.len(),
                    points.len()
                ));
            }
            Some((_, starts)) => Some(starts),
        };
        load.set(labels, samples(&points, starts.as_deref(), step));
    }
    match start_line {
        Some(_) => Err("@st line has no following sample line".to_owned()),
        None => Ok(load),
    }
}

pub(crate) fn samples(points: &[Point], starts: Option<&[Option<i64>]>, step: i64) -> Vec<Sample> {
    let mut samples = Vec::with_capacity(points.len());
    for (i, point) in points.iter().enumerate() {
        let t = step * i as i64;
        let value = match point {
            Point::Omitted => continue,
            Point::Float(v) => Value::Float(*v),
            Point::Histogram(h, _) => Value::Histogram(h.clone()),
        };
        let start = starts.and_then(|s| s.get(i).copied().flatten());
        samples.push(Sample { t, start: start.map_or(0, |offset| t + offset), value });
    }
    samples
}

impl Load {
    /// A later line with the same labels takes the place of an earlier one.
    pub(crate) fn set(&mut self, labels: Labels, samples: Vec<Sample>) {
        match self.series.iter_mut().find(|(l, _)| *l == labels) {
            Some((_, there)) => *there = samples,
            None => self.series.push((labels, samples)),
        }
    }

    /// Appends all series to the storage.
    pub(crate) fn append(&self, storage: &mut Memory) -> Result<(), String> {
        for (labels, samples) in &self.series {
            storage.append(labels, samples)?;
        }
        if self.with_nhcb {
            for (labels, samples) in nhcb::convert(&self.series)? {
                storage.append(&labels, &samples)?;
            }
        }
        Ok(())
    }
}
