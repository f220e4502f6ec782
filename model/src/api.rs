//! The API of a service as data: operations, shapes, constraints, HTTP bindings.
//!
//! One text file per service holds the facts, a line each; [`Api::parse`] reads it
//! at start. Names stay borrowed from the text. The codec, the validation, the
//! redaction and the generated types are all driven by this one model.
//!
//! ```text
//! service kms
//! protocols json
//! target TrentService
//! operation CreateAlias POST / in=CreateAliasRequest errors=AlreadyExistsException
//! structure CreateAliasRequest
//!   AliasName AliasNameType required
//! string AliasNameType min=1 max=256 pattern=^[a-zA-Z0-9:/_-]+$
//! ```

use std::collections::HashMap;

/// How a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Query,
    Ec2,
    Json10,
    Json11,
    RestJson,
    RestXml,
    Cbor,
}

/// Index of a shape in its [`Api`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShapeId(pub u32);

#[derive(Debug, Default)]
pub struct Api {
    /// The folder's name.
    pub name: &'static str,
    pub protocols: Vec<Protocol>,
    pub target_prefix: &'static str,
    pub signing_name: &'static str,
    pub endpoint_prefix: &'static str,
    pub api_version: &'static str,
    pub service_id: &'static str,
    pub xml_namespace: &'static str,
    /// Errors carry `x-amzn-query-error` for clients that once spoke query.
    pub query_compatible: bool,
    pub operations: Vec<Operation>,
    pub shapes: Vec<Shape>,
    by_operation: HashMap<&'static str, usize>,
    by_shape: HashMap<&'static str, ShapeId>,
}

#[derive(Debug, Default)]
pub struct Operation {
    pub name: &'static str,
    pub method: &'static str,
    /// The URI template with its fixed query, e.g. `/{Bucket}/{Key+}?acl`.
    pub uri: &'static str,
    /// HTTP status of success.
    pub status: u16,
    pub input: Option<ShapeId>,
    pub output: Option<ShapeId>,
    /// The element around the result in query answers.
    pub result_wrapper: Option<&'static str>,
    /// The element name of an XML request body that is not a payload member.
    pub input_name: Option<&'static str>,
    pub errors: Vec<ShapeId>,
    /// Callable without a signature.
    pub unsigned: bool,
    /// A checksum header or trailer is required.
    pub checksum_required: bool,
}

#[derive(Debug)]
pub struct Shape {
    pub name: &'static str,
    pub kind: Kind,
    pub min: Option<i64>,
    pub max: Option<i64>,
    pub pattern: Option<&'static str>,
    pub values: Vec<&'static str>,
    pub sensitive: bool,
    pub xml_namespace: Option<(&'static str, Option<&'static str>)>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Structure(Structure),
    List { member: ShapeId, name: &'static str, flattened: bool },
    Map { key: ShapeId, value: ShapeId, key_name: &'static str, value_name: &'static str, flattened: bool },
    String,
    Integer,
    Float,
    Boolean,
    Blob,
    Timestamp(Option<TimeFormat>),
    Document,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Structure {
    pub members: Vec<Member>,
    /// The member that is the whole body.
    pub payload: Option<&'static str>,
    /// Set for errors: the code on the wire and the HTTP status.
    pub error: Option<(&'static str, u16)>,
    pub union: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    Iso8601,
    Rfc822,
    Unix,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Location {
    #[default]
    Body,
    Header,
    /// A prefix of header names.
    Headers,
    Uri,
    Query,
    StatusCode,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// As the API documents it, and as documents carry it.
    pub name: &'static str,
    pub shape: ShapeId,
    pub required: bool,
    pub location: Location,
    /// The name on the wire where it differs.
    pub wire: Option<&'static str>,
    /// The name in the ec2 protocol where it differs from the capitalised wire name.
    pub query_name: Option<&'static str>,
    pub flattened: bool,
    pub xml_attribute: bool,
    pub streaming: bool,
    pub json_value: bool,
    pub idempotency_token: bool,
    pub time_format: Option<TimeFormat>,
    pub xml_namespace: Option<(&'static str, Option<&'static str>)>,
}

impl Member {
    /// The name on the wire.
    pub fn wire_name(&self) -> &'static str {
        self.wire.unwrap_or(self.name)
    }
}

/// A line of a model that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub line: usize,
    pub reason: String,
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {} of the API model: {}", self.line, self.reason)
    }
}

impl Api {
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.operations.get(*self.by_operation.get(name)?)
    }

    pub fn shape(&self, id: ShapeId) -> Option<&Shape> {
        self.shapes.get(id.0 as usize)
    }

    pub fn shape_named(&self, name: &str) -> Option<&Shape> {
        self.shape(*self.by_shape.get(name)?)
    }

    pub fn structure(&self, id: ShapeId) -> Option<&Structure> {
        match &self.shape(id)?.kind {
            Kind::Structure(structure) => Some(structure),
            _ => None,
        }
    }

    /// The error shape of this code, for its wire code and status.
    pub fn error(&self, code: &str) -> Option<(&'static str, u16)> {
        let structure = match &self.shape_named(code)?.kind {
            Kind::Structure(structure) => structure,
            _ => return None,
        };
        structure.error
    }

