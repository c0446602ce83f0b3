//! Character classes of Go's syntax: `\d`, `[[:alpha:]]`, `\p{Greek}`, ranges, and case folding.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// Last code point below the surrogates, which no text contains.
const BEFORE_SURROGATES: u32 = 0xd7ff;
/// First code point above the surrogates.
const AFTER_SURROGATES: u32 = 0xe000;

/// Code points `lo..=hi`, without surrogates: patterns may name them, texts never hold them.
pub(super) fn range(lo: u32, hi: u32) -> ClassUnicode {
    let mut class = ClassUnicode::empty();
    for (lo, hi) in [(lo, hi.min(BEFORE_SURROGATES)), (lo.max(AFTER_SURROGATES), hi)] {
        if let (Some(lo), Some(hi)) = (char::from_u32(lo), char::from_u32(hi))
            && lo <= hi
        {
            class.push(ClassUnicodeRange::new(lo, hi));
        }
    }
    class
}

/// Adds all characters that equal one of `class` when case is ignored.
pub(super) fn fold(class: &mut ClassUnicode) {
    // Fails only without Unicode tables, which this crate always has.
    let _ = class.try_case_fold_simple();
}

/// The Perl class of `\d`, `\s`, `\w` and their negations: ASCII only.
pub(super) fn perl(letter: u8, folded: bool) -> Option<ClassUnicode> {
    let ranges: &[(u8, u8)] = match letter.to_ascii_lowercase() {
        b'd' => &[(b'0', b'9')],
        b's' => &[(b'\t', b'\n'), (0x0c, b'\r'), (b' ', b' ')],
        b'w' => &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')],
        _ => return None,
    };
    Some(ascii(ranges, letter.is_ascii_uppercase(), folded))
}

/// The POSIX class of a name as it stands between the brackets: `[:alpha:]`, `[:^alpha:]`.
pub(super) fn posix(name: &str, folded: bool) -> Option<ClassUnicode> {
    let inner = name.strip_prefix("[:")?.strip_suffix(":]")?;
    let (inner, negated) = match inner.strip_prefix('^') {
        Some(rest) => (rest, true),
        None => (inner, false),
    };
    let ranges: &[(u8, u8)] = match inner {
        "alnum" => &[(b'0', b'9'), (b'A', b'Z'), (b'a', b'z')],
        "alpha" => &[(b'A', b'Z'), (b'a', b'z')],
        "ascii" => &[(0, 0x7f)],
        "blank" => &[(b'\t', b'\t'), (b' ', b' ')],
        "cntrl" => &[(0, 0x1f), (0x7f, 0x7f)],
        "digit" => &[(b'0', b'9')],
        "graph" => &[(b'!', b'~')],
        "lower" => &[(b'a', b'z')],
        "print" => &[(b' ', b'~')],
        "punct" => &[(b'!', b'/'), (b':', b'@'), (b'[', b'`'), (b'{', b'~')],
        "space" => &[(b'\t', b'\r'), (b' ', b' ')],
        "upper" => &[(b'A', b'Z')],
        "word" => &[(b'0', b'9'), (b'A', b'Z'), (b'_', b'_'), (b'a', b'z')],
        "xdigit" => &[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')],
        _ => return None,
    };
    Some(ascii(ranges, negated, folded))
}

fn ascii(ranges: &[(u8, u8)], negated: bool, folded: bool) -> ClassUnicode {
    let mut class =
        ClassUnicode::new(ranges.iter().map(|&(lo, hi)| ClassUnicodeRange::new(lo.into(), hi.into())));
    if folded {
        fold(&mut class);
    }
    if negated {
        class.negate();
    }
    class
}

/// The Unicode category or script of a name as Go knows it: `L`, `Lu`, `Greek`, `Old_Italic`, `Any`. Names must be
/// spelt exactly.
pub(super) fn unicode(name: &str) -> Option<ClassUnicode> {
    match name {
        "Any" => return Some(range(0, 0x10_ffff)),
        // Surrogates are a category that no text contains.
        "Cs" => return Some(ClassUnicode::empty()),
        _ => {}
    }
    let kind = if CATEGORIES.contains(&name) {
        "gc"
    } else if SCRIPTS.contains(&name) {
        "sc"
    } else {
        return None;
    };
    let hir = regex_syntax::parse(&format!(r"\p{{{kind}={name}}}")).ok()?;
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        // A category of one character comes as that character.
        HirKind::Literal(one) => {
            let c = u32::from(std::str::from_utf8(&one.0).ok()?.chars().next()?);
            Some(range(c, c))
        }
        _ => None,
    }
}

