//! One line a finding, for pasting into a chat: level, id, cause, title, command.

use crate::doctor::engine::Report;
use crate::doctor::fix::Fix;

pub(super) fn render(report: &Report) -> String {
    let mut out = String::new();
    for f in &report.findings {
        let object = f.cause.object.as_ref().map(|o| format!(" {o}")).unwrap_or_default();
        let path = if f.cause.path.is_empty() { String::new() } else { format!(" {}", f.cause.path) };
        out.push_str(&format!("{} {}{object}{path}: {}\n", f.level, f.id, f.title));
        match &f.fix {
            Some(Fix::Commands { commands, .. }) => {
                for c in commands {
                    out.push_str(&format!("  {c}\n"));
                }
            }
            Some(Fix::Edit { object, path, value, .. }) => {
                out.push_str(&format!(
                    "  in {object} set {} to {value}\n",
                    crate::doctor::finding::written(path)
                ));
            }
            Some(Fix::Outside(text)) => out.push_str(&format!("  {text}\n")),
            None => {}
        }
    }
    if report.findings.is_empty() {
        let words: Vec<String> = report.goals.iter().map(|(c, s)| format!("{c} {}", s.as_str())).collect();
        let goals = if words.is_empty() { "no component was looked at".to_owned() } else { words.join(", ") };
        out.push_str(&format!("no findings; {goals}\n"));
    }
    out
}
