//! The configuration that prometheus-operator generated: the second of the three stations at which a scrape job can get
//! lost (monitor object, Secret, process).

use crate::snapshot::Snapshot;
use std::borrow::Cow;
use std::io::Read;
use tortie_cluster::object::Object;

/// More than a Secret can hold unpacked by any sane factor.
const LIMIT: u64 = 64 << 20;

/// The generated configuration of a Prometheus object (`namespace/name`), when the snapshot has it.
pub fn of<'a>(snap: &'a Snapshot, prometheus: &str) -> Option<Cow<'a, str>> {
    if let Some(text) = snap.generated.get(prometheus) {
        return Some(Cow::Borrowed(text));
    }
    let (namespace, name) = prometheus.split_once('/')?;
    let secret = snap.find("", "Secret", namespace, &format!("prometheus-{name}"))?;
    unpack(secret).map(Cow::Owned)
}

/// The text in a Secret as the operator writes it; nothing when it is masked, no gzip or too large.
pub fn unpack(secret: &Object) -> Option<String> {
    let packed = base64(secret.text("/data/prometheus.yaml.gz")?)?;
    let mut out = String::new();
    let mut reader = flate2::read::GzDecoder::new(packed.as_slice()).take(LIMIT + 1);
    reader.read_to_string(&mut out).ok()?;
    (out.len() as u64 <= LIMIT).then_some(out)
}

/// Names of the jobs in a configuration, as far as lines tell: enough for what a generator writes.
pub fn jobs(config: &str) -> impl Iterator<Item = &str> {
    config.lines().filter_map(|line| {
        let line = line.trim_start().trim_start_matches("- ");
        Some(line.strip_prefix("job_name:")?.trim().trim_matches(['"', '\'']))
    })
}

/// Whether a configuration has a job of this name.
pub(crate) fn has_job(config: &str, name: &str) -> bool {
    jobs(config).any(|job| job == name)
}

/// Standard base64 with or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in text.bytes().filter(|b| *b != b'=' && !b.is_ascii_whitespace()) {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{base64, jobs};

    #[test]
    fn base64_is_read() {
        #[track_caller]
        fn check(text: &str, expect: Option<&[u8]>) {
            assert_eq!(base64(text).as_deref(), expect, "{text}");
        }
        check("dG9ydGll", Some(b"tortie"));
        check("dG9ydGk=", Some(b"torti"));
        check("+/8=", Some(&[0xfb, 0xff]));
        check("masked by *", None);
    }

    #[test]
    fn jobs_are_found_by_line() {
        let config = "scrape_configs:\n- job_name: serviceMonitor/a/b/0\n  honor_labels: false\n- honor_labels: true\n  job_name: 'x'\n";
        assert_eq!(jobs(config).collect::<Vec<_>>(), ["serviceMonitor/a/b/0", "x"]);
    }
}
