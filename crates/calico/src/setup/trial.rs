//! The whole plan as a dry run of the server: each step is `tested`, or `predicted` when it hangs on an earlier one.

use super::apply::{SetupError, rehearse};
use super::hand::Hand;
use super::step::{Checked, Plan, Write};
use tortie_cluster::client::ReadError;
use tortie_cluster::writer::{ApplyError, Writer};

/// Asks the server about each step; nothing is written.
///
/// # Errors
/// When the server cannot be reached.
pub async fn rehearse_all(plan: &mut Plan, writer: &Writer) -> Result<(), SetupError> {
    let gate = || true;
    let hand = Hand { writer, gate: &gate };
    let mut made_before = false;
    for step in &mut plan.steps {
        if !step.write.writes() {
            continue;
        }
        step.checked = match rehearse(&hand, step).await {
            Ok(_) => Checked::Tested,
            Err(SetupError::Write(ApplyError::Read(
                e @ (ReadError::Unreachable(_) | ReadError::Unauthorized),
            ))) => {
                return Err(SetupError::Read { what: step.target.reference().to_string(), source: e });
            }
            Err(e) if made_before && waits(&e) => Checked::Predicted { reason: e.to_string() },
            Err(e) => Checked::Refused { reason: e.to_string() },
        };
        made_before |= step.own && matches!(step.write, Write::Apply { .. });
    }
    Ok(())
}

/// Whether an object that an earlier step makes can be what is missing.
fn waits(e: &SetupError) -> bool {
    match e {
        SetupError::Write(ApplyError::Read(ReadError::NotFound { .. })) => true,
        // Calico's API server checks the right on the tier, and that there is one.
        SetupError::Write(ApplyError::Invalid { message, .. } | ApplyError::Denied { message, .. }) => {
            message.contains("tier") || message.contains("Tier")
        }
        _ => false,
    }
}
