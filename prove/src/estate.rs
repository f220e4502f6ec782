//! A template's resources, values decided; a reference to a resource is the text `@{Name}`
//! or `@{Name.Attribute}` within its value.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use template::{Lookup, Node, Problem, Scope};

use crate::rights::{Names, Whereabouts};

/// The resources that the template makes, by logical id.
pub struct Estate {
    pub items: BTreeMap<String, Item>,
}

pub struct Item {
    pub name: String,
    pub kind: String,
    pub line: u32,
    pub properties: Json,
    /// By JSON pointer.
    pub lines: BTreeMap<String, u32>,
    /// Where it was written, if not in the estate's own file.
    pub file: Option<String>,
    /// Pointers to values that nobody knows yet, with the reason.
    pub unknown: Vec<(String, String)>,
}

/// A resource whose part in a path is not modelled.
pub struct Lack {
    pub name: String,
    pub line: u32,
    pub why: &'static str,
}

/// References stay symbols.
struct Symbols;

impl Lookup for Symbols {
    fn reference(&self, logical: &str) -> Option<Json> {
        Some(Json::String(format!("@{{{logical}}}")))
    }

    fn attribute(&self, logical: &str, name: &str) -> Option<Json> {
        Some(Json::String(format!("@{{{logical}.{name}}}")))
    }

    fn export(&self, name: &str) -> Option<String> {
        Some(format!("@{{import.{name}}}"))
    }

    fn stored(&self, name: &str) -> Option<String> {
        Some(format!("@{{stored.{name}}}"))
    }

    fn pseudo(&self, name: &str) -> Option<Json> {
        Some(Json::String(format!("@{{{name}}}")))
    }

    fn zones(&self, region: &str) -> Vec<String> {
        ["a", "b", "c", "d", "e", "f"].iter().map(|zone| format!("{region}{zone}")).collect()
    }
}

impl Estate {
    /// Reads a template; parameters that are not given have their defaults.
    pub fn read(text: &str, parameters: &BTreeMap<String, String>) -> Result<Estate, Problem> {
        let template = template::parse(text)?;
        let scope = Scope::new(&template, parameters, &Symbols)?;
        Estate::resolved(&template, &scope, &Symbols)
    }

    /// With the names that resources have, or stand-ins, in the place of references: what policies need.
    pub fn named(
        text: &str,
        parameters: &BTreeMap<String, String>,
        place: &Whereabouts,
    ) -> Result<Estate, Problem> {
        let template = template::parse(text)?;
        let scope = Scope::new(&template, parameters, &Names::new(place, None))?;
        Estate::resolved(&template, &scope, &Names::new(place, Some(&scope)))
    }

    fn resolved(template: &Node, scope: &Scope<'_>, lookup: &dyn Lookup) -> Result<Estate, Problem> {
        let mut items = BTreeMap::new();
        for (name, place, node) in template.get("Resources").and_then(Node::map).unwrap_or_default() {
            if !scope.wanted(node) {
                continue;
            }
            let resolved = match node.get("Properties") {
                Some(properties) => scope.value(properties, lookup)?,
                None => template::Resolved::default(),
            };
            let kind = node.get("Type").and_then(Node::text).unwrap_or_default().to_owned();
            let item = Item {
                name: name.clone(),
                kind,
                line: place.line,
                properties: resolved.value,
                lines: resolved.lines,
                file: None,
                unknown: Vec::new(),
            };
            items.insert(name.clone(), item);
        }
        Ok(Estate { items })
    }

    pub fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Item> + 'a {
        self.items.values().filter(move |item| item.kind == kind)
    }

    /// What could open a way that is not followed here.
    pub fn not_modelled(&self) -> Vec<Lack> {
        let lack = |item: &Item| {
            let why = match item.kind.as_str() {
                "AWS::EC2::Instance"
                | "AWS::EC2::LaunchTemplate"
                | "AWS::AutoScaling::LaunchConfiguration" => "instances and what runs on them",
                "AWS::Lambda::Function" | "AWS::Lambda::Url" | "AWS::Serverless::Function" => {
                    "functions and their network"
                }
                "AWS::ElasticLoadBalancing::LoadBalancer" => "classic load balancers",
                "AWS::ElasticLoadBalancingV2::LoadBalancer" if item.text("Type") == Some("network") => {
                    "network load balancers"
                }
                "AWS::ElasticLoadBalancingV2::TargetGroup" if item.properties.get("Targets").is_some() => {
                    "targets registered by address"
                }
                "AWS::ApiGateway::RestApi" | "AWS::ApiGatewayV2::Api"
                    if item.properties.get("Body").or(item.properties.get("BodyS3Location")).is_some() =>
                {
                    "methods from an OpenAPI document"
                }
                "AWS::CloudFormation::Stack" => "nested stacks",
                "AWS::CloudFront::Distribution" => "distributions",
                "AWS::RDS::DBProxy" => "database proxies",
                "AWS::AppSync::GraphQLApi" => "GraphQL interfaces",
                "AWS::EKS::Cluster" => "Kubernetes",
                _ => return None,
            };
            Some(Lack { name: item.name.clone(), line: item.line, why })
        };
        self.items.values().filter_map(lack).collect()
    }
}

impl Item {
    pub fn at(&self, pointer: &str) -> Option<&Json> {
        self.properties.pointer(&format!("/{pointer}"))
    }

    pub fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer)?.as_str()
    }

    /// A list, or a single value as a list of one.
    pub fn list(&self, pointer: &str) -> &[Json] {
        list(self.at(pointer))
    }

    /// The logical id of the resource that a property names.
    pub fn refers(&self, pointer: &str) -> Option<&str> {
        referred(self.text(pointer)?)
    }

    pub fn line_of(&self, pointer: &str) -> u32 {
        self.lines.get(&format!("/{pointer}")).copied().unwrap_or(self.line)
    }
}

pub(crate) fn list(value: Option<&Json>) -> &[Json] {
    match value {
        Some(Json::Array(list)) => list,
        Some(one) if !one.is_null() => std::slice::from_ref(one),
        _ => &[],
    }
}

/// The logical id in a text that is one reference and nothing else.
pub(crate) fn referred(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("@{")?.strip_suffix('}')?;
    inner.split('.').next().filter(|name| !name.contains(['{', ':']))
}

/// Numbers and booleans may be written as text.
pub(crate) fn number(value: &Json) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

pub(crate) fn is_false(value: Option<&Json>) -> bool {
    value.is_some_and(|v| v.as_bool() == Some(false) || v.as_str() == Some("false"))
}
