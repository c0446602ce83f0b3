//! `docs/faults.md`: the catalogue with what the last whole run on real clusters saw.

use std::fmt::Write;
use std::time::Duration;
use tortie_sim::catalogue::{Entry, Mends, Told};

/// What a run saw of one fault.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Ids that were told.
    pub(super) told: Vec<String>,
    /// From the change to the finding.
    pub(super) named: Duration,
    /// How it was mended, with exit statuses.
    pub(super) mended: String,
    /// From the first command to a healthy report.
    pub(super) healed: Duration,
    /// What Prometheus, the operator and the API server show by themselves.
    pub(super) peers: Vec<String>,
    /// What `kubectl get` and its events show that they did not show before.
    pub(super) kubectl: String,
    /// What `promtool check` complains of.
    pub(super) promtool: String,
    /// What went otherwise than expected.
    pub(super) wrong: Option<String>,
}

impl Seen {
    /// Of a fault that could not be made to its end.
    pub(super) fn lost(why: String, after: Duration) -> Seen {
        Seen {
            told: Vec::new(),
            named: after,
            mended: String::new(),
            healed: Duration::ZERO,
            peers: Vec::new(),
            kubectl: String::new(),
            promtool: String::new(),
            wrong: Some(why),
        }
    }
}

/// Most symptoms that are shown of one fault.
const MOST: usize = 4;

/// The page. `rows` are all entries, each with what was seen or the reason why it was not made.
pub(super) fn page(rows: &[(Entry, Result<Seen, String>)], took: Duration) -> String {
    let mut out = String::from(
        "# Faults\n\nThe ways in which the chain from Calico to a person breaks, and what `tortie doctor` makes of each. Every fault is judged on models of
clusters in every run of the tests. The first table was made on real clusters (kube-apiserver, prometheus-operator, Prometheus, with kubectl)
by `make campaign NAME=faults`, which writes this page. The symptom is what peers show of the fault without the doctor: the real Prometheus
(targets, rules, answers), the operator (its Secret, its conditions, its Events), the API server. \"kubectl\" is what `kubectl get -A` of pods,
workloads and Prometheus objects shows that it did not show before, and new warnings among the Events; \"promtool\" is what `promtool check`
says of the configuration that the operator wrote and of the rules.\n\n",
    );
    let made: Vec<_> = rows.iter().filter_map(|(e, r)| Some((e, r.as_ref().ok()?))).collect();
    let well = made.iter().filter(|(_, s)| s.wrong.is_none()).count();
    writeln!(
        out,
        "{} of {} faults and remarks were made on real clusters in {} s; {well} were named and mended as expected.\n",
        made.len(),
        rows.len(),
        took.as_secs()
    )
    .unwrap();
    out.push_str(
        "| fault | what happens | expected | found | after | symptom | kubectl | promtool | mended by | healthy after |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for (e, s) in &made {
        let found = match &s.wrong {
            None => s.told.join(", "),
            Some(_) => {
                format!("**{}**", if s.told.is_empty() { "nothing".to_owned() } else { s.told.join(", ") })
            }
        };
        let shown: Vec<&str> = s.peers.iter().take(MOST).map(String::as_str).collect();
        let more = s.peers.len().saturating_sub(MOST);
        let more = if more > 0 { format!("; {more} more") } else { String::new() };
        let symptom = if shown.is_empty() { "none".to_owned() } else { shown.join("; ") + &more };
        writeln!(
            out,
            "| {} | {} | {} | {found} | {:.1} s | {} | {} | {} | {} | {:.1} s |",
            e.name,
            cell(e.says),
            e.check,
            s.named.as_secs_f64(),
            cell(&symptom),
            cell(&s.kubectl),
            cell(&s.promtool),
            cell(&s.mended),
            s.healed.as_secs_f64()
        )
        .unwrap();
    }
    let wrong: Vec<_> = made.iter().filter_map(|(e, s)| Some((e.name, s.wrong.as_ref()?))).collect();
    if !wrong.is_empty() {
        out.push_str("\nOtherwise than expected:\n");
        for (name, why) in wrong {
            writeln!(out, "- {name}: {}", cell(why.lines().next().unwrap_or_default())).unwrap();
        }
    }
    out.push_str("\nOn models only:\n\n| fault | what happens | check | mended by | why not on a real cluster |\n| --- | --- | --- | --- | --- |\n");
    for (e, r) in rows {
        let Err(why) = r else { continue };
        let mends = match e.mends {
            _ if e.told != Told::Finding => "a remark",
            Mends::Command => "command",
            Mends::Edit => "edit",
            Mends::Outside => "outside",
        };
        writeln!(out, "| {} | {} | {} | {mends} | {} |", e.name, cell(e.says), e.check, cell(why)).unwrap();
    }
    out
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
