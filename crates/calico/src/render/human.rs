//! The screen: what was looked at, the chain as a table, each finding with its evidence and its command, one closing
//! sentence.

use crate::component::Component;
use crate::doctor::checks;
use crate::doctor::engine::{GoalState, Report};
use crate::doctor::finding::{Finding, Row};
use crate::doctor::fix::Fix;
use crate::doctor::verdict::{Level, Verdict};
use crate::facts::Facts;
use crate::facts::install::Keeper;
use crate::render::ink::{Ink, Mark};
use crate::render::{Frame, table, wrap};
use crate::snapshot::Source;

/// Where labels end and values begin.
const LABEL: usize = 11;

pub(super) fn render(facts: &Facts<'_>, report: &Report, frame: &Frame) -> String {
    let ink = frame.ink;
    let mut out = Vec::new();
    out.extend(head(facts, frame));
    let chain = table::lines(facts, report, ink);
    if !chain.is_empty() {
        out.push(String::new());
        out.extend(chain);
    }
    for finding in report.findings.iter().filter(|f| f.level > Level::Info || frame.verbose) {
        out.push(String::new());
        out.extend(block(finding, ink));
    }
    if frame.verbose {
        out.push(String::new());
        out.extend(every_check(report, ink));
    }
    out.push(String::new());
    out.extend(closing(report, frame));
    out.join("\n") + "\n"
}

fn head(facts: &Facts<'_>, frame: &Frame) -> Vec<String> {
    let id = &facts.snap.identity;
    let mut first = vec![format!("tortie {}", frame.tool)];
    first.push(match facts.snap.source {
        Source::Live => format!("context {}", or(&id.context, "(in the cluster)")),
        Source::Overlay => format!("context {} with files laid over it", or(&id.context, "(in the cluster)")),
        Source::Dump => "a dump of a cluster".to_owned(),
        Source::Files => "files".to_owned(),
    });
    if !id.kubernetes.is_empty() {
        first.push(format!("Kubernetes {}", id.kubernetes));
    }
    let keeper = match (facts.install.keeper, facts.install.by_helm) {
        (Keeper::Operator, true) => " (operator, Helm)",
        (Keeper::Operator, false) => " (operator)",
        (Keeper::Manifest, _) => " (manifest)",
        (Keeper::Nobody, _) => "",
    };
    if facts.install.keeper != Keeper::Nobody {
        let version = facts.install.version.map(|v| format!(" {v}")).unwrap_or_default();
        first.push(format!("Calico{version}{keeper}"));
    }
    let nodes = facts.snap.nodes.len();
    if nodes > 0 {
        let typha = facts.workloads.get(&Component::Typha).map_or(0, |w| w.pods.len());
        let typha = if typha > 0 { format!(", {typha} Typha") } else { String::new() };
        first.push(format!("{nodes} node{}{typha}", plural(nodes)));
    }
    let mut lines = wrap::prose(&first.join(frame.ink.dot()), frame.ink.width);
    if facts.snap.source == Source::Files && facts.installed().next().is_none() {
        let text = "No component of Calico is in them, so links to it are not judged (hint: --assume calico=3.32,install=operator \
                    says what is in the cluster beside them)";
        lines.extend(wrap::prose(text, frame.ink.width));
    }
    for collector in &facts.snap.collectors {
        let name = if collector.object.is_empty() { &collector.replica } else { &collector.object };
        let state = match &collector.unreachable {
            Some(reason) => format!("not reached: {reason}"),
            None => format!("{}{}{}", collector.version, frame.ink.dot(), collector.via),
        };
        lines.extend(wrap::prose(&format!("Prometheus {name} {state}"), frame.ink.width));
    }
    for unseen in facts.snap.late() {
        let name = unseen.what.trim_start_matches("list ");
        lines.extend(wrap::prose(&format!("Not read {name}: {}", unseen.reason), frame.ink.width));
    }
    if facts.snap.collectors.is_empty() {
        let names: Vec<&str> = facts.prometheuses.iter().map(|p| p.name.as_str()).collect();
        if !names.is_empty() {
            let text = format!("Prometheus {} (not asked)", names.join(", "));
            lines.extend(wrap::prose(&text, frame.ink.width));
        }
    }
    lines
}

