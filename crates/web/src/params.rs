//! Parameters of a request: URL query and form body, and the parsers of their values.

use crate::reply::ApiError;
use tortie_model::Matcher;
use tortie_model::timestamp;
use tortie_promql::Options;

pub(crate) use tortie_model::timestamp::{MAX as MAX_TIME, MIN as MIN_TIME};

/// Decoded parameters, those of the body first as Go's `FormValue` has it.
#[derive(Debug, Default, Clone)]
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    /// Decodes a URL query and, for a POST with a form, its body.
    pub(crate) fn decode(query: &str, body: &[u8]) -> Params {
        let pairs = form_urlencoded::parse(body)
            .chain(form_urlencoded::parse(query.as_bytes()))
            .map(|(k, v)| (k.into_owned(), v.into_owned()))
            .collect();
        Params { pairs }
    }

    /// The first value of `name`, or the empty string.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.pairs.iter().find(|(k, _)| k == name).map_or("", |(_, v)| v)
    }

    /// All values of `name`.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(k, _)| k == name).map(|(_, v)| v.as_str())
    }

    /// A time, or `default` when absent.
    pub(crate) fn time_or(&self, name: &str, default: i64) -> Result<i64, ApiError> {
        match self.get(name) {
            "" => Ok(default),
            v => parse_time(v)
                .map_err(|e| ApiError::invalid(name, &format!("invalid time value for '{name}': {e}"))),
        }
    }

    /// A time that must be there.
    pub(crate) fn time(&self, name: &str) -> Result<i64, ApiError> {
        parse_time(self.get(name)).map_err(|e| ApiError::invalid(name, &e))
    }

    /// A limit: 0 means none.
    pub(crate) fn limit(&self) -> Result<usize, ApiError> {
        let v = self.get("limit");
        if v.is_empty() {
            return Ok(0);
        }
        let n: i64 = v.parse().map_err(|_| {
            ApiError::invalid("limit", &format!("strconv.Atoi: parsing {}: invalid syntax", quoted(v)))
        })?;
        usize::try_from(n).map_err(|_| ApiError::invalid("limit", "limit must be non-negative"))
    }

    /// The sets of matchers of `match[]`; each must have a matcher that excludes the empty value.
    pub(crate) fn matcher_sets(&self, language: &Options) -> Result<Vec<Vec<Matcher>>, String> {
        let mut sets = Vec::new();
        for text in self.all("match[]") {
            let set = tortie_promql::parse_selector(text, language).map_err(|e| e.to_string())?;
            sets.push(set);
        }
        for set in &sets {
            if set.iter().all(Matcher::matches_empty) {
                return Err("match[] must contain at least one non-empty matcher".into());
            }
        }
        Ok(sets)
    }
}

/// A string as Go's `%q` writes it.
pub(crate) fn quoted(s: &str) -> String {
    tortie_promql::go_text::quote(s)
}

/// A time: seconds as a float, or RFC 3339. Milliseconds since the epoch.
pub(crate) fn parse_time(s: &str) -> Result<i64, String> {
    timestamp::parse(s).map_err(|_| format!("cannot parse {} to a valid timestamp", quoted(s)))
}

/// A duration: seconds as a float, or Prometheus' notation. Milliseconds.
pub(crate) fn parse_duration(s: &str) -> Result<i64, String> {
    if let Ok(seconds) = tortie_model::gofloat::parse(s) {
        let ns = seconds * 1e9;
        if ns.is_nan() || !(i64::MIN as f64..i64::MAX as f64).contains(&ns) {
            return Err(format!("cannot parse {} to a valid duration. It overflows int64", quoted(s)));
        }
        return Ok((ns / 1e6) as i64);
    }
    tortie_model::duration::parse(s).map_err(|_| format!("cannot parse {} to a valid duration", quoted(s)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_comes_before_the_query() {
        let p = Params::decode("a=1&b=2", b"a=3&c=%2B+x");
        assert_eq!((p.get("a"), p.get("b"), p.get("c"), p.get("d")), ("3", "2", "+ x", ""));
        assert_eq!(p.all("a").collect::<Vec<_>>(), ["3", "1"]);
    }

    #[test]
    fn times_are_seconds_or_rfc3339() {
        assert_eq!(parse_time("1.5"), Ok(1500));
        assert_eq!(parse_time("1435781451.781"), Ok(1_435_781_451_781));
        assert_eq!(parse_time("2015-07-01T20:10:51.781Z"), Ok(1_435_781_451_781));
        assert_eq!(parse_time("x"), Err("cannot parse \"x\" to a valid timestamp".into()));
    }

    #[test]
    fn durations_are_seconds_or_units() {
        assert_eq!(parse_duration("15"), Ok(15_000));
        assert_eq!(parse_duration("1m30s"), Ok(90_000));
        assert_eq!(parse_duration("q"), Err("cannot parse \"q\" to a valid duration".into()));
        assert!(parse_duration("1e300").is_err_and(|e| e.ends_with("It overflows int64")));
    }

    #[test]
    fn limits_are_not_negative() {
        assert_eq!(Params::decode("limit=3", b"").limit(), Ok(3));
        assert!(Params::decode("limit=-1", b"").limit().is_err());
        assert!(Params::decode("limit=x", b"").limit().is_err());
    }
}
