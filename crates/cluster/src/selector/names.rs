//! Which texts are label names and values (`k8s.io/apimachinery/pkg/util/validation`).

/// Complains about the first name or value that the API machinery would refuse.
pub(super) fn check<'a>(key: &str, values: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
    if !is_key(key) {
        return Err(format!("{key:?} is no label name"));
    }
    match values.into_iter().find(|v| !is_value(v)) {
        Some(v) => Err(format!("{v:?} is no label value")),
        None => Ok(()),
    }
}

/// An optional DNS subdomain and a slash, then a name.
pub(super) fn is_key(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_name(name),
        None => is_name(key),
    }
}

/// Empty, or as a name.
pub(super) fn is_value(value: &str) -> bool {
    value.is_empty() || is_name(value)
}

fn is_name(text: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && ends(text.chars().next())
        && ends(text.chars().next_back())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

fn is_subdomain(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    let label = |part: &str| {
        edge(part.chars().next())
            && edge(part.chars().next_back())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values() {
        for fine in ["a", "k8s-app", "app.kubernetes.io/name", "A_b.c"] {
            assert!(is_key(fine), "{fine}");
        }
        for wrong in ["", "/a", "a/", "a/b/c", "-a", "a-", "A.io/x", &"a".repeat(64)] {
            assert!(!is_key(wrong), "{wrong}");
        }
        assert!(is_value("") && is_value("v1.2") && !is_value("a b") && !is_value(&"a".repeat(64)));
    }
}
