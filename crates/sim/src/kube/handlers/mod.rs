//! Requests for objects, one file a verb.

mod apply;
mod create;
mod delete;
mod owner;
mod patch;
mod read;
mod review;
mod update;

use serde_json::Value;

use super::kinds::Kind;
use super::plane::Plane;
use super::request::{Call, Route};
use super::status::Refusal;

pub(crate) use read::{Selection, watched};

/// An answer that is JSON.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub code: u16,
    pub body: Value,
    /// Texts of `Warning` headers.
    pub warnings: Vec<String>,
}

impl Answer {
    pub(crate) fn ok(body: Value) -> Answer {
        Answer { code: 200, body, warnings: Vec::new() }
    }

    pub(crate) fn created(body: Value) -> Answer {
        Answer { code: 201, ..Answer::ok(body) }
    }
}

/// The outcome of a request.
pub(crate) type Outcome = Result<Answer, Refusal>;

/// A request for objects of a kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub kind: &'a Kind,
    pub route: &'a Route,
    pub call: &'a Call,
}

impl Asked<'_> {
    /// Whether nothing is to be kept.
    fn dry(&self) -> bool {
        self.call.query.get("dryRun") == "All"
    }

    /// Who writes: the field manager, or what the user agent begins with.
    fn manager(&self) -> String {
        let given = self.call.query.get("fieldManager");
        let name =
            if given.is_empty() { self.call.agent.split('/').next().unwrap_or_default() } else { given };
        name.chars().filter(|c| !c.is_control()).take(128).collect()
    }

    /// What refusals call the object of the route.
    fn subject(&self) -> super::status::Subject {
        self.kind.subject(&self.route.name)
    }
}

/// Answers a request for objects but for a watch.
pub(crate) fn answer(plane: &mut Plane, asked: Asked<'_>) -> Outcome {
    let named = !asked.route.name.is_empty();
    match asked.call.query.get("dryRun") {
        "" | "All" => {}
        other if asked.call.method != "GET" => return Err(dry_run_refusal(asked.call, other)),
        _ => {}
    }
    let form = asked.call.content_type.split(';').next().unwrap_or_default().trim();
    if matches!(&*asked.call.method, "POST" | "PUT") && !matches!(form, "" | "application/json") {
        // kubectl sends its own kinds as protobuf, which is not simulated.
        return Err(Refusal::plain(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: application/json",
        ));
    }
    match (&*asked.route.subresource, &*asked.call.method) {
        ("" | "status", "GET") if named => read::get(plane, asked),
        ("", "GET") => read::list(plane, asked),
        ("", "POST") if asked.kind.create_only => review::answer(plane, asked),
        ("", "POST") if !named => create::create(plane, asked),
        ("" | "status", "PUT") if named => update::put(plane, asked),
        ("" | "status", "PATCH") if named => patch::patch(plane, asked),
        ("", "DELETE") if named => delete::one(plane, asked),
        ("", "DELETE") => delete::all(plane, asked),
        ("" | "status", _) => Err(method_not_allowed()),
        (sub, _) => Err(not_simulated(&format!("subresource {sub} of {}", asked.subject().qualified()))),
    }
}

fn dry_run_refusal(call: &Call, other: &str) -> Refusal {
    let kind = match &*call.method {
        "POST" => "CreateOptions",
        "PUT" => "UpdateOptions",
        "DELETE" => "DeleteOptions",
        _ => "PatchOptions",
    };
    let subject = super::status::Subject {
        group: "meta.k8s.io".into(),
        kind: kind.into(),
        ..super::status::Subject::default()
    };
    let cause = super::status::Cause {
        reason: "FieldValueNotSupported",
        message: format!("Unsupported value: [{other:?}]: supported values: \"All\""),
        field: "dryRun".into(),
    };
    Refusal::invalid(&subject, &[cause])
}

fn method_not_allowed() -> Refusal {
    let mut out = Refusal::plain(
        405,
        "MethodNotAllowed",
        "the server does not allow this method on the requested resource",
    );
    out.details = Some(serde_json::json!({}));
    out
}

/// What this simulation has not.
pub(crate) fn not_simulated(what: &str) -> Refusal {
    Refusal::plain(501, "NotImplemented", format!("the simulated API server does not have {what}"))
}
