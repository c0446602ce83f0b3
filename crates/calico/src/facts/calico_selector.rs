//! Calico's own label selectors (`k8s-app == 'calico-node' && has(x)`), as policies and node selectors use them.
//!
//! Grammar: libcalico-go/lib/selector/parser. Everything but `contains`, `starts with` and `ends with` chains of unusual
//! spacing is read; what is not understood is an error, never a guess.

use std::collections::BTreeMap;

/// A selector that could not be read, with the rest of the text where it stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("selector not understood at {0:?}")]
pub struct NotUnderstood(pub String);

/// Whether labels match. An empty selector matches nothing here; callers know what an absent one means.
///
/// # Errors
/// When the text is no selector that this reader knows.
pub fn matches(selector: &str, labels: &BTreeMap<String, String>) -> Result<bool, NotUnderstood> {
    let mut reader = Reader { rest: selector.trim(), labels };
    let value = reader.or()?;
    if !reader.rest.is_empty() {
        return Err(NotUnderstood(reader.rest.to_owned()));
    }
    Ok(value)
}

struct Reader<'a> {
    rest: &'a str,
    labels: &'a BTreeMap<String, String>,
}

impl<'a> Reader<'a> {
    fn eat(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn stop<T>(&self) -> Result<T, NotUnderstood> {
        Err(NotUnderstood(self.rest.to_owned()))
    }

    fn or(&mut self) -> Result<bool, NotUnderstood> {
        let mut value = self.and()?;
        while self.eat("||") {
            value |= self.and()?;
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<bool, NotUnderstood> {
        let mut value = self.not()?;
        while self.eat("&&") {
            value &= self.not()?;
        }
        Ok(value)
    }

    fn not(&mut self) -> Result<bool, NotUnderstood> {
        let mut odd = false;
        while self.rest.starts_with('!') && !self.rest.starts_with("!=") {
            self.eat("!");
            odd = !odd;
        }
        Ok(self.term()? != odd)
    }

    fn term(&mut self) -> Result<bool, NotUnderstood> {
        if self.eat("(") {
            let value = self.or()?;
            return if self.eat(")") { Ok(value) } else { self.stop() };
        }
        if self.eat("all()") {
            return Ok(true);
        }
        if self.eat("global()") {
            return Ok(false);
        }
        if self.eat("has(") {
            let key = self.word()?;
            return if self.eat(")") { Ok(self.labels.contains_key(key)) } else { self.stop() };
        }
        let key = self.word()?;
        let have = self.labels.get(key).map(String::as_str);
        if self.eat("==") {
            return Ok(have == Some(self.text()?));
        }
        if self.eat("!=") {
            return Ok(have != Some(self.text()?));
        }
        if self.eat("not in") {
            return Ok(!self.set(have)?);
        }
        if self.eat("in") {
            return self.set(have);
        }
        for (operator, test) in [
            ("contains", (|a, b| a.contains(b)) as fn(&str, &str) -> bool),
            ("starts with", |a, b| a.starts_with(b)),
            ("ends with", |a, b| a.ends_with(b)),
        ] {
            if self.eat(operator) {
                let text = self.text()?;
                return Ok(have.is_some_and(|h| test(h, text)));
            }
        }
        self.stop()
    }

    fn set(&mut self, have: Option<&str>) -> Result<bool, NotUnderstood> {
        if !self.eat("{") {
            return self.stop();
        }
        let mut hit = false;
        while !self.eat("}") {
            hit |= have == Some(self.text()?);
            if !self.eat(",") && !self.rest.starts_with('}') {
                return self.stop();
            }
        }
        Ok(hit)
    }

    fn word(&mut self) -> Result<&'a str, NotUnderstood> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let end = self.rest.find(|c| !plain(c)).unwrap_or(self.rest.len());
        if end == 0 {
            return self.stop();
        }
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest.trim_start();
        Ok(word)
    }

    fn text(&mut self) -> Result<&'a str, NotUnderstood> {
        let Some(quote) = self.rest.chars().next().filter(|c| *c == '\'' || *c == '"') else {
            return self.stop();
        };
        let inner = &self.rest[1..];
        let Some(end) = inner.find(quote) else { return self.stop() };
        self.rest = inner[end + 1..].trim_start();
        Ok(&inner[..end])
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn selectors_match_as_calicos_do() {
        #[track_caller]
        fn check(selector: &str, expect: Option<bool>) {
            let labels =
                [("k8s-app", "calico-node"), ("zone", "a")].map(|(k, v)| (k.to_owned(), v.to_owned()));
            assert_eq!(matches(selector, &labels.into()).ok(), expect, "{selector}");
        }
        check("k8s-app == 'calico-node'", Some(true));
        check("k8s-app=='calico-node'&&zone==\"b\"", Some(false));
        check("all()", Some(true));
        check("!has(zone) || zone in { 'a', 'b' }", Some(true));
        check("zone not in {'a'}", Some(false));
        check("missing != 'x'", Some(true));
        check("k8s-app starts with 'calico' && (zone == 'a' || has(q))", Some(true));
        check("k8s-app ends with 'node'", Some(true));
        check("zone === 'a'", None);
        check("", None);
    }
}
