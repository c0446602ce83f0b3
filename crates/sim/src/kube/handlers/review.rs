//! Reviews: may I?

use serde_json::{Value, json};

use super::{Answer, Asked, Outcome, create, not_simulated};
use crate::kube::plane::Plane;
use crate::kube::rights::{Ask, allowing};
use crate::kube::status::{Cause, Refusal};

/// Refusals of a review name no kind.
fn nameless(asked: &Asked<'_>) -> crate::kube::status::Subject {
    crate::kube::status::Subject { kind: String::new(), ..asked.subject() }
}

/// Answers a SelfSubjectAccessReview.
pub(super) fn answer(plane: &Plane, asked: Asked<'_>) -> Outcome {
    if asked.kind.kind != "SelfSubjectAccessReview" {
        return Err(not_simulated(&asked.kind.kind));
    }
    let mut review = create::decode(&asked)?;
    let text = |p: &str| review.pointer(p).and_then(Value::as_str).unwrap_or_default().to_owned();
    let about = |what: &str| review.pointer(&format!("/spec/{what}")).is_some_and(Value::is_object);
    let ask = match (about("resourceAttributes"), about("nonResourceAttributes")) {
        (true, false) => Ask {
            verb: text("/spec/resourceAttributes/verb"),
            group: text("/spec/resourceAttributes/group"),
            resource: text("/spec/resourceAttributes/resource"),
            subresource: text("/spec/resourceAttributes/subresource"),
            namespace: text("/spec/resourceAttributes/namespace"),
            name: text("/spec/resourceAttributes/name"),
            path: None,
        },
        (false, true) => Ask {
            verb: text("/spec/nonResourceAttributes/verb"),
            path: Some(text("/spec/nonResourceAttributes/path")),
            ..Ask::default()
        },
        (false, false) => {
            let cause = Cause::invalid(
                "spec.resourceAttributes",
                "null",
                "exactly one of nonResourceAttributes or resourceAttributes must be specified",
            );
            return Err(Refusal::invalid(&nameless(&asked), &[cause]));
        }
        (true, true) => {
            let cause = Cause::invalid(
                "spec.nonResourceAttributes",
                &review.pointer("/spec/nonResourceAttributes").unwrap_or(&Value::Null).to_string(),
                "cannot be specified in combination with resourceAttributes",
            );
            return Err(Refusal::invalid(&nameless(&asked), &[cause]));
        }
    };
    // The server tracks owners even here, of what was asked.
    let mut asked_for = review.clone();
    crate::kube::defaults::read(&asked.kind.kind, &mut asked_for);
    super::owner::after_update(&asked, &create::empty(&asked), &mut asked_for, plane.now());
    review = asked_for;
    let why = allowing(&plane.store, plane.user(), &ask);
    review["status"] = match why {
        Some(reason) if reason.is_empty() => json!({"allowed": true}),
        Some(reason) => json!({"allowed": true, "reason": reason}),
        None => json!({"allowed": false}),
    };
    Ok(Answer::created(review))
}
