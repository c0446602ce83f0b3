//! Scripts that pass.

use tortie_script::{expressions, run};

fn check(script: &str, evaluations: usize) {
    let summary = run(script, "own.test", &mut |_| {});
    assert_eq!(summary.failures, [], "{script}");
    assert_eq!(summary.passed, evaluations);
    assert_eq!(summary.to_string(), format!("{evaluations} passed, 0 failed"));
    assert_eq!(expressions(script).len(), evaluations);
}

#[test]
fn loads_add_up_until_they_are_cleared() {
    check(
        "load 1m\n a 1\n\n# comment\nload 1m\n b 2\n\neval instant at 0 a + on () b\n {} 3\n\nCLEAR\neval instant at 0 a\n",
        2,
    );
}

#[test]
fn a_later_line_of_a_load_replaces_an_earlier_one() {
    check("load 1m\n a 1 2 3\n a 4\n\neval range from 0 to 2m step 1m a offset 0\n a 4 4 4\n", 1);
}

#[test]
fn histograms() {
    check(
        "load 1m\n h {{count:1 sum:2 buckets:[1]}}+{{count:2 sum:3 offset:1 buckets:[2]}}x2\n\n\
         eval instant at 2m h\n h {{count:5 sum:8 buckets:[1 4]}}\n\n\
         eval instant at 2m histogram_sum(h)\n {} 8\n\n\
         eval range from 0 to 2m step 1m histogram_count(h)\n {} 1 3 5\n",
        3,
    );
}

#[test]
fn classic_histograms_become_native_ones() {
    check(
        "load_with_nhcb 1m\n h_bucket{le=\"1\"} 1 2\n h_bucket{le=\"+Inf\"} 3 5\n h_count 3 5\n h_sum 7 9\n\n\
         eval instant at 1m h\n h {{schema:-53 count:5 sum:9 custom_values:[1] buckets:[2 3]}}\n\n\
         eval instant at 1m h_count\n h_count 5\n",
        2,
    );
}

#[test]
fn start_timestamps_of_floats_and_histograms() {
    check(
        "load 1m\n h@st _ _ -1m\n h _ _ {{sum:60 count:60}}\n c_total@st -1ms -1msx1\n c_total 1 2 4\n\n\
         eval instant at 3m rate(h[5m])\n {} {{count:0.2 sum:0.2}}\n\n\
         eval range from 0 to 2m step 1m start_timestamp(c_total)\n {} -0.001 59.999 119.999\n\n\
         eval instant at 2m resets(c_total[3m])\n {} 2\n",
        3,
    );
}

#[test]
fn resets_are_found_while_reading_when_only_counts_are_asked_for() {
    check(
        "load 1m\n h {{count:3 buckets:[3]}} {{count:4 buckets:[4]}} {{count:1 buckets:[1]}}\n\n\
         eval instant at 2m histogram_count(sum_over_time(h[3m]))\n expect warn regex: conflicting counter resets\n {} 8\n\n\
         eval instant at 2m sum_over_time(h[3m])\n expect no_warn\n {} {{count:8 buckets:[8]}}\n",
        2,
    );
}

#[test]
fn a_stale_marker_ends_histograms_too() {
    check(
        "load 1m\n h {{count:1 buckets:[1]}} stale\n\neval range from 0 to 1m step 1m h\n h {{count:1 buckets:[1]}}\n",
        1,
    );
}
