//! Actions that begin with a keyword.

use super::token::Kind;
use super::tree::{Branch, BranchKind, Call, List, Node};
use super::{Frame, Item, Parser};
use crate::error::Error;

impl Parser<'_> {
    /// An action after its `{{`.
    pub(super) fn action(&mut self) -> Result<Item, Error> {
        let token = self.next_non_space();
        match token.kind {
            Kind::Block => self.block().map(Item::Node),
            Kind::Break => self.leave("{{break}}", Node::Break),
            Kind::Continue => self.leave("{{continue}}", Node::Continue),
            Kind::Else => self.otherwise(),
            Kind::End => self.expect(Kind::RightDelim, "end").map(|_| Item::End),
            Kind::If => self.branch(BranchKind::If).map(Item::Node),
            Kind::Range => self.branch(BranchKind::Range).map(Item::Node),
            Kind::Template => self.template().map(Item::Node),
            Kind::With => self.branch(BranchKind::With).map(Item::Node),
            _ => {
                self.back(token);
                // Variables stay until the next `end`.
                self.pipeline("command", Kind::RightDelim).map(|pipe| Item::Node(Node::Action(pipe)))
            }
        }
    }

    fn leave(&mut self, word: &str, node: Node) -> Result<Item, Error> {
        self.expect(Kind::RightDelim, word)?;
        if self.frame.ranges == 0 {
            return Err(self.error(format!("{word} outside {{{{range}}}}")));
        }
        Ok(Item::Node(node))
    }

    fn otherwise(&mut self) -> Result<Item, Error> {
        if !matches!(self.peek_non_space().kind, Kind::If | Kind::With) {
            self.expect(Kind::RightDelim, "else")?;
        }
        Ok(Item::Else)
    }

    fn branch(&mut self, kind: BranchKind) -> Result<Node, Error> {
        self.deeper(|p| p.branch_within(kind))
    }

    fn branch_within(&mut self, kind: BranchKind) -> Result<Node, Error> {
        let context = match kind {
            BranchKind::If => "if",
            BranchKind::With => "with",
            BranchKind::Range => "range",
        };
        let variables = self.frame.variables.len();
        let pipe = self.pipeline(context, Kind::RightDelim)?;
        let ranges = usize::from(kind == BranchKind::Range);
        self.frame.ranges += ranges;
        let (list, next) = self.list()?;
        self.frame.ranges -= ranges;
        let otherwise = match next {
            Item::Else => Some(self.else_list(kind)?),
            _ => None,
        };
        self.frame.variables.truncate(variables);
        Ok(Node::Branch(Branch { kind, pipe, list, otherwise }))
    }

    /// What follows `{{else`; the `{{end}}` of an `else if` closes both.
    fn else_list(&mut self, kind: BranchKind) -> Result<List, Error> {
        let chained = match self.peek().kind {
            Kind::If => kind == BranchKind::If,
            Kind::With => kind == BranchKind::With,
            _ => false,
        };
        if chained {
            self.next();
            return Ok(vec![self.branch(kind)?]);
        }
        match self.list()? {
            (list, Item::End) => Ok(list),
            (_, next) => Err(self.error(format!("expected end; found {next}"))),
        }
    }

    fn template(&mut self) -> Result<Node, Error> {
        const CONTEXT: &str = "template clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let next = self.next_non_space();
        let mut pipe = None;
        if next.kind != Kind::RightDelim {
            self.back(next);
            pipe = Some(self.pipeline(CONTEXT, Kind::RightDelim)?);
        }
        Ok(Node::Template(Call { pos: token.pos, name, pipe }))
    }

    /// `{{block "name" pipeline}}`: a definition and its call at once.
    fn block(&mut self) -> Result<Node, Error> {
        const CONTEXT: &str = "block clause";
        let token = self.next_non_space();
        let name = self.template_name(&token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let outer = std::mem::replace(&mut self.frame, Frame::new());
        let list = self.body(CONTEXT)?;
        self.add(&name, list)?;
        self.frame = outer;
        Ok(Node::Template(Call { pos: token.pos, name, pipe: Some(pipe) }))
    }
}
