//! A plan on a terminal.

use super::step::{Change, Checked, Plan, Step, Write};
use crate::doctor::finding::written;
use crate::render::ink::Ink;
use crate::render::wrap::{columns, prose};
use serde_json::Value;

/// Column at which a remark stands when there is room beside the object.
const REMARK: usize = 52;
/// Indentation of what belongs to a step.
const INSIDE: usize = 5;

/// The whole plan. `rights` is present and needed rights, when the server was asked.
pub fn plan(plan: &Plan, rights: Option<(usize, usize)>, ink: Ink) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text.trim_end());
        out.push('\n');
    };
    prose(&heading(plan, ink), ink.width).iter().for_each(|l| line(l));
    for (i, text) in plan.found.iter().enumerate() {
        let label = if i == 0 { "Found" } else { "" };
        let text = if ink.ascii { text.replace('·', "-") } else { text.clone() };
        for (j, part) in prose(&text, ink.width.saturating_sub(8)).iter().enumerate() {
            line(&format!("{:<8}{part}", if j == 0 { label } else { "" }));
        }
    }
    if let Some((have, wanted)) = rights {
        line(&format!("{:<8}{have} of {wanted} present (SelfSubjectAccessReview)", "Rights"));
    }
    line("");
    for (i, step) in plan.steps.iter().enumerate() {
        one(i + 1, step, ink).iter().for_each(|l| line(l));
    }
    if !plan.notes.is_empty() {
        line("");
    }
    for note in &plan.notes {
        for (j, part) in prose(note, ink.width.saturating_sub(INSIDE)).iter().enumerate() {
            line(&format!("  {}  {part}", if j == 0 { "-" } else { " " }));
        }
    }
    line("");
    for part in prose(&total(plan), ink.width) {
        line(&part);
    }
    out
}

/// The first line: which cluster this is about.
pub fn heading(plan: &Plan, ink: Ink) -> String {
    let context =
        if plan.context.is_empty() { "no context".to_owned() } else { format!("context {}", plan.context) };
    let uid = if plan.cluster_uid.is_empty() { "unknown" } else { &plan.cluster_uid };
    let facts = [context, plan.server.clone(), format!("cluster {uid}")];
    facts.iter().filter(|f| !f.is_empty()).cloned().collect::<Vec<_>>().join(ink.dot())
}

fn one(number: usize, step: &Step, ink: Ink) -> Vec<String> {
    let head = format!("{number:>2} {} {}", sign(step), step.target.reference());
    let mut out = Vec::new();
    let beside = columns(&head) < REMARK && REMARK + columns(&step.remark) <= ink.width;
    if beside {
        out.push(format!("{head:<REMARK$}{}", step.remark));
    } else {
        let room = ink.width.saturating_sub(INSIDE);
        for (i, part) in prose(&step.target.reference().to_string(), room).iter().enumerate() {
            out.push(if i == 0 {
                format!("{number:>2} {} {part}", sign(step))
            } else {
                format!("{:INSIDE$}{part}", "")
            });
        }
        out.extend(
            prose(&step.remark, ink.width.saturating_sub(INSIDE))
                .iter()
                .map(|l| format!("{:INSIDE$}{l}", "")),
        );
    }
    for change in &step.changes {
        if step.write != Write::Conflict {
            out.extend(difference(change, ink.width));
        }
    }
    match &step.write {
        Write::Conflict => {
            for text in conflict(&step.changes) {
                out.extend(
                    prose(&text, ink.width.saturating_sub(INSIDE))
                        .iter()
                        .map(|l| format!("{:INSIDE$}{l}", "")),
                );
            }
        }
        Write::Elsewhere { advice, fragment } => {
            out.extend(
                prose(advice, ink.width.saturating_sub(INSIDE)).iter().map(|l| format!("{:INSIDE$}{l}", "")),
            );
            out.extend(fragment.lines().map(|l| format!("{:9}{l}", "")));
        }
        _ => {}
    }
    match &step.checked {
        Checked::Predicted { reason } => {
            let text = format!("predicted: the server cannot judge it yet ({reason})");
            out.extend(
                prose(&text, ink.width.saturating_sub(INSIDE)).iter().map(|l| format!("{:INSIDE$}{l}", "")),
            );
        }
        Checked::Refused { reason } => {
            let text = format!("the server refuses it: {reason}");
            out.extend(
                prose(&text, ink.width.saturating_sub(INSIDE)).iter().map(|l| format!("{:INSIDE$}{l}", "")),
            );
        }
        Checked::No | Checked::Tested => {}
    }
    out
}

