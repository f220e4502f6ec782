//! What can be said against a template before anything is made of it.

use crate::Problem;
use crate::known::{foreign, known};
use crate::node::{Node, Place, Val};
use crate::order::order;
use crate::resolve::variables;
use crate::types::{Property, Shape, TypeSchema, Types};

const SECTIONS: [&str; 11] = [
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Mappings",
    "Conditions",
    "Transform",
    "Resources",
    "Outputs",
    "Rules",
    "Hooks",
];
const PSEUDO: [&str; 8] = [
    "AWS::AccountId",
    "AWS::NoValue",
    "AWS::NotificationARNs",
    "AWS::Partition",
    "AWS::Region",
    "AWS::StackId",
    "AWS::StackName",
    "AWS::URLSuffix",
];
const ATTRIBUTES: [&str; 9] = [
    "Type",
    "Properties",
    "DependsOn",
    "Condition",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "CreationPolicy",
    "UpdatePolicy",
    "Metadata",
];

/// Every problem of a template's text, one that cannot be parsed included.
pub fn inspect(text: &str, types: &Types) -> Vec<Problem> {
    match crate::parse(text) {
        Ok(template) => check(&template, types),
        Err(problem) => vec![problem],
    }
}

/// Every problem found, in order of place.
pub fn check(template: &Node, types: &Types) -> Vec<Problem> {
    let mut found = Vec::new();
    let transformed = template.get("Transform").is_some();
    for (name, place, _) in template.map().unwrap_or_default() {
        match name.as_str() {
            "Transform" | "Hooks" => found
                .push(Problem::not_served(*place, format!("section `{name}` is not served by this runtime"))),
            // What a transform takes in is its own.
            known if transformed || SECTIONS.contains(&known) => {}
            _ => {
                found.push(Problem::new(*place, format!("Invalid template property or properties [{name}]")))
            }
        }
    }
    crate::rules::check(template, &mut found);
    let resources = template.get("Resources").and_then(Node::map).unwrap_or_default();
    if resources.is_empty() {
        found.push(Problem::new(
            template.place,
            "Template format error: At least one Resources member must be defined.",
        ));
    }
    let names = Names { template, types, transformed };
    for (name, place, resource) in resources {
        match transformed && (name.starts_with("Fn::") || resource.map().is_none()) {
            true => found.push(Problem::not_served(*place, format!("`{name}` needs a transform"))),
            false => names.resource(name, *place, resource, &mut found),
        }
    }
    for (name, _, output) in template.get("Outputs").and_then(Node::map).unwrap_or_default() {
        match output.get("Value") {
            None if transformed && name.starts_with("Fn::") => {}
            None => found.push(Problem::new(
                output.place,
                "Template format error: every Outputs member must contain a Value",
            )),
            Some(_) => names.references(output, &mut found),
        }
    }
    if !transformed && let Err(problem) = order(template, &|_| true) {
        found.push(problem);
    }
    found.sort_by_key(|p| (p.place.line, p.place.column));
    found
}

struct Names<'a> {
    template: &'a Node,
    types: &'a Types,
    /// A transform may bring in names that the template does not show.
    transformed: bool,
}

