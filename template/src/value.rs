//! The tree a template is read into: every node knows its line and column.
//! It says nothing about what a node means; that is `lower`'s duty.

/// A place in the text. Lines and columns start at 1; a column counts characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: u32,
    pub column: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub at: Position,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map. Keys are unique within their map; the order is the text's.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub key: String,
    pub at: Position,
    pub value: Node,
}

impl Node {
    pub fn new(at: Position, value: Value) -> Self {
        Self { at, value }
    }

    pub fn text(at: Position, text: impl Into<String>) -> Self {
        Self::new(at, Value::Text(text.into()))
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|e| e.key == key).map(|e| &e.value)
    }

    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub fn items(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What the scalar reads as when CloudFormation wants a string: it takes `true` and `5` too.
    pub fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Text(text) => Some(text.clone()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Integer(number) => Some(number.to_string()),
            Value::Float(number) => Some(number.to_string()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// What kind of node this is, in the words of an error message.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Integer(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Map(_) => "an object",
        }
    }

    /// The only entry of a map with one.
    pub fn single(&self) -> Option<&Entry> {
        match self.entries() {
            Some([entry]) => Some(entry),
            _ => None,
        }
    }

    /// How much a copy of this node costs, in the unit that `read`'s budget counts.
    pub(crate) fn weight(&self) -> usize {
        NODE_WEIGHT
            + match &self.value {
                Value::Text(text) => text.len(),
                Value::List(items) => items.iter().map(Node::weight).sum(),
                Value::Map(entries) => entries.iter().map(|e| e.key.len() + e.value.weight()).sum(),
                Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => 0,
            }
    }
}

/// What a node costs beside its text.
pub(crate) const NODE_WEIGHT: usize = 16;

/// Where a node stands in the tree: the chain of keys from the root, kept on the stack.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    pub(crate) const ROOT: Path<'static> = Path { parent: None, step: Step::Root };

    pub(crate) fn key(&'a self, key: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Key(key) }
    }

    pub(crate) fn index(&'a self, index: usize) -> Path<'a> {
        Path { parent: Some(self), step: Step::Index(index) }
    }

    /// As AWS prints it: `/Resources/Queue/Properties`.
    pub(crate) fn pointer(&self) -> String {
        let mut steps = Vec::new();
        let mut path = Some(self);
        while let Some(at) = path {
            match at.step {
                Step::Root => {}
                Step::Key(key) => steps.push(escape(key)),
                Step::Index(index) => steps.push(index.to_string()),
            }
            path = at.parent;
        }
        steps.iter().rev().fold(String::new(), |text, step| text + "/" + step)
    }
}

/// A key as a step of a JSON pointer (RFC 6901).
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
