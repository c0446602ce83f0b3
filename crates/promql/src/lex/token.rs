//! What the lexer makes of the text.

use crate::ast::{AggregateOp, BinaryOp};
use crate::go_text::quote;
use crate::span::Span;

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// End of the text.
    Eof,
    /// A name without a colon.
    Identifier,
    /// A name with a colon.
    MetricIdentifier,
    /// A number.
    Number,
    /// A number with a unit of time.
    Duration,
    /// A text in quotes, as written.
    Str,
    /// `(`
    LeftParen,
    /// `)`
    RightParen,
    /// `{`
    LeftBrace,
    /// `}`
    RightBrace,
    /// `[`
    LeftBracket,
    /// `]`
    RightBracket,
    /// `,`
    Comma,
    /// `:`
    Colon,
    /// `=`
    Assign,
    /// `=~`
    EqRegex,
    /// `!~`
    NeRegex,
    /// `@`
    At,
    /// An operator between two operands; `!=` also stands between a label and its value.
    Op(BinaryOp),
    /// The name of an aggregation.
    Aggregate(AggregateOp),
    /// `bool`
    Bool,
    /// `by`
    By,
    /// `without`
    Without,
    /// `on`
    On,
    /// `ignoring`
    Ignoring,
    /// `group_left`
    GroupLeft,
    /// `group_right`
    GroupRight,
    /// `fill`, when a parenthesis follows
    Fill,
    /// `fill_left`, when a parenthesis follows
    FillLeft,
    /// `fill_right`, when a parenthesis follows
    FillRight,
    /// `offset`
    Offset,
    /// `smoothed`
    Smoothed,
    /// `anchored`
    Anchored,
    /// `start`
    Start,
    /// `end`
    End,
    /// `step`
    Step,
    /// `range`
    Range,
    /// `max_of`
    MaxOf,
    /// `min_of`
    MinOf,
    /// White space between the values of a series description.
    Space,
    /// `_`, an omitted value
    Blank,
    /// `x`, a repetition
    Times,
    /// `{{`
    OpenHistogram,
    /// `}}`
    CloseHistogram,
    /// The name of a histogram's part.
    Part(HistogramPart),
    /// A histogram's counter-reset hint.
    Hint(tortie_model::columns::ResetHint),
}

/// A part of a histogram in a series description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as it is written")]
pub enum HistogramPart {
    Sum,
    Count,
    Schema,
    Offset,
    NOffset,
    Buckets,
    NBuckets,
    ZBucket,
    ZBucketW,
    CustomValues,
    CounterResetHint,
}

impl HistogramPart {
    const NAMES: [(&'static str, HistogramPart); 11] = [
        ("sum", HistogramPart::Sum),
        ("count", HistogramPart::Count),
        ("schema", HistogramPart::Schema),
        ("offset", HistogramPart::Offset),
        ("n_offset", HistogramPart::NOffset),
        ("buckets", HistogramPart::Buckets),
        ("n_buckets", HistogramPart::NBuckets),
        ("z_bucket", HistogramPart::ZBucket),
        ("z_bucket_w", HistogramPart::ZBucketW),
        ("custom_values", HistogramPart::CustomValues),
        ("counter_reset_hint", HistogramPart::CounterResetHint),
    ];

    /// The part of that name in lower case.
    pub(crate) fn find(name: &str) -> Option<HistogramPart> {
        Self::NAMES.iter().find(|(n, _)| *n == name).map(|&(_, p)| p)
    }

    /// The name as it is written.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, p)| *p == self).map_or("", |&(n, _)| n)
    }
}

/// A token: its kind and its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Its kind.
    pub kind: Kind,
    /// Its place.
    pub span: Span,
}

impl Token {
    /// The token's text in `query`.
    pub fn text(self, query: &str) -> &str {
        query.get(self.span.start..self.span.end).unwrap_or("")
    }