impl Names<'_> {
    fn resource(&self, name: &str, place: Place, resource: &Node, found: &mut Vec<Problem>) {
        if !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
            found.push(Problem::new(
                place,
                format!("Template format error: Resource name {name} is non alphanumeric."),
            ));
        }
        for (attribute, place, _) in resource.map().unwrap_or_default() {
            let custom =
                attribute == "Version" && resource.get("Type").and_then(Node::text).is_some_and(foreign);
            if !ATTRIBUTES.contains(&attribute.as_str()) && !custom && !self.transformed {
                found.push(Problem::new(*place, format!("Invalid template resource property '{attribute}'")));
            }
        }
        if let Some(policy) = resource.get("DeletionPolicy").and_then(Node::text)
            && !["Delete", "Retain", "RetainExceptOnCreate", "Snapshot"].contains(&policy)
        {
            found.push(Problem::new(
                place,
                format!("Template error: DeletionPolicy `{policy}` of resource {name} is not valid"),
            ));
        }
        self.references(resource, found);
        let Some(kind) = resource.get("Type").and_then(Node::text) else {
            found.push(Problem::new(place, format!("Template format error: resource {name} has no Type")));
            return;
        };
        let at = resource.get("Type").map_or(place, |t| t.place);
        match self.types.0.get(kind) {
            Some(schema) => {
                properties(&schema.properties, resource.get("Properties"), At { at, path: kind, kind }, found)
            }
            None => self.unserved(kind, at, resource.get("Properties"), found),
        }
    }

    /// A type that is not served: AWS may have it, and then its properties have names, too.
    fn unserved(&self, kind: &str, at: Place, properties: Option<&Node>, found: &mut Vec<Problem>) {
        let Some(known) = known(kind).filter(|_| !foreign(kind)) else {
            found.push(match foreign(kind) {
                true => {
                    Problem::not_served(at, format!("resource type {kind} is not served by this runtime"))
                }
                false => {
                    Problem::new(at, format!("Template format error: Unrecognized resource types: [{kind}]"))
                }
            });
            return;
        };
        found.push(Problem::not_served(at, format!("resource type {kind} is not served by this runtime")));
        let given = properties.filter(|p| p.function().is_none()).and_then(Node::map).unwrap_or_default();
        for (name, place, _) in
            given.iter().filter(|(name, _, _)| !known.has(name) && !name.starts_with("Fn::"))
        {
            found.push(Problem::new(*place, format!("Encountered unsupported property {name} of {kind}")));
        }
    }

    fn schema_of(&self, logical: &str) -> Option<&TypeSchema> {
        self.types.0.get(self.template.get("Resources")?.get(logical)?.get("Type")?.text()?)
    }

    fn known(&self, section: &str, name: &str) -> bool {
        let Some(named) = self.template.get(section) else { return false };
        // The resources of a module bear its name in front of their own.
        let of_module = || {
            section == "Resources"
                && named.map().unwrap_or_default().iter().any(|(module, _, resource)| {
                    let kind = resource.get("Type").and_then(Node::text).unwrap_or_default();
                    kind.ends_with("::MODULE") && name.starts_with(module.as_str())
                })
        };
        named.get(name).is_some() || of_module()
    }

    fn name(&self, name: &str, place: Place, found: &mut Vec<Problem>) {
        let pseudo = PSEUDO.contains(&name);
        if !pseudo && !self.transformed && !self.known("Parameters", name) && !self.known("Resources", name) {
            found.push(Problem::new(place, format!("Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template")));
        }
    }

    fn attribute(&self, logical: &str, attribute: &str, place: Place, found: &mut Vec<Problem>) {
        if !self.known("Resources", logical) {
            if self.transformed {
                return;
            }
            found.push(Problem::new(
                place,
                format!("Template error: instance of Fn::GetAtt references undefined resource {logical}"),
            ));
        } else if let Some(schema) = self.schema_of(logical)
            && !schema
                .attributes
                .iter()
                .any(|a| a == attribute || a.strip_suffix('*').is_some_and(|a| attribute.starts_with(a)))
        {
            let kind = self.template.get("Resources").and_then(|r| r.get(logical)?.get("Type")?.text());
            let in_aws = kind.and_then(known).is_some_and(|k| k.has(attribute));
            let has = schema.attributes.join(", ");
            found.push(match in_aws {
                true => Problem::not_served(place, format!("attribute {attribute} of resource {logical} is not served by this runtime (it has: {has})")),
                false => Problem::new(place, format!("Template error: resource {logical} does not support attribute {attribute} in Fn::GetAtt (it has: {has})")),
            });
        }
    }

    fn references(&self, node: &Node, found: &mut Vec<Problem>) {
        match node.function() {
            Some(("Ref", argument)) => self.name(argument.text().unwrap_or_default(), argument.place, found),
            Some(("Fn::GetAtt", argument)) => {
                let parts = match (argument.text(), argument.list()) {
                    (Some(text), _) => text.split_once('.'),
                    (None, Some([a, b])) => a.text().zip(b.text()),
                    _ => None,
                };
                if let Some((logical, attribute)) = parts {
                    self.attribute(logical, attribute, node.place, found);
                }
            }
            Some(("Fn::Sub", argument)) => {
                let text = argument.text().or_else(|| argument.list()?.first()?.text()).unwrap_or_default();
                let own = argument.list().and_then(|l| l.get(1)).and_then(Node::map).unwrap_or_default();
                for variable in variables(text).into_iter().filter(|v| !own.iter().any(|(k, _, _)| k == v)) {
                    match variable.split_once('.') {
                        Some((logical, attribute)) => self.attribute(logical, attribute, node.place, found),
                        None => self.name(variable, node.place, found),
                    }
                }
            }
            Some(("Fn::If", argument)) => {
                let name = argument.list().and_then(|l| l.first()).and_then(Node::text).unwrap_or_default();
                if !self.known("Conditions", name) {
                    found.push(Problem::new(
                        node.place,
                        format!("Template error: unresolved condition dependency {name}"),
                    ));
                }
            }
            _ => {}
        }
        match &node.val {
            Val::List(list) => list.iter().for_each(|n| self.references(n, found)),
            Val::Map(entries) => entries.iter().for_each(|(_, _, n)| self.references(n, found)),
            _ => {}
        }
    }
}

