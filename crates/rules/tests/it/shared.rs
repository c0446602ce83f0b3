//! Rules of a group that read the same series give the same as if each read them alone.

use crate::rig::{Rig, group, record};

const QUERIES: [&str; 8] = [
    "sum by (job) (rate(x[5m]))",
    "sum by (job) (rate(x[1h]))",
    "sum by (job) (increase(x[30m]))",
    "sum by (job) (x)",
    "max_over_time(x[10m])",
    "x offset 10m",
    "rate(x[5m] offset 10m)",
    "max_over_time(rate(x[5m])[30m:1m])",
];

#[test]
fn shared_selections_change_no_answer() {
    let together = Rig::new();
    let names: Vec<String> = (0..QUERIES.len()).map(|i| format!("r{i}")).collect();
    let all = group(names.iter().zip(QUERIES).map(|(n, q)| record(n, q)).collect());
    let alone = Rig::new();
    let each: Vec<_> = names.iter().zip(QUERIES).map(|(n, q)| group(vec![record(n, q)])).collect();
    for t in (0..7200).step_by(30) {
        for (job, step) in [("a", 3.0), ("b", 7.0)] {
            for rig in [&together, &alone] {
                // Counters that are reset now and then.
                rig.put("x", &[("job", job)], t, ((t / 30) % 50) as f64 * step);
            }
        }
        if t % 60 == 0 {
            together.evaluate(&all, t);
            each.iter().for_each(|g| alone.evaluate(g, t));
            let query = "{__name__=~\"r[0-9]\"}";
            assert_eq!(together.ask(query, t), alone.ask(query, t), "{t}");
        }
    }
    assert_eq!(together.ask("count({__name__=~\"r[0-9]\"})", 7140), ["{} 16"]);
}

#[test]
fn what_the_group_writes_is_never_shared() {
    let rig = Rig::new();
    let g = group(vec![record("a", "vector(0)"), record("b", "sum(a)"), record("c", "sum(a) + 1")]);
    for t in [0, 60] {
        rig.evaluate(&g, t);
        assert_eq!(rig.ask("b", t), [r#"{"__name__": "b"} 0"#]);
        assert_eq!(rig.ask("c", t), [r#"{"__name__": "c"} 1"#]);
    }
}
