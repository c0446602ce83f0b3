//! Text to a set of named trees.

mod control;
mod lex;
mod number;
mod pipeline;
mod token;
mod tree;
mod unquote;

pub(crate) use tree::{Branch, BranchKind, Call, Command, List, Node, Operand, OperandKind, Pipe};

use crate::error::{Error, ErrorKind};
use lex::Lexer;
use std::collections::BTreeMap;
use token::{Kind, Token};

/// All templates of a text by name; the whole text is one of them.
pub(crate) type Trees = BTreeMap<String, List>;

/// Parses `text`, calling the whole `name`. `known` says whether a function exists; `depth` bounds nesting.
///
/// # Errors
/// The first thing that is wrong, in Go's words.
pub(crate) fn parse(
    name: &str,
    text: &str,
    known: &dyn Fn(&str) -> bool,
    depth: u32,
) -> Result<Trees, Error> {
    let mut parser = Parser {
        name,
        lexer: Lexer::new(text),
        pushed: Vec::new(),
        last_line: 1,
        frame: Frame::new(),
        trees: Trees::new(),
        known,
        depth,
    };
    let whole = parser.whole()?;
    parser.add(name, whole)?;
    Ok(parser.trees)
}

/// What belongs to one template while it is parsed.
struct Frame {
    /// Variables that are defined here.
    variables: Vec<String>,
    /// How many `range` are around.
    ranges: usize,
    /// Line of the action that is read, 0 outside.
    action_line: usize,
}

impl Frame {
    fn new() -> Frame {
        Frame { variables: vec!["$".to_owned()], ranges: 0, action_line: 0 }
    }
}

struct Parser<'a> {
    name: &'a str,
    lexer: Lexer<'a>,
    /// Tokens given back, the next one last.
    pushed: Vec<Token>,
    last_line: usize,
    frame: Frame,
    trees: Trees,
    known: &'a dyn Fn(&str) -> bool,
    /// Levels of nesting that are left.
    depth: u32,
}

impl Parser<'_> {
    fn next(&mut self) -> Token {
        if let Some(token) = self.pushed.pop() {
            return token;
        }
        let token = self.lexer.next_token();
        self.last_line = token.line;
        token
    }

    fn back(&mut self, token: Token) {
        self.pushed.push(token);
    }

    fn next_non_space(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    fn peek(&mut self) -> &Token {
        if self.pushed.is_empty() {
            let token = self.next();
            self.pushed.push(token);
        }
        let last = self.pushed.len() - 1;
        &self.pushed[last]
    }

    fn peek_non_space(&mut self) -> &Token {
        while self.peek().kind == Kind::Space {
            self.next();
        }
        self.peek()
    }

    fn error(&self, message: impl std::fmt::Display) -> Error {
        let message = format!("template: {}:{}: {message}", self.name, self.last_line);
        Error { kind: ErrorKind::Parse, message, line: self.last_line, column: None }
    }

    fn unexpected(&self, token: &Token, context: &str) -> Error {
        if token.kind != Kind::Error {
            return self.error(format!("unexpected {token} in {context}"));
        }
        let line = self.frame.action_line;
        if line == 0 || line == token.line {
            return self.error(token);
        }
        let action = if token.text.ends_with(" action") { "" } else { " in action" };
        self.error(format!("{token}{action} started at {}:{line}", self.name))
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Token, Error> {
        let token = self.next_non_space();
        if token.kind != kind {
            return Err(self.unexpected(&token, context));
        }
        Ok(token)
    }

    /// Runs `inner` one level deeper.
    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let Some(left) = self.depth.checked_sub(1) else {
            let mut error = self.error("max expression depth exceeded");
            error.kind = ErrorKind::Limit;
            return Err(error);
        };
        self.depth = left;
        let out = inner(self);
        self.depth = left + 1;
        out
    }

    /// The whole text.
    fn whole(&mut self) -> Result<List, Error> {
        let mut list = List::new();
        while self.peek().kind != Kind::Eof {
            if self.peek().kind == Kind::LeftDelim {
                let delim = self.next();
                let keyword = self.next_non_space();
                if keyword.kind == Kind::Define {
                    self.definition()?;
                    continue;
                }
                self.back(keyword);
                self.back(delim);
            }
            match self.text_or_action()? {
                Item::Node(node) => list.push(node),
                end => return Err(self.error(format!("unexpected {end}"))),
            }
        }
        Ok(list)
    }

    /// `{{define "name"}} ... {{end}}` after its first word.
    fn definition(&mut self) -> Result<(), Error> {
        const CONTEXT: &str = "define clause";
        let outer = std::mem::replace(&mut self.frame, Frame::new());
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        let list = self.body(CONTEXT)?;
        self.add(&name, list)?;
        self.frame = outer;
        Ok(())
    }

    /// A list that `{{end}}` closes.
    fn body(&mut self, context: &str) -> Result<List, Error> {
        let (list, end) = self.deeper(Self::list)?;
        if !matches!(end, Item::End) {
            return Err(self.error(format!("unexpected {end} in {context}")));
        }
        Ok(list)
    }

    /// Keeps a template; one that says nothing may be replaced.
    fn add(&mut self, name: &str, list: List) -> Result<(), Error> {
        match self.trees.get(name) {
            Some(old) if !is_empty(old) => {
                if is_empty(&list) {
                    return Ok(());
                }
                let name = crate::gofmt::quote::double(name, false);
                Err(self.error(format!("template: multiple definition of template {name}")))
            }
            _ => {
                self.trees.insert(name.to_owned(), list);
                Ok(())
            }
        }
    }

    /// Nodes up to `{{end}}` or `{{else}}`, which comes last.
    fn list(&mut self) -> Result<(List, Item), Error> {
        let mut list = List::new();
        while self.peek_non_space().kind != Kind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => list.push(node),
                end => return Ok((list, end)),
            }
        }
        Err(self.error("unexpected EOF"))
    }

    fn text_or_action(&mut self) -> Result<Item, Error> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(token.text))),
            Kind::LeftDelim => {
                self.frame.action_line = token.line;
                let item = self.action();
                if item.is_ok() {
                    self.frame.action_line = 0;
                }
                item
            }
            _ => Err(self.unexpected(&token, "input")),
        }
    }

    fn template_name(&mut self, token: &Token, context: &str) -> Result<String, Error> {
        match token.kind {
            Kind::Str | Kind::RawString => unquote::string(&token.text).map_err(|e| self.error(e)),
            _ => Err(self.unexpected(token, context)),
        }
    }
}

/// What an action turned out to be.
enum Item {
    Node(Node),
    End,
    /// The next token is `if` or `with`, or the delimiter was read.
    Else,
}

impl std::fmt::Display for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Item::End => "{{end}}",
            Item::Else => "{{else}}",
            _ => "",
        })
    }
}

/// Whether a template says nothing: spaces alone.
fn is_empty(list: &List) -> bool {
    list.iter().all(|node| matches!(node, Node::Text(text) if text.trim().is_empty()))
}