/// Where in a template, and in which resource type, one is.
#[derive(Clone, Copy)]
struct At<'a> {
    at: Place,
    path: &'a str,
    kind: &'a str,
}

fn properties(
    schema: &std::collections::BTreeMap<String, Property>,
    node: Option<&Node>,
    At { at, path, kind }: At<'_>,
    found: &mut Vec<Problem>,
) {
    let given = match node.map(|n| (&n.val, n)) {
        None => &[][..],
        Some((Val::Map(entries), node)) if node.function().is_none() => entries.as_slice(),
        Some((Val::Map(_), _)) => return,
        Some((_, node)) => {
            found.push(Problem::new(node.place, format!("the properties of {path} must be a map")));
            return;
        }
    };
    for (name, place, value) in given {
        match schema.get(name) {
            Some(property) => {
                shape(property, value, At { at: *place, path: &format!("{path}.{name}"), kind }, found)
            }
            None if known(kind).is_some_and(|k| k.has(name)) || name.starts_with("Fn::") => {
                found.push(Problem::not_served(
                    *place,
                    format!("property {name} of {path} is not served by this runtime"),
                ))
            }
            None => {
                let near = schema.keys().find(|k| k.eq_ignore_ascii_case(name) || near(k, name));
                let hint = near.map(|n| format!("; did you mean `{n}`?")).unwrap_or_default();
                found.push(Problem::new(
                    *place,
                    format!("Encountered unsupported property {name} of {path}{hint}"),
                ));
            }
        }
    }
    for (name, _) in schema.iter().filter(|(name, p)| p.required && !given.iter().any(|(g, _, _)| g == *name))
    {
        found.push(Problem::new(at, format!("Property {name} of {path} cannot be empty.")));
    }
}

/// One letter more, less or other, or two that changed places.
fn near(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let same = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let back = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let swapped = || a.len() == b.len() && same + back + 2 == a.len() && a.get(same) == b.get(same + 1);
    (a.len().abs_diff(b.len()) <= 1 && same + back + 1 >= a.len().max(b.len())) || swapped()
}

fn shape(property: &Property, value: &Node, At { at, path, kind }: At<'_>, found: &mut Vec<Problem>) {
    // What a function gives is known only later.
    if value.function().is_some() {
        return;
    }
    let wrong = |what: &str, found: &mut Vec<Problem>| {
        found.push(Problem::new(value.place, format!("Value of property {path} must be {what}")))
    };
    let scalar = matches!(value.val, Val::Text(_) | Val::Number(_) | Val::Bool(_));
    match (&property.shape, &value.val) {
        (Shape::Json, _) => {}
        (_, Val::Null) => found
            .push(Problem::new(value.place, format!("Null values are not allowed in templates, at {path}"))),
        (Shape::Text, _) if scalar => {
            let text = crate::resolve::as_text(&value.to_json());
            if !property.values.is_empty() && !property.values.contains(&text) {
                wrong(&format!("one of [{}]", property.values.join(", ")), found);
            }
        }
        (Shape::Text, _) => wrong("of type String", found),
        (Shape::Integer | Shape::Number, Val::Number(_)) => {}
        (Shape::Integer | Shape::Number, Val::Text(text)) if text.parse::<f64>().is_ok() => {}
        (Shape::Integer | Shape::Number, _) => wrong("a number", found),
        (Shape::Boolean, Val::Bool(_)) => {}
        (Shape::Boolean, Val::Text(text)) if text == "true" || text == "false" => {}
        (Shape::Boolean, _) => wrong("of type Boolean", found),
        (Shape::Tags, Val::List(_)) => {}
        (Shape::List(of), Val::List(list)) => {
            let item =
                Property { shape: Shape::clone(of), required: false, create_only: false, values: Vec::new() };
            for (i, v) in list.iter().enumerate() {
                shape(&item, v, At { at, path: &format!("{path}.{i}"), kind }, found);
            }
        }
        (Shape::Tags | Shape::List(_), _) => wrong("of type List", found),
        (Shape::Map(_), Val::Map(_)) => {}
        (Shape::Object(inner), Val::Map(_)) => {
            properties(inner, Some(value), At { at: value.place, path, kind }, found)
        }
        (Shape::Map(_) | Shape::Object(_), _) => wrong("an object", found),
    }
}
