//! Nothing is written without a yes: typed on a terminal, or `-y` for a cluster that was named.

use super::{Ended, USAGE};
use std::io::{BufRead, IsTerminal, Write};

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
    let mut asking = std::io::stderr();
    let asked = write!(asking, "{question} [y/N] ").and_then(|()| asking.flush());
    let mut line = String::new();
    let read = asked.and_then(|()| std::io::stdin().lock().read_line(&mut line));
    Ok(read.is_ok() && matches!(line.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn y_names_no_cluster() {
        assert_eq!(given(true, 1, false, "?"), Ok(true));
        assert_eq!(given(true, 3, true, "?"), Ok(true));
        assert_eq!(given(true, 3, false, "?").map_err(|e| e.0), Err(USAGE));
    }
}
