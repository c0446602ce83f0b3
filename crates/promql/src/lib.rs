//! PromQL: lexer, parser, printer, columnar evaluation.
