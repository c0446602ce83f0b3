//! All checks, one file each; see [`crate::doctor::check::Check`].

use crate::doctor::check::Check;

include!(concat!(env!("OUT_DIR"), "/checks.rs"));

/// The check of an id (`T507`, any case) or slug.
pub fn find(name: &str) -> Option<&'static Check> {
    ALL.iter().copied().find(|c| c.id.eq_ignore_ascii_case(name) || c.slug == name)
}

/// The page of a check, Markdown.
pub fn page(check: &Check) -> &'static str {
    let at = ALL.iter().position(|c| c.id == check.id);
    at.and_then(|i| PAGES.get(i)).map(|p| p.1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{ALL, PAGES};
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn ids_are_unique_and_files_are_named_after_them() {
        let ids: BTreeSet<&str> = ALL.iter().map(|c| c.id).collect();
        let slugs: BTreeSet<&str> = ALL.iter().map(|c| c.slug).collect();
        assert_eq!((ids.len(), slugs.len()), (ALL.len(), ALL.len()));
        for (check, (module, page)) in ALL.iter().zip(PAGES) {
            let expect = format!("{}_{}", check.id.to_lowercase(), check.slug.replace('-', "_"));
            assert_eq!(*module, expect, "file name of {}", check.id);
            assert!(page.lines().count() >= 4, "{} has no page worth reading", check.id);
        }
    }

    #[test]
    fn needs_are_known_and_have_no_cycle() {
        let by_id: BTreeMap<&str, _> = ALL.iter().map(|c| (c.id, c)).collect();
        fn depth(id: &str, by_id: &BTreeMap<&str, &&'static super::Check>, left: usize) {
            assert!(left > 0, "needs of {id} go round in a circle");
            let check = by_id.get(id).unwrap_or_else(|| panic!("{id} is needed and is no check"));
            for need in check.needs {
                depth(need, by_id, left - 1);
            }
        }
        for check in ALL {
            depth(check.id, &by_id, 30);
        }
    }
}
