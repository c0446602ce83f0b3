//! A parsed piece of a pattern with the measures that Go limits: height, size, copies.

use regex_syntax::hir::{Capture, Class, ClassUnicode, Hir, Look, Repetition};

/// What a node is to the node above it: Go flattens concatenations and alternations into their own kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Several pieces in a row.
    Concat,
    /// Several branches.
    Alternate,
    /// Anything else.
    Other,
}

/// A parsed piece.
pub(super) struct Node {
    /// What it matches.
    pub(super) hir: Hir,
    /// Its kind.
    pub(super) shape: Shape,
    /// Height of Go's tree.
    pub(super) height: u32,
    /// Instructions of Go's compiled form.
    pub(super) size: u64,
    /// Most copies that nested counted repetitions make of anything within.
    pub(super) copies: u64,
}

impl Node {
    fn leaf(hir: Hir) -> Node {
        Node { hir, shape: Shape::Other, height: 1, size: 1, copies: 1 }
    }

    /// A look-around.
    pub(super) fn look(look: Look) -> Node {
        Node::leaf(Hir::look(look))
    }

    /// One character.
    pub(super) fn literal(c: char) -> Node {
        Node::leaf(Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()))
    }

    /// One character of a class; an empty class matches nothing.
    pub(super) fn class(class: ClassUnicode) -> Node {
        Node::leaf(Hir::class(Class::Unicode(class)))
    }

    /// A numbered group. Names are kept by the parser: Go allows a name twice, the engine does not.
    pub(super) fn capture(index: u32, node: Node) -> Node {
        Node {
            hir: Hir::capture(Capture { index, name: None, sub: Box::new(node.hir) }),
            shape: Shape::Other,
            height: node.height + 1,
            size: node.size.saturating_add(2),
            copies: node.copies,
        }
    }

    /// A repetition.
    pub(super) fn repeat(node: Node, min: u32, max: Option<u32>, greedy: bool, counted: bool) -> Node {
        let copies = match (counted, max) {
            (false, _) => node.copies,
            (true, Some(0)) => 1,
            (true, max) => node.copies.saturating_mul(u64::from(max.unwrap_or(min).max(1))),
        };
        let size = match (min, max) {
            (0, None) => node.size.saturating_add(2),
            (min, None) => node.size.saturating_mul(u64::from(min)).saturating_add(1),
            (min, Some(max)) => {
                node.size.saturating_mul(u64::from(max)).saturating_add(u64::from(max - min)).max(1)
            }
        };
        Node {
            hir: Hir::repetition(Repetition { min, max, greedy, sub: Box::new(node.hir) }),
            shape: Shape::Other,
            height: node.height + 1,
            size,
            copies,
        }
    }

    /// Pieces in a row.
    pub(super) fn concat(nodes: Vec<Node>) -> Node {
        Node::combine(nodes, Shape::Concat, Hir::empty(), Hir::concat)
    }

    /// Branches, the first preferred.
    pub(super) fn alternate(nodes: Vec<Node>) -> Node {
        Node::combine(nodes, Shape::Alternate, Hir::fail(), Hir::alternation)
    }

    fn combine(mut nodes: Vec<Node>, shape: Shape, none: Hir, join: fn(Vec<Hir>) -> Hir) -> Node {
        if nodes.len() <= 1 {
            return nodes.pop().unwrap_or_else(|| Node::leaf(none));
        }
        let mut out = Node { hir: Hir::empty(), shape, height: 1, size: 0, copies: 1 };
        let mut parts = Vec::with_capacity(nodes.len());
        for node in nodes {
            let below = if node.shape == shape { node.height - 1 } else { node.height };
            out.height = out.height.max(below + 1);
            out.size = out.size.saturating_add(node.size);
            out.copies = out.copies.max(node.copies);
            parts.push(node.hir);
        }
        if shape == Shape::Alternate {
            out.size = out.size.saturating_add(parts.len() as u64 - 1);
        }
        out.hir = join(parts);
        out
    }
}
