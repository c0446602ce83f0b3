//! Templates written by hand, each for a rule of the language or a function.

use super::{Case, compare};

#[test]
fn written_templates_are_the_same() {
    let mut cases: Vec<Case> = Vec::new();
    for line in include_str!("written.txt").lines().filter(|l| !l.is_empty() && !l.starts_with("## ")) {
        let text = line.replace("\\n", "\n").replace("\\t", "\t");
        cases.push(Case::new(text.clone()));
        let mut check = Case::new(text);
        check.check = true;
        cases.push(check);
    }
    let refused = compare(&cases);
    println!("{} templates, {refused} refusals", cases.len() / 2);
    assert!(cases.len() > 2 * 300);
    assert!(refused > 2 * 60);
}
