//! Quantiles and fractions of native and of classic histograms.

use super::super::annotations::Annotations;
use super::super::math::{almost_equal, go};
use super::FloatHistogram;
use super::buckets::Bucket;
use crate::span::Span;

/// Relative differences between classic buckets that are taken for rounding.
const SMALL_DELTA: f64 = 1e-12;

/// The quantile `q` of a native histogram. Between powers, observations are taken to lie evenly on a logarithmic scale,
/// in custom buckets and the zero bucket on a straight one.
pub(crate) fn native_quantile(
    q: f64,
    h: &FloatHistogram,
    name: &str,
    span: Span,
    notes: &mut Annotations,
) -> f64 {
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    if h.count == 0.0 || q.is_nan() {
        return f64::NAN;
    }
    let mut buckets = h.all_buckets();
    // With NaN observations the buckets do not reach the count: ranks must be counted from below.
    let forward = h.sum.is_nan() || q < 0.5;
    let mut rank = if forward { q * h.count } else { (1.0 - q) * h.count };
    if !forward {
        buckets.reverse();
    }
    let mut rest = buckets.iter();
    let mut count = 0.0;
    let mut bucket =
        Bucket { lower: 0.0, upper: 0.0, lower_inclusive: false, upper_inclusive: false, count: 0.0 };
    for b in rest.by_ref() {
        bucket = *b;
        if b.count == 0.0 {
            continue;
        }
        count += b.count;
        if count >= rank {
            break;
        }
    }
    if h.is_custom() {
        if bucket.lower == f64::NEG_INFINITY {
            if bucket.upper <= 0.0 {
                return bucket.upper;
            }
            bucket.lower = 0.0;
        } else if bucket.upper == f64::INFINITY {
            return bucket.lower;
        }
    } else if bucket.lower < 0.0 && bucket.upper > 0.0 {
        narrow_zero(h, &mut bucket);
    }
    count = if count > h.count { h.count } else { count };
    if count < rank {
        if h.sum.is_nan() {
            notes.quantile_nan_result(name, span);
            return f64::NAN;
        }
        return bucket.upper;
    }
    rank = if forward { rank - (count - bucket.count) } else { count - rank };
    if h.sum.is_nan() {
        let all = count + rest.map(|b| b.count).sum::<f64>();
        if all < h.count {
            notes.quantile_nan_skew(name, span);
        }
    }
    let fraction = rank / bucket.count;
    if h.is_custom() || (bucket.lower <= 0.0 && bucket.upper >= 0.0) {
        return bucket.lower + (bucket.upper - bucket.lower) * fraction;
    }
    let (lower, upper) = (go::log2(bucket.lower.abs()), go::log2(bucket.upper.abs()));
    if bucket.lower > 0.0 {
        return go::exp2(lower + (upper - lower) * fraction);
    }
    -go::exp2(upper + (lower - upper) * (1.0 - fraction))
}

/// With buckets on one side only, the zero bucket ends at 0 on the other.
fn narrow_zero(h: &FloatHistogram, b: &mut Bucket) {
    match (h.negative.is_empty(), h.positive.is_empty()) {
        (true, false) => b.lower = 0.0,
        (false, true) => b.upper = 0.0,
        _ => {}
    }
}

/// The share of observations of a native histogram between `lower` and `upper`.
pub(crate) fn native_fraction(
    lower: f64,
    upper: f64,
    h: &FloatHistogram,
    name: &str,
    span: Span,
    notes: &mut Annotations,
) -> f64 {
    if h.count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let buckets = h.all_buckets();
    let mut rest = buckets.iter();
    let (mut count, mut rank) = (0.0, 0.0);
    let (mut low, mut high) = (None, None);
    for b in rest.by_ref() {
        let mut b = *b;
        count += b.count;
        let mut linear = h.is_custom();
        if h.is_custom() {
            if b.lower == f64::NEG_INFINITY && b.upper > 0.0 {
                b.lower = 0.0;
            }
        } else if b.lower <= 0.0 && b.upper >= 0.0 {
            linear = true;
            narrow_zero(h, &mut b);
        }
        let rank_at = |v: f64| match linear && b.lower == f64::NEG_INFINITY {
            true => b.count,
            false => rank + b.count * b.fraction_below(v, linear),
        };
        for (found, bound) in [(&mut low, lower), (&mut high, upper)] {
            if found.is_some() {
                continue;
            }
            if b.lower >= bound {
                *found = Some(rank);
            } else if b.upper > bound {
                *found = Some(rank_at(bound));
            }
        }
        if low.is_some() && high.is_some() {
            break;
        }
        rank += b.count;
    }
    if h.sum.is_nan() {
        count += rest.map(|b| b.count).sum::<f64>();
        if count < h.count {
            notes.fraction_nans(name, span);
        }
    } else {
        count = h.count;
    }
    let capped = |r: Option<f64>| r.filter(|r| r.is_nan() || *r <= count).unwrap_or(count);
    (capped(high) - capped(low)) / h.count
}

/// A bucket of a classic histogram: upper bound and cumulative count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Classic {
    pub upper: f64,
    pub count: f64,
}

/// How counts had to be raised so that they do not fall.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mended {
    pub min_bucket: f64,
    pub max_bucket: f64,
    pub max_diff: f64,
}