    pub fn protocol(&self) -> Protocol {
        self.protocols.first().copied().unwrap_or(Protocol::Json11)
    }

    /// Reads a model; shapes may be used before they are defined.
    pub fn parse(text: &'static str) -> Result<Api, Unreadable> {
        let mut parser = Parser::default();
        for (number, line) in text.lines().enumerate() {
            parser.line(line).map_err(|reason| Unreadable { line: number + 1, reason })?;
        }
        parser.finish()
    }
}

#[derive(Default)]
struct Parser {
    api: Api,
    ids: HashMap<&'static str, ShapeId>,
    shapes: Vec<Option<Shape>>,
    json_version: &'static str,
    /// The structure whose members the next lines are.
    open: Option<ShapeId>,
}

impl Parser {
    fn id(&mut self, name: &'static str) -> ShapeId {
        let next = ShapeId(u32::try_from(self.ids.len()).unwrap_or(u32::MAX));
        let id = *self.ids.entry(name).or_insert(next);
        if id == next {
            self.shapes.push(None);
        }
        id
    }

    fn line(&mut self, line: &'static str) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if let Some(member) = line.strip_prefix("  ") {
            return self.member(member);
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let api = &mut self.api;
        match word {
            "service" => api.name = rest,
            "protocols" => {
                api.protocols = rest.split(' ').map(protocol).collect::<Result<_, _>>()?;
            }
            "json-version" => self.json_version = rest,
            "target" => api.target_prefix = rest,
            "signing-name" => api.signing_name = rest,
            "endpoint-prefix" => api.endpoint_prefix = rest,
            "api-version" => api.api_version = rest,
            "service-id" => api.service_id = rest,
            "xml-namespace" => api.xml_namespace = rest,
            "query-compatible" => api.query_compatible = true,
            "operation" => self.operation(rest)?,
            _ => self.shape(word, rest)?,
        }
        Ok(())
    }

    fn operation(&mut self, rest: &'static str) -> Result<(), String> {
        let mut words = rest.split(' ');
        let (Some(name), Some(method), Some(uri)) = (words.next(), words.next(), words.next()) else {
            return Err("an operation needs a name, a method and a URI".to_owned());
        };
        let mut operation = Operation { name, method, uri, status: 200, ..Operation::default() };
        for word in words {
            match word.split_once('=').unwrap_or((word, "")) {
                ("in", v) => operation.input = Some(self.id(v)),
                ("out", v) => operation.output = Some(self.id(v)),
                ("wrapper", v) => operation.result_wrapper = Some(v),
                ("inname", v) => operation.input_name = Some(v),
                ("code", v) => operation.status = v.parse().map_err(|_| format!("`{v}` is no status"))?,
                ("errors", v) => operation.errors = v.split(',').map(|e| self.id(e)).collect(),
                ("unsigned", _) => operation.unsigned = true,
                ("checksum", _) => operation.checksum_required = true,
                (other, _) => return Err(format!("unknown word `{other}` of an operation")),
            }
        }
        self.api.by_operation.insert(name, self.api.operations.len());
        self.api.operations.push(operation);
        Ok(())
    }

    fn shape(&mut self, kind: &'static str, rest: &'static str) -> Result<(), String> {
        // The pattern comes last, for it may hold anything.
        let (rest, pattern) = match rest.split_once(" pattern=") {
            Some((rest, pattern)) => (rest, Some(pattern)),
            None => (rest, None),
        };
        let mut words = rest.split(' ');
        let name = words.next().unwrap_or_default();
        let id = self.id(name);
        let (mut structure, mut flattened, mut timestamp) = (Structure::default(), false, None);
        let (mut member, mut key, mut value) = (None, None, None);
        let (mut item, mut key_name, mut value_name) = ("member", "key", "value");
        let mut shape = Shape {
            name,
            kind: Kind::String,
            min: None,
            max: None,
            pattern,
            values: Vec::new(),
            sensitive: false,
            xml_namespace: None,
        };
        let (mut code, mut status) = (None, 400);
        for word in words {
            match word.split_once('=').unwrap_or((word, "")) {
                ("min", v) => shape.min = v.parse().ok(),
                ("max", v) => shape.max = v.parse().ok(),
                ("enum", v) => shape.values = v.split('|').collect(),
                ("sensitive", _) => shape.sensitive = true,
                ("ns", v) => shape.xml_namespace = Some(namespace(v)),
                ("member", v) => member = Some(self.id(v)),
                ("name", v) => item = v,
                ("key", v) => key = Some(self.id(v)),
                ("value", v) => value = Some(self.id(v)),
                ("keyname", v) => key_name = v,
                ("valuename", v) => value_name = v,
                ("flattened", _) => flattened = true,
                ("payload", v) => structure.payload = Some(v),
                ("union", _) => structure.union = true,
                ("code", v) => code = Some(v),
                ("status", v) => status = v.parse().map_err(|_| format!("`{v}` is no status"))?,
                ("format", v) => timestamp = Some(time_format(v)?),
                (other, _) => return Err(format!("unknown word `{other}` of a shape")),
            }
        }
        let missing = || format!("`{name}` lacks the shape of its elements");
        shape.kind = match kind {
            "structure" => Kind::Structure(structure),
            "error" => {
                structure.error = Some((code.unwrap_or(name), status));
                Kind::Structure(structure)
            }
            "list" => Kind::List { member: member.ok_or_else(missing)?, name: item, flattened },
            "map" => Kind::Map {
                key: key.ok_or_else(missing)?,
                value: value.ok_or_else(missing)?,
                key_name,
                value_name,
                flattened,
            },
            "string" => Kind::String,
            "integer" => Kind::Integer,
            "float" => Kind::Float,
            "boolean" => Kind::Boolean,
            "blob" => Kind::Blob,
            "timestamp" => Kind::Timestamp(timestamp),
            "document" => Kind::Document,
            other => return Err(format!("unknown kind `{other}`")),
        };
        self.open = matches!(shape.kind, Kind::Structure(_)).then_some(id);
        self.api.by_shape.insert(name, id);
        if let Some(place) = self.shapes.get_mut(id.0 as usize) {
            *place = Some(shape);
        }
        Ok(())
    }

