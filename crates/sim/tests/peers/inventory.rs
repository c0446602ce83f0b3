//! The same names, types, texts, label names and order of families.

use std::collections::BTreeSet;

use crate::exposition::Body;
use crate::{CASES, recorded, simulated};

type Shape = (String, String, String, Vec<String>);

fn all(bodies: &[Body]) -> BTreeSet<Shape> {
    bodies.iter().flat_map(Body::shapes).collect()
}

#[tokio::test]
async fn names_types_texts_and_label_names_are_equal() {
    for case in CASES {
        let (real, ours) = (recorded(*case), simulated(*case, 1).await);
        let (want, got) = (all(&real), all(&ours));
        let missing: Vec<&Shape> = want.difference(&got).collect();
        let extra: Vec<&Shape> = got.difference(&want).collect();
        assert!(missing.is_empty() && extra.is_empty(), "{case:?}\nmissing: {missing:#?}\nextra: {extra:#?}");
    }
}

#[tokio::test]
async fn families_and_series_stand_in_the_same_order() {
    for case in CASES {
        let (real, ours) = (recorded(*case), simulated(*case, 1).await);
        let (want, got) = (real.last().unwrap(), ours.last().unwrap());
        assert_eq!(got.families, want.families, "{case:?}");
        // Children may differ (a node, a message type that came later); those of both stand in the same order.
        let both = |of: &Body, other: &Body| -> Vec<String> {
            of.order.iter().filter(|s| other.series.contains_key(*s)).cloned().collect()
        };
        let (want, got) = (both(want, got), both(got, want));
        assert_eq!(got, want, "{case:?}");
        assert!(got.len() * 100 >= real.last().unwrap().order.len() * 95, "{case:?}: {} in both", got.len());
    }
}
