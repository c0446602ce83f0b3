//! Elements of `kubernetes_sd_configs`. Checks and words are Prometheus'.

use super::http;
use crate::http_client::{Auth, HttpClientConfig};
use crate::kubernetes::{AttachMetadata, KubernetesSdConfig, Role, Selector};
use crate::read::{Errors, Section};
use crate::yaml::{Node, Value};
use crate::{paths, url};

pub(super) fn read(s: &mut Section<'_>, dir: &str, errors: &mut Errors) -> Vec<KubernetesSdConfig> {
    let path = format!("{}[]", s.path_of("kubernetes_sd_configs"));
    let mut out = Vec::new();
    for node in s.list("kubernetes_sd_configs", errors).unwrap_or_default() {
        if matches!(node.value, Value::Null) {
            errors.push(node.at, "empty or null section in kubernetes_sd_configs");
            continue;
        }
        out.extend(one(node, &path, dir, errors));
    }
    out
}

fn one(node: &Node, path: &str, dir: &str, errors: &mut Errors) -> Option<KubernetesSdConfig> {
    let mut s = Section::open(node, path, errors);
    let role = role(&mut s, errors);
    let api_server = s.text("api_server", errors).map(|(text, at)| {
        if let Some(fault) = url::fault(&text) {
            errors.push(at, format!("parse {:?}: {fault}", crate::http_client::redacted(&text)));
        }
        text
    });
    let api_server = api_server.unwrap_or_default();
    let kubeconfig = s.text("kubeconfig_file", errors).map(|(t, _)| t).unwrap_or_default();
    let http = http::read(&mut s, path, dir, errors);
    let (own_namespace, namespaces) = namespaces(&mut s, path, errors);
    let selectors = selectors(&mut s, path, role, errors);
    let attach = attach(&mut s, path, errors);
    let Some(role) = role else {
        errors.push(s.at, "role missing (one of: pod, service, endpoints, endpointslice, node, ingress)");
        return None;
    };
    let custom = http != HttpClientConfig::default();
    if !api_server.is_empty() && !kubeconfig.is_empty() {
        errors.push(s.at, "cannot use 'kubeconfig_file' and 'api_server' simultaneously");
    } else if !kubeconfig.is_empty() && custom {
        errors.push(s.at, "cannot use a custom HTTP client configuration together with 'kubeconfig_file'");
    } else if api_server.is_empty() && custom {
        errors.push(
            s.at,
            "to use custom HTTP client configuration please provide the 'api_server' URL explicitly",
        );
    }
    if let Some(Auth::Scheme { kind, .. }) = &http.auth
        && !kind.eq_ignore_ascii_case("bearer")
    {
        errors.push(
            s.at,
            format!("authorization of type {kind} is not supported for an API server; Bearer is"),
        );
    }
    if own_namespace && !api_server.is_empty() {
        errors.push(s.at, "cannot use 'api_server' and 'namespaces.own_namespace' simultaneously");
    }
    if own_namespace && !kubeconfig.is_empty() {
        errors.push(s.at, "cannot use 'kubeconfig_file' and 'namespaces.own_namespace' simultaneously");
    }
    let kubeconfig_file = paths::join(dir, &kubeconfig);
    Some(KubernetesSdConfig {
        api_server,
        role,
        kubeconfig_file,
        http,
        own_namespace,
        namespaces,
        selectors,
        attach,
    })
}

fn role(s: &mut Section<'_>, errors: &mut Errors) -> Option<Role> {
    let (name, at) = s.text("role", errors)?;
    let role = Role::parse(&name);
    if role.is_none() {
        errors.push(at, format!("unknown Kubernetes SD role {name:?}"));
    }
    // Another role stands in, so that the missing one is not an error of its own.
    Some(role.unwrap_or(Role::Pod))
}

fn namespaces(s: &mut Section<'_>, path: &str, errors: &mut Errors) -> (bool, Vec<String>) {
    let Some(node) = s.take("namespaces") else { return (false, Vec::new()) };
    let mut section = Section::open(node, &format!("{path}.namespaces"), errors);
    let own = section.boolean("own_namespace", errors).unwrap_or(false);
    let names = section.texts("names", errors).unwrap_or_default().into_iter().map(|(n, _)| n).collect();
    (own, names)
}

fn selectors(s: &mut Section<'_>, path: &str, role: Option<Role>, errors: &mut Errors) -> Vec<Selector> {
    let path = format!("{path}.selectors[]");
    let mut out: Vec<Selector> = Vec::new();
    for node in s.list("selectors", errors).unwrap_or_default() {
        let mut section = Section::open(node, &path, errors);
        let named = self::role(&mut section, errors);
        let (label, label_at) = section.text("label", errors).unwrap_or((String::new(), node.at));
        let (field, field_at) = section.text("field", errors).unwrap_or((String::new(), node.at));
        let Some(role) = role else { continue };
        let Some(selected) = named.filter(|r| role.selectable().contains(r)) else {
            let names: Vec<&str> = role.selectable().iter().map(|r| r.as_str()).collect();
            let message = format!("{} role supports only {} selectors", role.as_str(), names.join(", "));
            errors.push(node.at, message);
            continue;
        };
        if out.iter().any(|o| o.role == selected) {
            errors.push(node.at, format!("duplicated selector role: {}", selected.as_str()));
        }
        if let Some(fault) = field_fault(&field) {
            errors.push(field_at, fault);
        }
        if let Some(fault) = label_fault(&label) {
            errors.push(label_at, fault);
        }
        out.push(Selector { role: selected, label, field });
    }
    out
}

