//! The rules about tortie itself read series that it really has.

use crate::http::get;
use crate::process::{folder, serve, until_true};
use std::collections::BTreeSet;
use std::path::Path;
use tortie_calico::facts::queries;
use tortie_calico::rules::bundled;

#[test]
fn the_bundled_files_are_taken_and_every_own_series_is_there() {
    let dir = folder();
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../calico/rules/*.yaml");
    let config = format!(
        "global:\n  evaluation_interval: 1s\nrule_files: [{:?}]\nalerting:\n  alertmanagers:\n  - static_configs:\n    - targets: [\"127.0.0.1:1\"]\n",
        files.display().to_string()
    );
    let run = serve(dir.path(), &config, &[]);
    let a = run.address();
    let loaded = get(a, "/api/v1/rules").json();
    let groups = loaded["data"]["groups"].as_array().unwrap();
    let rules: usize = groups.iter().map(|g| g["rules"].as_array().unwrap().len()).sum();
    assert_eq!(rules, bundled::all().iter().map(|g| g.rules.len()).sum::<usize>());
    until_true("the watchdog fires", || get(a, "/api/v1/alerts").text().contains("\"Watchdog\""));

    // Each alert's link opens its page, of whatever is below this server's URL.
    let watchdog = get(a, "/api/v1/alerts").json();
    let urls: Vec<&str> = watchdog["data"]["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|x| x["annotations"]["runbook_url"].as_str())
        .collect();
    assert!(!urls.is_empty() && urls.iter().all(|u| u.starts_with("http")), "{urls:?}");
    let mut opened = 0;
    for rule in bundled::all().iter().flat_map(|g| &g.rules).filter(|r| r.alert) {
        let link = rule.annotation("runbook_url").replace("{{ $externalURL }}", "");
        let answer = get(a, &link);
        assert_eq!(answer.status, 200, "{link}");
        assert!(answer.text().contains(&format!("<h1>{}</h1>", rule.name)), "{link}");
        opened += 1;
    }
    let index = get(a, "/runbooks/").text();
    assert!(opened > 50 && index.matches("<a href=\"").count() >= opened, "{opened}");
    assert_eq!(get(a, "/runbooks/Nothing").status, 404);

    let page = get(a, "/metrics").text();
    let there: BTreeSet<&str> =
        page.lines().filter_map(|l| l.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let own = bundled::all().iter().filter(|g| g.name == "tortie").flat_map(|g| &g.rules);
    let mut missing = BTreeSet::new();
    for rule in own {
        let expr = queries::parse(&rule.expr).unwrap();
        let names = expr.selectors().into_iter().filter_map(queries::metric);
        missing.extend(names.filter(|n| !there.contains(n)).map(str::to_owned));
    }
    assert!(missing.is_empty(), "rules read what is not on /metrics: {missing:?}");
}
