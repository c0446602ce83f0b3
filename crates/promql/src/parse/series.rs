//! Series descriptions, the language of test data: `metric{a="b"} 1 2+3x4 _ stale {{schema:0 sum:1}}`.

use super::expr::sign;
use super::{Options, ParseError, ParseErrors, Parser, Result};
use crate::ast::UnaryOp;
use crate::lex::{HistogramPart, Kind, Lexer};
use crate::span::Span;
use tortie_model::columns::ResetHint;
use tortie_model::labels::METRIC_NAME;
use tortie_model::{Labels, stale};

const LABELS: &str = "label set";
const VALUES: &str = "series values";

/// A value of a series description and how often it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesItem {
    /// The value.
    pub value: SeriesValue,
    /// How many values it stands for. `1x3` is four values, `_x3` three.
    pub count: u64,
}

/// What a series has at a place.
#[derive(Debug, Clone, PartialEq)]
pub enum SeriesValue {
    /// `_`: no sample.
    Omitted,
    /// A float, and what is added to each one after the first.
    Float {
        /// The first value; the stale marker for `stale`.
        start: f64,
        /// What is added each time.
        step: f64,
    },
    /// A histogram, and what is added to or taken from each one after the first.
    Histogram {
        /// The first one.
        start: Box<HistogramValue>,
        /// What changes each time.
        change: Option<(UnaryOp, Box<HistogramValue>)>,
    },
}

/// A native histogram as it is described; what is not mentioned is zero.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistogramValue {
    /// Resolution.
    pub schema: i32,
    /// Sum of observations.
    pub sum: f64,
    /// Number of observations.
    pub count: f64,
    /// Observations in the zero bucket.
    pub zero_count: f64,
    /// Width of the zero bucket.
    pub zero_threshold: f64,
    /// Upper bounds of custom buckets.
    pub custom_values: Vec<f64>,
    /// Index of the first positive bucket.
    pub offset: i32,
    /// Counts of the positive buckets, without gaps.
    pub buckets: Vec<f64>,
    /// Index of the first negative bucket.
    pub negative_offset: i32,
    /// Counts of the negative buckets, without gaps.
    pub negative_buckets: Vec<f64>,
    /// The counter-reset hint, if there is one.
    pub hint: Option<ResetHint>,
}

/// Parses labels as they stand in test data: `metric{a="b"}`.
///
/// # Errors
/// When the text is something else.
pub fn parse_metric(text: &str, options: &Options) -> std::result::Result<Labels, ParseErrors> {
    let mut parser = Parser::new(text, Lexer::new(text, options.unquoted_utf8_names), *options);
    let labels = parser.metric()?;
    parser.expect_end()?;
    Ok(labels)
}

/// Parses labels and the values behind them.
///
/// # Errors
/// When the text is no series description.
pub fn parse_series(
    text: &str,
    options: &Options,
) -> std::result::Result<(Labels, Vec<SeriesItem>), ParseErrors> {
    let mut parser = Parser::new(text, Lexer::for_series(text, options.unquoted_utf8_names), *options);
    let labels = parser.metric()?;
    let mut items = Vec::new();
    while parser.peek()?.kind != Kind::Eof {
        parser.expect(Kind::Space, VALUES, "")?;
        if !matches!(parser.peek()?.kind, Kind::Space | Kind::Eof) {
            items.push(parser.series_item()?);
        }
    }
    Ok((labels, items))
}

