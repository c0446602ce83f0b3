//! The screen of `tortie why`: what it is, its way backwards, what stands in it.

use crate::component::Component;
use crate::doctor::check::Station;
use crate::doctor::engine::Report;
use crate::render::ink::{Ink, Mark};
use crate::render::{human, table, wrap};
use crate::why::{Subject, causes};

/// Writes the explanation.
pub fn why(subject: &Subject, report: &Report, ink: Ink) -> String {
    let mut out = vec![ink.strong(&format!("{} {}", subject.kind, subject.name))];
    for line in &subject.told {
        out.extend(wrap::prose(line, ink.width.saturating_sub(2)).into_iter().map(|l| format!("  {l}")));
    }
    for component in &subject.components {
        out.push(String::new());
        out.extend(way(*component, subject.end, report, ink));
    }
    let causes = causes(subject, report);
    for finding in &causes {
        out.push(String::new());
        out.extend(human::block(finding, ink));
    }
    if causes.is_empty() {
        out.push(String::new());
        out.push("Nothing that was looked at stands in its way".to_owned());
    }
    out.join("\n") + "\n"
}

/// The stations from the last to the first, in as many lines as they take.
fn way(component: Component, end: Station, report: &Report, ink: Ink) -> Vec<String> {
    let cells = table::row(report, component);
    let arrow = if ink.ascii { " <- " } else { " ← " };
    let stations = Station::COLUMNS
        .iter()
        .zip(&cells)
        .filter(|(s, c)| **s <= end && (c.mark != Mark::None || **s == end))
        .filter(|(s, _)| **s < Station::Panels || **s == end)
        .map(|(s, c)| {
            (
                format!("{} {}", s.as_str(), ink.mark(c.mark)),
                s.as_str().len() + 1 + wrap::columns(ink.text(c.mark)),
            )
        })
        .rev();
    let first = format!("  {}: ", component.title());
    let (indent, arrow_columns) = (wrap::columns(&first), wrap::columns(arrow));
    let (mut out, mut line, mut used) = (Vec::new(), first, indent);
    for (i, (station, columns)) in stations.enumerate() {
        if i > 0 && used + arrow_columns + columns > ink.width {
            let next = format!("{}{}", " ".repeat(indent), arrow.trim_start());
            out.push(std::mem::replace(&mut line, next));
            used = indent + arrow_columns - 1;
        } else if i > 0 {
            line.push_str(arrow);
            used += arrow_columns;
        }
        line.push_str(&station);
        used += columns;
    }
    out.push(line);
    out
}
