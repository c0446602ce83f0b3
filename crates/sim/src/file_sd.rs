//! Target groups as Prometheus' `file_sd_configs` reads them.

/// One group of one target.
pub(crate) fn group<'a>(address: &str, labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let labels: Vec<String> = labels.map(|(k, v)| format!("{}: {}", quote(k), quote(v))).collect();
    format!("{{\"targets\": [{}], \"labels\": {{{}}}}}", quote(address), labels.join(", "))
}

/// All groups as one document.
pub(crate) fn document(groups: impl Iterator<Item = String>) -> String {
    let groups: Vec<String> = groups.map(|g| format!("  {g}")).collect();
    format!("[\n{}\n]\n", groups.join(",\n"))
}

/// A JSON string.
fn quote(s: &str) -> String {
    let mut out = String::with_capacity(s.len() + 2);
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_escaped() {
        let doc = document([group("[::1]:1", [("a\"b", "c\\\n")].into_iter())].into_iter());
        assert_eq!(doc, "[\n  {\"targets\": [\"[::1]:1\"], \"labels\": {\"a\\\"b\": \"c\\\\\\u000a\"}}\n]\n");
    }
}
