//! Looking at stacks.

use std::collections::BTreeMap;

use model::{Fault, Tx};
use serde_json::Value as Json;
use template::Node;

use crate::operation;
use crate::shapes::*;
use crate::source::parse;
use crate::stack::{Made, Stack as Node_, find, missing, parameters};

fn text(value: Option<&str>) -> Option<String> {
    value.map(str::to_owned)
}

/// The values of a template's parameters, secret ones hidden.
pub(crate) fn parameters_of(template: &str, given: &BTreeMap<String, String>) -> Vec<Parameter> {
    let node = parse(template).ok();
    let declared = node.as_ref().and_then(|n| n.get("Parameters")).and_then(Node::map).unwrap_or_default();
    let shown = declared.iter().map(|(name, _, facts)| {
        let default = facts
            .get("Default")
            .map(|d| d.to_json())
            .map(|d| d.as_str().map_or_else(|| d.to_string(), str::to_owned));
        let hidden =
            facts.get("NoEcho").map(|n| n.to_json()).is_some_and(|n| n == Json::Bool(true) || n == "true");
        let value = given.get(name).cloned().or(default);
        Parameter {
            parameter_key: Some(name.clone()),
            parameter_value: if hidden { Some("****".to_owned()) } else { value },
            ..Parameter::default()
        }
    });
    shown.collect()
}

fn shape(tx: &Tx<'_>, stack: &Node_) -> Result<Stack, Fault> {
    let node = parse(&stack.current.template).ok();
    let given = parameters(tx, &stack.current)?;
    let parameters = parameters_of(&stack.current.template, &given);
    let outputs: Vec<Output> = stack
        .outputs
        .iter()
        .map(|o| Output {
            output_key: Some(o.name.clone()),
            output_value: Some(o.value.clone()),
            description: o.description.clone(),
            export_name: o.export.clone(),
        })
        .collect();
    Ok(Stack {
        stack_id: Some(stack.id.clone()),
        stack_name: stack.name.clone(),
        change_set_id: stack.change_set.clone(),
        description: node.as_ref().and_then(|n| n.get("Description")).and_then(Node::text).map(str::to_owned),
        parameters: (!parameters.is_empty()).then_some(parameters),
        creation_time: stack.created,
        deletion_time: stack.deleted,
        last_updated_time: stack.updated,
        rollback_configuration: Some(RollbackConfiguration::default()),
        stack_status: stack.status.clone(),
        stack_status_reason: stack.reason.clone(),
        disable_rollback: Some(stack.keep_on_failure),
        notification_ar_ns: Some(Vec::new()),
        capabilities: (!stack.capabilities.is_empty()).then(|| stack.capabilities.clone()),
        outputs: (!outputs.is_empty()).then_some(outputs),
        role_arn: stack.role_arn.clone(),
        tags: Some(stack.tags.iter().map(|(k, v)| Tag { key: k.clone(), value: v.clone() }).collect()),
        enable_termination_protection: Some(stack.protected),
        retain_except_on_create: Some(stack.retain_except_on_create),
        last_operations: Some(vec![OperationEntry {
            operation_type: Some(stack.work.kind.clone()),
            operation_id: Some(stack.work.id.clone()),
        }])
        .filter(|_| !stack.work.id.is_empty()),
        drift_information: Some(StackDriftInformation {
            stack_drift_status: "NOT_CHECKED".to_owned(),
            ..StackDriftInformation::default()
        }),
        ..Stack::default()
    })
}

pub(crate) fn describe_stacks(
    tx: &mut Tx<'_>,
    input: DescribeStacksInput,
) -> Result<DescribeStacksOutput, Fault> {
    let stacks = match &input.stack_name {
        Some(name) => vec![find(tx, name)?],
        None => tx.list::<Node_>().filter(|s| s.deleted.is_none()).cloned().collect(),
    };
    let stacks = stacks.iter().map(|s| shape(tx, s)).collect::<Result<_, _>>()?;
    Ok(DescribeStacksOutput { stacks: Some(stacks), next_token: None })
}

pub(crate) fn list_stacks(tx: &mut Tx<'_>, input: ListStacksInput) -> Result<ListStacksOutput, Fault> {
    let wanted =
        |s: &&Node_| input.stack_status_filter.as_ref().is_none_or(|f| f.is_empty() || f.contains(&s.status));
    let summaries = tx.list::<Node_>().filter(wanted).map(|s| StackSummary {
        stack_id: Some(s.id.clone()),
        stack_name: s.name.clone(),
        creation_time: s.created,
        last_updated_time: s.updated,
        deletion_time: s.deleted,
        stack_status: s.status.clone(),
        stack_status_reason: s.reason.clone(),
        drift_information: Some(StackDriftInformationSummary {
            stack_drift_status: "NOT_CHECKED".to_owned(),
            ..StackDriftInformationSummary::default()
        }),
        ..StackSummary::default()
    });
    Ok(ListStacksOutput { stack_summaries: Some(summaries.collect()), next_token: None })
}

pub(crate) fn describe_stack_events(
    tx: &mut Tx<'_>,
    input: DescribeStackEventsInput,
) -> Result<DescribeStackEventsOutput, Fault> {
    use model::FromValue as _;
    let stack = find(tx, &input.stack_name)?;
    let (events, next_token) = operation::page(tx, &stack, input.next_token.as_deref(), &|_| true)?;
    let read = |json| StackEvent::from_value(model::Value::from_json(json));
    let events = events.into_iter().map(read).collect::<Result<_, Fault>>()?;
    Ok(DescribeStackEventsOutput { stack_events: Some(events), next_token })
}

