//! Nothing is written without a yes: typed on a terminal, or `-y` for a cluster that was named. What else has to be decided
//! is asked there too.

use super::{Ended, USAGE};
use std::io::{BufRead, IsTerminal, Write};
use tortie_calico::setup::FelixThrough;

/// Whether to go on.
///
/// # Errors
/// When nobody can be asked, or `-y` leaves open which cluster is meant.
pub(super) fn given(yes: bool, contexts: usize, named: bool, question: &str) -> Result<bool, Ended> {
    if yes && contexts > 1 && !named {
        let text = "-y with several contexts in the kubeconfig needs --context (hint: kubectl config current-context)";
        return Err((USAGE, text.to_owned()));
    }
    if yes {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err((
            USAGE,
            "nobody can be asked, standard input is no terminal (hint: -y, or --dry-run)".to_owned(),
        ));
    }
    Ok(matches!(answer(&format!("{question} [y/N] ")).trim(), "y" | "Y" | "yes"))
}

/// Asks how Felix is turned on in a large cluster. `why` says that it has to be decided, with what the ways do; none when
/// nobody can be asked or nothing was chosen.
pub(super) fn felix_through(why: &str, operated: bool) -> Option<FelixThrough> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    let ways = if operated { "configuration/installation" } else { "configuration" };
    way(&answer(&format!("{why}\nThrough which? [{ways}, nothing ends it] ")), operated)
}

fn way(answer: &str, operated: bool) -> Option<FelixThrough> {
    match answer.trim().to_ascii_lowercase().as_str() {
        "c" | "configuration" => Some(FelixThrough::Configuration),
        "i" | "installation" if operated => Some(FelixThrough::Installation),
        _ => None,
    }
}

/// One line from the terminal; empty when there is none.
fn answer(question: &str) -> String {
    let mut asking = std::io::stderr();
    let asked = asking.write_all(question.as_bytes()).and_then(|()| asking.flush());
    let mut line = String::new();
    match asked.and_then(|()| std::io::stdin().lock().read_line(&mut line)) {
        Ok(_) => line,
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_way_that_is_there_is_taken() {
        use FelixThrough::{Configuration, Installation};
        assert_eq!(way("configuration\n", true), Some(Configuration));
        assert_eq!(way("i\n", true), Some(Installation));
        assert_eq!(way("i\n", false), None);
        assert_eq!(way("yes\n", true), None);
        assert_eq!(way("", true), None);
    }

    #[test]
    fn y_names_no_cluster() {
        assert_eq!(given(true, 1, false, "?"), Ok(true));
        assert_eq!(given(true, 3, true, "?"), Ok(true));
        assert_eq!(given(true, 3, false, "?").map_err(|e| e.0), Err(USAGE));
    }
}
