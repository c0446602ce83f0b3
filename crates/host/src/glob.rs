//! Patterns of paths, as Go's `filepath.Glob` reads them.

use crate::fs::Fs;
use std::path::Path;

/// Existing paths that match `pattern`, ascending within a folder. What cannot be read matches nothing.
pub fn expand(fs: &dyn Fs, pattern: &str) -> Vec<String> {
    if !is_pattern(pattern) {
        return if fs.kind(Path::new(pattern)).is_some() { vec![pattern.to_owned()] } else { Vec::new() };
    }
    let (dir, name) = match pattern.rfind('/') {
        Some(i) => pattern.split_at(i + 1),
        None => ("", pattern),
    };
    // "a/" is the folder "a", "" the current one, "/" itself.
    let dir = if dir.len() > 1 { dir.trim_end_matches('/') } else { dir };
    let dirs = if is_pattern(dir) { expand(fs, dir) } else { vec![dir.to_owned()] };
    let mut out = Vec::new();
    for dir in dirs {
        let folder = if dir.is_empty() { "." } else { &dir };
        for entry in fs.list(Path::new(folder)).unwrap_or_default() {
            if matches(name, &entry) {
                out.push(match dir.as_str() {
                    "" => entry,
                    "/" => format!("/{entry}"),
                    dir => format!("{dir}/{entry}"),
                });
            }
        }
    }
    out
}

fn is_pattern(s: &str) -> bool {
    s.contains(['*', '?', '[', '\\'])
}

/// Whether a name matches a pattern without separators.
fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on when the star before must take one more character.
    let mut retry = None;
    loop {
        if pattern.get(p) == Some(&'*') {
            retry = Some((p + 1, n));
            p += 1;
            continue;
        }
        if p == pattern.len() && n == name.len() {
            return true;
        }
        if let (Some(c), true) = (name.get(n), p < pattern.len())
            && let Some(len) = one(pattern.get(p..).unwrap_or(&[]), *c)
        {
            p += len;
            n += 1;
            continue;
        }
        match retry {
            Some((after, from)) if from < name.len() => {
                retry = Some((after, from + 1));
                (p, n) = (after, from + 1);
            }
            _ => return false,
        }
    }
}

/// How many characters of the pattern match `c`, if they do.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['\\', literal, ..] => (*literal == c).then_some(2),
        ['[', class @ ..] => {
            let negated = class.first() == Some(&'^');
            let mut i = usize::from(negated);
            let (mut found, start) = (false, i);
            loop {
                let lo = match class.get(i)? {
                    ']' if i > start => break,
                    '\\' => {
                        i += 1;
                        *class.get(i)?
                    }
                    other => *other,
                };
                i += 1;
                let mut hi = lo;
                if class.get(i) == Some(&'-') {
                    hi = *class.get(i + 1)?;
                    i += 2;
                }
                found |= (lo..=hi).contains(&c);
            }
            (found != negated).then_some(i + 2)
        }
        [literal, ..] => (*literal == c).then_some(1),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::MemFs;

    #[test]
    fn names() {
        for (pattern, name, expect) in [
            ("*.json", "a.json", true),
            ("*.json", ".json", true),
            ("*.json", "a.jso", false),
            ("a*b*c", "axxbxbxc", true),
            ("a*b*c", "axxbxbx", false),
            ("?.yml", "x.yml", true),
            ("?.yml", "xy.yml", false),
            ("[a-c]1", "b1", true),
            ("[^a-c]1", "b1", false),
            ("[a", "a", false),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), expect, "{pattern} {name}");
        }
    }

    #[test]
    fn paths() {
        let fs = MemFs::default();
        for dir in ["/sd", "/sd1"] {
            fs.create_dir_all(Path::new(dir)).unwrap();
            for name in ["b.json", "a.json", "c.yml"] {
                fs.create(&Path::new(dir).join(name)).unwrap();
            }
        }
        assert_eq!(expand(&fs, "/sd/*.json"), ["/sd/a.json", "/sd/b.json"]);
        assert_eq!(expand(&fs, "/sd/c.yml"), ["/sd/c.yml"]);
        assert_eq!(expand(&fs, "/sd/none.yml"), Vec::<String>::new());
        assert_eq!(expand(&fs, "/sd?/c.yml"), ["/sd1/c.yml"]);
        assert_eq!(expand(&fs, "/none/*.json"), Vec::<String>::new());
    }
}
