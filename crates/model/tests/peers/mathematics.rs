//! Functions of `gomath` against Go's `math`: the same bits for every argument.

use super::{Draw, ask, effort, program};
use tortie_model::gomath;

fn arg(r: &mut Draw) -> f64 {
    match r.below(5) {
        0 => f64::from_bits(r.next()),
        1 => r.unit() * 2.0 - 1.0,
        2 => r.unit() * 40.0 - 20.0,
        3 => r.unit() * 2000.0 - 1000.0,
        _ => (r.unit() * 200.0 - 100.0).floor(),
    }
}

fn compare(name: &str, mut f: impl FnMut(&mut Draw) -> (String, f64)) {
    let (n, seed) = (effort(), 42);
    let mut command = program("gomath");
    command.args(["-fn", name, "-n", &n.to_string(), "-seed", &seed.to_string()]);
    let answers = ask(command, &[]);
    assert_eq!(answers.len(), n * 8, "{name}: every argument has an answer");
    let mut draw = Draw(seed);
    for answer in answers.chunks_exact(8) {
        let expect = f64::from_bits(u64::from_le_bytes(answer.try_into().unwrap()));
        let (what, got) = f(&mut draw);
        let same = got.to_bits() == expect.to_bits() || (got.is_nan() && expect.is_nan());
        assert!(
            same,
            "{name}({what}) is {got:e} ({:016x}), Go says {expect:e} ({:016x})",
            got.to_bits(),
            expect.to_bits()
        );
    }
    println!("{name}: {n} arguments, all bits equal");
}

fn check(name: &str, f: fn(f64) -> f64) {
    compare(name, |r| {
        let x = arg(r);
        (format!("{:016x}", x.to_bits()), f(x))
    });
}

fn check2(name: &str, f: fn(f64, f64) -> f64) {
    compare(name, |r| {
        let x = arg(r);
        let y = arg(r);
        (format!("{:016x}, {:016x}", x.to_bits(), y.to_bits()), f(x, y))
    });
}

#[test]
fn exponentials_and_logarithms() {
    check("exp", gomath::exp);
    check("exp2", gomath::exp2);
    check("expm1", gomath::expm1);
    check("log", gomath::log);
    check("log2", gomath::log2);
    check("log10", gomath::log10);
    check("log1p", gomath::log1p);
}

#[test]
fn powers_and_remainders() {
    check2("pow", gomath::pow);
    check2("mod", gomath::modulo);
    check("sqrt", gomath::sqrt);
}

#[test]
fn trigonometry() {
    check("sin", gomath::sin);
    check("cos", gomath::cos);
    check("tan", gomath::tan);
    check("asin", gomath::asin);
    check("acos", gomath::acos);
    check("atan", gomath::atan);
}

#[test]
fn hyperbolics() {
    check("sinh", gomath::sinh);
    check("cosh", gomath::cosh);
    check("tanh", gomath::tanh);
    check("asinh", gomath::asinh);
    check("acosh", gomath::acosh);
    check("atanh", gomath::atanh);
}

#[test]
fn rounding() {
    check("floor", gomath::floor);
    check("ceil", gomath::ceil);
    check("trunc", gomath::trunc);
    check("round_to_even", gomath::round_to_even);
}
