//! From matchers to slots: postings first, values of a label only where they must be looked at.

use super::index::Index;
use super::postings::{self, Postings};
use tortie_model::{MatchOp, Matcher};

impl Index {
    /// Slots of all series that satisfy every matcher, ascending. No matcher at all selects every series.
    pub(crate) fn select(&self, matchers: &[Matcher]) -> Vec<u32> {
        // Those that name pairs first, the shortest list first of all; then those that only take away.
        let (mut wanted, mut rest): (Vec<Candidates<'_>>, Vec<&Matcher>) = (Vec::new(), Vec::new());
        for m in matchers {
            if matches_everything(m) {
                continue;
            }
            match self.candidates(m) {
                Some(c) => wanted.push(c),
                None => rest.push(m),
            }
        }
        wanted.sort_by_key(Candidates::size);
        let mut wanted = wanted.into_iter();
        let mut slots = match wanted.next() {
            Some(c) => c.slots(self),
            None if rest.iter().any(|m| !m.matches_empty()) => self.by_values_wanted(&mut rest),
            None => self.all(),
        };
        for c in wanted {
            if slots.is_empty() {
                return slots;
            }
            c.narrow(self, &mut slots);
        }
        for m in rest {
            if slots.is_empty() {
                return slots;
            }
            self.filter(m, &mut slots);
        }
        slots
    }

    /// Values of `name` among the series that the matchers select, ascending.
    pub(crate) fn label_values(&self, name: &str, matchers: &[Matcher]) -> Vec<String> {
        let Some(pairs) = self.symbols.get(name).and_then(|n| self.by_name.get(&n)) else {
            return Vec::new();
        };
        let selected = if matchers.is_empty() { None } else { Some(self.select(matchers)) };
        let mut values: Vec<String> = match selected {
            None => pairs
                .iter()
                .filter(|p| self.postings(**p).len() > 0)
                .map(|p| self.pair_text(*p).1.to_owned())
                .collect(),
            Some(slots) if slots.len() < pairs.len() => {
                let mut found: Vec<u32> = slots.iter().filter_map(|s| self.pair_of(*s, name)).collect();
                found.sort_unstable();
                found.dedup();
                found.iter().map(|p| self.pair_text(*p).1.to_owned()).collect()
            }
            Some(slots) => {
                let mut hits = Vec::new();
                for p in pairs {
                    let mut s = self.postings(*p).to_vec();
                    postings::intersect(&mut s, &slots);
                    if !s.is_empty() {
                        hits.push(self.pair_text(*p).1.to_owned());
                    }
                }
                hits
            }
        };
        values.sort_unstable();
        values
    }

    /// Label names of the series that the matchers select, ascending.
    pub(crate) fn label_names(&self, matchers: &[Matcher]) -> Vec<String> {
        let mut names: Vec<String> = if matchers.is_empty() {
            let used =
                self.by_name.iter().filter(|(_, pairs)| pairs.iter().any(|p| self.postings(*p).len() > 0));
            used.map(|(n, _)| self.symbols.text(*n).to_owned()).collect()
        } else {
            let mut symbols: Vec<u32> = Vec::new();
            for slot in self.select(matchers) {
                symbols.extend(
                    self.set(slot).iter().filter_map(|p| self.pairs.get(*p as usize)).map(|p| p.name),
                );
                if symbols.len() > 1 << 16 {
                    symbols.sort_unstable();
                    symbols.dedup();
                }
            }
            symbols.sort_unstable();
            symbols.dedup();
            symbols.iter().map(|s| self.symbols.text(*s).to_owned()).collect()
        };
        names.sort_unstable();
        names
    }

    fn postings(&self, p: u32) -> &Postings {
        static EMPTY: Postings = Postings::Run { start: 0, len: 0 };
        self.pairs.get(p as usize).map_or(&EMPTY, |p| &p.postings)
    }

    fn pair_of(&self, slot: u32, name: &str) -> Option<u32> {
        self.set(slot).iter().copied().find(|p| self.pair_text(*p).0 == name)
    }

    /// Pairs that satisfy a matcher, when they are named without looking at all values.
    fn candidates(&self, m: &Matcher) -> Option<Candidates<'_>> {
        match m.op {
            MatchOp::Equal if !m.value.is_empty() => Some(match self.find_pair(&m.name, &m.value) {
                Some(p) => Candidates::One(self.postings(p)),
                None => Candidates::Many(Vec::new()),
            }),
            MatchOp::Regex => {
                let values = literal_set(&m.value)?;
                Some(Candidates::Many(values.iter().filter_map(|v| self.find_pair(&m.name, v)).collect()))
            }
            _ => None,
        }
    }

    /// The union of the pairs that the first matcher which an absent label fails selects; takes it out of `rest`.
    fn by_values_wanted(&self, rest: &mut Vec<&Matcher>) -> Vec<u32> {
        let Some(at) = rest.iter().position(|m| !m.matches_empty()) else { return self.all() };
        let m = rest.remove(at);
        let pairs = self.matching_pairs(m);
        postings::union(pairs.iter().map(|p| self.postings(*p)))
    }

    fn matching_pairs(&self, m: &Matcher) -> Vec<u32> {
        let Some(pairs) = self.symbols.get(&m.name).and_then(|n| self.by_name.get(&n)) else {
            return Vec::new();
        };
        let prefix = literal_prefix(m);
        let fits = |p: &u32| {
            let v = self.pair_text(*p).1;
            v.starts_with(prefix) && m.matches(v)
        };
        pairs.iter().copied().filter(fits).collect()
    }