    /// The token as messages name it: `identifier "foo"`, `<by>`, `"("`, `end of input`.
    pub fn describe(self, query: &str) -> String {
        let text = self.text(query);
        match self.kind {
            Kind::Eof => "end of input".to_owned(),
            Kind::Identifier => format!("identifier {}", quote(text)),
            Kind::MetricIdentifier => format!("metric identifier {}", quote(text)),
            Kind::Number => format!("number {}", shorten(text)),
            Kind::Duration => format!("duration {}", shorten(text)),
            Kind::Str => format!("string {}", shorten(text)),
            Kind::Part(_) | Kind::Hint(_) => shorten(text),
            Kind::Op(_) | Kind::EqRegex | Kind::NeRegex | Kind::At => format!("<op:{text}>"),
            Kind::Aggregate(_) => format!("<aggr:{text}>"),
            kind if kind.is_keyword() => format!("<{text}>"),
            _ => shorten(text),
        }
    }
}

fn shorten(text: &str) -> String {
    if text.len() <= 10 {
        return quote(text);
    }
    let cut = text.char_indices().nth(10).map_or(text.len(), |(i, _)| i);
    format!("{}...", quote(text.get(..cut).unwrap_or(text)))
}

impl Kind {
    fn is_keyword(self) -> bool {
        use Kind::{
            Anchored, Bool, By, Fill, FillLeft, FillRight, GroupLeft, GroupRight, Ignoring, Offset, On,
            Smoothed, Without,
        };
        matches!(
            self,
            Bool | By
                | Without
                | On
                | Ignoring
                | GroupLeft
                | GroupRight
                | Fill
                | FillLeft
                | FillRight
                | Offset
                | Smoothed
                | Anchored
        )
    }

    /// Whether a token of this kind may stand as a metric's name.
    pub(crate) fn is_metric_name(self) -> bool {
        match self {
            Kind::Op(op) => op.is_set(),
            Kind::Aggregate(_) | Kind::Identifier | Kind::MetricIdentifier => true,
            Kind::Start | Kind::End | Kind::Step | Kind::Range | Kind::MaxOf | Kind::MinOf => true,
            Kind::By | Kind::Without | Kind::Offset | Kind::Anchored | Kind::Smoothed => true,
            Kind::Fill | Kind::FillLeft | Kind::FillRight => true,
            _ => false,
        }
    }

    /// Whether a token of this kind may stand as a label's name in `by (...)`, `on (...)` and the like.
    pub(crate) fn is_label_name(self) -> bool {
        match self {
            Kind::Op(op) => op.is_set() || op == BinaryOp::Atan2,
            Kind::Without => false,
            kind => kind.is_metric_name() || kind.is_keyword(),
        }
    }

    /// The keyword, operator or number that `word` is, whatever its case.
    pub(crate) fn keyword(word: &str) -> Option<Kind> {
        if word.len() > LONGEST_KEYWORD || !word.is_ascii() {
            return None;
        }
        let lower = word.to_ascii_lowercase();
        Some(match lower.as_str() {
            "and" => Kind::Op(BinaryOp::And),
            "or" => Kind::Op(BinaryOp::Or),
            "unless" => Kind::Op(BinaryOp::Unless),
            "atan2" => Kind::Op(BinaryOp::Atan2),
            "offset" => Kind::Offset,
            "smoothed" => Kind::Smoothed,
            "anchored" => Kind::Anchored,
            "by" => Kind::By,
            "without" => Kind::Without,
            "on" => Kind::On,
            "ignoring" => Kind::Ignoring,
            "group_left" => Kind::GroupLeft,
            "group_right" => Kind::GroupRight,
            "fill" => Kind::Fill,
            "fill_left" => Kind::FillLeft,
            "fill_right" => Kind::FillRight,
            "bool" => Kind::Bool,
            "start" => Kind::Start,
            "end" => Kind::End,
            "inf" | "nan" => Kind::Number,
            word => return Kind::duration_function(word).or_else(|| aggregation(word)),
        })
    }

    /// `step`, `range`, `max_of`, `min_of`, given in lower case.
    pub(crate) fn duration_function(word: &str) -> Option<Kind> {
        Some(match word {
            "step" => Kind::Step,
            "range" => Kind::Range,
            "max_of" => Kind::MaxOf,
            "min_of" => Kind::MinOf,
            _ => return None,
        })
    }
}

const LONGEST_KEYWORD: usize = "count_values".len();

fn aggregation(word: &str) -> Option<Kind> {
    AggregateOp::ALL.into_iter().find(|op| op.as_str() == word).map(Kind::Aggregate)
}