/// The quantile `q` of classic buckets, sorted by upper bound here.
pub(crate) fn classic_quantile(q: f64, buckets: &mut Vec<Classic>) -> (f64, Option<Mended>) {
    if q.is_nan() {
        return (f64::NAN, None);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, None);
    }
    if q > 1.0 {
        return (f64::INFINITY, None);
    }
    if !sort_and_join(buckets) {
        return (f64::NAN, None);
    }
    let mended = make_monotonic(buckets);
    let ([.., before_last, last], n) = (&buckets[..], buckets.len()) else { return (f64::NAN, mended) };
    if last.count == 0.0 {
        return (f64::NAN, mended);
    }
    let rank = q * last.count;
    let b = buckets[..n - 1]
        .partition_point(|b| b.count.partial_cmp(&rank).is_none_or(std::cmp::Ordering::is_lt));
    if b == n - 1 {
        return (before_last.upper, mended);
    }
    let at = buckets[b];
    let Some(below) = b.checked_sub(1).map(|i| buckets[i]) else {
        let v = if at.upper <= 0.0 { at.upper } else { at.upper * (rank / at.count) };
        return (v, mended);
    };
    let v = below.upper + (at.upper - below.upper) * ((rank - below.count) / (at.count - below.count));
    (v, mended)
}

/// The share of observations of classic buckets between `lower` and `upper`.
pub(crate) fn classic_fraction(lower: f64, upper: f64, buckets: &mut Vec<Classic>) -> f64 {
    if !sort_and_join(buckets) {
        return f64::NAN;
    }
    let count = buckets.last().map_or(0.0, |b| b.count);
    if count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let mut from = if buckets[0].upper <= 0.0 { f64::NEG_INFINITY } else { 0.0 };
    let mut rank = 0.0;
    let (mut low, mut high) = (None, None);
    for b in buckets.iter() {
        let rank_at = |v: f64| match from == f64::NEG_INFINITY {
            true => b.count,
            false => rank + (b.count - rank) * (v - from) / (b.upper - from),
        };
        for (found, bound) in [(&mut low, lower), (&mut high, upper)] {
            if found.is_some() {
                continue;
            }
            if from >= bound {
                *found = Some(rank);
            } else if b.upper > bound {
                *found = Some(rank_at(bound));
            }
        }
        if low.is_some() && high.is_some() {
            break;
        }
        rank = b.count;
        from = b.upper;
    }
    let capped = |r: Option<f64>| r.filter(|r| r.is_nan() || *r <= count).unwrap_or(count);
    (capped(high) - capped(low)) / count
}

/// Sorts by bound and joins equal bounds; `false` unless there are buckets and the last one is +Inf.
fn sort_and_join(buckets: &mut Vec<Classic>) -> bool {
    buckets.sort_by(|a, b| a.upper.partial_cmp(&b.upper).unwrap_or(std::cmp::Ordering::Equal));
    if buckets.last().is_none_or(|b| b.upper != f64::INFINITY) {
        return false;
    }
    buckets.dedup_by(|next, kept| {
        let same = next.upper == kept.upper;
        if same {
            kept.count += next.count;
        }
        same
    });
    true
}

/// Raises counts that fall; differences that are small are taken for rounding and not reported.
fn make_monotonic(buckets: &mut [Classic]) -> Option<Mended> {
    let mut mended: Option<Mended> = None;
    let mut previous = buckets.first()?.count;
    for b in buckets.iter_mut().skip(1) {
        if b.count == previous {
            continue;
        }
        if almost_equal(previous, b.count, SMALL_DELTA) {
            b.count = previous;
            continue;
        }
        if b.count < previous {
            let m = mended.get_or_insert(Mended {
                min_bucket: f64::INFINITY,
                max_bucket: f64::NEG_INFINITY,
                max_diff: 0.0,
            });
            m.min_bucket = m.min_bucket.min(b.upper);
            m.max_bucket = m.max_bucket.max(b.upper);
            m.max_diff = m.max_diff.max(previous - b.count);
            b.count = previous;
            continue;
        }
        previous = b.count;
    }
    mended
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(list: &[(f64, f64)]) -> Vec<Classic> {
        list.iter().map(|&(upper, count)| Classic { upper, count }).collect()
    }

    #[test]
    fn classic_buckets_interpolate_on_a_straight_line() {
        let b = [(f64::INFINITY, 4.0), (1.0, 2.0), (2.0, 4.0)];
        assert_eq!(classic_quantile(0.25, &mut buckets(&b)), (0.5, None));
        assert_eq!(classic_quantile(0.75, &mut buckets(&b)), (1.5, None));
        assert!(classic_quantile(0.5, &mut buckets(&b[1..])).0.is_nan());
        assert_eq!(classic_fraction(0.5, 1.5, &mut buckets(&b)), 0.5);
    }

    #[test]
    fn falling_counts_are_raised_and_reported() {
        let (v, mended) =
            classic_quantile(1.0, &mut buckets(&[(1.0, 5.0), (2.0, 3.0), (f64::INFINITY, 5.0)]));
        assert_eq!(v, 1.0);
        assert_eq!(mended, Some(Mended { min_bucket: 2.0, max_bucket: 2.0, max_diff: 2.0 }));
    }

    #[test]
    fn native_buckets_interpolate_between_powers() {
        let h = FloatHistogram {
            count: 2.0,
            sum: 3.0,
            positive_spans: vec![(1, 1)],
            positive: vec![2.0],
            ..FloatHistogram::default()
        };
        let mut notes = Annotations::default();
        let q = native_quantile(0.5, &h, "", Span::default(), &mut notes);
        // A unit below the root of 2: so Go's exp2 says.
        assert_eq!(q, std::f64::consts::SQRT_2 - f64::EPSILON);
        assert_eq!(native_fraction(1.0, 2.0, &h, "", Span::default(), &mut notes), 1.0);
    }
}
