//! The one form of a document that ids and signatures are made over: RFC 8785.

use std::fmt::Write as _;

use super::tree::Tree;

impl Tree {
    /// The canonical form: no space, members in the order of their names' UTF-16 code units, texts with the fewest escapes, numbers
    /// as ECMAScript writes doubles.
    pub(super) fn canonical(&self) -> String {
        let mut out = String::new();
        write(&mut out, self);
        out
    }
}

fn write(out: &mut String, tree: &Tree) {
    match tree {
        Tree::Null => out.push_str("null"),
        Tree::Flag(true) => out.push_str("true"),
        Tree::Flag(false) => out.push_str("false"),
        // As ECMAScript does, down to which of two equally near decimals it takes, where the standard library takes the other.
        Tree::Number(number) => out.push_str(ryu_js::Buffer::new().format_finite(*number)),
        Tree::Text(text) => write_text(out, text),
        Tree::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                separate(out, at);
                write(out, item);
            }
            out.push(']');
        }
        Tree::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            out.push('{');
            for (at, (name, value)) in members.into_iter().enumerate() {
                separate(out, at);
                write_text(out, name);
                out.push(':');
                write(out, value);
            }
            out.push('}');
        }
    }
}

fn separate(out: &mut String, at: usize) {
    if at > 0 {
        out.push(',');
    }
}

fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            // A text takes everything.
            '\0'..'\u{20}' => drop(write!(out, "\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
}
