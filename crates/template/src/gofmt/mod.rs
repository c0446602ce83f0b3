//! Go's `fmt`: values to text.

mod composite;
mod float;
mod integer;
mod printf;
pub(crate) mod quote;

use crate::value::Value;

/// Widths, precisions and flags of a verb.
#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    width: Option<usize>,
    precision: Option<usize>,
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`: names of fields.
    plus_v: bool,
    /// `%#v`: Go's syntax.
    sharp_v: bool,
}

/// Writes values; stops growing at a bound that the caller looks at.
struct Printer {
    out: String,
    flags: Flags,
    /// Set while the complaint about a verb is written.
    erroring: bool,
    /// Most bytes.
    limit: usize,
}

/// A text that would be longer than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

/// `fmt.Sprintf`, at most `limit` bytes.
pub(crate) fn sprintf(format: &str, args: &[Value], limit: usize) -> Result<String, TooLong> {
    let mut p = Printer::new(limit);
    p.printf(format, args);
    p.finish()
}

/// `fmt.Sprint`: spaces between two that are no strings.
pub(crate) fn sprint(args: &[Value], limit: usize) -> Result<String, TooLong> {
    let mut p = Printer::new(limit);
    let mut last_is_text = false;
    for (i, arg) in args.iter().enumerate() {
        let is_text = matches!(arg.held(), Value::Str(_) | Value::Html(_));
        if i > 0 && !is_text && !last_is_text {
            p.out.push(' ');
        }
        p.value(arg, 'v', 0);
        last_is_text = is_text;
    }
    p.finish()
}

/// `fmt.Sprintln`: spaces between all, a line's end after.
pub(crate) fn sprintln(args: &[Value], limit: usize) -> Result<String, TooLong> {
    let mut p = Printer::new(limit);
    for (i, arg) in args.iter().enumerate() {
        if i > 0 {
            p.out.push(' ');
        }
        p.value(arg, 'v', 0);
    }
    p.out.push('\n');
    p.finish()
}

/// A value as an action prints it: pointers are followed, nothing is `<no value>`.
pub(crate) fn printed(v: &Value, limit: usize) -> Result<String, TooLong> {
    match v.held() {
        Value::Str(s) | Value::Html(s) if s.len() <= limit => Ok(s.to_string()),
        Value::Invalid => Ok("<no value>".to_owned()),
        Value::Nil(_) => Ok("<nil>".to_owned()),
        held => {
            let mut p = Printer::new(limit);
            p.pointee(held, 'v', 0);
            p.finish()
        }
    }
}

/// Texts of values as `html`, `js` and `urlquery` see them.
pub(crate) fn printed_all(args: &[Value], limit: usize) -> Result<String, TooLong> {
    if let [one] = args {
        return printed(one, limit);
    }
    let args: Vec<Value> = args
        .iter()
        .map(|arg| match arg.held() {
            Value::Invalid => Value::text("<no value>"),
            Value::Sample(_) => Value::text(printed(arg, limit).unwrap_or_default()),
            held => held.clone(),
        })
        .collect();
    sprint(&args, limit)
}

impl Printer {
    fn new(limit: usize) -> Printer {
        Printer { out: String::new(), flags: Flags::default(), erroring: false, limit }
    }

    fn finish(self) -> Result<String, TooLong> {
        if self.out.len() <= self.limit { Ok(self.out) } else { Err(TooLong) }
    }

    fn is_full(&self) -> bool {
        self.out.len() > self.limit
    }

    /// Spaces, or zeros when they go to the left and are asked for.
    fn padding(&mut self, n: usize) {
        let n = n.min((self.limit + 1).saturating_sub(self.out.len()));
        let c = if self.flags.zero && !self.flags.minus { '0' } else { ' ' };
        self.out.extend(std::iter::repeat_n(c, n));
    }

    /// `s` in its width.
    fn pad(&mut self, s: &str) {
        let missing = self.flags.width.unwrap_or(0).saturating_sub(s.chars().count());
        if self.flags.minus {
            self.out.push_str(s);
            self.padding(missing);
        } else {
            self.padding(missing);
            self.out.push_str(s);
        }
    }

    /// As [`Printer::pad`], never with zeros.
    fn pad_with_spaces(&mut self, s: &str) {
        let zero = std::mem::replace(&mut self.flags.zero, false);
        self.pad(s);
        self.flags.zero = zero;
    }

    fn bad_verb(&mut self, v: &Value, verb: char) {
        self.erroring = true;
        self.out.push_str("%!");
        self.out.push(verb);
        self.out.push('(');
        match v {
            Value::Invalid => self.out.push_str("<nil>"),
            v => {
                self.out.push_str(v.type_name());
                self.out.push('=');
                self.value(v, 'v', 0);
            }
        }
        self.out.push(')');
        self.erroring = false;
    }

