//! Calico's selectors, as far as policies here use them: `==`, `!=`, `in`, `not in`, `has()`, `all()`, `!`, `&&`, `||`,
//! parentheses.

use serde_json::Value;

/// Whether `labels` (an object of texts, or null) fulfil `selector`; the empty one takes everything.
///
/// # Errors
/// When it cannot be read: with where.
pub(super) fn matches(selector: &str, labels: &Value) -> anyhow::Result<bool> {
    let mut reader = Reader { rest: selector.trim(), labels };
    if reader.rest.is_empty() {
        return Ok(true);
    }
    let result = reader.either()?;
    anyhow::ensure!(reader.rest.is_empty(), "{selector}: not understood at {:?}", reader.rest);
    Ok(result)
}

struct Reader<'a> {
    rest: &'a str,
    labels: &'a Value,
}

impl<'a> Reader<'a> {
    fn take(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn need(&mut self, word: &str) -> anyhow::Result<()> {
        anyhow::ensure!(self.take(word), "{word:?} is missing before {:?}", self.rest);
        Ok(())
    }

    fn either(&mut self) -> anyhow::Result<bool> {
        let mut result = self.both()?;
        while self.take("||") {
            result |= self.both()?;
        }
        Ok(result)
    }

    fn both(&mut self) -> anyhow::Result<bool> {
        let mut result = self.one()?;
        while self.take("&&") {
            result &= self.one()?;
        }
        Ok(result)
    }

    fn one(&mut self) -> anyhow::Result<bool> {
        if self.take("!") {
            return Ok(!self.one()?);
        }
        if self.take("(") {
            let result = self.either()?;
            self.need(")")?;
            return Ok(result);
        }
        if self.take("all()") {
            return Ok(true);
        }
        if self.take("has(") {
            let label = self.label();
            self.need(")")?;
            return Ok(self.labels[label].is_string());
        }
        let label = self.label();
        let have = self.labels[label].as_str();
        if self.take("==") {
            return Ok(have == Some(self.text()?));
        }
        if self.take("!=") {
            return Ok(have != Some(self.text()?));
        }
        let without = self.take("not ");
        self.need("in")?;
        let found = self.set()?.into_iter().any(|v| Some(v) == have);
        Ok(found != without)
    }

    fn label(&mut self) -> &'a str {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_./".contains(c)));
        let (label, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.trim_start();
        label
    }

    fn text(&mut self) -> anyhow::Result<&'a str> {
        let quote = self.rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let inner = quote.and_then(|q| self.rest.get(1..)?.split_once(q));
        let Some((text, rest)) = inner else { anyhow::bail!("no text at {:?}", self.rest) };
        self.rest = rest.trim_start();
        Ok(text)
    }

    fn set(&mut self) -> anyhow::Result<Vec<&'a str>> {
        self.need("{")?;
        let mut out = Vec::new();
        while !self.take("}") {
            out.push(self.text()?);
            self.take(",");
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(selector: &str, expect: bool) {
        let labels = json!({ "k8s-app": "calico-node", "projectcalico.org/name": "monitoring" });
        assert_eq!(matches(selector, &labels).unwrap(), expect, "{selector}");
    }

    #[test]
    fn selectors() {
        check("", true);
        check("all()", true);
        check("k8s-app == 'calico-node'", true);
        check("k8s-app != \"calico-node\"", false);
        check("!(k8s-app in {'calico-apiserver', 'x'})", true);
        check("k8s-app not in {'calico-node'}", false);
        check("has(k8s-app) && !has(other)", true);
        check("other == 'x' || projectcalico.org/name == 'monitoring'", true);
        assert!(matches("k8s-app ~ 'x'", &json!({})).is_err());
    }
}
