//! PromQL: lexer, parser, printer, columnar evaluation.
//!
//! Reading order: [`ast`] (the tree), [`lex`] (text to tokens), [`parse`] (tokens to tree), [`check`] (types), [`print`]
//! (tree to text, pretty text and the API's JSON), [`durations`] (duration expressions at query time).

pub mod ast;
pub mod check;
pub mod durations;
pub mod eval;
pub mod functions;
pub mod go_text;
pub mod lex;
pub mod op;
pub mod parse;
pub mod parts;
pub mod print;
pub mod span;

pub use ast::Expr;
pub use parse::{Options, ParseError, ParseErrors, parse_expr, parse_selector};
