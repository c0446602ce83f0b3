//! Against the recordings of real components.

use std::path::{Path, PathBuf};
use tortie_model::LabelsBuilder;
use tortie_wire::text::{Entry, Parser};

#[test]
#[allow(clippy::disallowed_methods)]
fn every_recorded_body_is_read() {
    let dir = std::env::var("TORTIE_FIXTURES")
        .expect("TORTIE_FIXTURES names the folder of recordings; hint: make peers-test");
    let mut files = Vec::new();
    collect(&Path::new(&dir).join("calico"), &mut files);
    assert!(files.len() > 100, "only {} recordings in {dir}", files.len());
    for file in files {
        let body = std::fs::read(&file).unwrap();
        let mut parser = Parser::new(&body);
        let mut labels = LabelsBuilder::new();
        let mut samples = 0;
        while let Some(e) = parser.next().unwrap_or_else(|e| panic!("{}: {e}", file.display())) {
            if let Entry::Sample(_) = e {
                parser.labels(&mut labels).unwrap();
                samples += 1;
            }
        }
        assert!(samples > 30, "{}: {samples} samples", file.display());
    }
}

#[allow(clippy::disallowed_methods)]
fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|e| e == "prom") {
            files.push(path);
        }
    }
}
