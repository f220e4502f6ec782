//! Reads YAML 1.1 as CloudFormation does, with the position of every node: short forms
//! (`!Ref`) become their long ones, anchors and merges are resolved, duplicate keys refused.
//! Never lets aliases multiply beyond a budget.

use std::borrow::Cow;
use std::collections::BTreeMap;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use crate::read::{Malformed, check_depth};
use crate::value::{Entry, NODE_WEIGHT, Node, Position, Value};

/// What all nodes together may weigh, aliases counted at every use.
const WEIGHT_LIMIT: usize = 16 * 1024 * 1024;

pub(crate) type Warnings = Vec<(Position, String)>;

pub(crate) fn read(text: &str) -> Result<(Node, Warnings), Malformed> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        anchors: BTreeMap::new(),
        weight: 0,
        warnings: Vec::new(),
    };
    let root = reader.document()?;
    Ok((root, reader.warnings))
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: BTreeMap<usize, Node>,
    weight: usize,
    warnings: Warnings,
}

fn position(mark: Marker) -> Position {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Position { line: number(mark.line()), column: number(mark.col().saturating_add(1)) }
}

impl From<ScanError> for Malformed {
    fn from(error: ScanError) -> Self {
        Malformed::new(position(*error.marker()), error.info().to_owned())
    }
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Malformed> {
        loop {
            match self.parser.next_event() {
                Some(Ok((Event::Nothing, _))) => {}
                Some(event) => return Ok(event?),
                None => return Err(Malformed::new(Position::default(), "the text ends early".to_owned())),
            }
        }
    }

    fn document(&mut self) -> Result<Node, Malformed> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            let at = position(span.start);
            match event {
                Event::StreamEnd => {
                    return root.ok_or_else(|| Malformed::new(at, "the template is empty".to_owned()));
                }
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                _ if root.is_some() => {
                    return Err(Malformed::new(at, "a template is one document".to_owned()));
                }
                event => root = Some(self.node(event, at, 0)?),
            }
        }
    }

    fn spend(&mut self, at: Position, weight: usize) -> Result<(), Malformed> {
        self.weight = self.weight.saturating_add(weight);
        if self.weight > WEIGHT_LIMIT {
            return Err(Malformed::new(at, "too many nodes; aliases may multiply them".to_owned()));
        }
        Ok(())
    }

    fn node(&mut self, event: Event<'t>, at: Position, depth: usize) -> Result<Node, Malformed> {
        check_depth(at, depth)?;
        let (anchor, tag, value) = match event {
            Event::Alias(id) => return self.alias(id, at),
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(at, NODE_WEIGHT + text.len())?;
                let value = self.scalar(text, style, tag.as_deref(), at)?;
                (anchor, tag, value)
            }
            Event::SequenceStart(anchor, tag) => (anchor, tag, self.sequence(at, depth)?),
            Event::MappingStart(anchor, tag) => (anchor, tag, self.mapping(at, depth)?),
            _ => return Err(Malformed::new(at, "expected a value".to_owned())),
        };
        let node = tagged(Node { at, value }, tag)?;
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
            self.spend(at, node.weight())?;
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, at: Position) -> Result<Node, Malformed> {
        let Some(node) = self.anchors.get(&id).cloned() else {
            return Err(Malformed::new(at, "this alias stands inside what it names".to_owned()));
        };
        // The budget must be asked before the copy is kept, or a few lines fill the memory.
        self.spend(at, node.weight())?;
        Ok(node)
    }

    fn sequence(&mut self, at: Position, depth: usize) -> Result<Value, Malformed> {
        self.spend(at, NODE_WEIGHT)?;
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::List(items));
            }
            items.push(self.node(event, position(span.start), depth + 1)?);
        }
    }

    fn mapping(&mut self, at: Position, depth: usize) -> Result<Value, Malformed> {
        self.spend(at, NODE_WEIGHT)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: BTreeMap<String, Position> = BTreeMap::new();
        let mut merges: Vec<Node> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let at = position(span.start);
            let Some((key, merge)) = self.key(event, at)? else { break };
            let (event, span) = self.next()?;
            let value = self.node(event, position(span.start), depth + 1)?;
            if merge {
                merges.push(value);
                continue;
            }
            if let Some(first) = seen.insert(key.clone(), at) {
                return Err(Malformed::duplicate(&key, first, at));
            }
            entries.push(Entry { key, at, value });
        }
        for merge in merges {
            merge_into(&mut entries, &mut seen, merge)?;
        }
        Ok(Value::Map(entries))
    }

    /// The key as it is written, for `Yes` and `80` are names here; and whether it merges.
    fn key(&mut self, event: Event<'t>, at: Position) -> Result<Option<(String, bool)>, Malformed> {
        match event {
            Event::MappingEnd => Ok(None),
            Event::Scalar(text, style, anchor, _) => {
                self.spend(at, text.len())?;
                let merge = text == "<<" && style == ScalarStyle::Plain;
                let key = text.into_owned();
                if anchor != 0 {
                    self.anchors.insert(anchor, Node::text(at, key.clone()));
                }
                Ok(Some((key, merge)))
            }
            Event::Alias(id) => match self.alias(id, at)?.scalar() {
                Some(key) => Ok(Some((key, false))),
                None => Err(Malformed::new(at, "a key is a scalar".to_owned())),
            },
            _ => Err(Malformed::new(at, "a key is a scalar".to_owned())),
        }
    }

    fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
        at: Position,
    ) -> Result<Value, Malformed> {
        match tag {
            Some(tag) if tag.is_yaml_core_schema() => core(&text, &tag.suffix, at),
            Some(tag) if tag.suffix.is_empty() => Ok(Value::Text(text.into_owned())),
            _ if style != ScalarStyle::Plain => Ok(Value::Text(text.into_owned())),
            _ => {
                let value = plain(&text);
                if let Some(warning) = surprise(&text, &value) {
                    self.warnings.push((at, warning));
                }
                Ok(value)
            }
        }
    }
}

