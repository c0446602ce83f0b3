//! `tortie setup` from the page: only where the server was started for it, only for a page of this server, only the plan
//! that was shown.

use super::Patient;
use serde_json::{Value, json};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};
use tortie_calico::collect::{Wants, collect};
use tortie_calico::facts::Facts;
use tortie_calico::render::ink::Ink;
use tortie_calico::setup::apply::{Making, apply};
use tortie_calico::setup::trial::rehearse_all;
use tortie_calico::setup::{Checked, Options, Plan, Write, plan, saved, screen};
use tortie_calico::snapshot::Snapshot;
use tortie_cluster::client::Cluster;
use tortie_cluster::writer::Writer;
use tortie_host::{Clock, RealFs};
use tortie_web::sources::Refused;

const OFF: &str = "this server does not write to the cluster: it was started without --allow-setup (hint: tortie setup on the command line)";

/// What may be written, and the plan that was shown last.
pub(super) struct Writing {
    allowed: bool,
    /// Given to pages of this server alone, new at each start.
    token: String,
    shown: Mutex<Option<(String, Plan)>>,
    /// One plan or write at a time.
    one: tokio::sync::Mutex<()>,
}

static OPEN: fn() -> bool = || true;

impl Writing {
    pub(super) fn new(allowed: bool) -> Writing {
        Writing { allowed, token: token(), shown: Mutex::new(None), one: tokio::sync::Mutex::new(()) }
    }

    /// What the page is told.
    pub(super) fn offered(&self) -> Value {
        match self.allowed {
            true => json!({"allowed": true, "token": self.token}),
            false => json!({"allowed": false, "why": OFF}),
        }
    }

    /// Plans and lets the server try it; nothing is written.
    pub(super) async fn plan(&self, patient: &Patient, clock: &dyn Clock) -> Result<Value, Refused> {
        if !self.allowed {
            return Err(Refused::NotAllowed(OFF.to_owned()));
        }
        let _one = self.one.lock().await;
        let snap = looked(patient, clock).await?;
        let mut made = plan(&Facts::of(&snap), &Options::default()).map_err(|e| failed(&e))?;
        let (cluster, _) = Cluster::connect(&patient.options).await.map_err(|e| failed(&e))?;
        rehearse_all(&mut made, &Writer::new(&cluster)).await.map_err(|e| failed(&e))?;
        let name = token();
        let answer = json!({
            "plan": name,
            "text": screen::plan(&made, None, Ink::plain(100)),
            "heading": screen::heading(&made, Ink::plain(100)),
            "found": made.found,
            "notes": made.notes,
            "steps": made.steps.iter().map(step).collect::<Vec<_>>(),
            "writes": made.writes().count(),
            "refused": made.writes().any(|s| matches!(s.checked, Checked::Refused { .. })),
        });
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some((name, made));
        Ok(answer)
    }

    /// Makes the plan of this name. A plan is made once; another look gives another.
    pub(super) async fn apply(
        &self,
        token: &str,
        name: &str,
        patient: &Patient,
        clock: &dyn Clock,
    ) -> Result<Value, Refused> {
        if !self.allowed {
            return Err(Refused::NotAllowed(OFF.to_owned()));
        }
        if token != self.token {
            let text = "the token of this start is missing or another's (hint: load the page anew)";
            return Err(Refused::NotAllowed(text.to_owned()));
        }
        let _one = self.one.lock().await;
        let taken = self.shown.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((_, made)) = taken.filter(|(n, _)| n == name) else {
            return Err(Refused::Moved("this plan is not the one shown last (hint: plan anew)".to_owned()));
        };
        let snap = looked(patient, clock).await?;
        let moved = saved::drift(&made, &snap);
        if !moved.is_empty() {
            return Err(Refused::Moved(format!(
                "the cluster moved on: {} (hint: plan anew)",
                moved.join("; ")
            )));
        }
        if made.writes().any(|s| matches!(s.checked, Checked::Refused { .. })) {
            return Err(Refused::Failed("the server refuses a step; nothing was written".to_owned()));
        }
        let (cluster, identity) = Cluster::connect(&patient.options).await.map_err(|e| failed(&e))?;
        let writer = Writer::new(&cluster);
        let making = Making { fs: &RealFs, file: None, by: identity.user, now: clock.now_ms(), gate: &OPEN };
        let mut written = Vec::new();
        let mut told = |s: &tortie_calico::setup::Step| written.push(s.target.reference().to_string());
        let result = apply(&made, &writer, &making, &mut told).await;
        result.map_err(|e| {
            let text = format!(
                "{e}; written before: {} (hint: tortie setup status, tortie setup undo)",
                if written.is_empty() { "nothing".to_owned() } else { written.join(", ") }
            );
            Refused::Failed(text)
        })?;
        Ok(json!({"written": written}))
    }
}

/// The objects and what Prometheus says; no process is probed.
async fn looked(patient: &Patient, clock: &dyn Clock) -> Result<Snapshot, Refused> {
    let wants = Wants { probes: 0, ..patient.wants.clone() };
    let snap = collect(&patient.options, &wants, Vec::new(), clock.now_ms()).await;
    match snap.unseen.iter().find(|u| u.what == "api") {
        Some(u) => Err(Refused::Failed(u.reason.clone())),
        None => Ok(snap),
    }
}

fn failed(e: &dyn std::fmt::Display) -> Refused {
    Refused::Failed(e.to_string())
}

fn step(s: &tortie_calico::setup::Step) -> Value {
    let (state, reason) = match &s.checked {
        Checked::No => ("unasked", ""),
        Checked::Tested => ("tested", ""),
        Checked::Predicted { reason } => ("predicted", reason.as_str()),
        Checked::Refused { reason } => ("refused", reason.as_str()),
    };
    let (how, advice) = match &s.write {
        Write::Nothing => ("nothing", ""),
        Write::Conflict => ("conflict", ""),
        Write::Elsewhere { advice, .. } => ("elsewhere", advice.as_str()),
        Write::Apply { .. } | Write::Patch { .. } if s.own && s.uid.is_empty() => ("make", ""),
        Write::Apply { .. } | Write::Patch { .. } => ("change", ""),
    };
    let object = match &s.write {
        Write::Apply { object, .. } if s.changes.is_empty() => tortie_calico::render::yaml_of(object),
        _ => String::new(),
    };
    json!({
        "object": s.target.reference().to_string(), "how": how, "remark": s.remark, "advice": advice, "yaml": object,
        "state": state, "reason": reason,
        "changes": s.changes.iter().map(|c| json!({"path": c.pointer, "before": c.before, "after": c.after})).collect::<Vec<_>>(),
    })
}

/// A word that nobody outside this process can guess: the standard library's hash keys come from the system.
fn token() -> String {
    let part = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", part(), part())
}
