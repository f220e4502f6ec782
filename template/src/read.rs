//! Reads the text of a template, YAML or JSON, into a tree with positions.
//! Never expands without limit: text, nesting and what aliases stand for are bounded.

use std::fmt;
use std::sync::Arc;

use crate::value::{Node, Position};
use crate::{json, yaml};

/// The largest template CloudFormation takes, which is by `TemplateURL`.
pub const TEXT_LIMIT: usize = 1024 * 1024;
const DEPTH_LIMIT: usize = 64;

/// A template's text, read but not yet understood.
#[derive(Clone, Debug)]
pub struct Source {
    pub file: Arc<str>,
    pub root: Node,
    /// Places where YAML reads a scalar otherwise than it looks.
    pub warnings: Vec<(Position, String)>,
}

/// Why a text is neither YAML nor JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    pub at: Position,
    pub why: String,
    pub(crate) language: &'static str,
}

impl Malformed {
    pub(crate) fn new(at: Position, why: String) -> Self {
        Self { at, why, language: "YAML" }
    }

    pub(crate) fn duplicate(key: &str, first: Position, at: Position) -> Self {
        Self::new(at, format!("duplicate key `{key}`, first seen on line {}", first.line))
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at: Position { line, column }, why, language } = self;
        write!(f, "Template format error: {language} not well-formed. (line {line}, column {column}): {why}")
    }
}

pub fn read(file: &str, text: &str) -> Result<Source, Malformed> {
    let start = Position { line: 1, column: 1 };
    if text.len() > TEXT_LIMIT {
        let why = format!("the template has {} bytes, more than the {TEXT_LIMIT} allowed", text.len());
        return Err(Malformed::new(start, why));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file = Arc::from(file);
    if !text.trim_start().starts_with('{') {
        let (root, warnings) = yaml::read(text)?;
        return Ok(Source { file, root, warnings });
    }
    match json::read(text) {
        Ok(root) => Ok(Source { file, root, warnings: Vec::new() }),
        // A YAML document may start with a brace as well; if it is neither, it was meant as JSON.
        Err(error) => match yaml::read(text) {
            Ok((root, warnings)) if !error.why.starts_with("duplicate") => {
                Ok(Source { file, root, warnings })
            }
            _ => Err(Malformed { language: "JSON", ..error }),
        },
    }
}

pub(crate) fn check_depth(at: Position, depth: usize) -> Result<(), Malformed> {
    if depth > DEPTH_LIMIT {
        return Err(Malformed::new(at, format!("nested deeper than {DEPTH_LIMIT} levels")));
    }
    Ok(())
}