    /// Keeps the slots whose label satisfies the matcher.
    fn filter(&self, m: &Matcher, slots: &mut Vec<u32>) {
        let empty = m.matches_empty();
        let Some(pairs) = self.symbols.get(&m.name).and_then(|n| self.by_name.get(&n)) else {
            if !empty {
                slots.clear();
            }
            return;
        };
        if slots.len() < pairs.len() {
            slots.retain(|s| self.pair_of(*s, &m.name).map_or(empty, |p| m.matches(self.pair_text(p).1)));
            return;
        }
        if empty {
            let bad = pairs.iter().filter(|p| !m.matches(self.pair_text(**p).1));
            let gone = postings::union(bad.map(|p| self.postings(*p)));
            postings::subtract(slots, &gone);
        } else {
            let keep = postings::union(self.matching_pairs(m).iter().map(|p| self.postings(*p)));
            postings::intersect(slots, &keep);
        }
    }
}

/// Series that one matcher selects.
enum Candidates<'a> {
    One(&'a Postings),
    Many(Vec<u32>),
}

impl Candidates<'_> {
    fn size(&self) -> usize {
        match self {
            Candidates::One(p) => p.len(),
            // Not counted: a union is made late.
            Candidates::Many(p) if p.is_empty() => 0,
            Candidates::Many(_) => usize::MAX,
        }
    }

    fn slots(&self, index: &Index) -> Vec<u32> {
        match self {
            Candidates::One(p) => p.to_vec(),
            Candidates::Many(pairs) => postings::union(pairs.iter().map(|p| index.postings(*p))),
        }
    }

    fn narrow(&self, index: &Index, slots: &mut Vec<u32>) {
        match self {
            Candidates::One(p) => p.intersect(slots),
            Candidates::Many(_) => postings::intersect(slots, &self.slots(index)),
        }
    }
}

fn matches_everything(m: &Matcher) -> bool {
    m.op == MatchOp::Regex && m.value == ".*"
}

fn is_literal(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(
            c,
            '_' | '-' | ':' | '/' | ' ' | ',' | '@' | '=' | '%' | '<' | '>' | '"' | '\'' | '&' | '~'
        )
}

/// The values of a pattern that is only an alternation of literal texts, none empty.
fn literal_set(pattern: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = pattern.split('|').collect();
    let plain = parts.iter().all(|p| !p.is_empty() && p.chars().all(is_literal));
    plain.then_some(parts)
}

/// Text with which every value that satisfies a pattern begins.
fn literal_prefix(m: &Matcher) -> &str {
    if m.op != MatchOp::Regex || m.value.contains('|') {
        return "";
    }
    let end = m.value.find(|c| !is_literal(c)).unwrap_or(m.value.len());
    let (text, after) = m.value.split_at(end);
    // A quantifier belongs to the character before it.
    match after.chars().next() {
        Some('?' | '*' | '{') => text.char_indices().next_back().map_or("", |(i, _)| &text[..i]),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tortie_model::Labels;

    fn index() -> (Index, Vec<Labels>) {
        let sets: Vec<Labels> = [
            &[("__name__", "up"), ("i", "a:1"), ("job", "felix")][..],
            &[("__name__", "up"), ("i", "b:1"), ("job", "typha")],
            &[("__name__", "mem"), ("i", "a:1"), ("job", "felix"), ("zone", "x")],
            &[("__name__", "mem"), ("i", "c:1")],
            &[("__name__", "cpu.load"), ("i", "ab"), ("job", "fel")],
        ]
        .iter()
        .map(|p| Labels::from_pairs(p.iter().copied()))
        .collect();
        let mut ix = Index::default();
        for s in &sets {
            ix.insert(s);
        }
        (ix, sets)
    }

    #[test]
    fn as_the_matchers_say() {
        let (ix, sets) = index();
        let m = |n: &str, op, v: &str| Matcher::new(op, n, v).unwrap();
        use MatchOp::{Equal, NotEqual, NotRegex, Regex};
        let all = [
            m("__name__", Equal, "up"),
            m("job", Equal, ""),
            m("job", NotEqual, ""),
            m("job", Equal, "none"),
            m("job", NotEqual, "felix"),
            m("job", Regex, "felix|typha"),
            m("job", Regex, "fel.*"),
            m("job", Regex, "feli?x?"),
            m("job", Regex, ".*"),
            m("job", Regex, ".+"),
            m("job", NotRegex, "fel.*"),
            m("job", NotRegex, ".+"),
            m("i", Regex, "a.*|c.*"),
            m("nope", Equal, ""),
            m("nope", NotEqual, ""),
            m("nope", Regex, ".+"),
            m("zone", Regex, "|x"),
            m("i", Regex, "a:1"),
            m("__name__", Regex, "cpu.load"),
            m("job", Regex, "felix{1}"),
        ];
        let check = |ms: &[Matcher]| {
            let want: Vec<u32> = (0..sets.len() as u32)
                .filter(|i| ms.iter().all(|m| m.matches(sets[*i as usize].value(&m.name))))
                .collect();
            assert_eq!(ix.select(ms), want, "{ms:?}");
        };
        check(&[]);
        for a in &all {
            check(std::slice::from_ref(a));
            for b in &all {
                check(&[a.clone(), b.clone()]);
            }
        }
        assert_eq!(ix.label_values("job", &[]), ["fel", "felix", "typha"]);
        assert_eq!(ix.label_values("job", &all[..1]), ["felix", "typha"]);
        assert_eq!(ix.label_names(&[m("zone", Equal, "x")]), ["__name__", "i", "job", "zone"]);
        assert!(ix.label_values("nope", &[]).is_empty());
    }
}
