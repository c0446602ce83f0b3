//! How findings write several things: the first few, and how many there are.

/// The first few of many, and how many more there are.
pub(crate) fn capped<T: Clone>(all: &[T], most: usize) -> (Vec<T>, usize) {
    (all.iter().take(most).cloned().collect(), all.len().saturating_sub(most))
}

/// `n2, n7 and 3 more`.
pub(crate) fn listed(all: &[String], most: usize) -> String {
    let (shown, more) = capped(all, most);
    let mut text = shown.join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// A count with its noun: `1 panel`, `3 panels`.
pub(crate) fn counted(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}
