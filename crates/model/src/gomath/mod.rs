//! Mathematical functions with the very bits that Go's `math` gives on linux/amd64 with FMA, which every server of the
//! last decade has. The system's libm rounds some arguments the other way, and query answers would differ.
//!
//! The algorithms and constants are those of Cephes, FreeBSD's msun and Shibata's SLEEF, in the order of operations
//! that Go has. Where Go's compiler emits no fused multiplication, none is written here.

#![allow(clippy::excessive_precision, clippy::approx_constant)] // constants stand as their authors published them

mod exp;
mod hyperbolic;
mod inverse;
mod log;
mod parts;
mod pow;
mod trig;

pub use exp::{exp, exp2, expm1};
pub use hyperbolic::{acosh, asinh, atanh, cosh, sinh, tanh};
pub use inverse::{acos, asin, atan};
pub use log::{log, log1p, log2, log10};
pub use parts::{frexp, ldexp, modf};
pub use pow::pow;
pub use trig::{cos, sin, tan};

/// The NaN that Go's `math.NaN()` gives.
pub const NAN: f64 = f64::from_bits(0x7ff8_0000_0000_0001);

/// Square root, correctly rounded.
pub fn sqrt(x: f64) -> f64 {
    // The processor's NaN for negative arguments has the sign set, as in Go on the same processor.
    x.sqrt()
}

/// The remainder of `x / y` with the sign of `x`, exact.
pub fn modulo(x: f64, y: f64) -> f64 {
    if y == 0.0 || x.is_infinite() || x.is_nan() || y.is_nan() {
        return NAN;
    }
    x % y
}

/// The greatest whole number not above `x`.
pub fn floor(x: f64) -> f64 {
    x.floor()
}

/// The least whole number not below `x`.
pub fn ceil(x: f64) -> f64 {
    x.ceil()
}

/// `x` without its fraction.
pub fn trunc(x: f64) -> f64 {
    x.trunc()
}

/// The nearest whole number, halves to even.
pub fn round_to_even(x: f64) -> f64 {
    x.round_ties_even()
}

#[cfg(test)]
mod tests;