    fn float(&mut self, v: &Value, f: f64, verb: char) {
        let (verb, default) = match verb {
            'v' => ('g', None),
            'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
            'f' | 'e' | 'E' => (verb, Some(6)),
            'F' => ('f', Some(6)),
            _ => return self.bad_verb(v, verb),
        };
        self.float_text(f, verb, self.flags.precision.or(default));
    }

    fn float_text(&mut self, f: f64, verb: char, precision: Option<usize>) {
        // Go writes any number of digits; ours end at the bound of the text.
        let precision = precision.map(|p| p.min(self.limit.saturating_add(1)));
        let mut text = float::format(f, verb, precision);
        if !text.starts_with(['+', '-']) {
            text.insert(0, '+');
        }
        let fl = self.flags;
        if fl.space && text.starts_with('+') && !fl.plus {
            text.replace_range(0..1, " ");
        }
        if !f.is_finite() {
            let bare = f.is_nan() && !fl.space && !fl.plus;
            return self.pad_with_spaces(if bare { text.get(1..).unwrap_or("") } else { &text });
        }
        if fl.sharp && verb != 'b' {
            text = with_point(&text, verb, precision);
        }
        let signed = fl.plus || !text.starts_with('+');
        if !signed {
            return self.pad(text.get(1..).unwrap_or(""));
        }
        let width = fl.width.unwrap_or(0);
        if fl.zero && !fl.minus && width > text.len() {
            let (sign, digits) = text.split_at(1);
            self.out.push_str(sign);
            self.padding(width - text.len());
            self.out.push_str(digits);
            return;
        }
        self.pad(&text);
    }

    fn complex(&mut self, v: &Value, re: f64, im: f64, verb: char) {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return self.bad_verb(v, verb);
        }
        let plus = self.flags.plus;
        self.out.push('(');
        self.float(v, re, verb);
        self.flags.plus = true;
        self.float(v, im, verb);
        self.out.push_str("i)");
        self.flags.plus = plus;
    }

    fn string(&mut self, v: &Value, s: &str, verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(s),
            'v' | 's' => {
                let cut = self.cut(s);
                self.pad(cut);
            }
            'x' => self.hex_of_text(s, false),
            'X' => self.hex_of_text(s, true),
            'q' => self.quoted(s),
            _ => self.bad_verb(v, verb),
        }
    }

    /// At most as many characters as the precision says.
    fn cut<'s>(&self, s: &'s str) -> &'s str {
        match self.flags.precision.and_then(|p| s.char_indices().nth(p)) {
            Some((at, _)) => s.get(..at).unwrap_or(s),
            None => s,
        }
    }

    fn quoted(&mut self, s: &str) {
        let s = self.cut(s);
        let text = if self.flags.sharp && quote::can_backquote(s) {
            format!("`{s}`")
        } else {
            quote::double(s, self.flags.plus)
        };
        self.pad(&text);
    }

    fn hex_of_text(&mut self, s: &str, upper: bool) {
        let bytes = s.as_bytes();
        let bytes = match self.flags.precision {
            Some(p) if p < bytes.len() => bytes.get(..p).unwrap_or(bytes),
            _ => bytes,
        };
        let prefix = match (self.flags.sharp, upper) {
            (false, _) => "",
            (true, false) => "0x",
            (true, true) => "0X",
        };
        let mut text = String::with_capacity(bytes.len() * 2 + 2);
        for (i, b) in bytes.iter().enumerate() {
            if i == 0 || self.flags.space {
                text.push_str(if i > 0 { " " } else { "" });
                text.push_str(prefix);
            }
            text.push_str(&if upper { format!("{b:02X}") } else { format!("{b:02x}") });
        }
        self.pad(&text);
    }
}

/// Go's `#` flag for floats: always a point, and the zeros at the end.
fn with_point(text: &str, verb: char, precision: Option<usize>) -> String {
    let mut missing = match verb {
        'g' | 'G' | 'x' => precision.map_or(6, |p| p as i64),
        _ => 0,
    };
    let exponent =
        if matches!(verb, 'x' | 'X') { text.find(['p', 'P']) } else { text.find(['e', 'E', 'p', 'P']) };
    let (number, tail) = text.split_at(exponent.unwrap_or(text.len()));
    let mut seen_nonzero = false;
    for c in number.chars().skip(1).filter(|c| *c != '.') {
        seen_nonzero |= c != '0';
        missing -= i64::from(seen_nonzero);
    }
    let mut out = number.to_owned();
    if !number.contains('.') {
        if number.len() == 2 && number.ends_with('0') {
            missing -= 1;
        }
        out.push('.');
    }
    out.extend(std::iter::repeat_n('0', missing.max(0) as usize));
    out.push_str(tail);
    out
}
