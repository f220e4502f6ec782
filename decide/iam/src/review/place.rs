//! Where a finding is: the way from the document's root to a value, a key or a part of a text, and
//! the characters it takes up.

use crate::json::{Member, Node, Position, Value};

/// A step on the way from the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Index(usize),
    Key(String),
    Value(String),
    /// Counted in characters of the text.
    Substring {
        start: usize,
        length: usize,
    },
}

/// A character's place: the line from 1, column and offset from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    pub offset: usize,
    pub line: usize,
    pub column: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub path: Vec<Step>,
    pub start: Spot,
    pub end: Spot,
}

/// A place while the tree is walked; its path is made only for a finding.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    up: Option<&'a At<'a>>,
    step: Option<Going<'a>>,
    start: Position,
    end: Position,
}

#[derive(Clone, Copy)]
enum Going<'a> {
    Index(usize),
    Key(&'a str),
    Value(&'a str),
    Substring(usize, usize),
}

impl<'a> At<'a> {
    pub(super) fn root(node: &Node) -> At<'a> {
        At { up: None, step: None, start: node.at, end: node.end }
    }

    pub(super) fn spot(at: Position) -> At<'a> {
        At { up: None, step: None, start: at, end: at }
    }

    pub(super) fn value(&'a self, member: &'a Member) -> At<'a> {
        let step = Some(Going::Value(&member.key));
        At { up: Some(self), step, start: member.node.at, end: member.node.end }
    }

    pub(super) fn key(&'a self, member: &'a Member) -> At<'a> {
        At { up: Some(self), step: Some(Going::Key(&member.key)), start: member.at, end: member.key_end }
    }

    pub(super) fn index(&'a self, index: usize, node: &Node) -> At<'a> {
        At { up: Some(self), step: Some(Going::Index(index)), start: node.at, end: node.end }
    }

    /// A part of this text. Where escapes stand in it, the text as a whole is pointed at.
    pub(super) fn part(&'a self, node: &Node, start: usize, length: usize) -> At<'a> {
        let step = Some(Going::Substring(start, length));
        let whole = At { up: Some(self), step, start: self.start, end: self.end };
        let Value::String(text) = &node.value else { return whole };
        let written = node.end.column.saturating_sub(node.at.column).saturating_sub(2);
        let plain = node.at.line == node.end.line && usize::try_from(written) == Ok(text.chars().count());
        let (Ok(from), Ok(count), true) = (u32::try_from(start), u32::try_from(length), plain) else {
            return whole;
        };
        let column = node.at.column.saturating_add(1).saturating_add(from);
        let start = Position { line: node.at.line, column };
        let end = Position { line: node.at.line, column: column.saturating_add(count) };
        At { start, end, ..whole }
    }

    pub(super) fn place(&self, lines: &Lines) -> Place {
        let mut path = Vec::new();
        let mut at = Some(self);
        while let Some(here) = at {
            path.extend(here.step.map(|step| match step {
                Going::Index(index) => Step::Index(index),
                Going::Key(key) => Step::Key(key.to_owned()),
                Going::Value(key) => Step::Value(key.to_owned()),
                Going::Substring(start, length) => Step::Substring { start, length },
            }));
            at = here.up;
        }
        path.reverse();
        Place { path, start: lines.spot(self.start), end: lines.spot(self.end) }
    }
}

/// Where each line begins, in characters from the start of the text.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Lines {
        let mut starts = vec![0];
        starts.extend(text.chars().enumerate().filter(|(_, c)| *c == '\n').map(|(at, _)| at + 1));
        Lines(starts)
    }

    pub(super) fn spot(&self, at: Position) -> Spot {
        let line = usize::try_from(at.line).unwrap_or(1);
        let column = usize::try_from(at.column).unwrap_or(1).saturating_sub(1);
        let start = self.0.get(line.saturating_sub(1)).copied().unwrap_or_default();
        Spot { offset: start + column, line, column }
    }
}
