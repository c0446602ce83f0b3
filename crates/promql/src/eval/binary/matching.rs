//! Which series of two vectors meet: signatures, numbered over both sides.

use super::super::aggregate::{group_key, group_labels};
use super::super::plan::RESERVED;
use super::super::step_columns::Steps;
use crate::ast::VectorMatching;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use tortie_model::Labels;

/// Signatures of the series of both sides.
pub(crate) struct Signatures {
    /// Signature of each left row.
    pub left: Vec<u32>,
    /// Signature of each right row.
    pub right: Vec<u32>,
    /// Number of signatures.
    pub count: usize,
}

/// The labels that decide, sorted: those of `on`, or all but those of `ignoring` and the name.
pub(crate) fn names(m: &VectorMatching) -> Vec<String> {
    let mut names = m.labels.clone();
    if !m.on {
        names.extend(RESERVED.map(str::to_owned));
    }
    names.sort();
    names.dedup();
    names
}

/// The labels of a match group, as messages show them and as `fill` gives them to what is missing.
pub(crate) fn group(labels: &Labels, m: &VectorMatching) -> Labels {
    group_labels(labels, &names(m), !m.on)
}

impl Signatures {
    /// Numbers the signatures of `l` and `r`.
    pub(crate) fn new(m: &VectorMatching, l: &Steps, r: &Steps) -> Signatures {
        let names = names(m);
        let mut ids: HashMap<Box<[u8]>, u32, RandomState> = HashMap::default();
        let mut key = Vec::with_capacity(256);
        let mut number = |labels: &Labels| {
            group_key(labels, &names, !m.on, &mut key);
            if let Some(&id) = ids.get(key.as_slice()) {
                return id;
            }
            let id = ids.len() as u32;
            ids.insert(key.as_slice().into(), id);
            id
        };
        let left = l.labels.iter().map(&mut number).collect();
        let right = r.labels.iter().map(&mut number).collect();
        let count = ids.len();
        Signatures { left, right, count }
    }

    /// Rows of each signature.
    pub(crate) fn rows(of_row: &[u32], count: usize) -> Vec<Vec<usize>> {
        let mut rows = vec![Vec::new(); count];
        for (i, s) in of_row.iter().enumerate() {
            if let Some(r) = rows.get_mut(*s as usize) {
                r.push(i);
            }
        }
        rows
    }
}

/// Steps at which any row of `s` has a sample.
pub(crate) fn any(s: &Steps) -> Vec<u64> {
    let mut bits = vec![0; s.words()];
    for i in 0..s.len() {
        s.row(i).or_presence(&mut bits);
    }
    bits
}
