//! `/api/v1/rules`: groups with their rules, filtered and in pages.

use crate::api::alerts;
use crate::app::App;
use crate::json;
use crate::params::{Params, quoted};
use crate::reply::{ApiError, Data};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use tortie_model::{Matcher, gofloat, timestamp};
use tortie_rules::{Group, Kind, Rule};

/// What of the rules is asked for.
struct Wanted<'a> {
    names: Vec<&'a str>,
    groups: Vec<&'a str>,
    files: Vec<&'a str>,
    matchers: Vec<Vec<Matcher>>,
    alerting: bool,
    recording: bool,
    /// Whether the alerts of a rule stand with it.
    with_alerts: bool,
}

/// A page of groups.
struct Page<'a> {
    /// Most groups, none for all.
    limit: Option<usize>,
    /// Where it begins.
    token: &'a str,
}

pub(crate) fn rules(app: &App, url: &Params, p: &Params) -> Result<Data, ApiError> {
    let matchers = p.matcher_sets(&app.options.language).map_err(ApiError::bad_data)?;
    let kind = url.get("type").to_lowercase();
    if !matches!(kind.as_str(), "" | "alert" | "record") {
        return Err(ApiError::invalid("type", &format!("not supported value {}", quoted(&kind))));
    }
    let wanted = Wanted {
        names: p.all("rule_name[]").collect(),
        groups: p.all("rule_group[]").collect(),
        files: p.all("file[]").collect(),
        matchers,
        alerting: kind != "record",
        recording: kind != "alert",
        with_alerts: !excludes_alerts(url)?,
    };
    let page = page(url)?;
    write(&app.sources.rule_groups(), &wanted, &page)
}

fn excludes_alerts(url: &Params) -> Result<bool, ApiError> {
    let text = url.get("exclude_alerts").to_lowercase();
    match text.as_str() {
        "" | "0" | "f" | "false" => Ok(false),
        "1" | "t" | "true" => Ok(true),
        _ => Err(ApiError::invalid(
            "exclude_alerts",
            &format!(
                "error converting exclude_alerts: strconv.ParseBool: parsing {}: invalid syntax",
                quoted(&text)
            ),
        )),
    }
}

fn page(url: &Params) -> Result<Page<'_>, ApiError> {
    let (limit, token) = (url.get("group_limit"), url.get("group_next_token"));
    if limit.is_empty() {
        if !token.is_empty() {
            let why = "group_limit needs to be present in order to paginate over the groups";
            return Err(ApiError::invalid("group_next_token", why));
        }
        return Ok(Page { limit: None, token });
    }
    let n: i32 = limit.parse().map_err(|e: std::num::ParseIntError| {
        use std::num::IntErrorKind::{NegOverflow, PosOverflow};
        let why = match e.kind() {
            NegOverflow | PosOverflow => "value out of range",
            _ => "invalid syntax",
        };
        let text = quoted(limit);
        ApiError::invalid(
            "group_limit",
            &format!("group_limit needs to be a valid number: strconv.ParseInt: parsing {text}: {why}"),
        )
    })?;
    match usize::try_from(n) {
        Ok(n) if n > 0 => Ok(Page { limit: Some(n), token }),
        _ => Err(ApiError::invalid("group_limit", "group_limit needs to be greater than 0")),
    }
}

/// What names a group among pages.
fn token(group: &Group) -> String {
    let digest = Sha256::digest(group.spec.key().as_bytes());
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

fn write(groups: &[Arc<Group>], wanted: &Wanted<'_>, page: &Page<'_>) -> Result<Data, ApiError> {
    let mut out = b"{\"groups\":[".to_vec();
    let mut found = page.limit.is_none() || page.token.is_empty();
    let mut written = 0;
    let mut next = None;
    for group in groups {
        if !found {
            if token(group) != page.token {
                continue;
            }
            found = true;
        }
        let rules: Vec<&Arc<Rule>> = wanted.rules_of(group);
        if rules.is_empty() {
            continue;
        }
        if page.limit.is_some_and(|most| written == most) {
            next = Some(token(group));
            break;
        }
        if written > 0 {
            out.push(b',');
        }
        written += 1;
        write_group(&mut out, group, &rules, wanted.with_alerts);
    }
    if !found {
        let why = format!("invalid group_next_token '{}'. were rule groups changed?", page.token);
        return Err(ApiError::invalid("group_next_token", &why));
    }
    out.push(b']');
    if let Some(next) = next {
        json::key(&mut out, "groupNextToken");
        json::string(&mut out, &next);
    }
    out.push(b'}');
    Ok(Data::new(out))
}

impl Wanted<'_> {
    fn rules_of<'g>(&self, group: &'g Group) -> Vec<&'g Arc<Rule>> {
        let among = |list: &[&str], name: &str| list.is_empty() || list.contains(&name);
        if !among(&self.groups, &group.spec.name) || !among(&self.files, &group.spec.file) {
            return Vec::new();
        }
        group.rules.iter().filter(|r| among(&self.names, &r.spec.name) && self.takes(r)).collect()
    }

    fn takes(&self, rule: &Rule) -> bool {
        if !if rule.spec.is_alert() { self.alerting } else { self.recording } {
            return false;
        }
        if self.matchers.is_empty() {
            return true;
        }
        let labels = rule.spec.label_set();
        self.matchers.iter().any(|set| set.iter().all(|m| m.matches(labels.value(&m.name))))
    }
}

