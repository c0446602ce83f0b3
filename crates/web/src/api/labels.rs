//! `/api/v1/labels` and `/api/v1/label/<name>/values`.

use crate::api::{on_pool, storage_error};
use crate::app::App;
use crate::json;
use crate::params::{MAX_TIME, MIN_TIME, Params, quoted};
use crate::reply::{ApiError, Data};
use std::collections::BTreeSet;
use std::sync::Arc;
use tortie_model::Matcher;
use tortie_model::storage::{Querier, StorageError};

/// What the answer says when it holds less than there is.
pub(crate) const TRUNCATED: &str = "results truncated due to limit";

pub(crate) async fn names(app: &Arc<App>, p: &Params) -> Result<Data, ApiError> {
    list(app, p, |q, set, limit| q.label_names(set, limit)).await
}

pub(crate) async fn values(app: &Arc<App>, p: &Params, name: &str) -> Result<Data, ApiError> {
    let name = percent_decoded(name);
    let name = if name.starts_with("U__") { unescaped(&name) } else { name };
    if name.is_empty() {
        return Err(ApiError::bad_data(format!("invalid label name: {}", quoted(&name))));
    }
    list(app, p, move |q, set, limit| q.label_values(&name, set, limit)).await
}

async fn list(
    app: &Arc<App>,
    p: &Params,
    read: impl Fn(&dyn Querier, &[Matcher], usize) -> Result<Vec<String>, StorageError> + Send + 'static,
) -> Result<Data, ApiError> {
    let limit = p.limit()?;
    let start = p.time_or("start", MIN_TIME)?;
    let end = p.time_or("end", MAX_TIME)?;
    let sets = p.matcher_sets(&app.options.language).map_err(ApiError::bad_data)?;
    let Some(storage) = app.sources.storage() else { return Err(ApiError::internal("TSDB not ready")) };
    on_pool(app, move || {
        let q = storage.querier(start, end).map_err(|e| storage_error(&e))?;
        // One more than asked tells whether there is more.
        let hint = if limit == 0 { 0 } else { limit + 1 };
        let mut found = match sets.as_slice() {
            [] => read(&*q, &[], hint),
            [one] => read(&*q, one, hint),
            many => many
                .iter()
                .try_fold(BTreeSet::new(), |mut all, set| {
                    all.extend(read(&*q, set, hint)?);
                    Ok(all)
                })
                .map(|all| all.into_iter().collect()),
        }
        .map_err(|e| storage_error(&e))?;
        let mut warnings = Vec::new();
        if limit > 0 && found.len() > limit {
            found.truncate(limit);
            warnings.push(TRUNCATED.to_owned());
        }
        let mut out = Vec::with_capacity(found.len() * 24);
        json::strings(&mut out, &found);
        Ok(Data { json: out, warnings })
    })
    .await
}

/// Undoes percent encoding of a path segment.
fn percent_decoded(s: &str) -> String {
    let bytes = s.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = (bytes[i] == b'%').then(|| s.get(i + 1..i + 3)).flatten();
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(b) => {
                out.push(b);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Undoes Prometheus' value encoding of names: `U__a_2e_b` is `a.b`, `__` is `_`. A malformed name stays as it is.
fn unescaped(s: &str) -> String {
    let Some(rest) = s.strip_prefix("U__") else { return s.to_owned() };
    let mut out = String::with_capacity(rest.len());
    let mut it = rest.chars().peekable();
    while let Some(c) = it.next() {
        if c != '_' {
            out.push(c);
            continue;
        }
        if it.peek() == Some(&'_') {
            it.next();
            out.push('_');
            continue;
        }
        let mut code = String::new();
        loop {
            match it.next() {
                Some('_') => break,
                Some(h) if h.is_ascii_hexdigit() && code.len() < 6 => code.push(h),
                _ => return s.to_owned(),
            }
        }
        match u32::from_str_radix(&code, 16).ok().and_then(char::from_u32) {
            Some(c) => out.push(c),
            None => return s.to_owned(),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded() {
        assert_eq!(percent_decoded("a%20b%"), "a b%");
        assert_eq!(unescaped("U__a_2e_b__c"), "a.b_c");
        assert_eq!(unescaped("U__a_zz_b"), "U__a_zz_b");
        assert_eq!(unescaped("plain"), "plain");
    }
}
