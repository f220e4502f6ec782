//! What an update would do to each resource, property by property. Nothing is touched; what
//! hangs on a resource that does not exist yet, or will be replaced, is not known and counts as a change.

use model::{Fault, Tags, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use template::{Node, Scope, Types};

use crate::converge::taggable;
use crate::lookup::{World, fill};
use crate::shapes::*;
use crate::source::{self, parse, types};
use crate::stack::{Made, Stack, Version, parameters, unseal};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) action: String,
    pub(crate) logical: String,
    pub(crate) physical: Option<String>,
    pub(crate) kind: String,
    pub(crate) replacement: Option<String>,
    #[serde(default)]
    pub(crate) details: Vec<Detail>,
}

/// One property that changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Detail {
    pub(crate) attribute: String,
    pub(crate) name: Option<String>,
    pub(crate) recreates: bool,
    /// The new value is known.
    pub(crate) known: bool,
}

impl Detail {
    fn shape(&self) -> ResourceChangeDetail {
        ResourceChangeDetail {
            target: Some(ResourceTargetDefinition {
                attribute: Some(self.attribute.clone()),
                name: self.name.clone(),
                requires_recreation: Some(if self.recreates { "Always" } else { "Never" }.to_owned()),
                ..ResourceTargetDefinition::default()
            }),
            evaluation: Some(if self.known { "Static" } else { "Dynamic" }.to_owned()),
            change_source: Some(
                if self.known { "DirectModification" } else { "ResourceReference" }.to_owned(),
            ),
            ..ResourceChangeDetail::default()
        }
    }
}

impl Planned {
    pub(crate) fn shape(&self) -> Change {
        let mut scope: Vec<String> = self.details.iter().map(|d| d.attribute.clone()).collect();
        scope.dedup();
        Change {
            r#type: Some("Resource".to_owned()),
            resource_change: Some(ResourceChange {
                action: Some(self.action.clone()),
                logical_resource_id: Some(self.logical.clone()),
                physical_resource_id: self.physical.clone(),
                resource_type: Some(self.kind.clone()),
                replacement: self.replacement.clone(),
                scope: Some(scope),
                details: Some(self.details.iter().map(Detail::shape).collect()),
                ..ResourceChange::default()
            }),
            ..Change::default()
        }
    }

    fn replaces(&self) -> bool {
        self.replacement.as_deref().is_some_and(|r| r != "False")
    }
}

/// What would be added, changed and removed.
pub(crate) fn plan(
    tx: &mut Tx<'_>,
    stack: &Stack,
    version: &Version,
    tags: &Tags,
) -> Result<Vec<Planned>, Fault> {
    let node = parse(&version.template)?;
    let given = parameters(tx, version)?;
    let wrong = |p: template::Problem| source::refuse(p.to_string());
    let ordered = {
        let world = World::of(tx, stack, version)?;
        let scope = Scope::new(&node, &given, &world).map_err(wrong)?;
        let resources = node.get("Resources");
        let wanted = |name: &str| resources.and_then(|r| r.get(name)).is_some_and(|r| scope.wanted(r));
        template::order(&node, &wanted).map_err(wrong)?
    };
    let types = types(tx)?;
    // What is known of the stack as it will be: what is replaced drops out.
    let mut known = stack.clone();
    let mut plan = Vec::new();
    for logical in &ordered {
        let Some(resource) = node.get("Resources").and_then(|r| r.get(logical)) else { continue };
        let kind = resource.get("Type").and_then(Node::text).unwrap_or_default();
        let planned = match stack.resources.iter().find(|m| m.logical == *logical) {
            None => Some(simple("Add", logical, None, kind)),
            Some(made) => {
                let changed =
                    details(tx, &known, version, &Target { node: &node, resource, made, types: &types })?;
                modified(made, kind, changed, made.tags != *tags && taggable(&types, kind))
            }
        };
        if planned.as_ref().is_some_and(Planned::replaces) {
            known.resources.retain(|m| m.logical != *logical);
        }
        plan.extend(planned);
    }
    for made in stack.resources.iter().filter(|m| !ordered.contains(&m.logical)) {
        plan.push(simple("Remove", &made.logical, Some(&made.physical.id), &made.kind));
    }
    Ok(plan)
}

fn simple(action: &str, logical: &str, physical: Option<&str>, kind: &str) -> Planned {
    Planned {
        action: action.to_owned(),
        logical: logical.to_owned(),
        physical: physical.map(str::to_owned),
        kind: kind.to_owned(),
        replacement: None,
        details: Vec::new(),
    }
}

/// The change of a resource that is there; nothing where nothing changes.
fn modified(made: &Made, kind: &str, mut details: Vec<Detail>, retagged: bool) -> Option<Planned> {
    if retagged {
        let attribute = "Tags".to_owned();
        details.push(Detail { attribute, name: None, recreates: false, known: true });
    }
    if details.is_empty() && made.kind == kind {
        return None;
    }
    let replacement = if made.kind != kind || details.iter().any(|d| d.recreates && d.known) {
        "True"
    } else if details.iter().any(|d| d.recreates) {
        "Conditional"
    } else {
        "False"
    };
    let planned = simple("Modify", &made.logical, Some(&made.physical.id), kind);
    Some(Planned { replacement: Some(replacement.to_owned()), details, ..planned })
}

struct Target<'a> {
    node: &'a Node,
    resource: &'a Node,
    made: &'a Made,
    types: &'a Types,
}

/// The properties whose values differ from those that the resource was given.
fn details(
    tx: &mut Tx<'_>,
    known: &Stack,
    version: &Version,
    target: &Target<'_>,
) -> Result<Vec<Detail>, Fault> {
    let before = unseal(tx, &target.made.properties)?;
    let before = before.as_object().cloned().unwrap_or_default();
    let schema = target.types.0.get(&target.made.kind);
    let detail = |name: &str, known: bool| Detail {
        attribute: "Properties".to_owned(),
        name: Some(name.to_owned()),
        recreates: schema.and_then(|s| s.properties.get(name)).is_some_and(|p| p.create_only),
        known,
    };
    let properties = target.resource.get("Properties").and_then(Node::map).unwrap_or_default();
    let mut found = Vec::new();
    for (name, _, node) in properties {
        match value(tx, known, version, target.node, node)? {
            None => found.push(detail(name, false)),
            Some(after) if before.get(name).unwrap_or(&Json::Null) != &after => {
                found.push(detail(name, true))
            }
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|name| !properties.iter().any(|(n, _, _)| n == *name));
    found.extend(gone.map(|name| detail(name, true)));
    Ok(found)
}

/// A property's value, if it can be known now; `AWS::NoValue` is `null`.
fn value(
    tx: &mut Tx<'_>,
    known: &Stack,
    version: &Version,
    template: &Node,
    node: &Node,
) -> Result<Option<Json>, Fault> {
    let given = parameters(tx, version)?;
    let resolved = {
        let world = World::of(tx, known, version)?;
        let scope = Scope::new(template, &given, &world).map_err(|p| source::refuse(p.to_string()))?;
        scope.value(node, &world).ok().map(|r| r.value)
    };
    let Some(mut value) = resolved else { return Ok(None) };
    Ok(fill(tx, &mut value).is_ok().then_some(value))
}
