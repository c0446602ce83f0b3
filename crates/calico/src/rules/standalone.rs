//! An expression of a bundled rule without what other bundled rules record: as it can be asked anywhere.

use super::bundled;

/// The expression with the recording rules that it reads in their places. Where one is read with an offset, its expression is
/// evaluated at that time.
pub fn standalone(expr: &str) -> String {
    let mut out = expr.to_owned();
    for rule in bundled::all().iter().flat_map(|g| &g.rules).filter(|r| !r.alert) {
        // An offset stands behind a selector or a subquery alone.
        let shifted = format!("{} offset 1w", rule.name);
        out = out.replace(&shifted, &format!("last_over_time(({})[1m:1m] offset 1w)", rule.expr));
        out = out.replace(&rule.name, &format!("({})", rule.expr));
    }
    out
}