    fn member(&mut self, line: &'static str) -> Result<(), String> {
        let mut words = line.split(' ');
        let (Some(name), Some(shape)) = (words.next(), words.next()) else {
            return Err("a member needs a name and a shape".to_owned());
        };
        let shape = self.id(shape);
        let mut member = Member {
            name,
            shape,
            required: false,
            location: Location::Body,
            wire: None,
            query_name: None,
            flattened: false,
            xml_attribute: false,
            streaming: false,
            json_value: false,
            idempotency_token: false,
            time_format: None,
            xml_namespace: None,
        };
        for word in words {
            match word.split_once('=').unwrap_or((word, "")) {
                ("required", _) => member.required = true,
                ("in", v) => member.location = location(v)?,
                ("wire", v) => member.wire = Some(v),
                ("query", v) => member.query_name = Some(v),
                ("flattened", _) => member.flattened = true,
                ("attribute", _) => member.xml_attribute = true,
                ("streaming", _) => member.streaming = true,
                ("jsonvalue", _) => member.json_value = true,
                ("token", _) => member.idempotency_token = true,
                ("format", v) => member.time_format = Some(time_format(v)?),
                ("ns", v) => member.xml_namespace = Some(namespace(v)),
                (other, _) => return Err(format!("unknown word `{other}` of a member")),
            }
        }
        let open = self.open.and_then(|id| self.shapes.get_mut(id.0 as usize)).and_then(Option::as_mut);
        match open.map(|shape| &mut shape.kind) {
            Some(Kind::Structure(structure)) => structure.members.push(member),
            _ => return Err("a member outside a structure".to_owned()),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Api, Unreadable> {
        let names: HashMap<ShapeId, &str> = self.ids.iter().map(|(n, id)| (*id, *n)).collect();
        let mut shapes = Vec::with_capacity(self.shapes.len());
        for (i, shape) in self.shapes.into_iter().enumerate() {
            let id = ShapeId(u32::try_from(i).unwrap_or(u32::MAX));
            let name = names.get(&id).copied().unwrap_or_default();
            shapes.push(shape.ok_or_else(|| Unreadable {
                line: 0,
                reason: format!("`{name}` is used but not defined"),
            })?);
        }
        self.api.shapes = shapes;
        if self.json_version == "1.0" {
            for protocol in &mut self.api.protocols {
                if *protocol == Protocol::Json11 {
                    *protocol = Protocol::Json10;
                }
            }
        }
        if self.api.signing_name.is_empty() {
            self.api.signing_name = self.api.endpoint_prefix;
        }
        Ok(self.api)
    }
}

fn protocol(word: &str) -> Result<Protocol, String> {
    Ok(match word {
        "query" => Protocol::Query,
        "ec2" => Protocol::Ec2,
        "json" => Protocol::Json11,
        "rest-json" => Protocol::RestJson,
        "rest-xml" => Protocol::RestXml,
        "smithy-rpc-v2-cbor" => Protocol::Cbor,
        other => return Err(format!("unknown protocol `{other}`")),
    })
}

fn location(word: &str) -> Result<Location, String> {
    Ok(match word {
        "header" => Location::Header,
        "headers" => Location::Headers,
        "uri" => Location::Uri,
        "query" => Location::Query,
        "status" => Location::StatusCode,
        other => return Err(format!("unknown location `{other}`")),
    })
}

fn time_format(word: &str) -> Result<TimeFormat, String> {
    Ok(match word {
        "iso8601" => TimeFormat::Iso8601,
        "rfc822" => TimeFormat::Rfc822,
        "unixTimestamp" => TimeFormat::Unix,
        other => return Err(format!("unknown time format `{other}`")),
    })
}

/// `uri` or `prefix,uri`.
fn namespace(word: &'static str) -> (&'static str, Option<&'static str>) {
    match word.split_once(',') {
        Some((prefix, uri)) => (uri, Some(prefix)),
        None => (word, None),
    }
}