/// Names of Go's `unicode.Categories`.
#[rustfmt::skip]
const CATEGORIES: [&str; 38] = [
    "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "LC", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl",
    "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
];

/// Names of Go's `unicode.Scripts`.
#[rustfmt::skip]
const SCRIPTS: [&str; 163] = [
    "Adlam", "Ahom", "Anatolian_Hieroglyphs", "Arabic", "Armenian", "Avestan", "Balinese", "Bamum", "Bassa_Vah",
    "Batak", "Bengali", "Bhaiksuki", "Bopomofo", "Brahmi", "Braille", "Buginese", "Buhid", "Canadian_Aboriginal",
    "Carian", "Caucasian_Albanian", "Chakma", "Cham", "Cherokee", "Chorasmian", "Common", "Coptic", "Cuneiform",
    "Cypriot", "Cypro_Minoan", "Cyrillic", "Deseret", "Devanagari", "Dives_Akuru", "Dogra", "Duployan",
    "Egyptian_Hieroglyphs", "Elbasan", "Elymaic", "Ethiopic", "Georgian", "Glagolitic", "Gothic", "Grantha", "Greek",
    "Gujarati", "Gunjala_Gondi", "Gurmukhi", "Han", "Hangul", "Hanifi_Rohingya", "Hanunoo", "Hatran", "Hebrew",
    "Hiragana", "Imperial_Aramaic", "Inherited", "Inscriptional_Pahlavi", "Inscriptional_Parthian", "Javanese",
    "Kaithi", "Kannada", "Katakana", "Kawi", "Kayah_Li", "Kharoshthi", "Khitan_Small_Script", "Khmer", "Khojki",
    "Khudawadi", "Lao", "Latin", "Lepcha", "Limbu", "Linear_A", "Linear_B", "Lisu", "Lycian", "Lydian", "Mahajani",
    "Makasar", "Malayalam", "Mandaic", "Manichaean", "Marchen", "Masaram_Gondi", "Medefaidrin", "Meetei_Mayek",
    "Mende_Kikakui", "Meroitic_Cursive", "Meroitic_Hieroglyphs", "Miao", "Modi", "Mongolian", "Mro", "Multani",
    "Myanmar", "Nabataean", "Nag_Mundari", "Nandinagari", "New_Tai_Lue", "Newa", "Nko", "Nushu",
    "Nyiakeng_Puachue_Hmong", "Ogham", "Ol_Chiki", "Old_Hungarian", "Old_Italic", "Old_North_Arabian", "Old_Permic",
    "Old_Persian", "Old_Sogdian", "Old_South_Arabian", "Old_Turkic", "Old_Uyghur", "Oriya", "Osage", "Osmanya",
    "Pahawh_Hmong", "Palmyrene", "Pau_Cin_Hau", "Phags_Pa", "Phoenician", "Psalter_Pahlavi", "Rejang", "Runic",
    "Samaritan", "Saurashtra", "Sharada", "Shavian", "Siddham", "SignWriting", "Sinhala", "Sogdian", "Sora_Sompeng",
    "Soyombo", "Sundanese", "Syloti_Nagri", "Syriac", "Tagalog", "Tagbanwa", "Tai_Le", "Tai_Tham", "Tai_Viet", "Takri",
    "Tamil", "Tangsa", "Tangut", "Telugu", "Thaana", "Thai", "Tibetan", "Tifinagh", "Tirhuta", "Toto", "Ugaritic",
    "Vai", "Vithkuqi", "Wancho", "Warang_Citi", "Yezidi", "Yi", "Zanabazar_Square",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_class() {
        for name in CATEGORIES.iter().chain(&SCRIPTS) {
            assert!(unicode(name).is_some(), "{name}");
        }
        assert!(unicode("greek").is_none());
        assert!(unicode("Alphabetic").is_none());
    }

    #[test]
    fn surrogates_are_left_out() {
        assert_eq!(range(0xd800, 0xdfff).ranges().len(), 0);
        assert_eq!(range(0xd000, 0xe001).ranges().len(), 2);
    }
}
