//! What a text hangs on: whoever wrote it once need not write it again while that stays the same.

use crate::parse::{Node, Operand, OperandKind, Pipe, Trees};

/// What must stay the same for a text to stay the same; each includes what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// The labels of the series, external labels and the external URL.
    Labels,
    /// The value of the series.
    Value,
    /// The time, and what queries answer at it.
    Moment,
}

/// What trees read at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reads {
    pub(crate) needs: Needs,
    /// Whether anything is read through the dot or `$`.
    pub(crate) dot: bool,
}

/// What these trees read. Actions before byte `from` do not count.
pub(crate) fn of(trees: &Trees, from: usize) -> Reads {
    let mut reads = Reads { needs: Needs::Labels, dot: false };
    let mut note = |operand: &Operand| {
        let (needs, dot) = of_operand(operand);
        reads.needs = reads.needs.max(needs);
        reads.dot |= dot;
    };
    trees.values().for_each(|list| each_of_list(list, from, &mut note));
    reads
}

/// What one word hangs on, and whether it is or begins with a dot.
fn of_operand(operand: &Operand) -> (Needs, bool) {
    match &operand.kind {
        OperandKind::Function(name) if matches!(name.as_str(), "now" | "query") => (Needs::Moment, false),
        // The dot may be all that there is.
        OperandKind::Dot => (Needs::Value, true),
        OperandKind::Field(names) => (of_field(names.first()), true),
        OperandKind::Variable(names) => match names.first().map(String::as_str) {
            Some("$value") | None => (Needs::Value, false),
            Some("$") => (of_field(names.get(1)), true),
            Some(_) => (Needs::Labels, false),
        },
        _ => (Needs::Labels, false),
    }
}

/// The first name after a dot that may be all that there is.
fn of_field(name: Option<&String>) -> Needs {
    match name.map(String::as_str) {
        Some("Labels" | "ExternalLabels" | "ExternalURL") => Needs::Labels,
        _ => Needs::Value,
    }
}

fn each_of_list(list: &[Node], from: usize, f: &mut dyn FnMut(&Operand)) {
    for node in list {
        match node {
            Node::Text(_) | Node::Break | Node::Continue => {}
            Node::Action(pipe) if pipe.pos < from => {}
            Node::Action(pipe) => each_of_pipe(pipe, f),
            Node::Branch(b) => {
                each_of_pipe(&b.pipe, f);
                each_of_list(&b.list, from, f);
                b.otherwise.iter().for_each(|list| each_of_list(list, from, f));
            }
            Node::Template(call) => call.pipe.iter().for_each(|pipe| each_of_pipe(pipe, f)),
        }
    }
}

fn each_of_pipe(pipe: &Pipe, f: &mut dyn FnMut(&Operand)) {
    for operand in pipe.commands.iter().flat_map(|c| std::iter::once(&c.first).chain(&c.rest)) {
        each_of_operand(operand, f);
    }
}

fn each_of_operand(operand: &Operand, f: &mut dyn FnMut(&Operand)) {
    f(operand);
    match &operand.kind {
        OperandKind::Pipe(pipe) => each_of_pipe(pipe, f),
        OperandKind::Chain(start, _) => each_of_operand(start, f),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Text};

    fn check(text: &str, expect: Needs) {
        assert_eq!(Text::parse("a", text, &Limits::default()).unwrap().needs(), expect, "{text}");
    }

    #[test]
    fn what_is_written_says_what_it_hangs_on() {
        check("plain", Needs::Labels);
        check("{{ $labels.pod }} {{ .Labels.pod }} {{ $.ExternalURL }}", Needs::Labels);
        check("{{ if eq $externalLabels.c \"x\" }}{{ pathPrefix }}{{ else }}{{ 1 }}{{ end }}", Needs::Labels);
        check("{{ range $k, $v := $labels }}{{ $k | toUpper }}={{ $v }}{{ end }}", Needs::Labels);
        check("{{ define \"t\" }}x{{ end }}{{ template \"t\" $labels }}", Needs::Labels);
        for text in [
            "{{ $value }}",
            "{{ .Value | humanize }}",
            "{{ . }}",
            "{{ $ }}",
            "{{ $.Value }}",
            "{{ with $labels.x }}{{ . }}{{ end }}",
            "{{ $x := . }}{{ $x.Value }}",
            "{{ (printf \"%v\" .).x }}",
            "{{ if $labels.x }}a{{ else if gt $value 1.0 }}b{{ end }}",
            "{{ define \"t\" }}{{ .Value }}{{ end }}{{ template \"t\" $ }}",
            "{{ range $labels }}{{ .y }}{{ end }}",
        ] {
            check(text, Needs::Value);
        }
        check("{{ now | humanizeTimestamp }}", Needs::Moment);
        check("{{ with query \"up\" }}{{ $labels.x }}{{ end }}", Needs::Moment);
        check(
            "{{ define \"t\" }}{{ query \"up\" | first | value }}{{ end }}{{ template \"t\" }}",
            Needs::Moment,
        );
    }
}
