//! A look's outcome as the page takes it: the report of `tortie doctor -o json`, the cells of its table, and what was asked.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use tortie_calico::component::Component;
use tortie_calico::doctor::check::Station;
use tortie_calico::doctor::checks::ALL;
use tortie_calico::doctor::engine::{Report, judge};
use tortie_calico::doctor::verdict::{Level, Verdict};
use tortie_calico::facts::Facts;
use tortie_calico::render::ink::{Ink, Mark};
use tortie_calico::render::{Format, Frame, render, table};
use tortie_calico::snapshot::Snapshot;
use tortie_host::Clock;

/// The last look.
#[derive(Clone)]
pub(super) struct Judged {
    /// When it ended, milliseconds since 1970; none before the first.
    pub(super) at_ms: Option<i64>,
    took_ms: u64,
    report: Value,
    table: Value,
    /// What was asked, and what could not be read.
    asked: Value,
    unseen: Value,
    error: Option<String>,
}

impl Judged {
    /// Before the first look.
    pub(super) fn none() -> Judged {
        Judged {
            at_ms: None,
            took_ms: 0,
            report: Value::Null,
            table: Value::Null,
            asked: json!([]),
            unseen: json!([]),
            error: None,
        }
    }

    /// A look that ended without a report.
    pub(super) fn failed(error: String, now_ms: i64) -> Judged {
        Judged { at_ms: Some(now_ms), error: Some(error), ..Judged::none() }
    }

    /// Adds its fields to an object.
    pub(super) fn into_json(self, out: &mut Value) {
        out["finishedMs"] = self.at_ms.into();
        out["tookMs"] = self.took_ms.into();
        out["report"] = self.report;
        out["table"] = self.table;
        out["asked"] = self.asked;
        out["unseen"] = self.unseen;
        out["error"] = self.error.into();
    }
}

/// Judges a snapshot.
pub(super) fn judged(snap: &Snapshot, clock: &dyn Clock, start_ns: u64) -> Judged {
    let facts = Facts::of(snap);
    let report = judge(ALL, &facts);
    let took_ms = clock.monotonic_ns().saturating_sub(start_ns) / 1_000_000;
    let frame = Frame {
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        took_ms,
        fail_on: Level::Fail,
        verbose: true,
        ink: Ink::plain(100),
    };
    // The very bytes of the command line, so that the page and the terminal cannot say different things.
    let text = render(Format::Json, &facts, &report, &frame);
    let unreached = snap.unseen.iter().find(|u| u.what == "api").map(|u| u.reason.clone());
    Judged {
        at_ms: Some(clock.now_ms()),
        took_ms,
        report: serde_json::from_str(&text).unwrap_or(Value::Null),
        table: chain(&facts, &report),
        asked: snap
            .collectors
            .iter()
            .map(|c| {
                let name = if c.object.is_empty() { &c.replica } else { &c.object };
                json!({"name": name, "version": c.version, "via": c.via, "unreachable": c.unreachable})
            })
            .collect(),
        unseen: snap
            .unseen
            .iter()
            .map(|u| json!({"what": u.what, "reason": u.reason, "forbidden": u.forbidden}))
            .collect(),
        error: unreached,
    }
}

/// The table: its columns, and a row for each component.
fn chain(facts: &Facts<'_>, report: &Report) -> Value {
    let stations: Vec<&str> = Station::COLUMNS.iter().map(|s| s.as_str()).collect();
    let rows: Vec<Value> = Component::ALL
        .iter()
        .map(|component| {
            let installed = facts.has(*component);
            let cells: Vec<Value> = table::row(report, *component)
                .iter()
                .zip(Station::COLUMNS)
                .map(|(cell, station)| {
                    let mark = if installed { word(cell.mark) } else { "none" };
                    // "3/3" beside a broken link would say the opposite.
                    let whole = cell.note.split_once('/').is_some_and(|(a, b)| a == b);
                    let note = if whole && cell.mark != Mark::Good { "" } else { cell.note.as_str() };
                    json!({"mark": mark, "note": note, "why": why(report, *component, station, cell.mark)})
                })
                .collect();
            json!({"component": component.as_str(), "title": component.title(), "installed": installed, "cells": cells})
        })
        .collect();
    json!({"stations": stations, "rows": rows})
}

fn word(mark: Mark) -> &'static str {
    match mark {
        Mark::Good => "good",
        Mark::Bad => "bad",
        Mark::Look => "look",
        Mark::Note => "note",
        Mark::Unknown => "unknown",
        Mark::Young => "young",
        Mark::None => "none",
    }
}

/// The verdicts that gave a cell its mark, in words, each once.
fn why(report: &Report, component: Component, station: Station, mark: Mark) -> Vec<String> {
    let wanted = match mark {
        Mark::Bad => Verdict::Fail,
        Mark::Look => Verdict::Warn,
        Mark::Unknown => Verdict::Unknown,
        Mark::Young => Verdict::Pending,
        Mark::Good => Verdict::Pass,
        Mark::None | Mark::Note => Verdict::Blocked,
    };
    let mut seen = BTreeSet::new();
    let mut out = Vec::new();
    for o in &report.outcomes {
        let here = o.check.station == station && o.judged.entity.component.is_none_or(|c| c == component);
        if !here || o.judged.verdict != wanted || (mark == Mark::Good && o.judged.entity.component.is_none())
        {
            continue;
        }
        let text = match (&o.judged.finding, o.judged.note.as_str()) {
            (Some(f), _) => f.title.clone(),
            (None, "") => o.check.title.to_owned(),
            (None, note) if mark == Mark::Good => format!("{}: {note}", o.check.title),
            (None, note) => note.to_owned(),
        };
        let text = format!("{} {text}", o.check.id);
        if seen.insert(text.clone()) {
            out.push(text);
        }
    }
    out.truncate(6);
    out
}