fn resource(stack: &Node_, made: &Made) -> StackResource {
    StackResource {
        stack_name: Some(stack.name.clone()),
        stack_id: Some(stack.id.clone()),
        logical_resource_id: made.logical.clone(),
        physical_resource_id: Some(made.physical.id.clone()),
        resource_type: made.kind.clone(),
        timestamp: made.time,
        resource_status: made.status.clone(),
        resource_status_reason: made.reason.clone(),
        drift_information: Some(StackResourceDriftInformation {
            stack_resource_drift_status: "NOT_CHECKED".to_owned(),
            ..StackResourceDriftInformation::default()
        }),
        ..StackResource::default()
    }
}

pub(crate) fn describe_stack_resources(
    tx: &mut Tx<'_>,
    input: DescribeStackResourcesInput,
) -> Result<DescribeStackResourcesOutput, Fault> {
    let stack = match (&input.stack_name, &input.physical_resource_id) {
        (Some(name), _) => find(tx, name)?,
        (None, Some(physical)) => {
            let holds = |s: &&Node_| s.resources.iter().any(|m| m.physical.id == *physical);
            tx.list::<Node_>().find(holds).cloned().ok_or_else(|| missing(physical))?
        }
        (None, None) => {
            return Err(Fault::client("ValidationError", "StackName or PhysicalResourceId is required"));
        }
    };
    let wanted = |m: &&Made| input.logical_resource_id.as_ref().is_none_or(|l| *l == m.logical);
    let found = stack.resources.iter().filter(wanted).map(|m| resource(&stack, m)).collect();
    Ok(DescribeStackResourcesOutput { stack_resources: Some(found) })
}

pub(crate) fn describe_stack_resource(
    tx: &mut Tx<'_>,
    input: DescribeStackResourceInput,
) -> Result<DescribeStackResourceOutput, Fault> {
    let stack = find(tx, &input.stack_name)?;
    let logical = input.logical_resource_id;
    let gone = || {
        Fault::client(
            "ValidationError",
            format!("Resource {logical} does not exist for stack {}", stack.name),
        )
    };
    let made = stack.resources.iter().find(|m| m.logical == logical).ok_or_else(gone)?;
    Ok(DescribeStackResourceOutput {
        stack_resource_detail: Some(StackResourceDetail {
            stack_name: Some(stack.name.clone()),
            stack_id: Some(stack.id.clone()),
            logical_resource_id: made.logical.clone(),
            physical_resource_id: Some(made.physical.id.clone()),
            resource_type: made.kind.clone(),
            last_updated_timestamp: made.time,
            resource_status: made.status.clone(),
            resource_status_reason: made.reason.clone(),
            ..StackResourceDetail::default()
        }),
    })
}

pub(crate) fn list_stack_resources(
    tx: &mut Tx<'_>,
    input: ListStackResourcesInput,
) -> Result<ListStackResourcesOutput, Fault> {
    let stack = find(tx, &input.stack_name)?;
    let summaries = stack.resources.iter().map(|m| StackResourceSummary {
        logical_resource_id: m.logical.clone(),
        physical_resource_id: Some(m.physical.id.clone()),
        resource_type: m.kind.clone(),
        last_updated_timestamp: m.time,
        resource_status: m.status.clone(),
        resource_status_reason: m.reason.clone(),
        ..StackResourceSummary::default()
    });
    Ok(ListStackResourcesOutput { stack_resource_summaries: Some(summaries.collect()), next_token: None })
}

pub(crate) fn get_template(tx: &mut Tx<'_>, input: GetTemplateInput) -> Result<GetTemplateOutput, Fault> {
    let template = match &input.change_set_name {
        Some(set) => crate::change_set::find_set(tx, set, input.stack_name.as_deref())?.version.template,
        None => find(tx, input.stack_name.as_deref().unwrap_or_default())?.current.template,
    };
    let stages = vec!["Original".to_owned(), "Processed".to_owned()];
    Ok(GetTemplateOutput { template_body: Some(template), stages_available: Some(stages) })
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListImports.html>
pub(crate) fn list_imports(tx: &mut Tx<'_>, input: ListImportsInput) -> Result<ListImportsOutput, Fault> {
    let export = input.export_name;
    let users = tx.list::<Node_>().filter(|s| s.deleted.is_none() && s.imports.contains(&export));
    let names: Vec<String> = users.map(|s| s.name.clone()).collect();
    if names.is_empty() {
        let message = format!("Export '{export}' is not imported by any stack.");
        return Err(Fault::client("ValidationError", message));
    }
    Ok(ListImportsOutput { imports: Some(names), next_token: None })
}

pub(crate) fn list_exports(tx: &mut Tx<'_>, _: ListExportsInput) -> Result<ListExportsOutput, Fault> {
    let mut exports: Vec<Export> = Vec::new();
    for stack in tx.list::<Node_>().filter(|s| s.deleted.is_none()) {
        exports.extend(stack.outputs.iter().filter(|o| o.export.is_some()).map(|o| Export {
            exporting_stack_id: Some(stack.id.clone()),
            name: text(o.export.as_deref()),
            value: Some(o.value.clone()),
        }));
    }
    exports.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(ListExportsOutput { exports: Some(exports), next_token: None })
}
