//! Label sets: sorted (name, value) pairs in one allocation.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// Label that holds the metric name.
pub const METRIC_NAME: &str = "__name__";
/// Prefix of labels that relabelling drops at its end.
pub const RESERVED_PREFIX: &str = "__";

/// A label set: names strictly ascending in byte order, values never empty.
///
/// Layout: for each pair, `u32` name length, `u32` value length (little endian), name, value. Clones share memory.
/// Equality, order and hash are those of the sequence of pairs, as `labels.Compare` of Prometheus.
#[derive(Clone, Default)]
pub struct Labels {
    data: Option<Arc<[u8]>>,
}

impl Labels {
    /// The empty set.
    pub const fn empty() -> Labels {
        Labels { data: None }
    }

    /// Builds a set from pairs in any order; the last of equal names wins, empty values drop the label.
    pub fn from_pairs<'a, I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Labels {
        let mut b = LabelsBuilder::new();
        for (n, v) in pairs {
            b.set(n, v);
        }
        b.labels()
    }

    /// Builds a set from pairs that are already strictly ascending by name and have no empty value.
    pub fn from_sorted<'a, I: IntoIterator<Item = (&'a str, &'a str)>>(pairs: I) -> Labels {
        let mut buf = Vec::with_capacity(128);
        for (n, v) in pairs {
            debug_assert!(!v.is_empty());
            buf.extend_from_slice(&(n.len() as u32).to_le_bytes());
            buf.extend_from_slice(&(v.len() as u32).to_le_bytes());
            buf.extend_from_slice(n.as_bytes());
            buf.extend_from_slice(v.as_bytes());
        }
        if buf.is_empty() { Labels::empty() } else { Labels { data: Some(buf.into()) } }
    }

    /// The pairs in order.
    pub fn iter(&self) -> Iter<'_> {
        Iter { rest: self.data.as_deref().unwrap_or(&[]) }
    }

    /// The value of `name`, or `None`.
    pub fn get(&self, name: &str) -> Option<&str> {
        for (n, v) in self.iter() {
            match n.cmp(name) {
                Ordering::Less => {}
                Ordering::Equal => return Some(v),
                Ordering::Greater => return None,
            }
        }
        None
    }

    /// The value of `name`, or the empty string as PromQL sees an absent label.
    pub fn value(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// The metric name, or the empty string.
    pub fn metric_name(&self) -> &str {
        self.value(METRIC_NAME)
    }

    /// Number of labels.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is no label at all.
    pub fn is_empty(&self) -> bool {
        self.data.is_none()
    }

    /// A builder that starts from this set.
    pub fn builder(&self) -> LabelsBuilder {
        LabelsBuilder { pairs: self.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect() }
    }

    /// This set without `names`.
    pub fn without(&self, names: &[&str]) -> Labels {
        Labels::from_sorted(self.iter().filter(|(n, _)| !names.contains(n)))
    }

    /// Only those labels of this set that are in `names`.
    pub fn only(&self, names: &[&str]) -> Labels {
        Labels::from_sorted(self.iter().filter(|(n, _)| names.contains(n)))
    }

    /// The raw bytes (see the type's layout): equal bytes are equal sets, which makes them a hash key.
    pub fn as_bytes(&self) -> &[u8] {
        self.data.as_deref().unwrap_or(&[])
    }
}

/// Iterator over the pairs of a [`Labels`].
#[derive(Clone)]
pub struct Iter<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a str, &'a str);

    #[inline]
    fn next(&mut self) -> Option<(&'a str, &'a str)> {
        let (head, rest) = self.rest.split_first_chunk::<8>()?;
        let n = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let v = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let (name, rest) = rest.split_at(n);
        let (value, rest) = rest.split_at(v);
        self.rest = rest;
        // The bytes came from `&str`s in `from_sorted`, so both checks always pass.
        Some((std::str::from_utf8(name).unwrap_or(""), std::str::from_utf8(value).unwrap_or("")))
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = (&'a str, &'a str);
    type IntoIter = Iter<'a>;
    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}
impl Eq for Labels {}

impl std::hash::Hash for Labels {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write(self.as_bytes());
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.iter().cmp(other.iter())
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A label set under construction.
#[derive(Clone, Debug, Default)]
pub struct LabelsBuilder {
    pairs: Vec<(String, String)>,
}

impl LabelsBuilder {
    /// An empty builder.
    pub fn new() -> LabelsBuilder {
        LabelsBuilder::default()
    }

    /// Sets `name` to `value`; an empty value deletes it.
    pub fn set(&mut self, name: &str, value: &str) -> &mut Self {
        match self.pairs.binary_search_by(|(n, _)| n.as_str().cmp(name)) {
            Ok(i) if value.is_empty() => {
                self.pairs.remove(i);
            }
            Ok(i) => {
                self.pairs[i].1.clear();
                self.pairs[i].1.push_str(value);
            }
            Err(_) if value.is_empty() => {}
            Err(i) => self.pairs.insert(i, (name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Deletes `name`.
    pub fn del(&mut self, name: &str) -> &mut Self {
        self.set(name, "")
    }

    /// The value of `name`, or the empty string.
    pub fn get(&self, name: &str) -> &str {
        match self.pairs.binary_search_by(|(n, _)| n.as_str().cmp(name)) {
            Ok(i) => &self.pairs[i].1,
            Err(_) => "",
        }
    }

    /// The pairs in order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))
    }

    /// Keeps only the labels that `keep` accepts.
    pub fn retain<F: FnMut(&str, &str) -> bool>(&mut self, mut keep: F) {
        self.pairs.retain(|(n, v)| keep(n, v));
    }

    /// The finished set.
    pub fn labels(&self) -> Labels {
        Labels::from_sorted(self.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_replaces_and_drops_empty() {
        let l = Labels::from_pairs([("b", "2"), ("a", "1"), ("b", "3"), ("c", "")]);
        assert_eq!(l.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "3")]);
        assert_eq!(l.get("b"), Some("3"));
        assert_eq!(l.value("c"), "");
    }

    #[test]
    fn order_is_by_pairs_not_by_bytes_of_the_layout() {
        let short = Labels::from_pairs([("a", "zz")]);
        let long = Labels::from_pairs([("aa", "b")]);
        assert!(short < long);
        assert!(Labels::empty() < short);
    }
}
