//! Relabelling rules of the custom resources: what the operator refuses, in its words.

use super::Refusal;
use crate::crds::types::Relabel;
use crate::crds::version::Version;
use tortie_model::names::NameScheme;
use tortie_model::regex::Regex;
use tortie_model::relabel::{Action, Rule};

/// Label names of the legacy scheme with `$n` or `${n}` in them.
const LEGACY_TEMPLATE: &str = r"(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+";

/// Which label names a version takes.
pub(super) fn scheme(version: &Version) -> NameScheme {
    if version.major() >= 3 { NameScheme::Utf8 } else { NameScheme::Legacy }
}

/// Checks a list of rules; the error names the place.
pub(in crate::crds) fn check_rules(rules: &[Relabel], version: &Version) -> Result<(), Refusal> {
    for (i, rule) in rules.iter().enumerate() {
        check(rule, version).map_err(|e| format!("[{i}]: {e}"))?;
    }
    Ok(())
}

fn check(r: &Relabel, version: &Version) -> Result<(), Refusal> {
    let named = if r.action.is_empty() { "replace" } else { &r.action };
    let action = Action::parse(named);
    let is = |list: &[Action]| action.is_some_and(|a| list.contains(&a));
    let cases = is(&[Action::Lowercase, Action::Uppercase]);
    let equals = is(&[Action::KeepEqual, Action::DropEqual]);
    if cases && !version.since("2.36.0") {
        return Err(format!("{named} relabel action is only supported from Prometheus version 2.36.0"));
    }
    if equals && !version.since("2.41.0") {
        return Err(format!("{named} relabel action is only supported from Prometheus version 2.41.0"));
    }
    if let Err(e) = Regex::anchored(&r.regex) {
        return Err(format!("invalid regex {} for relabel configuration: {e}", r.regex));
    }
    let hashmod = is(&[Action::HashMod]);
    if r.modulus == 0 && hashmod {
        return Err("relabel configuration for hashmod requires non-zero modulus".to_owned());
    }
    let writes = is(&[Action::Replace, Action::HashMod]) || cases || equals;
    if writes && r.target_label.is_empty() {
        return Err(format!("relabel configuration for {named} action needs targetLabel value"));
    }
    let scheme = scheme(version);
    let bad_target = || Err(format!("{:?} is invalid 'target_label' for {named} action", r.target_label));
    if (is(&[Action::Replace]) || cases || equals) && !scheme.is_label_name(&r.target_label) {
        return bad_target();
    }
    let default = Rule::default();
    let other = |v: &Option<String>, default: &str| v.as_deref().is_some_and(|v| v != default);
    let replacement = other(&r.replacement, &default.replacement);
    if (cases || equals) && replacement {
        return Err(format!("'replacement' can not be set for {named} action"));
    }
    if let Some(text) = r.replacement.as_deref().filter(|_| is(&[Action::LabelMap]))
        && !is_template(text, scheme)
    {
        return Err(format!("{text:?} is invalid 'replacement' for {named} action"));
    }
    if hashmod && !scheme.is_label_name(&r.target_label) {
        return bad_target();
    }
    let others = r.modulus != 0 || other(&r.separator, &default.separator) || replacement;
    if equals && ((!r.regex.is_empty() && r.regex != "(.*)" && r.regex != "^(?s:(.*))$") || others) {
        return Err(format!(
            "{named} action requires only 'source_labels' and `target_label`, and no other fields"
        ));
    }
    let by_name = is(&[Action::LabelDrop, Action::LabelKeep]);
    if by_name && (!r.source_labels.is_empty() || !r.target_label.is_empty() || others) {
        return Err(format!("{named} action requires only 'regex', and no other fields"));
    }
    Ok(())
}

fn is_template(text: &str, scheme: NameScheme) -> bool {
    match scheme {
        NameScheme::Utf8 => scheme.is_label_name(text),
        NameScheme::Legacy => Regex::anchored(LEGACY_TEMPLATE).is_ok_and(|re| re.is_match(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn says(json: &str, version: &str, expect: Result<(), &str>) {
        let rule: Relabel = serde_json::from_str(json).unwrap();
        let version = Version::parse(version).unwrap();
        assert_eq!(check_rules(&[rule], &version), expect.map_err(str::to_owned), "{json}");
    }

    #[test]
    fn words() {
        says(r#"{"targetLabel":"a"}"#, "3.5.0", Ok(()));
        says(r#"{}"#, "3.5.0", Err("[0]: relabel configuration for replace action needs targetLabel value"));
        says(
            r#"{"action":"HashMod"}"#,
            "3.5.0",
            Err("[0]: relabel configuration for hashmod requires non-zero modulus"),
        );
        says(
            r#"{"action":"Lowercase","targetLabel":"a"}"#,
            "2.35.0",
            Err("[0]: Lowercase relabel action is only supported from Prometheus version 2.36.0"),
        );
        says(r#"{"targetLabel":"a-b"}"#, "3.0.0", Ok(()));
        says(
            r#"{"targetLabel":"a-b"}"#,
            "2.55.0",
            Err("[0]: \"a-b\" is invalid 'target_label' for replace action"),
        );
        says(
            r#"{"action":"labeldrop","regex":"x","sourceLabels":["a"]}"#,
            "3.0.0",
            Err("[0]: labeldrop action requires only 'regex', and no other fields"),
        );
    }
}
