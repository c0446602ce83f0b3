//! Which series belong together: group numbers, computed once per series from the bytes of its grouping labels.

use super::super::step_columns::Steps;
use foldhash::fast::RandomState;
use std::collections::HashMap;
use tortie_model::Labels;

/// The groups of a vector, numbered in the order in which they are first seen.
pub(crate) struct Groups {
    /// Group of each row.
    of_row: Vec<u32>,
    /// Rows of each group, ascending.
    members: Vec<Vec<usize>>,
}

impl Groups {
    /// Groups the rows of `input` by the sorted `names`, or by all other labels.
    pub(crate) fn new(input: &Steps, names: &[String], without: bool) -> Groups {
        let mut ids: HashMap<Box<[u8]>, u32, RandomState> = HashMap::default();
        let mut of_row = Vec::with_capacity(input.len());
        let mut members: Vec<Vec<usize>> = Vec::new();
        let mut key = Vec::with_capacity(256);
        for (row, labels) in input.labels.iter().enumerate() {
            group_key(labels, names, without, &mut key);
            let id = match ids.get(key.as_slice()) {
                Some(&id) => id,
                None => {
                    let id = members.len() as u32;
                    ids.insert(key.as_slice().into(), id);
                    members.push(Vec::new());
                    id
                }
            };
            of_row.push(id);
            if let Some(m) = members.get_mut(id as usize) {
                m.push(row);
            }
        }
        Groups { of_row, members }
    }

    /// Number of groups.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// Rows of each group.
    pub(crate) fn members(&self) -> &[Vec<usize>] {
        &self.members
    }

    /// Group of each row.
    pub(crate) fn of_row(&self) -> &[u32] {
        &self.of_row
    }
}

/// Writes the bytes that tell a series' group into `key`: lengths and texts of the labels that count.
pub(crate) fn group_key(labels: &Labels, names: &[String], without: bool, key: &mut Vec<u8>) {
    key.clear();
    if !without && names.is_empty() {
        return;
    }
    for (name, value) in labels {
        if contains(names, name) != without {
            key.extend_from_slice(&(name.len() as u32).to_le_bytes());
            key.extend_from_slice(&(value.len() as u32).to_le_bytes());
            key.extend_from_slice(name.as_bytes());
            key.extend_from_slice(value.as_bytes());
        }
    }
}

/// The labels of a group, from those of any of its series.
pub(crate) fn group_labels(labels: &Labels, names: &[String], without: bool) -> Labels {
    Labels::from_sorted(labels.iter().filter(|(n, _)| contains(names, n) != without))
}

fn contains(names: &[String], name: &str) -> bool {
    if names.len() <= 8 {
        names.iter().any(|n| n == name)
    } else {
        names.binary_search_by(|n| n.as_str().cmp(name)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_numbered_as_they_come() {
        let mut s = Steps::new(1);
        for (a, b) in [("1", "x"), ("2", "x"), ("1", "y")] {
            s.push(Labels::from_pairs([("a", a), ("b", b)]), false);
        }
        let by = Groups::new(&s, &["a".to_owned()], false);
        assert_eq!(by.of_row(), [0, 1, 0]);
        let without = Groups::new(&s, &["a".to_owned()], true);
        assert_eq!(without.of_row(), [0, 0, 1]);
        assert_eq!(group_labels(&s.labels[0], &["a".to_owned()], true), Labels::from_pairs([("b", "x")]));
    }
}
