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
    /// What Prometheus and the events of the cluster show by themselves.
    pub(super) peers: String,
    /// What went otherwise than expected.
    pub(super) wrong: Option<String>,
}

/// The page. `rows` are all entries, each with what was seen or the reason why it was not made.
pub(super) fn page(rows: &[(Entry, Result<Seen, String>)], took: Duration) -> String {
    let mut out = String::from(
        "# Faults\n\nThe ways in which the chain from Calico to a person breaks, and what `tortie doctor` makes of each. Every fault is judged on models of
clusters in every run of the tests. The first table was made on real clusters (kube-apiserver, prometheus-operator, Prometheus, with kubectl)
by `make campaign NAME=faults`, which writes this page. \"Alone\" is what Prometheus' targets and the cluster's events show by themselves.\n\n",
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
    out.push_str("| fault | what happens | expected | found | after | mended by | healthy after | alone |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (e, s) in &made {
        let found = match &s.wrong {
            None => s.told.join(", "),
            Some(_) => {
                format!("**{}**", if s.told.is_empty() { "nothing".to_owned() } else { s.told.join(", ") })
            }
        };
        writeln!(
            out,
            "| {} | {} | {} | {found} | {:.1} s | {} | {:.1} s | {} |",
            e.name,
            cell(e.says),
            e.check,
            s.named.as_secs_f64(),
            cell(&s.mended),
            s.healed.as_secs_f64(),
            cell(&s.peers)
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