/// Explicit keys win over merged ones, earlier merged maps over later.
fn merge_into(
    entries: &mut Vec<Entry>,
    seen: &mut BTreeMap<String, Position>,
    merge: Node,
) -> Result<(), Malformed> {
    match merge.value {
        Value::Map(merged) => {
            for entry in merged {
                if !seen.contains_key(&entry.key) {
                    seen.insert(entry.key.clone(), entry.at);
                    entries.push(entry);
                }
            }
            Ok(())
        }
        Value::List(maps) if maps.iter().all(|m| m.entries().is_some()) => {
            maps.into_iter().try_for_each(|map| merge_into(entries, seen, map))
        }
        _ => Err(Malformed::new(merge.at, "`<<` merges an object or a list of objects".to_owned())),
    }
}

/// `!Sub x` is `{"Fn::Sub": x}`; `Ref` and `Condition` carry no `Fn::`.
fn tagged(node: Node, tag: Option<Cow<'_, Tag>>) -> Result<Node, Malformed> {
    let at = node.at;
    let Some(tag) = tag else { return Ok(node) };
    if tag.is_yaml_core_schema() || (tag.handle.is_empty() && tag.suffix == "!") || tag.suffix.is_empty() {
        return Ok(node);
    }
    if tag.handle != "!" || !tag.suffix.chars().all(|c| c.is_ascii_alphanumeric() || c == ':') {
        return Err(Malformed::new(at, format!("no such tag `{}{}`", tag.handle, tag.suffix)));
    }
    let key = match tag.suffix.as_str() {
        name @ ("Ref" | "Condition") => name.to_owned(),
        name => format!("Fn::{name}"),
    };
    let value = match (tag.suffix.as_str(), node.as_text()) {
        ("GetAtt", Some(text)) => get_att(at, text),
        _ => node,
    };
    Ok(Node { at, value: Value::Map(vec![Entry { key, at, value }]) })
}

/// The resource ends at the first dot; what follows is the attribute, dots and all.
fn get_att(at: Position, text: &str) -> Node {
    match text.split_once('.') {
        Some((resource, attribute)) => {
            Node::new(at, Value::List(vec![Node::text(at, resource), Node::text(at, attribute)]))
        }
        None => Node::text(at, text),
    }
}

fn core(text: &str, suffix: &str, at: Position) -> Result<Value, Malformed> {
    let wrong = || Malformed::new(at, format!("`{text}` is no `!!{suffix}`"));
    let value = match suffix {
        "str" => return Ok(Value::Text(text.to_owned())),
        "int" | "bool" | "null" | "float" => plain(text),
        _ => return Err(Malformed::new(at, format!("CloudFormation knows no `!!{suffix}`"))),
    };
    let fits = match suffix {
        "int" => matches!(value, Value::Integer(_)),
        "bool" => matches!(value, Value::Bool(_)),
        "null" => matches!(value, Value::Null),
        _ => matches!(value, Value::Float(_) | Value::Integer(_)),
    };
    if fits { Ok(value) } else { Err(wrong()) }
}

/// What an unquoted scalar is. Dates, octals and base 60 stay text: CloudFormation takes
/// `2012-10-17` so, and to turn an account number into an octal one helps nobody.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Value::Bool(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Value::Text(text.to_owned());
    }
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        if leading_zero {
            return Value::Text(text.to_owned());
        }
        return text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Integer);
    }
    // YAML 1.1 wants a dot in a number that is not whole: `1e3` is text.
    let number = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    if number && digits.contains('.') && !leading_zero {
        if let Ok(value) = text.parse::<f64>() {
            if value.is_finite() {
                return Value::Float(value);
            }
        }
    }
    Value::Text(text.to_owned())
}

/// Scalars that AWS reads otherwise than they look.
fn surprise(text: &str, value: &Value) -> Option<String> {
    match value {
        Value::Text(_)
            if text.len() > 1 && text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()) =>
        {
            let octal = text.bytes().all(|b| b < b'8');
            octal.then(|| format!("`{text}` may be read as an octal number in AWS; quote it"))
        }
        Value::Float(number) if number.to_string() != text => {
            Some(format!("`{text}` is the number {number}; quote it if it is a version"))
        }
        _ => None,
    }
}