/// A finding as a block of lines.
pub(super) fn block(finding: &Finding, ink: Ink) -> Vec<String> {
    let mark = match finding.level {
        Level::Fail => Mark::Bad,
        Level::Warn => Mark::Look,
        Level::Info => Mark::Note,
    };
    let mut out = Vec::new();
    let title = wrap::prose(&capitalised(&finding.title), ink.width.saturating_sub(9));
    for (i, line) in title.iter().enumerate() {
        let lead =
            if i == 0 { format!(" {} {}  ", ink.mark(mark), ink.strong(finding.id)) } else { " ".repeat(9) };
        out.push(format!("{lead}{}", ink.strong(line)));
    }
    if let Some(place) = &finding.cause.place {
        out.push(format!("     {}:{}:{}", place.file, place.line, place.column));
        let number = place.line.to_string();
        let (shown, column) =
            wrap::around(&place.text, place.column, ink.width.saturating_sub(8 + number.len()));
        out.push(format!("     {number} | {shown}"));
        out.push(format!("     {}^", " ".repeat(number.len() + 2 + column)));
    }
    out.extend(rows(&finding.rows, ink));
    if !finding.explains.is_empty() {
        let words: Vec<String> = finding
            .explains
            .iter()
            .map(|id| checks::find(id).map_or_else(|| (*id).to_owned(), |c| c.slug.replace('-', " ")))
            .collect();
        labelled(&mut out, "Explains", &words.join(", "), ink);
    }
    for next in &finding.next {
        labelled(&mut out, "Next", &format!("{}: {}", next.id, next.title), ink);
    }
    fix(&mut out, finding.fix.as_ref(), "Fix", ink);
    for next in &finding.next {
        // Whoever mends the one wants to mend the other with it.
        if let Some(commands @ Fix::Commands { .. }) = &next.fix {
            fix(&mut out, Some(commands), next.id, ink);
        }
    }
    if finding.confidence == crate::doctor::verdict::Confidence::Inferred {
        labelled(&mut out, "Surety", "inferred from the configuration, not seen to happen", ink);
    }
    if !finding.warning.is_empty() {
        let text = format!("{}.", capitalised(&finding.warning));
        out.extend(wrap::prose(&text, ink.width.saturating_sub(5)).into_iter().map(|l| format!("     {l}")));
    }
    out
}

fn rows(rows: &[Row], ink: Ink) -> Vec<String> {
    let widest =
        rows.iter().filter(|r| !r.value.is_empty()).map(|r| wrap::columns(&r.label)).max().unwrap_or(0);
    let widest = widest.clamp(12, 28);
    let mut out = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        if row.value.is_empty() {
            let remark = if row.remark.is_empty() { String::new() } else { format!("   ({})", row.remark) };
            out.push(format!("     {}{}", row.label, ink.faint(&remark)));
            continue;
        }
        let remark =
            if row.remark.is_empty() { String::new() } else { format!("   {} {}", ink.arrow(), row.remark) };
        let line = format!("       {:<widest$}  {}", row.label, row.value);
        // A mark under a place of the line above must stay below it.
        let marked = |row: Option<&Row>| row.is_some_and(|r| r.value.trim() == "^");
        if wrap::columns(&line) + wrap::columns(&remark) <= ink.width
            || marked(Some(row))
            || marked(rows.get(i + 1))
        {
            out.push(format!("{line}{}", ink.faint(&remark)));
        } else {
            out.extend(long_row(row, widest, ink));
        }
    }
    out
}

/// A row that does not fit: its value in lines of its own, its remark below.
fn long_row(row: &Row, widest: usize, ink: Ink) -> Vec<String> {
    let beside = wrap::columns(&row.label) <= widest;
    let indent = if beside { 9 + widest } else { 9 };
    let mut lines = wrap::prose(&row.value, ink.width.saturating_sub(indent));
    if !row.remark.is_empty() {
        let remark =
            wrap::prose(&format!("{} {}", ink.arrow(), row.remark), ink.width.saturating_sub(indent));
        lines.extend(remark.iter().map(|l| ink.faint(l)));
    }
    let mut out = Vec::new();
    if !beside {
        out.push(format!("       {}", row.label));
    }
    for (i, line) in lines.iter().enumerate() {
        let label = if beside && i == 0 { row.label.as_str() } else { "" };
        let space = indent - 9;
        out.push(format!("       {label:<space$}  {line}"));
    }
    out
}

/// How to mend something; `label` stands before its first command.
fn fix(out: &mut Vec<String>, fix: Option<&Fix>, label: &str, ink: Ink) {
    match fix {
        None => {}
        Some(Fix::Commands { commands, .. }) => {
            for (i, command) in commands.iter().enumerate() {
                let label = if i == 0 { label } else { "then" };
                // A here-document must begin at the margin to be pasted; so such a command stands below its label.
                let lines = wrap::command(&command.to_string(), ink.width.saturating_sub(5 + LABEL));
                if command.stdin.is_some() {
                    out.push(format!("     {label}"));
                    out.extend(lines);
                    continue;
                }
                for (j, line) in lines.iter().enumerate() {
                    let label = if j == 0 { label } else { "" };
                    out.push(format!("     {label:<LABEL$}{line}"));
                }
            }
        }
        Some(Fix::Edit { object, path, value, note }) => {
            let text = if value.is_null() {
                format!("in {object}, remove {}", crate::doctor::finding::written(path))
            } else {
                format!("in {object}, set {} to {value}", crate::doctor::finding::written(path))
            };
            labelled(out, "Edit", &text, ink);
            if !note.is_empty() {
                labelled(out, "", note, ink);
            }
        }
        Some(Fix::Outside(text)) => labelled(out, "Do", text, ink),
    }
}