impl Parser<'_> {
    fn metric(&mut self) -> Result<Labels> {
        let mut pairs = Vec::new();
        let name = self.peek()?;
        if name.kind.is_metric_name() {
            self.next()?;
        }
        if self.accept(Kind::LeftBrace)?.is_some() {
            while self.accept(Kind::RightBrace)?.is_none() {
                pairs.push(self.label()?);
                match self.peek()?.kind {
                    Kind::Comma => {
                        self.next()?;
                    }
                    Kind::RightBrace => {}
                    _ => return Err(self.unexpected(LABELS, "\",\" or \"}\"")),
                }
            }
        }
        if name.kind.is_metric_name() {
            pairs.push((METRIC_NAME.to_owned(), self.text(name).to_owned()));
        }
        Ok(Labels::from_pairs(pairs.iter().map(|(n, v)| (n.as_str(), v.as_str()))))
    }

    fn label(&mut self) -> Result<(String, String)> {
        let token = self.peek()?;
        let name = match token.kind {
            Kind::Identifier => {
                self.next()?;
                self.text(token).to_owned()
            }
            Kind::Str => {
                self.next()?;
                let name = self.unquoted(token)?;
                if self.peek()?.kind != Kind::Assign {
                    return Ok((METRIC_NAME.to_owned(), name));
                }
                name
            }
            _ => return Err(self.unexpected(LABELS, "identifier or \"}\"")),
        };
        self.expect(Kind::Assign, LABELS, "\"=\"")?;
        let value = self.expect(Kind::Str, LABELS, "string")?;
        Ok((name, self.unquoted(value)?))
    }

    fn series_item(&mut self) -> Result<SeriesItem> {
        let token = self.peek()?;
        match token.kind {
            Kind::Blank => {
                self.next()?;
                let times = self.times()?;
                Ok(SeriesItem { value: SeriesValue::Omitted, count: times.unwrap_or(1) })
            }
            Kind::OpenHistogram => {
                let start = Box::new(self.histogram()?);
                let mut change = None;
                if let Some(op) = sign(self.peek()?.kind) {
                    self.next()?;
                    change = Some((op, Box::new(self.histogram()?)));
                }
                let must_repeat = change.is_some();
                self.repeated(SeriesValue::Histogram { start, change }, must_repeat)
            }
            Kind::Identifier => {
                self.next()?;
                if self.text(token) != "stale" {
                    return Err(self.unexpected(VALUES, "number or \"stale\""));
                }
                self.float_item(stale::stale_nan())
            }
            _ => {
                let start = self.signed_value(VALUES, "")?;
                self.float_item(start)
            }
        }
    }

    fn float_item(&mut self, start: f64) -> Result<SeriesItem> {
        let mut step = 0.0;
        let stepped = sign(self.peek()?.kind).is_some();
        if stepped {
            step = self.signed_value(VALUES, "")?;
        }
        self.repeated(SeriesValue::Float { start, step }, stepped)
    }

    fn repeated(&mut self, value: SeriesValue, must: bool) -> Result<SeriesItem> {
        match self.times()? {
            // There is one more, for time 0.
            Some(times) => Ok(SeriesItem { value, count: times.saturating_add(1) }),
            None if must => Err(self.unexpected(VALUES, "")),
            None => Ok(SeriesItem { value, count: 1 }),
        }
    }

    fn times(&mut self) -> Result<Option<u64>> {
        if self.accept(Kind::Times)?.is_none() {
            return Ok(None);
        }
        self.unsigned(VALUES).map(Some)
    }

    fn unsigned(&mut self, context: &str) -> Result<u64> {
        let token = self.expect(Kind::Number, context, "")?;
        let text = self.text(token);
        text.parse().map_err(|_| {
            let text = crate::go_text::quote(text);
            let message = format!(
                "invalid repetition in series values: strconv.ParseUint: parsing {text}: invalid syntax"
            );
            self.error(token.span, message)
        })
    }

    fn signed_value(&mut self, context: &str, expected: &str) -> Result<f64> {
        let op = sign(self.peek()?.kind);
        if op.is_some() {
            self.next()?;
        }
        let token = self.peek()?;
        if !matches!(token.kind, Kind::Number | Kind::Duration) {
            return Err(self.unexpected(context, expected));
        }
        self.next()?;
        let value = self.number_value(token)?;
        Ok(if op == Some(UnaryOp::Minus) { -value } else { value })
    }

    /// `{{schema:0 sum:1 buckets:[1 2]}}`
    fn histogram(&mut self) -> Result<HistogramValue> {
        const CONTEXT: (&str, &str) =
            ("histogram description", "histogram description key, e.g. buckets:[5 10 7]");
        self.expect(Kind::OpenHistogram, VALUES, "")?;
        let mut h = HistogramValue::default();
        let mut seen = Vec::new();
        self.accept(Kind::Space)?;
        if self.accept(Kind::CloseHistogram)?.is_some() {
            return Ok(h);
        }
        loop {
            let token = self.peek()?;
            let Kind::Part(part) = token.kind else {
                let context = if seen.is_empty() { (VALUES, "") } else { CONTEXT };
                return Err(self.unexpected(context.0, context.1));
            };
            self.next()?;
            if seen.contains(&part) {
                let message = format!("duplicate key \"{}\" in histogram", part.as_str());
                return Err(ParseError::new(self.input, Span::default(), message));
            }
            let context = if seen.is_empty() { (VALUES, "") } else { CONTEXT };
            seen.push(part);
            self.expect(Kind::Colon, context.0, context.1)?;
            self.histogram_part(part, &mut h, context)?;
            let spaced = self.accept(Kind::Space)?.is_some();
            if self.accept(Kind::CloseHistogram)?.is_some() {
                return Ok(h);
            }
            if !spaced {
                return Err(self.unexpected(CONTEXT.0, CONTEXT.1));
            }
        }
    }

    fn histogram_part(&mut self, part: HistogramPart, h: &mut HistogramValue, c: (&str, &str)) -> Result<()> {
        match part {
            HistogramPart::Sum => h.sum = self.signed_value(c.0, c.1)?,
            HistogramPart::Count => h.count = self.signed_value(c.0, c.1)?,
            HistogramPart::ZBucket => h.zero_count = self.signed_value(c.0, c.1)?,
            HistogramPart::ZBucketW => h.zero_threshold = self.signed_value(c.0, c.1)?,
            HistogramPart::Schema => h.schema = self.index(c.0)?,
            HistogramPart::Offset => h.offset = self.index(c.0)?,
            HistogramPart::NOffset => h.negative_offset = self.index(c.0)?,
            HistogramPart::Buckets => h.buckets = self.bucket_list(c)?,
            HistogramPart::NBuckets => h.negative_buckets = self.bucket_list(c)?,
            HistogramPart::CustomValues => h.custom_values = self.bucket_list(c)?,
            HistogramPart::CounterResetHint => {
                let Kind::Hint(hint) = self.peek()?.kind else { return Err(self.unexpected(c.0, c.1)) };
                self.next()?;
                h.hint = Some(hint);
            }
        }
        Ok(())
    }

    fn index(&mut self, context: &str) -> Result<i32> {
        let minus = sign(self.peek()?.kind) == Some(UnaryOp::Minus);
        if minus {
            self.next()?;
        }
        // Prometheus cuts the number to 32 bits.
        let value = self.unsigned(context)? as i32;
        Ok(if minus { value.wrapping_neg() } else { value })
    }

    fn bucket_list(&mut self, c: (&str, &str)) -> Result<Vec<f64>> {
        self.expect(Kind::LeftBracket, c.0, c.1)?;
        let mut list = Vec::new();
        loop {
            list.push(self.signed_value(c.0, c.1)?);
            let spaced = self.accept(Kind::Space)?.is_some();
            if self.accept(Kind::RightBracket)?.is_some() {
                return Ok(list);
            }
            if !spaced {
                return Err(self.unexpected(c.0, c.1));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(text: &str) -> Vec<Option<f64>> {
        let (_, items) = parse_series(text, &Options::default()).unwrap();
        let mut out = Vec::new();
        for item in items {
            for i in 0..item.count {
                out.push(match item.value {
                    SeriesValue::Omitted => None,
                    SeriesValue::Float { start, .. } if i == 0 => Some(start),
                    SeriesValue::Float { start, step } => Some(start + step * i as f64),
                    SeriesValue::Histogram { .. } => panic!("no float"),
                });
            }
        }
        out
    }

    #[test]
    fn float_values() {
        fn check(text: &str, expect: &[Option<f64>]) {
            assert_eq!(floats(text), expect, "{text}");
        }
        check("x", &[]);
        check("{} 1 2 ", &[Some(1.0), Some(2.0)]);
        check("x 1+2x2", &[Some(1.0), Some(3.0), Some(5.0)]);
        check("x -1-2x1 _ _x2", &[Some(-1.0), Some(-3.0), None, None, None]);
        check("x{a=\"b\"} 4x0 1e3 .5 Inf", &[Some(4.0), Some(1000.0), Some(0.5), Some(f64::INFINITY)]);
        assert!(floats("x stale")[0].is_some_and(stale::is_stale));
        assert!(floats("x NaN")[0].is_some_and(f64::is_nan));
    }

    #[test]
    fn labels_with_and_without_quotes() {
        fn check(text: &str, expect: &[(&str, &str)]) {
            let (labels, _) = parse_series(text, &Options::default()).unwrap();
            assert_eq!(labels, Labels::from_pairs(expect.iter().copied()), "{text}");
            assert_eq!(parse_metric(text, &Options::default()).unwrap(), labels, "{text}");
        }
        check("a:b{c=\"d\",}", &[("__name__", "a:b"), ("c", "d")]);
        check("{\"a b\", 'c d'=`e\\`}", &[("__name__", "a b"), ("c d", "e\\")]);
        check("sum{by=\"x\"}", &[("__name__", "sum"), ("by", "x")]);
    }

    #[test]
    fn histograms() {
        let text = "x {{schema:-1 sum:-2 count:3 z_bucket:4 z_bucket_w:0.5 offset:-2 buckets:[1 2] n_offset:1 \
                    n_buckets:[7] counter_reset_hint:gauge}}+{{buckets:[1 Inf -1]}}x2 {{}} {{ }}x1";
        let (_, items) = parse_series(text, &Options::default()).unwrap();
        let start = HistogramValue {
            schema: -1,
            sum: -2.0,
            count: 3.0,
            zero_count: 4.0,
            zero_threshold: 0.5,
            custom_values: vec![],
            offset: -2,
            buckets: vec![1.0, 2.0],
            negative_offset: 1,
            negative_buckets: vec![7.0],
            hint: Some(ResetHint::Gauge),
        };
        let add = HistogramValue { buckets: vec![1.0, f64::INFINITY, -1.0], ..HistogramValue::default() };
        let empty = SeriesValue::Histogram { start: Box::default(), change: None };
        let expect = [
            SeriesItem {
                value: SeriesValue::Histogram {
                    start: Box::new(start),
                    change: Some((UnaryOp::Plus, Box::new(add))),
                },
                count: 3,
            },
            SeriesItem { value: empty.clone(), count: 1 },
            SeriesItem { value: empty, count: 2 },
        ];
        assert_eq!(items, expect);
    }

    #[test]
    fn refused() {
        fn check(text: &str, expect: &str) {
            let error = parse_series(text, &Options::default()).unwrap_err();
            assert_eq!(error.to_string(), expect, "{text}");
        }
        check("x{a=1} 1", "1:5: parse error: unexpected character inside braces: '1'");
        check("x{a} 1", "1:4: parse error: unexpected \"}\" in label set, expected \"=\"");
        check(
            "x{a=\"b\" c=\"d\"}",
            "1:9: parse error: unexpected identifier \"c\" in label set, expected \",\" or \"}\"",
        );
        check(
            "x foo",
            "1:3: parse error: unexpected identifier \"foo\" in series values, expected number or \"stale\"",
        );
        check("x 1x1x1", "1:6: parse error: unexpected \"x\" in series values");
        check("x {{foo:1}}", "1:5: parse error: bad histogram descriptor found: \"foo\"");
        check("x {{sum}}", "1:5: parse error: missing `:` for histogram descriptor");
        check("x {{sum:1 sum:2}}", "1:1: parse error: duplicate key \"sum\" in histogram");
        check("x {{sum:1", "1:10: parse error: histogram description incomplete unexpected: '\u{fffd}'");
    }
}
