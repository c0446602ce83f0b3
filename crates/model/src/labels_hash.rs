//! Hashes of label sets that must equal Prometheus': they spread scrapes over the interval and shard targets.

use crate::Labels;
use md5::{Digest, Md5};
use twox_hash::XxHash64;

/// Prometheus' `labels.Labels.Hash()` (of its default build): XXH64 of lengths and texts, a length being one byte, or
/// 255 and three bytes.
pub fn hash(labels: &Labels) -> u64 {
    let mut buf = Vec::with_capacity(labels.as_bytes().len());
    for (name, value) in labels {
        for text in [name, value] {
            push_len(text.len(), &mut buf);
            buf.extend_from_slice(text.as_bytes());
        }
    }
    XxHash64::oneshot(0, &buf)
}

fn push_len(len: usize, buf: &mut Vec<u8>) {
    if len < 255 {
        buf.push(len as u8);
    } else {
        buf.push(255);
        buf.extend_from_slice(&(len as u32).to_le_bytes()[..3]);
    }
}

/// Identity of a target: FNV-1a of the labels' hash in 16 or more decimal digits and the URL, as `Target.hash()` of
/// Prometheus. Its remainder by the interval (after `^` with the server's seed) is when in the interval it is scraped.
pub fn target(labels: &Labels, url: &str) -> u64 {
    let digits = format!("{:016}", hash(labels));
    fnv1a(digits.bytes().chain(url.bytes()))
}

/// 64-bit FNV-1a.
pub fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// What relabelling's `hashmod` takes the remainder of: the last 8 bytes of MD5, big-endian.
pub fn hashmod(text: &str) -> u64 {
    let sum: [u8; 16] = Md5::digest(text.as_bytes()).into();
    sum.iter().skip(8).fold(0, |h, &b| h << 8 | u64::from(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors were printed by Prometheus' own packages.
    #[test]
    fn hashes_are_those_of_prometheus() {
        let long = ["x".repeat(254), "y".repeat(255), "z".repeat(70_000)];
        let check = |pairs: &[(&str, &str)], labels_hash: u64, target_hash: u64| {
            let labels = Labels::from_pairs(pairs.iter().copied());
            assert_eq!(hash(&labels), labels_hash, "{pairs:?}");
            assert_eq!(target(&labels, "http://10.0.0.1:9091/metrics"), target_hash, "{pairs:?}");
        };
        check(&[], 0xef46_db37_51d8_e999, 0xb07e_c362_ebd8_181e);
        check(&[("__name__", "up")], 0xecd7_5f13_400a_bdf5, 0x8d5f_c8ce_25ef_d2cd);
        check(
            &[("instance", "10.0.0.1:9091"), ("job", "calico-node")],
            0x29e9_e6c4_12b4_581d,
            0x63b5_978b_9329_0c1e,
        );
        check(
            &[("a", &long[0]), ("b", &long[1]), ("c", &long[2])],
            0xc1bf_7f36_8cca_c019,
            0x0df2_bd13_3bfd_6fc8,
        );
    }
}