fn labelled(out: &mut Vec<String>, label: &str, text: &str, ink: Ink) {
    for (i, line) in wrap::prose(text, ink.width.saturating_sub(5 + LABEL)).into_iter().enumerate() {
        let label = if i == 0 { label } else { "" };
        out.push(format!("     {label:<LABEL$}{line}"));
    }
}

fn every_check(report: &Report, ink: Ink) -> Vec<String> {
    let mut out = Vec::new();
    for o in &report.outcomes {
        let mark = match o.judged.verdict {
            Verdict::Pass => Mark::Good,
            Verdict::Fail => Mark::Bad,
            Verdict::Warn => Mark::Look,
            Verdict::Info | Verdict::Ahead | Verdict::Ignored => Mark::Note,
            Verdict::Pending => Mark::Young,
            Verdict::Unknown => Mark::Unknown,
            Verdict::Skipped | Verdict::Blocked => Mark::None,
        };
        let note = if o.judged.note.is_empty() { String::new() } else { format!(": {}", o.judged.note) };
        let text = format!("{} {} {} {}{note}", o.check.id, o.judged.verdict, o.judged.entity, o.check.slug);
        out.push(format!(" {} {text}", ink.mark(mark)));
    }
    out
}

fn closing(report: &Report, frame: &Frame) -> Vec<String> {
    let ink = frame.ink;
    let count = |v: Verdict| report.outcomes.iter().filter(|o| o.judged.verdict == v).count();
    let level = |l: Level| report.findings.iter().filter(|f| f.level == l).count();
    let (broken, look) = (level(Level::Fail), level(Level::Warn));
    let took = format!("{:.1} s", frame.took_ms as f64 / 1000.0);
    let unknown = count(Verdict::Unknown);
    let all_reached = report.goals.iter().all(|(_, s)| matches!(s, GoalState::Pass | GoalState::Warn));
    let judged = count(Verdict::Pass);
    if broken == 0 && look == 0 && all_reached && !report.goals.is_empty() {
        let text = format!("Every link that was looked at holds. {judged} checks passed, {took}");
        return wrap::prose(&text, ink.width);
    }
    let mut parts = Vec::new();
    if broken > 0 {
        parts.push(format!("{broken} thing{} broken", plural(broken)));
    }
    if look > 0 {
        parts.push(format!("{look} to look at"));
    }
    if broken == 0 && look == 0 {
        parts.push("nothing broken was found".to_owned());
    }
    let mut checks = vec![format!("{judged} checks passed")];
    for (n, text) in [
        (unknown, "could not be looked at"),
        (count(Verdict::Blocked), "held back"),
        (count(Verdict::Pending), "too young to judge"),
        (count(Verdict::Skipped), "do not apply"),
    ] {
        if n > 0 {
            checks.push(format!("{n} {text}"));
        }
    }
    let text = format!("{}{}{}{}{took}", parts.join(", "), ink.dot(), checks.join(", "), ink.dot());
    let mut lines = wrap::prose(&text, ink.width);
    let exit = report.exit_code(frame.fail_on);
    let details = report.findings.first().map(|f| format!("{}details: tortie explain {}", ink.dot(), f.id));
    let more = if frame.verbose { String::new() } else { format!("{}all checks: -v", ink.dot()) };
    lines.push(ink.faint(&format!("exit {exit}{}{more}", details.unwrap_or_default())));
    lines
}

/// A sentence begins with a capital, unless its first word is a name that is written so: `pod/x`, `felix_host`, `sampleLimit`.
fn capitalised(text: &str) -> String {
    let first = text.split_whitespace().next().unwrap_or_default();
    let word = first.trim_end_matches(['\'', ',', ':']);
    let plain = word.chars().all(|c| c.is_ascii_lowercase() || c == '\'') && !first.ends_with(':');
    let mut chars = text.chars();
    match chars.next() {
        Some(c) if plain => c.to_uppercase().collect::<String>() + chars.as_str(),
        _ => text.to_owned(),
    }
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}

fn or<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}