/// `+` made, `~` changed, `=` right already, `!` not by setup.
fn sign(step: &Step) -> char {
    match (&step.write, &step.checked) {
        (Write::Conflict | Write::Elsewhere { .. }, _) | (_, Checked::Refused { .. }) => '!',
        (Write::Nothing, _) => '=',
        (Write::Apply { .. } | Write::Patch { .. }, _) if step.own && step.uid.is_empty() => '+',
        _ => '~',
    }
}

fn difference(change: &Change, width: usize) -> Vec<String> {
    let field = field(&change.pointer);
    let before = change.before.as_ref().map(|b| ('-', b));
    let after = (!change.after.is_null()).then_some(('+', &change.after));
    let mut out = Vec::new();
    for (sign, value) in before.into_iter().chain(after) {
        for (i, part) in
            prose(&format!("{field}: {}", short(value)), width.saturating_sub(INSIDE)).iter().enumerate()
        {
            out.push(format!("   {} {part}", if i == 0 { sign } else { ' ' }));
        }
    }
    out
}

fn conflict(changes: &[Change]) -> Vec<String> {
    let mut out = Vec::new();
    for c in changes.iter().filter(|c| c.before.as_ref().is_some_and(|b| *b != c.after)) {
        let manager = match c.keepers.as_slice() {
            [] => "somebody whom the API server did not record".to_owned(),
            all => all.join(" and "),
        };
        let since = c.since.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        let since = since.map(|t| format!(", last written {t}")).unwrap_or_default();
        let before = c.before.as_ref().map(short).unwrap_or_default();
        out.push(format!(
            "{} is {before}, kept by {manager}{since}; {} is wanted",
            field(&c.pointer),
            short(&c.after)
        ));
        let flags: String = c.keepers.iter().map(|m| format!(" --take {m}")).collect();
        out.push(match c.keepers.is_empty() {
            true => "this field is not taken: change it yourself, or leave it".to_owned(),
            false => format!(
                "this field is not taken: change it where {manager} has it from, or: tortie setup{flags}"
            ),
        });
    }
    out
}

/// `spec.containers[0].env[TYPHA_X].value`.
fn field(pointer: &str) -> String {
    match pointer.split_once("/name=") {
        Some((before, after)) => {
            let (name, rest) = after.split_once('/').unwrap_or((after, ""));
            format!("{}[{name}].{}", written(before), rest.replace('/', "."))
        }
        None => written(pointer),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 60 {
        text
    } else {
        format!("{}...", text.chars().take(57).collect::<String>())
    }
}

fn total(plan: &Plan) -> String {
    let writes: Vec<&Step> = plan.writes().collect();
    let made = writes.iter().filter(|s| s.own && s.uid.is_empty()).count();
    let fields: usize = writes.iter().map(|s| s.changes.len()).sum();
    let mended = writes.iter().filter(|s| s.own && !s.uid.is_empty()).count();
    let right = plan.steps.iter().filter(|s| s.write == Write::Nothing).count();
    let open = plan.steps.len() - writes.len() - right;
    if writes.is_empty() && open == 0 {
        return "Nothing to do: the chain stands.".to_owned();
    }
    let mut parts = vec![
        counted(fields, "field on shared objects", "fields on shared objects"),
        counted(made, "new object", "new objects"),
    ];
    if mended > 0 {
        parts.push(counted(mended, "object of ours to mend", "objects of ours to mend"));
    }
    if right > 0 {
        parts.push(format!("{right} already right"));
    }
    if open > 0 {
        parts.push(format!("{open} not for setup to write"));
    }
    let tested = writes.iter().filter(|s| s.checked == Checked::Tested).count();
    let refused = writes.iter().filter(|s| matches!(s.checked, Checked::Refused { .. })).count();
    let asked = match (tested, refused) {
        (_, r) if r > 0 => format!("The server refuses {r} of {}; nothing was written.", writes.len()),
        (t, _) if t == writes.len() && t > 0 => {
            "The server accepted all of it in a dry run; nothing was written.".to_owned()
        }
        (0, _) => "Nothing was written.".to_owned(),
        (t, _) => format!(
            "The server accepted {t} of {} in a dry run, the rest is predicted; nothing was written.",
            writes.len()
        ),
    };
    format!("Plan: {}. {asked}", parts.join(", "))
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}
