//! Properties of the readers and writers of this crate over arbitrary input.

use crate::regex::Regex;
use crate::{duration, gofloat, timestamp};
use proptest::prelude::*;

proptest! {
    #[test]
    fn floats_read_back_as_the_same_bits(bits in any::<u64>()) {
        let v = f64::from_bits(bits);
        prop_assume!(!v.is_nan());
        for text in [gofloat::format_f(v), gofloat::format_g(v), gofloat::format_json(v), gofloat::format_openmetrics(v)] {
            prop_assert_eq!(gofloat::parse(&text).map(f64::to_bits), Ok(bits), "{}", text);
        }
    }

    #[test]
    fn durations_read_back(ms in 0i64..9_000_000_000_000) {
        prop_assert_eq!(duration::parse(&duration::format(ms)), Ok(ms));
        prop_assert_eq!(duration::parse_signed(&duration::format(-ms)), Ok(-ms));
    }

    #[test]
    fn times_read_back(ms in -62_000_000_000_000i64..250_000_000_000_000) {
        prop_assert_eq!(timestamp::parse(&timestamp::format_rfc3339(ms)), Ok(ms));
        let mut text = Vec::new();
        gofloat::format_timestamp_into(ms, &mut text);
        prop_assert_eq!(timestamp::parse(std::str::from_utf8(&text).unwrap()), Ok(ms));
    }

    #[test]
    fn readers_take_any_text_without_panic(text in ".{0,40}") {
        let _ = gofloat::parse(&text);
        let _ = duration::parse_signed(&text);
        let _ = timestamp::parse(&text);
    }

    #[test]
    fn patterns_of_any_kind_neither_panic_nor_differ_from_their_quick_way(
        pattern in r"[a-c.*+?|()\[\]{}^$\\QEdDwWpPi:0-9,<>-]{0,16}",
        text in "[a-c0-9.]{0,8}",
    ) {
        if let Ok(re) = Regex::matcher(&pattern) {
            let matches = re.is_match(&text);
            prop_assert_eq!(re.captures(&text).is_some(), matches);
            if let Some(set) = re.set_matches() {
                prop_assert_eq!(set.contains(&text), matches);
            }
            prop_assert!(!matches || re.prefix().is_none_or(|p| text.starts_with(p)));
        }
    }
}
