//! The report as JSON, schema `tortie.doctor/v1`: ids, slugs, words of levels and the recipe of fingerprints never change.

use crate::doctor::engine::Report;
use crate::doctor::finding::Finding;
use crate::doctor::fix::{Auto, Fix};
use crate::doctor::verdict::{Level, Verdict};
use crate::facts::Facts;
use crate::render::Frame;
use crate::snapshot::Source;
use serde_json::{Map, Value, json};

/// The whole report.
pub(super) fn report(facts: &Facts<'_>, report: &Report, frame: &Frame) -> Value {
    let goals: Map<String, Value> =
        report.goals.iter().map(|(c, s)| (c.as_str().to_owned(), json!(s.as_str()))).collect();
    let level = |l: Level| report.findings.iter().filter(|f| f.level == l).count();
    let unknown = report.outcomes.iter().filter(|o| o.judged.verdict == Verdict::Unknown).count();
    let id = &facts.snap.identity;
    let checks: Vec<Value> = report
        .outcomes
        .iter()
        .map(|o| {
            json!({"id": o.check.id, "slug": o.check.slug, "entity": o.judged.entity.to_string(),
                "verdict": o.judged.verdict.as_str(), "note": o.judged.note})
        })
        .collect();
    let source = match facts.snap.source {
        Source::Live => "live",
        Source::Dump => "dump",
        Source::Files => "files",
        Source::Overlay => "overlay",
    };
    json!({
        "schema": "tortie.doctor/v1",
        "tool": frame.tool,
        "source": source,
        "cluster": {"uid": id.uid, "context": id.context, "server": id.server, "kubernetes": id.kubernetes,
            "calico": facts.install.version.map(|v| v.to_string())},
        "prometheus": facts.snap.collectors.iter().map(|c| json!({
            "object": c.object, "replica": c.replica, "via": c.via, "version": c.version, "unreachable": c.unreachable,
        })).collect::<Vec<_>>(),
        "summary": {"goals": goals, "fail": level(Level::Fail), "warn": level(Level::Warn), "info": level(Level::Info), "unknown": unknown},
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "checks": checks,
        "exit": report.exit_code(frame.fail_on),
    })
}

/// One finding; the UI takes the same form.
pub fn finding(f: &Finding) -> Value {
    let candidates: Vec<Value> =
        f.cause.candidates.iter().map(|c| json!({"value": c.value, "why": c.why})).collect();
    let place = f.cause.place.as_ref();
    json!({
        "id": f.id, "slug": f.slug, "level": f.level.as_str(), "confidence": f.confidence.as_str(),
        "fingerprint": f.fingerprint(), "title": f.title,
        "entities": f.entities.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "cause": {
            "object": f.cause.object.as_ref().map(ToString::to_string), "path": f.cause.path, "have": f.cause.have,
            "file": place.map(|p| p.file.clone()), "line": place.map(|p| p.line), "column": place.map(|p| p.column),
            "candidates": candidates,
        },
        "evidence": f.rows.iter().map(|r| json!({"label": r.label, "value": r.value, "remark": r.remark})).collect::<Vec<_>>(),
        "explains": f.explains,
        "next": f.next.iter().map(|n| json!({"id": n.id, "title": n.title, "fix": n.fix.as_ref().map(fix)})).collect::<Vec<_>>(),
        "fix": f.fix.as_ref().map(fix),
        "warning": f.warning,
    })
}

fn fix(fix: &Fix) -> Value {
    match fix {
        Fix::Commands { auto, commands } => json!({
            "kind": "command",
            "auto": match auto { Auto::Yes => "yes", Auto::Ask => "ask", Auto::No => "no" },
            "commands": commands.iter().map(|c| json!({"argv": c.argv, "stdin": c.stdin, "shell": c.to_string()})).collect::<Vec<_>>(),
        }),
        Fix::Edit { object, path, value, note } => json!({
            "kind": "edit", "object": object.to_string(), "path": path, "value": value, "note": note,
        }),
        Fix::Outside(text) => json!({"kind": "outside", "text": text}),
    }
}
