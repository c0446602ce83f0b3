//! Credentials out of texts: addresses with a user, authorization headers, tokens by their form, keys in PEM, and the
//! lines of configurations.

use super::mask::{MASK, tells_a_secret};

/// The text without its credentials; nothing when there are none.
pub(super) fn text(s: &str) -> Option<String> {
    let mut out = s.to_owned();
    for step in [pem, addresses, schemes, tokens, pairs] {
        if let Some(changed) = step(&out) {
            out = changed;
        }
    }
    if s.contains('\n')
        && let Some(changed) = lines(&out)
    {
        out = changed;
    }
    (out != s).then_some(out)
}

/// Private keys in PEM.
fn pem(s: &str) -> Option<String> {
    const BEGIN: &str = "-----BEGIN ";
    let mut out = String::new();
    let mut rest = s;
    while let Some(at) = rest.find(BEGIN) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let head = from
            .find("-----\n")
            .or_else(|| from.get(BEGIN.len()..)?.find("-----").map(|i| i + BEGIN.len()))?;
        let end = from.find("-----END ").and_then(|e| Some(e + 9 + from.get(e + 9..)?.find("-----")? + 5));
        let end = end.unwrap_or(from.len());
        let block = from.get(..end)?;
        out.push_str(if from.get(..head)?.contains("PRIVATE KEY") { MASK } else { block });
        rest = from.get(end..)?;
    }
    (!out.is_empty()).then(|| out + rest)
}

/// `https://user:password@host`, webhooks whose path is the secret, and `?token=` of queries.
fn addresses(s: &str) -> Option<String> {
    if !s.contains("://") {
        return None;
    }
    let mut out = String::new();
    let mut rest = s;
    while let Some(at) = rest.find("://") {
        let (before, from) = rest.split_at(at + 3);
        out.push_str(before);
        let stop =
            |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ',' | ')' | '}' | ']');
        let end = from.find(stop).unwrap_or(from.len());
        let (url, after) = from.split_at(end);
        out.push_str(&address(url));
        rest = after;
    }
    Some(out + rest)
}

/// What stands behind `://`.
fn address(url: &str) -> String {
    let path_at = url.find(['/', '?', '#']).unwrap_or(url.len());
    let (authority, path) = url.split_at(path_at);
    let authority = match authority.rsplit_once('@') {
        Some((_, host)) => format!("{MASK}@{host}"),
        None => authority.to_owned(),
    };
    let (path, query) = path.split_once('?').map_or((path, None), |(p, q)| (p, Some(q)));
    let telling = ["/services/", "/api/webhooks/", "/webhookb2/", "/webhook/", "/hooks/", "/bot"];
    let host_tells =
        ["hooks.", "webhook", "discord", "api.telegram.org"].iter().any(|h| authority.contains(h));
    let path = match telling.iter().find_map(|t| Some(path.find(t)? + t.len())) {
        Some(keep) if host_tells => format!("{}{MASK}", path.get(..keep).unwrap_or_default()),
        _ => path.to_owned(),
    };
    let Some(query) = query else { return authority + &path };
    let parts: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((k, v))
                if !v.is_empty()
                    && (tells_a_secret(k) || matches!(k, "key" | "sig" | "signature" | "code")) =>
            {
                format!("{k}={MASK}")
            }
            _ => pair.to_owned(),
        })
        .collect();
    format!("{authority}{path}?{}", parts.join("&"))
}

/// `Bearer TOKEN`, `Basic BASE64`.
fn schemes(s: &str) -> Option<String> {
    let bearer = scheme(s, "bearer");
    let basic = scheme(bearer.as_deref().unwrap_or(s), "basic");
    basic.or(bearer)
}

