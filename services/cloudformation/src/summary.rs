//! What a template would need and make, without deploying it.

use std::collections::BTreeSet;

use model::{Fault, Tx};
use template::Node;

use crate::shapes::*;
use crate::source::{self, Source, parse};
use crate::stack::find;

/// Types that make principals or give them permissions.
const PRINCIPALS: [&str; 8] = [
    "AWS::IAM::User",
    "AWS::IAM::Group",
    "AWS::IAM::Role",
    "AWS::IAM::Policy",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::AccessKey",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::UserToGroupAddition",
];

const NAMES: [&str; 5] = ["UserName", "GroupName", "RoleName", "ManagedPolicyName", "InstanceProfileName"];

/// The capability that must be owned up to, and the types because of which.
pub(crate) fn capability(node: &Node) -> Option<(&'static str, Vec<String>)> {
    let (mut kinds, mut named) = (BTreeSet::new(), false);
    for (_, _, resource) in node.get("Resources").and_then(Node::map).unwrap_or_default() {
        let kind = resource.get("Type").and_then(Node::text).unwrap_or_default();
        if !PRINCIPALS.contains(&kind) {
            continue;
        }
        kinds.insert(kind.to_owned());
        let custom = NAMES.iter().any(|n| resource.get("Properties").is_some_and(|p| p.get(n).is_some()));
        named |= custom && kind != "AWS::IAM::AccessKey";
    }
    let capability = if named { "CAPABILITY_NAMED_IAM" } else { "CAPABILITY_IAM" };
    (!kinds.is_empty()).then(|| (capability, kinds.into_iter().collect()))
}

fn text(facts: &Node, key: &str) -> Option<String> {
    facts.get(key).map(Node::to_json).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned))
}

fn declaration(name: &str, facts: &Node) -> ParameterDeclaration {
    let values = facts.get("AllowedValues").and_then(Node::list).map(|list| {
        let each = list.iter().map(Node::to_json);
        each.map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect()
    });
    ParameterDeclaration {
        parameter_key: Some(name.to_owned()),
        default_value: text(facts, "Default"),
        parameter_type: text(facts, "Type"),
        no_echo: Some(text(facts, "NoEcho").as_deref() == Some("true")),
        description: text(facts, "Description"),
        parameter_constraints: Some(ParameterConstraints { allowed_values: values }),
    }
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_GetTemplateSummary.html>
pub(crate) fn get_template_summary(
    tx: &mut Tx<'_>,
    input: GetTemplateSummaryInput,
) -> Result<GetTemplateSummaryOutput, Fault> {
    source::refuse_unserved(&[("StackSetName", input.stack_set_name.is_some())])?;
    let source = match &input.stack_name {
        Some(name) => {
            let stack = find(tx, name)?;
            Source { text: stack.current.template, file: stack.current.file }
        }
        None => source::of(tx, input.template_body, input.template_url)?,
    };
    let node = parse(&source.text)?;
    let declared = node.get("Parameters").and_then(Node::map).unwrap_or_default();
    let resources = node.get("Resources").and_then(Node::map).unwrap_or_default();
    let kinds: BTreeSet<String> = resources.iter().filter_map(|(_, _, r)| text(r, "Type")).collect();
    let needed = capability(&node);
    Ok(GetTemplateSummaryOutput {
        parameters: Some(declared.iter().map(|(name, _, facts)| declaration(name, facts)).collect()),
        description: text(&node, "Description"),
        capabilities_reason: needed.as_ref().map(|(_, kinds)| {
            format!("The following resource(s) require capabilities: [{}]", kinds.join(", "))
        }),
        capabilities: needed.map(|(capability, _)| vec![capability.to_owned()]),
        resource_types: Some(kinds.into_iter().collect()),
        version: text(&node, "AWSTemplateFormatVersion"),
        metadata: text(&node, "Metadata"),
        declared_transforms: Some(Vec::new()),
        ..GetTemplateSummaryOutput::default()
    })
}
