//! From YAML or JSON to nodes, through `saphyr-parser`. JSON is read as the YAML that it is.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::Problem;
use crate::node::{Node, Place, Val};

/// The longest template that CloudFormation takes (from S3), in bytes.
const LONGEST: usize = 1_000_000;
const DEEPEST: usize = 100;
/// Values that aliases may multiply a template to.
const VALUES: usize = 500_000;

/// Parses a template. Keys that are there twice, unknown tags and unbounded aliases are refused.
pub fn parse(text: &str) -> Result<Node, Problem> {
    if text.len() > LONGEST {
        return Err(Problem::new(
            Place::default(),
            format!("Template may not exceed {LONGEST} bytes in size."),
        ));
    }
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), values: 0 };
    let root = loop {
        match reader.next()? {
            (Event::StreamEnd, span) => {
                return Err(Problem::new(place(&span), "Template format error: the template is empty"));
            }
            (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
            (event, span) => break reader.node(event, &span, 0)?,
        }
    };
    match root.val {
        Val::Map(_) => Ok(root),
        _ => Err(Problem::new(root.place, "Template format error: unsupported structure.")),
    }
}

fn place(span: &Span) -> Place {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Place { line: number(span.start.line()), column: number(span.start.col() + 1) }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    values: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let marker = error.marker();
                let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                let at = Place { line: number(marker.line()), column: number(marker.col() + 1) };
                Err(Problem::new(at, format!("Template format error: {}", error.info())))
            }
            None => Err(Problem::new(Place::default(), "Template format error: the template ends too early")),
        }
    }

    fn count(&mut self, more: usize, at: Place) -> Result<(), Problem> {
        self.values += more;
        match self.values > VALUES {
            true => Err(Problem::new(at, "Template format error: the template has too many values")),
            false => Ok(()),
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span, depth: usize) -> Result<Node, Problem> {
        let at = place(span);
        if depth > DEEPEST {
            return Err(Problem::new(at, "Template format error: the template is nested too deeply"));
        }
        self.count(1, at)?;
        let (node, anchor, tag) = match event {
            Event::Alias(id) => {
                let node = self.anchors.get(&id).cloned();
                let node = node.ok_or_else(|| {
                    Problem::new(at, "Template format error: an alias names no anchor before it")
                })?;
                self.count(size(&node), at)?;
                return Ok(node);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let val = if plain { scalar(&text) } else { Val::Text(text.into_owned()) };
                (Node { place: at, val }, anchor, tag)
            }
            Event::SequenceStart(anchor, tag) => {
                let mut list = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => list.push(self.node(event, &span, depth + 1)?),
                    }
                }
                (Node { place: at, val: Val::List(list) }, anchor, tag)
            }
            Event::MappingStart(anchor, tag) => {
                (Node { place: at, val: Val::Map(self.entries(depth)?) }, anchor, tag)
            }
            _ => {
                return Err(Problem::new(
                    at,
                    "Template format error: the structure is not one that templates have",
                ));
            }
        };
        let node = match tag {
            Some(tag) => tagged(&tag, node)?,
            None => node,
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<(String, Place, Node)>, Problem> {
        let mut entries: Vec<(String, Place, Node)> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let at = place(&span);
            let key = match event {
                Event::MappingEnd => return Ok(entries),
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(Problem::new(at, "Template format error: a key is not a string")),
            };
            let (event, span) = self.next()?;
            let value = self.node(event, &span, depth + 1)?;
            if key == "<<" {
                // YAML's merge key: what is there already wins.
                for (key, at, value) in value.map().into_iter().flatten() {
                    if !entries.iter().any(|(k, _, _)| k == key) {
                        entries.push((key.clone(), *at, value.clone()));
                    }
                }
                continue;
            }
            if entries.iter().any(|(k, _, _)| *k == key) {
                return Err(Problem::new(
                    at,
                    format!("Template format error: the key `{key}` is there twice"),
                ));
            }
            entries.push((key, at, value));
        }
    }
}

fn size(node: &Node) -> usize {
    match &node.val {
        Val::List(list) => 1 + list.iter().map(size).sum::<usize>(),
        Val::Map(entries) => 1 + entries.iter().map(|(_, _, v)| size(v)).sum::<usize>(),
        _ => 1,
    }
}

/// YAML 1.1's plain scalars, as CloudFormation reads them; dates stay text.
fn scalar(text: &str) -> Val {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Val::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "on" | "On" => return Val::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "off" | "Off" => return Val::Bool(false),
        _ => {}
    }
    let leading_zero = text.trim_start_matches('-').starts_with('0')
        && text.trim_start_matches('-').len() > 1
        && !text.contains('.');
    if !leading_zero && let Ok(n) = text.parse::<i64>() {
        return Val::Number(n.into());
    }
    let decimal = text.contains('.') && text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
    match text.parse::<f64>().ok().filter(|_| decimal).and_then(serde_json::Number::from_f64) {
        Some(n) => Val::Number(n),
        None => Val::Text(text.to_owned()),
    }
}

/// `!Ref x` is `{Ref: x}`, `!GetAtt a.b` is `{Fn::GetAtt: [a, b]}`, `!Sub x` is `{Fn::Sub: x}`.
fn tagged(tag: &Tag, node: Node) -> Result<Node, Problem> {
    const FUNCTIONS: [&str; 20] = [
        "And",
        "Base64",
        "Cidr",
        "Equals",
        "FindInMap",
        "GetAZs",
        "GetAtt",
        "If",
        "ImportValue",
        "Join",
        "Length",
        "Not",
        "Or",
        "Select",
        "Split",
        "Sub",
        "ToJsonString",
        "Transform",
        "ForEach",
        "Contains",
    ];
    if tag.handle != "!" {
        return Ok(node);
    }
    let at = node.place;
    let name = match tag.suffix.as_str() {
        "Ref" => "Ref".to_owned(),
        "Condition" => "Condition".to_owned(),
        function if FUNCTIONS.contains(&function) => format!("Fn::{function}"),
        other => {
            return Err(Problem::new(at, format!("Template format error: YAML tag `!{other}` is not known")));
        }
    };
    let argument = match (name.as_str(), &node.val) {
        ("Fn::GetAtt", Val::Text(text)) => {
            let (resource, attribute) = text.split_once('.').unwrap_or((text, ""));
            let part = |text: &str| Node { place: at, val: Val::Text(text.to_owned()) };
            Node { place: at, val: Val::List(vec![part(resource), part(attribute)]) }
        }
        _ => node,
    };
    Ok(Node { place: at, val: Val::Map(vec![(name, at, argument)]) })
}
