//! What a service's folder gives to the runtime: its API, its handlers, its
//! questions, its node types, its CloudFormation resources, its jobs.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::Api;
use crate::decision::Ask;
use crate::fault::Fault;
use crate::graph::{AnyNode, NodeKind, Snapshot};
use crate::identity::Caller;
use crate::ids::AccountId;
use crate::policy::Source;
use crate::tx::{Records, Tx};
use crate::value::{FromValue, IntoValue, Value};

/// One AWS service. Each folder under `services/` has one `pub static SERVICE`.
pub struct Service {
    /// The folder's name.
    pub name: &'static str,
    /// The API model: `include_str!("../NAME.model")`.
    pub model: &'static str,
    /// The CloudFormation types: `include_str!("../NAME.cfn")`.
    pub types: &'static str,
    /// The action table: `include_str!("../NAME.iam")`.
    pub actions: &'static str,
    pub operations: &'static [Operation],
    /// What permission a call needs. An empty answer denies.
    pub ask: fn(&Asking<'_>) -> Result<Vec<Ask>, Fault>,
    pub nodes: &'static [NodeKind],
    pub resources: &'static [Resource],
    pub jobs: &'static [Job],
    /// Nodes that exist from the first start, such as AWS-managed policies.
    pub founding: fn() -> Vec<Arc<dyn AnyNode>>,
}

/// For services that found nothing.
pub fn nothing() -> Vec<Arc<dyn AnyNode>> {
    Vec::new()
}

/// A handler and its place in the API.
pub struct Operation {
    pub name: &'static str,
    /// Runs against the newest state under the write lock; others read a snapshot.
    pub writes: bool,
    /// Told of as a read, as AWS does. An operation may be one that writes only to remember that it was called.
    pub read_only: bool,
    pub run: fn(&mut Tx<'_>, Value) -> Result<Value, Fault>,
}

/// Calls a typed handler with a document.
pub fn typed<I: FromValue, O: IntoValue>(
    tx: &mut Tx<'_>,
    input: Value,
    handler: fn(&mut Tx<'_>, I) -> Result<O, Fault>,
) -> Result<Value, Fault> {
    Ok(handler(tx, I::from_value(input)?)?.into_value())
}

/// Lists handlers: `operations![read DescribeKey => key::describe_key, write CreateKey => key::create_key]`.
#[macro_export]
macro_rules! operations {
    (@writes read) => { false };
    (@writes write) => { true };
    (@writes noted) => { true };
    (@read_only read) => { true };
    (@read_only write) => { false };
    (@read_only noted) => { true };
    ($($mode:ident $name:ident => $($handler:ident)::+),* $(,)?) => {
        &[$($crate::service::Operation {
            name: stringify!($name),
            writes: $crate::operations!(@writes $mode),
            read_only: $crate::operations!(@read_only $mode),
            run: |tx, input| $crate::service::typed(tx, input, $($handler)::+),
        }),*]
    };
}

/// A service with its API parsed, found by name.
pub struct Served {
    pub service: &'static Service,
    pub api: Api,
}

impl Served {
    pub fn operation(&self, name: &str) -> Option<&'static Operation> {
        self.service.operations.iter().find(|o| o.name == name)
    }
}

/// All services of this program.
#[derive(Default)]
pub struct Registry {
    pub services: Vec<Served>,
}

impl Registry {
    pub fn service(&self, name: &str) -> Option<&Served> {
        self.services.iter().find(|s| s.service.name == name)
    }

    /// The actions that may be done to resources of some types, e.g. `kms:Decrypt`, by a service's action table.
    pub fn actions_on(&self, folder: &str, types: &[&str]) -> Vec<String> {
        let Some(served) = self.service(folder) else { return Vec::new() };
        let of_type = |words: &str| {
            let list = words.split(' ').find_map(|word| word.strip_prefix("resources="));
            list.is_some_and(|list| list.split(',').any(|t| types.contains(&t.trim_end_matches('*'))))
        };
        let lines = served.service.actions.lines().filter_map(|line| line.strip_prefix("action "));
        let names = lines.filter(|line| of_type(line)).filter_map(|line| line.split(' ').next());
        names.map(|name| format!("{folder}:{name}")).collect()
    }

