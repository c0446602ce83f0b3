//! Licences of everything that is linked in.

use serde_json::Value;

const ALLOWED: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MPL-2.0",
    "Zlib",
    "Unicode-3.0",
    "0BSD",
    "CC0-1.0",
    "Unlicense",
    "MIT-0",
    "Apache-2.0 WITH LLVM-exception",
    "BSL-1.0",
];

/// One complaint for each package without an allowed licence.
pub(crate) fn check(meta: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    for p in meta["packages"].as_array().into_iter().flatten() {
        let name = p["name"].as_str().unwrap_or("");
        let Some(licence) = p["license"].as_str() else {
            complaints.push(format!("{name}: states no licence"));
            continue;
        };
        if !satisfied(licence) {
            complaints.push(format!("{name}: licence {licence} is not on the list"));
        }
    }
    complaints
}

/// Whether an SPDX expression can be met with allowed licences: every `AND` part has an allowed `OR` alternative.
fn satisfied(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    plain.split(" AND ").all(|part| part.split(" OR ").any(|l| ALLOWED.contains(&l.trim())))
}

#[cfg(test)]
mod tests {
    use super::satisfied;

    #[test]
    fn alternatives_and_sums() {
        assert!(satisfied("MIT OR Apache-2.0"));
        assert!(satisfied("MIT/Apache-2.0"));
        assert!(satisfied("(MIT OR GPL-3.0) AND Unicode-3.0"));
        assert!(!satisfied("GPL-3.0"));
        assert!(!satisfied("MIT AND GPL-3.0"));
    }
}