fn scheme(s: &str, scheme: &str) -> Option<String> {
    const WORDS: [&str; 4] = ["authentication", "authorization", "credentials", "monitoring"];
    // Places stay the same: only ASCII letters change.
    let lower = s.to_ascii_lowercase();
    let mut out = String::new();
    let mut from = 0;
    let mut found = false;
    for (at, _) in lower.match_indices(scheme) {
        let after = at + scheme.len();
        let tail = s.get(after..)?;
        let word = tail.trim_start_matches([' ', '\t']);
        let gap = tail.len() - word.len();
        let len =
            word.find(|c: char| !(c.is_ascii_alphanumeric() || "-._~+/=".contains(c))).unwrap_or(word.len());
        let token = word.get(..len)?.to_ascii_lowercase();
        if at < from || gap == 0 || len < 8 || WORDS.contains(&token.trim_end_matches('.')) {
            continue;
        }
        out.push_str(s.get(from..after + gap)?);
        out.push_str(MASK);
        from = after + gap + len;
        found = true;
    }
    found.then(|| out + s.get(from..).unwrap_or_default())
}

/// Tokens that show by their form what they are: JWTs, and those with a maker's prefix.
fn tokens(s: &str) -> Option<String> {
    const PREFIXES: [&str; 15] = [
        "ghp_",
        "gho_",
        "ghs_",
        "github_pat_",
        "glpat-",
        "xoxb-",
        "xoxp-",
        "xapp-",
        "sk_live_",
        "sk-",
        "AKIA",
        "ASIA",
        "AIza",
        "glsa_",
        "hvs.",
    ];
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let is_token = |word: &str| {
        let jwt = word.starts_with("eyJ") && word.matches('.').count() == 2;
        word.len() >= 16 && (jwt || PREFIXES.iter().any(|p| word.starts_with(p)))
    };
    let mut out = String::new();
    let mut found = false;
    let mut rest = s;
    while let Some(at) = rest.find(part) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let end = from.find(|c| !part(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        let secret = is_token(word);
        found |= secret;
        out.push_str(if secret { MASK } else { word });
        rest = after;
    }
    found.then(|| out + rest)
}

/// `--token=x`, `password=x` in arguments and connection strings. A matcher of a query (`{token="x"}`) is none.
fn pairs(s: &str) -> Option<String> {
    let mut out = String::new();
    let mut from = 0;
    let mut found = false;
    for (at, _) in s.match_indices('=') {
        if at < from {
            continue;
        }
        let before = s.get(from..at)?;
        let start = before
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))
            .map_or(0, |i| i + before.get(i..).and_then(|b| b.chars().next()).map_or(1, char::len_utf8));
        let name = before.get(start..)?;
        let lead = before.get(..start)?.chars().next_back().or_else(|| s.get(..from)?.chars().next_back());
        let value = s.get(at + 1..)?;
        if !tells_a_secret(name) || value.starts_with(['~', '=']) {
            continue;
        }
        let matcher = matches!(lead, Some('{' | ',' | '(')) && value.starts_with('"');
        let (skip, len) = extent(value);
        if matcher || len == 0 {
            continue;
        }
        out.push_str(s.get(from..at + 1 + skip)?);
        out.push_str(MASK);
        from = at + 1 + skip + len;
        found = true;
    }
    found.then(|| out + s.get(from..).unwrap_or_default())
}

/// Where a value begins and how long it is: quoted, or up to a space or the end of the list it stands in.
fn extent(value: &str) -> (usize, usize) {
    if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let inner = value.get(1..).unwrap_or_default();
        return (1, inner.find(quote).unwrap_or(inner.len()));
    }
    let end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '&' | ',' | ';' | '}' | ']');
    (0, value.find(end).unwrap_or(value.len()))
}

/// Lines of configurations: `key: value` and `key = value`, in flow mappings too; block scalars; `name:` before `value:`.
fn lines(s: &str) -> Option<String> {
    let mut out = Vec::new();
    let mut found = false;
    // The indent below which the lines of a masked block scalar stand.
    let mut block: Option<usize> = None;
    let mut named = false;
    for line in s.split('\n') {
        let indent = line.len() - line.trim_start().len();
        if let Some(of) = block {
            if line.trim().is_empty() || indent > of {
                continue;
            }
            block = None;
        }
        let masked = in_line(line, named);
        let trimmed = line.trim().trim_start_matches("- ");
        if let Some((key, value)) = trimmed.split_once(':') {
            let value = value.trim().trim_matches(['"', '\'']);
            if key == "name" {
                named = tells_a_secret(value);
            }
            let scalar = value.starts_with(['|', '>']);
            if scalar && (tells_a_secret(key) || (named && key == "value")) {
                block = Some(indent);
                found = true;
                out.push(format!(
                    "{}{key}: {MASK}",
                    line.get(..line.find(key).unwrap_or(0)).unwrap_or_default()
                ));
                continue;
            }
        }
        found |= masked.is_some();
        out.push(masked.unwrap_or_else(|| line.to_owned()));
    }
    found.then(|| out.join("\n"))
}