    pub fn resource(&self, type_name: &str) -> Option<&'static Resource> {
        self.services.iter().flat_map(|s| s.service.resources).find(|r| r.type_name == type_name)
    }
}

/// What a service may look at to say which permission a call needs.
pub struct Asking<'a> {
    pub snapshot: &'a Snapshot,
    pub records: &'a dyn Records,
    pub caller: &'a Caller,
    /// The account whose resources are meant where the input names none: the caller's.
    pub account: &'a AccountId,
    pub region: &'a str,
    pub operation: &'a str,
    /// The services on whose behalf the caller is asked, outermost first.
    pub via: &'a [String],
    pub input: &'a Value,
}

impl Asking<'_> {
    pub fn text(&self, member: &str) -> Option<&str> {
        self.input.text(member)
    }

    /// `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE` in the caller's account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        crate::ids::arn(service, self.region, self.account, resource)
    }

    /// Tags given as `[{Key, Value}]` (or `TagKey`/`TagValue`) or as a map.
    pub fn tags(&self, member: &str) -> crate::graph::Tags {
        self.input.get(member).map(tags_of).unwrap_or_default()
    }

    /// Tag keys given as a list of strings.
    pub fn strings(&self, member: &str) -> Vec<String> {
        let list = self.input.get(member).and_then(Value::as_list).unwrap_or_default();
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

/// Tags from either of the forms that AWS APIs use.
pub fn tags_of(value: &Value) -> crate::graph::Tags {
    let pair = |tag: &Value| {
        let key = tag.text("Key").or(tag.text("TagKey")).or(tag.text("key"))?;
        let value = tag.text("Value").or(tag.text("TagValue")).or(tag.text("value")).unwrap_or_default();
        Some((key.to_owned(), value.to_owned()))
    };
    match value {
        Value::List(list) => list.iter().filter_map(pair).collect(),
        Value::Map(map) => {
            map.iter().filter_map(|(k, v)| Some((k.to_owned(), v.as_str()?.to_owned()))).collect()
        }
        _ => crate::graph::Tags::new(),
    }
}

/// Work that a service does later: a timer that fell due, or a report of `act`'s. It runs as a
/// write of the service's own, with its payload as the input.
pub struct Job {
    pub name: &'static str,
    pub operation: Operation,
}

/// Lists jobs, each `fn(&mut Tx, serde_json::Value) -> Result<(), Fault>`: `jobs![DeleteKey => key::delete_due]`.
#[macro_export]
macro_rules! jobs {
    ($($name:ident => $($handler:ident)::+),* $(,)?) => {
        &[$($crate::service::Job {
            name: stringify!($name),
            operation: $crate::service::Operation {
                name: stringify!($name),
                writes: true,
                read_only: false,
                run: |tx, payload| $($handler)::+(tx, payload.to_json()).map(|()| $crate::Value::Null),
            },
        }),*]
    };
}

/// How CloudFormation creates, changes and deletes one resource type. The
/// functions call the service's own operations through [`Tx::call`], so that
/// each step is decided and recorded for the deployer.
pub struct Resource {
    pub type_name: &'static str,
    pub create: fn(&mut Tx<'_>, &Deploy<'_>) -> Result<Physical, Fault>,
    pub update: fn(&mut Tx<'_>, &Deploy<'_>) -> Result<Physical, Fault>,
    pub delete: fn(&mut Tx<'_>, &Deploy<'_>) -> Result<(), Fault>,
    /// Whether the resource has settled; `None` where creating it is all there is to it.
    pub ready: Option<ReadyCheck>,
}

/// What a provider's `delete` gives while the resource is still going: it is asked again.
pub fn going() -> Fault {
    Fault::client(GOING, "the deletion is in progress")
}

/// The code of [`going`].
pub const GOING: &str = "DeletionInProgress";

/// Looks whether a resource has settled.
pub type ReadyCheck = fn(&mut Tx<'_>, &Physical) -> Result<Ready, Fault>;

/// The progress of a resource that takes its time.
#[derive(Clone, Debug, PartialEq)]
pub enum Ready {
    Yes,
    /// Ready, with attributes that were not known before.
    With(BTreeMap<String, serde_json::Value>),
    NotYet,
    Failed(String),
}

/// What a provider is given.
pub struct Deploy<'a> {
    pub stack_name: &'a str,
    pub stack_id: &'a str,
    pub logical_id: &'a str,
    /// Resolved properties.
    pub properties: &'a serde_json::Value,
    /// The properties before an update.
    pub previous: Option<&'a serde_json::Value>,
    /// The physical id and attributes; `None` on create.
    pub physical: Option<&'a Physical>,
    /// The stack's tags with `aws:cloudformation:*`, to be put on the resource.
    pub tags: &'a crate::graph::Tags,
    pub file: &'a str,
    /// The template line of each value, by JSON pointer into `properties`.
    pub lines: &'a BTreeMap<String, u32>,
}

impl Deploy<'_> {
    pub fn property(&self, name: &str) -> Option<&serde_json::Value> {
        self.properties.get(name)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.properties.get(name)?.as_str()
    }

    /// Where the policy under this pointer (`/KeyPolicy`) was written, statement by statement.
    pub fn source(&self, pointer: &str) -> Option<Source> {
        let statements = format!("{pointer}/Statement");
        let line = |p: &str| self.lines.get(p).copied();
        let mut statement_lines = Vec::new();
        while let Some(line) = line(&format!("{statements}/{}", statement_lines.len())) {
            statement_lines.push(line);
        }
        if statement_lines.is_empty() {
            statement_lines.push(line(&statements).or_else(|| line(pointer))?);
        }
        Some(Source { file: self.file.to_owned(), statement_lines })
    }

    /// Calls the service's own operation for the deployer; absent (`null`) members are left out.
    pub fn call(
        &self,
        tx: &mut Tx<'_>,
        service: &str,
        operation: &str,
        input: serde_json::Value,
    ) -> Result<Value, Fault> {
        let input = match input {
            serde_json::Value::Object(map) => map.into_iter().filter(|(_, v)| !v.is_null()).collect(),
            other => other,
        };
        tx.call("cloudformation.amazonaws.com", service, operation, Value::from_json(input))
    }

    /// The physical id; an error where there is none yet.
    pub fn id(&self) -> Result<&str, Fault> {
        let missing = || Fault::internal(format!("resource `{}` has no physical id", self.logical_id));
        self.physical.map(|p| p.id.as_str()).ok_or_else(missing)
    }

    /// The stack's tags with those of this property, in either form, on top.
    pub fn tags_with(&self, property: &str) -> crate::graph::Tags {
        let mut tags = self.tags.clone();
        if let Some(own) = self.property(property) {
            tags.extend(tags_of(&Value::from_json(own.clone())));
        }
        tags
    }

    /// Keys of tags that the resource had by this property before the update, and is to have no more.
    pub fn stale_tags(&self, property: &str) -> Vec<String> {
        let wanted = self.tags_with(property);
        let before = self.previous.and_then(|p| p.get(property)).cloned().unwrap_or_default();
        tags_of(&Value::from_json(before)).into_keys().filter(|key| !wanted.contains_key(key)).collect()
    }

    /// A physical name as CloudFormation makes it, `STACK-LOGICAL-RANDOM`, at most `max` long.
    pub fn name(&self, tx: &mut Tx<'_>, max: usize) -> String {
        let random = tx.random_text(12, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
        let room = max.saturating_sub(random.len() + 2);
        let stack: String = self.stack_name.chars().take(room / 2).collect();
        let logical: String = self.logical_id.chars().take(room.saturating_sub(stack.len())).collect();
        format!("{stack}-{logical}-{random}")
    }
}

/// A created resource: what `Ref` and `Fn::GetAtt` give.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Physical {
    pub id: String,
    #[serde(default)]
    pub attributes: BTreeMap<String, serde_json::Value>,
}

impl Physical {
    pub fn new(id: impl Into<String>) -> Physical {
        Physical { id: id.into(), attributes: BTreeMap::new() }
    }

    #[must_use]
    pub fn attribute(mut self, name: &str, value: impl Into<serde_json::Value>) -> Physical {
        self.attributes.insert(name.to_owned(), value.into());
        self
    }
}
