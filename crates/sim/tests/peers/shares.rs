//! How often values stay, grow by one, or are NaN, family by family.

use std::collections::BTreeMap;
use std::fmt::Write;

use tortie_sim::Component;

use crate::exposition::Body;
use crate::{CASES, recorded, simulated};

/// Largest difference of a share.
const TOLERANCE: f64 = 0.10;
/// Simulated runs, each as long as the recording, with different seeds.
const RUNS: u64 = 8;

/// Steps of a family from one scrape to the next.
#[derive(Debug, Clone, Copy, Default)]
struct Steps {
    all: f64,
    unchanged: f64,
    plus_one: f64,
    nan: f64,
}

impl Steps {
    fn shares(&self) -> [f64; 3] {
        [self.unchanged, self.plus_one, self.nan].map(|n| n / self.all.max(1.0))
    }
}

fn count(bodies: &[Body], into: &mut BTreeMap<String, Steps>) {
    for (was, is) in bodies.iter().zip(bodies.iter().skip(1)) {
        for (series, (family, now)) in &is.series {
            let Some((_, before)) = was.series.get(series) else { continue };
            let steps = into.entry(family.clone()).or_default();
            steps.all += 1.0;
            let value = |text: &str| text.parse::<f64>().unwrap();
            if now == "NaN" {
                steps.nan += 1.0;
            } else if now == before {
                steps.unchanged += 1.0;
            } else if value(now) - value(before) == 1.0 {
                steps.plus_one += 1.0;
            }
        }
    }
}

#[tokio::test]
async fn shares_of_steps_are_within_ten_points() {
    let mut wrong = String::new();
    let mut compared = 0;
    // Typha and kube-controllers do not know the dataplane: their recordings beside both are two samples of one thing.
    for group in CASES.chunk_by(|a, b| {
        a.component == b.component
            && a.component != Component::Felix
            && a.folder != "ipam"
            && b.folder != "ipam"
    }) {
        let (mut want, mut got) = (BTreeMap::new(), BTreeMap::new());
        let case = &group[0];
        for case in group {
            count(&recorded(*case), &mut want);
        }
        for seed in 0..RUNS {
            count(&simulated(*case, seed).await, &mut got);
        }
        for (family, want) in &want {
            let (want, got) = (want.shares(), got.get(family).copied().unwrap_or_default().shares());
            compared += 1;
            if want.iter().zip(&got).any(|(a, b)| (a - b).abs() > TOLERANCE) {
                let show = |s: [f64; 3]| s.map(|x| format!("{x:.2}")).join(" ");
                let _ = writeln!(
                    wrong,
                    "{:10} {:16} {family}: recorded {}, ours {}",
                    case.folder,
                    case.name,
                    show(want),
                    show(got)
                );
            }
        }
    }
    assert!(wrong.is_empty(), "of {compared} families these differ (unchanged, +1, NaN):\n{wrong}");
    assert!(compared > 400, "{compared} families compared");
}