fn attach(s: &mut Section<'_>, path: &str, errors: &mut Errors) -> AttachMetadata {
    let Some(node) = s.take("attach_metadata") else { return AttachMetadata::default() };
    let mut section = Section::open(node, &format!("{path}.attach_metadata"), errors);
    let mut flag = |key: &str| section.boolean(key, errors).unwrap_or(false);
    AttachMetadata {
        node: flag("node"),
        namespace: flag("namespace"),
        deployment: flag("deployment"),
        job: flag("job"),
        cronjob: flag("cronjob"),
    }
}

/// What is wrong with a field selector, in the words of Kubernetes' `fields.ParseSelector`.
fn field_fault(text: &str) -> Option<String> {
    let mut terms = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == ',' && !escaped {
            terms.push(String::new());
            continue;
        }
        escaped = c == '\\' && !escaped;
        if let Some(last) = terms.last_mut() {
            last.push(c);
        }
    }
    terms.sort();
    terms.iter().filter(|t| !t.is_empty()).find_map(|term| {
        let value = term.find(['=', '!']).and_then(|_| {
            let at = term.find("!=").into_iter().chain(term.find('=')).min()?;
            let rest = term.get(at..)?;
            ["!=", "==", "="].iter().find_map(|op| rest.strip_prefix(op))
        });
        match value {
            None => Some(format!("invalid selector: '{text}'; can't understand '{term}'")),
            Some(value) => value_fault(value),
        }
    })
}

fn value_fault(value: &str) -> Option<String> {
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('\\' | ',' | '=') => {}
                Some(other) => {
                    return Some(format!("invalid field selector: invalid escape sequence: \\{other}"));
                }
                None => return Some("invalid field selector: invalid escape sequence: \\".to_owned()),
            },
            '=' => return Some("invalid field selector: unescaped character in value: =".to_owned()),
            _ => {}
        }
    }
    None
}

/// What is wrong with a label selector. The API server judges names and values; here it is the form alone.
fn label_fault(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return None;
    }
    let mut rest = text;
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0_i32, 0);
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text.get(from..i).unwrap_or(""));
                from = i + 1;
                rest = text.get(from..).unwrap_or("");
            }
            _ => {}
        }
        if !(0..=1).contains(&depth) {
            return Some(format!("unable to parse requirement: found '{c}', expected: identifier"));
        }
    }
    if depth != 0 {
        return Some("unable to parse requirement: found '', expected: ',' or ')'".to_owned());
    }
    parts.push(rest);
    parts.into_iter().find_map(requirement_fault)
}

fn requirement_fault(part: &str) -> Option<String> {
    let part = part.trim();
    let bad = |found: &str, expected: &str| Some(format!("found '{found}', expected: {expected}"));
    if part.is_empty() {
        return bad("", "!, identifier, or 'end of string'");
    }
    if let Some(key) = part.strip_prefix('!') {
        let fine = !key.trim().is_empty() && !key.contains(|c: char| "=!(<>".contains(c));
        return if fine { None } else { bad(key, "identifier") };
    }
    let end = part.find(|c: char| c.is_whitespace() || "=!(<>".contains(c)).unwrap_or(part.len());
    let (key, operation) = part.split_at(end);
    let operation = operation.trim_start();
    if key.is_empty() {
        return bad(operation, "identifier");
    }
    if operation.is_empty() {
        return None;
    }
    for word in ["in", "notin"] {
        if let Some(list) = operation.strip_prefix(word).map(str::trim) {
            let fine = list.starts_with('(') && list.ends_with(')');
            return if fine { None } else { bad(list, "'('") };
        }
    }
    let value = ["==", "!=", "=", "<", ">"].iter().find_map(|op| operation.strip_prefix(op)).map(str::trim);
    match value {
        None => bad(operation, "in, notin, =, ==, !=, gt, lt"),
        Some(v) if v.contains(|c: char| c.is_whitespace() || "=!()<>".contains(c)) => {
            bad(v, "',' or 'end of string'")
        }
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_selectors() {
        #[track_caller]
        fn check(text: &str, expect: Option<&str>) {
            assert_eq!(field_fault(text).as_deref(), expect, "{text}");
        }
        check("", None);
        check("metadata.name=a,spec.nodeName!=b,c==d", None);
        check(r"a=b\,c\=d\\", None);
        check("a", Some("invalid selector: 'a'; can't understand 'a'"));
        check("a=b=c", Some("invalid field selector: unescaped character in value: ="));
        check(r"a=\x", Some(r"invalid field selector: invalid escape sequence: \x"));
    }

    #[test]
    fn label_selectors() {
        for fine in [
            "",
            "a",
            "!a",
            "a=b,c!=d",
            "a==",
            "a in (b, c),d notin (e)",
            "app.kubernetes.io/name = x",
            "a > 3",
        ] {
            assert_eq!(label_fault(fine), None, "{fine}");
        }
        for bad in ["a,,b", "=b", "a in b", "a in (b", "a b", "a=b c", "!", "a))", "((a"] {
            assert!(label_fault(bad).is_some(), "{bad}");
        }
    }
}