fn write_group(out: &mut Vec<u8>, group: &Group, rules: &[&Arc<Rule>], with_alerts: bool) {
    let state = group.state();
    out.extend_from_slice(b"{\"name\":");
    json::string(out, &group.spec.name);
    json::key(out, "file");
    json::string(out, &group.spec.file);
    json::key(out, "rules");
    out.push(b'[');
    for (i, rule) in rules.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_rule(out, rule, with_alerts);
    }
    out.push(b']');
    number(out, "interval", group.spec.interval_ms as f64 / 1000.0);
    json::key(out, "limit");
    out.extend_from_slice(group.spec.limit.to_string().as_bytes());
    number(out, "evaluationTime", state.duration_ns as f64 / 1e9);
    time(out, "lastEvaluation", state.last_evaluation_ms);
    out.push(b'}');
}

fn write_rule(out: &mut Vec<u8>, rule: &Rule, with_alerts: bool) {
    let spec = &rule.spec;
    let standing = rule.standing();
    out.push(b'{');
    if spec.is_alert() {
        out.extend_from_slice(b"\"state\":");
        json::string(out, standing.state.as_str());
        out.push(b',');
    }
    out.extend_from_slice(b"\"name\":");
    json::string(out, &spec.name);
    json::key(out, "query");
    json::string(out, &spec.query);
    if let Kind::Alert { for_ms, keep_firing_for_ms, .. } = &spec.kind {
        number(out, "duration", *for_ms as f64 / 1000.0);
        number(out, "keepFiringFor", *keep_firing_for_ms as f64 / 1000.0);
    }
    json::key(out, "labels");
    json::pairs(out, spec.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    if let Kind::Alert { annotations, .. } = &spec.kind {
        json::key(out, "annotations");
        json::pairs(out, annotations.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        json::key(out, "alerts");
        if with_alerts {
            alerts::write_all(out, &rule.active_alerts());
        } else {
            out.extend_from_slice(b"null");
        }
    }
    json::key(out, "health");
    json::string(out, standing.health.as_str());
    if let Some(e) = &standing.last_error {
        json::key(out, "lastError");
        json::string(out, e);
    }
    number(out, "evaluationTime", standing.duration_ns as f64 / 1e9);
    time(out, "lastEvaluation", standing.evaluated_ms);
    json::key(out, "type");
    json::string(out, if spec.is_alert() { "alerting" } else { "recording" });
    out.push(b'}');
}

fn number(out: &mut Vec<u8>, key: &str, v: f64) {
    json::key(out, key);
    gofloat::format_json_into(v, out);
}

fn time(out: &mut Vec<u8>, key: &str, ms: Option<i64>) {
    json::key(out, key);
    let text = ms.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), timestamp::format_rfc3339);
    json::string(out, &text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_rules::{GroupSpec, RuleSpec};

    fn group(name: &str, rules: &[&str]) -> Arc<Group> {
        let rule = |name: &&str| RuleSpec {
            name: (*name).to_owned(),
            kind: if name.starts_with(char::is_uppercase) {
                Kind::Alert {
                    for_ms: 90_000,
                    keep_firing_for_ms: 0,
                    annotations: vec![("summary".to_owned(), "<{{ $value }}>".to_owned())],
                }
            } else {
                Kind::Record
            },
            expr: tortie_promql::parse_expr("up < 1", &Default::default()).unwrap(),
            query: "up < 1".to_owned(),
            labels: vec![("severity".to_owned(), "page".to_owned())],
        };
        let spec = GroupSpec {
            file: "/r.yml".to_owned(),
            name: name.to_owned(),
            interval_ms: 15_000,
            query_offset_ms: None,
            limit: 0,
            rules: rules.iter().map(rule).collect(),
        };
        Arc::new(Group::new(spec, false))
    }

    fn ask(query: &str) -> Result<String, String> {
        let p = Params::decode(query, b"");
        let language = tortie_promql::Options::default();
        let kind = p.get("type").to_owned();
        let wanted = Wanted {
            names: p.all("rule_name[]").collect(),
            groups: p.all("rule_group[]").collect(),
            files: p.all("file[]").collect(),
            matchers: p.matcher_sets(&language)?,
            alerting: kind != "record",
            recording: kind != "alert",
            with_alerts: !excludes_alerts(&p).map_err(|e| e.message)?,
        };
        let groups = [group("a", &["Down", "x:y"]), group("b", &["Up"]), group("c", &["z"])];
        let page = page(&p).map_err(|e| e.message)?;
        let data = write(&groups, &wanted, &page).map_err(|e| e.message)?;
        Ok(String::from_utf8(data.json).unwrap())
    }

    fn names(query: &str) -> Vec<String> {
        let v: serde_json::Value = serde_json::from_str(&ask(query).unwrap()).unwrap();
        let text = |v: &serde_json::Value| v["name"].as_str().unwrap().to_owned();
        let groups = v["groups"].as_array().unwrap().iter();
        groups.flat_map(|g| g["rules"].as_array().unwrap().iter().map(text).collect::<Vec<_>>()).collect()
    }

    #[test]
    fn rules_have_the_form_of_prometheus() {
        assert_eq!(
            ask("rule_group[]=a").unwrap(),
            r#"{"groups":[{"name":"a","file":"/r.yml","rules":[{"state":"unknown","name":"Down","query":"up \u003c 1","duration":90,"keepFiringFor":0,"labels":{"severity":"page"},"annotations":{"summary":"<{{ $value }}>"},"alerts":[],"health":"unknown","evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z","type":"alerting"},{"name":"x:y","query":"up \u003c 1","labels":{"severity":"page"},"health":"unknown","evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z","type":"recording"}],"interval":15,"limit":0,"evaluationTime":0,"lastEvaluation":"0001-01-01T00:00:00Z"}]}"#
        );
    }

    #[test]
    fn filters() {
        assert_eq!(names(""), ["Down", "x:y", "Up", "z"]);
        assert_eq!(names("type=alert"), ["Down", "Up"]);
        assert_eq!(names("type=record"), ["x:y", "z"]);
        assert_eq!(names("rule_name[]=Up&rule_name[]=z"), ["Up", "z"]);
        assert_eq!(names("file[]=/other"), Vec::<String>::new());
        assert_eq!(names("match[]={severity=\"page\"}&rule_group[]=c"), ["z"]);
        assert_eq!(names("match[]={severity=\"info\"}"), Vec::<String>::new());
        assert!(ask("exclude_alerts=true").unwrap().contains("\"alerts\":null"));
    }

    #[test]
    fn pages_follow_each_other() {
        let first = ask("group_limit=2").unwrap();
        let v: serde_json::Value = serde_json::from_str(&first).unwrap();
        assert_eq!(v["groups"].as_array().unwrap().len(), 2);
        let token = v["groupNextToken"].as_str().unwrap();
        assert_eq!(names(&format!("group_limit=2&group_next_token={token}")), ["z"]);
        let check = |query: &str, expect: &str| assert_eq!(ask(query).unwrap_err(), expect);
        check(
            "group_next_token=x",
            "invalid parameter \"group_next_token\": group_limit needs to be present in order to paginate over the groups",
        );
        check("group_limit=0", "invalid parameter \"group_limit\": group_limit needs to be greater than 0");
        check(
            "group_limit=x",
            "invalid parameter \"group_limit\": group_limit needs to be a valid number: strconv.ParseInt: parsing \"x\": invalid syntax",
        );
        check(
            "group_limit=1&group_next_token=x",
            "invalid parameter \"group_next_token\": invalid group_next_token 'x'. were rule groups changed?",
        );
    }
}