fn in_line(line: &str, named: bool) -> Option<String> {
    let mut out = String::new();
    let mut from = 0;
    let mut found = false;
    for (at, sign) in line.match_indices([':', '=']) {
        if at < from {
            continue;
        }
        let key = line.get(from..at)?.trim_end();
        let quoted = key.ends_with(['"', '\'']);
        let key = key.trim_end_matches(['"', '\'']);
        let start = key
            .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')))
            .map_or(0, |i| i + key.get(i..).and_then(|b| b.chars().next()).map_or(1, char::len_utf8));
        let name = key.get(start..)?;
        let tail = line.get(at + 1..)?;
        let gap = tail.len() - tail.trim_start().len();
        let value = tail.get(gap..)?;
        // In YAML a colon without a space behind it belongs to the word, in JSON not.
        let colon = sign == ":" && (gap > 0 || quoted || value.starts_with(['"', '\'']));
        let equals = sign == "=" && line.get(..at)?.ends_with(' ');
        let tells = tells_a_secret(name) || (named && name == "value");
        if !tells || !(colon || equals) || value.starts_with(['|', '>', '{', '[', '<', '(']) {
            continue;
        }
        // A plain scalar of YAML goes to the end of its line, but for flow mappings.
        let whole = sign == ":" && !value.starts_with(['"', '\'']) && !line.get(..at)?.contains('{');
        let (skip, len) = if whole { (0, value.trim_end().len()) } else { extent(value) };
        if len == 0 {
            continue;
        }
        let begin = at + 1 + gap + skip;
        out.push_str(line.get(from..begin)?);
        out.push_str(MASK);
        from = begin + len;
        found = true;
    }
    found.then(|| out + line.get(from..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::text;

    #[track_caller]
    fn check(input: &str, expect: &str) {
        assert_eq!(text(input).unwrap_or_else(|| input.to_owned()), expect);
    }

    #[test]
    fn credentials_go_and_their_surroundings_stay() {
        check("x https://u:p@h:1/a?b=c y", "x https://(masked)@h:1/a?b=c y");
        check("https://hooks.slack.com/services/T/B/x", "https://hooks.slack.com/services/(masked)");
        check("http://h/q?token=abc&x=1", "http://h/q?token=(masked)&x=1");
        check("Authorization: Bearer abcdefgh", "Authorization: Bearer (masked)");
        check("--token=abc --x=1", "--token=(masked) --x=1");
        check("host=h password='a b' user=u", "host=h password='(masked)' user=u");
        check("a: 1\npassword: x y\nb: 2", "a: 1\npassword: (masked)\nb: 2");
        check("a:\n  password: |\n    x\n    y\n  b: 2", "a:\n  password: (masked)\n  b: 2");
        check(
            "- name: MY_TOKEN\n  value: abc\n- name: B\n  value: d",
            "- name: MY_TOKEN\n  value: (masked)\n- name: B\n  value: d",
        );
        check("{user: u, password: \"x\"}\n", "{user: u, password: \"(masked)\"}\n");
        check("a\n-----BEGIN PRIVATE KEY-----\nxyz\n-----END PRIVATE KEY-----\nb", "a\n(masked)\nb");
    }

    #[test]
    fn what_is_no_credential_stays() {
        for same in [
            "sum(rate(felix_x{token=\"a\",b=~\"c\"}[5m]))",
            "bearer_token_file: /var/run/token\nx: 1",
            "uses basic authentication here",
            "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n",
            "source_labels: [__meta_kubernetes_service_label_k8s_app]\nregex: calico-(.*)\n",
            "http://10.0.0.1:9091/metrics",
            "credentials: <secret>\nx: y",
        ] {
            check(same, same);
        }
    }
}
