//! `gofloat` against Go's `strconv` and Prometheus' `jsonutil`: the same text, the same bits.

use super::{Draw, ask, effort, program};
use tortie_model::gofloat;

fn float(r: &mut Draw) -> f64 {
    match r.below(4) {
        0 => f64::from_bits(r.next()),
        1 => {
            let v = r.next() as i64;
            (v >> r.below(64)) as f64
        }
        2 => {
            let v = r.next() as i64;
            (v >> r.below(64)) as f64 / 1000.0
        }
        _ => (r.next() >> 11) as f64 / (1u64 << 53) as f64,
    }
}

#[test]
fn layouts() {
    let (n, seed) = (effort().min(2_000_000), 7);
    let mut command = program("gofloat");
    command.args(["-format", "-n", &n.to_string(), "-seed", &seed.to_string()]);
    let text = String::from_utf8(ask(command, &[])).unwrap();
    let mut draw = Draw(seed);
    let mut lines = 0;
    for line in text.lines() {
        let v = float(&mut draw);
        let got = format!("{} {} {}", gofloat::format_f(v), gofloat::format_g(v), gofloat::format_json(v));
        assert_eq!(got, line, "{:016x}", v.to_bits());
        lines += 1;
    }
    assert_eq!(lines, n);
}

#[test]
fn reading() {
    let mut draw = Draw(11);
    let alphabet = [
        "0", "1", "9", "5", "3", "_", ".", "e", "E", "x", "0x", "p", "-", "+", "inf", "Infinity", "nan", "a",
        "F", "308", "1074", "00",
    ];
    let mut texts: Vec<String> = (0..effort().min(1_000_000))
        .map(|_| {
            (0..1 + draw.below(7)).map(|_| alphabet[draw.below(alphabet.len() as u64) as usize]).collect()
        })
        .collect();
    for _ in 0..20_000 {
        let m = draw.next() >> draw.below(60);
        let exp = draw.below(2300) as i64 - 1150;
        texts.push(format!("0x{m:x}.{:x}p{exp}", draw.next() >> draw.below(60)));
        texts.push(format!("{m}.{}e{}", draw.next(), exp / 4));
        texts.push(format!("{:e}", f64::from_bits(draw.next())).replace("NaN", "nan"));
    }
    let answers = String::from_utf8(ask(program("gofloat"), texts.join("\n").as_bytes())).unwrap();
    assert_eq!(answers.lines().count(), texts.len());
    for (text, answer) in texts.iter().zip(answers.lines()) {
        let got = match gofloat::parse(text) {
            Ok(v) => format!("{:016x}", v.to_bits()),
            Err(e) => e.to_string(),
        };
        assert_eq!(got, answer, "{text}");
    }
}
