//! The table of the chain: a row a component, a column a station. The UI's Overview draws the same cells.

use crate::component::Component;
use crate::doctor::check::Station;
use crate::doctor::engine::Report;
use crate::doctor::verdict::Verdict;
use crate::facts::Facts;
use crate::render::ink::{Ink, Mark};
use std::ops::Range;

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Its mark.
    pub mark: Mark,
    /// A number beside it (`12/12`, `4 s`); may be empty.
    pub note: String,
}

/// The row of a component.
pub fn row(report: &Report, component: Component) -> Vec<Cell> {
    Station::COLUMNS.iter().map(|s| cell(report, component, *s)).collect()
}

fn cell(report: &Report, component: Component, station: Station) -> Cell {
    let here: Vec<_> = report
        .outcomes
        .iter()
        .filter(|o| o.check.station == station && o.judged.entity.component.is_none_or(|c| c == component))
        .collect();
    let own = |v: Verdict| here.iter().find(|o| o.judged.verdict == v);
    let note = here
        .iter()
        .filter(|o| o.judged.entity.component == Some(component))
        .map(|o| o.judged.note.clone())
        .find(|n| !n.is_empty() && n.len() <= 9);
    let mark = if own(Verdict::Fail).is_some() {
        Mark::Bad
    } else if own(Verdict::Warn).is_some() {
        Mark::Look
    } else if own(Verdict::Pending).is_some() {
        Mark::Young
    } else if own(Verdict::Unknown).is_some() {
        Mark::Unknown
    } else if here
        .iter()
        .any(|o| o.judged.verdict == Verdict::Pass && o.judged.entity.component == Some(component))
    {
        Mark::Good
    } else {
        Mark::None
    };
    Cell { mark, note: note.filter(|_| mark != Mark::Unknown).unwrap_or_default() }
}

/// The table as lines.
pub(super) fn lines(facts: &Facts<'_>, report: &Report, ink: Ink) -> Vec<String> {
    const NAME: usize = 13;
    let rows: Vec<(Component, Vec<Cell>)> = facts.installed().map(|c| (c, row(report, c))).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let text = |cell: &Cell| -> String {
        if cell.note.is_empty() {
            ink.text(cell.mark).to_owned()
        } else {
            format!("{} {}", cell.note, ink.text(cell.mark))
        }
    };
    let widths: Vec<usize> = Station::COLUMNS
        .iter()
        .enumerate()
        .map(|(i, s)| {
            rows.iter().map(|(_, r)| text(&r[i]).chars().count()).max().unwrap_or(0).max(s.as_str().len())
        })
        .collect();
    // On a narrow screen the columns move together, and on a very narrow one the chain goes on below.
    let wide = NAME + widths.iter().sum::<usize>() + 2 * (widths.len().saturating_sub(1)) <= ink.width;
    let space = if wide { "  " } else { " " };
    let mut out = Vec::new();
    for part in parts(&widths, ink.width.saturating_sub(NAME), space.len()) {
        let mut head = " ".repeat(NAME);
        for (station, width) in Station::COLUMNS.iter().zip(&widths).take(part.end).skip(part.start) {
            head.push_str(&format!("{:^width$}{space}", station.as_str()));
        }
        out.push(ink.faint(head.trim_end()));
        for (component, cells) in &rows {
            let short = *component == Component::KubeControllers;
            let name = if short { "kube-contr." } else { component.as_str() };
            let mut line = format!(" {name:<12}");
            for (cell, width) in cells.iter().zip(&widths).take(part.end).skip(part.start) {
                let plain = text(cell);
                let gap = width.saturating_sub(plain.chars().count());
                let (left, right) = (gap / 2, gap - gap / 2);
                let note = if cell.note.is_empty() { String::new() } else { format!("{} ", cell.note) };
                line.push_str(&format!(
                    "{}{note}{}{}{space}",
                    " ".repeat(left),
                    ink.mark(cell.mark),
                    " ".repeat(right)
                ));
            }
            out.push(line.trim_end().to_owned());
        }
    }
    out
}

/// Columns in as few parts as fit into `room`, each with one at least.
fn parts(widths: &[usize], room: usize, space: usize) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut used = 0;
    for (i, width) in widths.iter().enumerate() {
        match out.last_mut() {
            Some(last) if used + space + width <= room => {
                last.end = i + 1;
                used += space + width;
            }
            _ => {
                out.push(i..i + 1);
                used = *width;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn columns_go_on_below_where_they_do_not_fit() {
        #[track_caller]
        fn check(widths: &[usize], room: usize, expect: &[(usize, usize)]) {
            let got: Vec<_> = parts(widths, room, 1).into_iter().map(|p| (p.start, p.end)).collect();
            assert_eq!(got, expect);
        }
        check(&[5, 4, 7], 18, &[(0, 3)]);
        check(&[5, 4, 7], 17, &[(0, 2), (2, 3)]);
        check(&[50, 4, 7], 12, &[(0, 1), (1, 3)]);
        check(&[], 12, &[]);
    }
}
