//! The resource types that are served, from the services' `.cfn` files.
//!
//! ```text
//! type AWS::KMS::Key
//!   ref KeyId
//!   attr Arn KeyId
//!   KeySpec: string create enum SYMMETRIC_DEFAULT RSA_2048
//!   Tags: tags
//! ```
//! `*` behind a name: required. `create`: a change replaces the resource.

use std::collections::BTreeMap;

/// All types, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Types(pub BTreeMap<String, TypeSchema>);

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TypeSchema {
    pub attributes: Vec<String>,
    pub properties: BTreeMap<String, Property>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Property {
    pub shape: Shape,
    pub required: bool,
    pub create_only: bool,
    pub values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    Text,
    Integer,
    Number,
    Boolean,
    /// Anything.
    Json,
    Tags,
    List(Box<Shape>),
    Map(Box<Shape>),
    Object(BTreeMap<String, Property>),
}

impl Types {
    /// Adds the types of one file.
    pub fn read(&mut self, text: &str) -> Result<(), String> {
        for block in text.split("type ").filter(|b| !b.trim().is_empty()) {
            let (name, body) = block.split_once('\n').unwrap_or((block, ""));
            let mut schema = TypeSchema::default();
            let mut properties = String::new();
            for line in body.lines() {
                match line.trim().split_once(' ') {
                    Some(("attr", names)) if !line.contains(':') => {
                        schema.attributes.extend(names.split(' ').map(str::to_owned))
                    }
                    Some(("ref", _)) if !line.contains(':') => {}
                    _ => {
                        properties.push_str(line.split(" #").next().unwrap_or_default());
                        properties.push('\n');
                    }
                }
            }
            let mut words = Words::new(&properties);
            schema.properties = words.properties().map_err(|e| format!("{}: {e}", name.trim()))?;
            self.0.insert(name.trim().to_owned(), schema);
        }
        Ok(())
    }
}

struct Words<'a> {
    words: std::iter::Peekable<std::vec::IntoIter<&'a str>>,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Words<'a> {
        let mut words = Vec::new();
        for word in text.split_whitespace() {
            let mut rest = word;
            // Brackets stand for themselves.
            while let Some(at) = rest.find(['{', '}', '[', ']', '<', '>']) {
                let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
                let (bracket, after) = from.split_at_checked(1).unwrap_or((from, ""));
                words.extend([before, bracket].into_iter().filter(|w| !w.is_empty()));
                rest = after;
            }
            if !rest.is_empty() {
                words.push(rest);
            }
        }
        Words { words: words.into_iter().peekable() }
    }

    fn properties(&mut self) -> Result<BTreeMap<String, Property>, String> {
        let mut found = BTreeMap::new();
        while let Some(name) = self.words.next_if(|w| *w != "}") {
            let name = name.strip_suffix(':').ok_or_else(|| format!("`{name}` should end with a colon"))?;
            let required = name.ends_with('*');
            let shape = self.shape()?;
            let mut property = Property { shape, required, create_only: false, values: Vec::new() };
            loop {
                if self.words.next_if_eq(&"create").is_some() {
                    property.create_only = true;
                } else if self.words.next_if_eq(&"write").is_some() {
                } else if self.words.next_if_eq(&"enum").is_some() {
                    while let Some(value) = self.words.next_if(|w| {
                        (!w.ends_with(':') || w.contains("::")) && !["}", "]", ">", "create"].contains(w)
                    }) {
                        property.values.push(value.to_owned());
                    }
                } else {
                    break;
                }
            }
            found.insert(name.trim_end_matches('*').to_owned(), property);
        }
        Ok(found)
    }

    fn shape(&mut self) -> Result<Shape, String> {
        let word = self.words.next().ok_or("a type is missing")?;
        let close = |words: &mut Self, with: &str| match words.words.next() {
            Some(w) if w == with => Ok(()),
            other => Err(format!("`{with}` expected, not {other:?}")),
        };
        Ok(match word {
            "string" | "timestamp" => Shape::Text,
            "integer" => Shape::Integer,
            "number" => Shape::Number,
            "boolean" => Shape::Boolean,
            "tags" => Shape::Tags,
            "json" | "string|json" | "json|string" => Shape::Json,
            "[" => {
                let of = self.shape()?;
                close(self, "]")?;
                Shape::List(Box::new(of))
            }
            "<" => {
                let of = self.shape()?;
                close(self, ">")?;
                Shape::Map(Box::new(of))
            }
            "{" => {
                let properties = self.properties()?;
                close(self, "}")?;
                Shape::Object(properties)
            }
            other => return Err(format!("`{other}` is no type")),
        })
    }
}
