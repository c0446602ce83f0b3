//! Every label and annotation of the fixtures' rules.

use super::{Case, compare};
use serde_json::Value as Json;
use std::path::PathBuf;

fn texts(json: &Json, out: &mut Vec<String>) {
    match json {
        Json::Object(map) => {
            for (name, value) in map {
                match (name.as_str(), value) {
                    ("annotations" | "labels", Json::Object(pairs)) => {
                        out.extend(pairs.values().filter_map(Json::as_str).map(str::to_owned));
                    }
                    _ => texts(value, out),
                }
            }
        }
        Json::Array(list) => list.iter().for_each(|v| texts(v, out)),
        _ => {}
    }
}

#[test]
fn labels_and_annotations_of_all_rules_are_the_same() {
    let dir = std::env::var("TORTIE_FIXTURES").expect("TORTIE_FIXTURES names the folder of the fixtures");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(PathBuf::from(dir).join("rules")).expect("the rules are there") {
        let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a readable file");
        let json: Json = serde_saphyr::from_str(&text).expect("YAML");
        texts(&json, &mut found);
    }
    let templates = found.iter().filter(|t| t.contains("{{")).count();
    let mut cases = Vec::new();
    for text in &found {
        for value in [1234.5678, 0.0, -0.034, 5.0, f64::NAN, f64::INFINITY, 1e-9, 1.23e18] {
            let mut case = Case::new(text.as_str());
            case.value = value;
            cases.push(case);
        }
    }
    let refused = compare(&cases);
    println!(
        "{} texts, {templates} of them templates, {} cases, {refused} refused by Go",
        found.len(),
        cases.len()
    );
    assert!(templates > 100, "only {templates} templates");
}
