//! Paths of a configuration: relative ones count from the folder of its file.

/// The folder of a file's name: `.` when it has none.
pub(crate) fn folder(file: &str) -> &str {
    match file.rfind('/') {
        Some(0) => "/",
        Some(i) => file.get(..i).unwrap_or("."),
        None => ".",
    }
}

/// `path` seen from `dir`, shortest form; absolute and empty ones stay as they are.
pub(crate) fn join(dir: &str, path: &str) -> String {
    if path.is_empty() || path.starts_with('/') {
        return path.to_owned();
    }
    let rooted = dir.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in dir.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|p| *p != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_paths_count_from_the_file() {
        for (file, path, expect) in [
            ("prometheus.yml", "sd/*.json", "sd/*.json"),
            ("/etc/p/prometheus.yml", "sd.yml", "/etc/p/sd.yml"),
            ("/etc/p/prometheus.yml", "../sd.yml", "/etc/sd.yml"),
            ("a/b.yml", "../../x", "../x"),
            ("a/b.yml", "/abs/./x", "/abs/./x"),
            ("/p.yml", "x", "/x"),
            ("a/b.yml", "", ""),
        ] {
            assert_eq!(join(folder(file), path), expect);
        }
    }
}
