//! Change sets: what an update would do, looked at before it is done.

use model::{AccountId, Fault, Node, Timestamp, Tx};
use serde::{Deserialize, Serialize};
use template::Node as TemplateNode;

use crate::shapes::*;
use crate::source::{self, Source, parse, types};
use crate::stack::{
    self, Begin, Stack, Version, chosen, deployer, find, parameters, seal, tags_of, unseal, updatable,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChangeSet {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    /// The ARN.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) stack: String,
    pub(crate) stack_name: String,
    pub(crate) created: Timestamp,
    pub(crate) description: Option<String>,
    /// `CREATE_COMPLETE` or `FAILED`.
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    /// `AVAILABLE`, `UNAVAILABLE`, `EXECUTE_COMPLETE`.
    pub(crate) execution: String,
    pub(crate) version: Version,
    pub(crate) tags: model::Tags,
    pub(crate) capabilities: Vec<String>,
    pub(crate) role_arn: Option<String>,
    pub(crate) changes: Vec<Planned>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Planned {
    pub(crate) action: String,
    pub(crate) logical: String,
    pub(crate) physical: Option<String>,
    pub(crate) kind: String,
    pub(crate) replacement: Option<String>,
}

impl Node for ChangeSet {
    const KIND: &'static str = "AWS::CloudFormation::ChangeSet";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.id
    }
    fn arn(&self) -> Option<String> {
        Some(self.id.clone())
    }
}

fn find_set(tx: &Tx<'_>, name: &str, stack_name: Option<&str>) -> Result<ChangeSet, Fault> {
    let missing =
        || Fault::new("ChangeSetNotFoundException", 404, format!("ChangeSet [{name}] does not exist"));
    let code = |f: Fault| Fault { code: "ChangeSetNotFound".into(), ..f };
    if name.starts_with("arn:") {
        return tx.find_arn::<ChangeSet>(name).cloned().ok_or_else(|| code(missing()));
    }
    let stack = find(tx, stack_name.unwrap_or_default())?;
    let found = tx.list::<ChangeSet>().find(|c| c.name == name && c.stack == stack.id).cloned();
    found.ok_or_else(|| code(missing()))
}

/// What would be added, changed and removed. A reference to something new is not known yet and counts as a change.
fn plan(tx: &mut Tx<'_>, stack: &Stack, version: &Version) -> Result<Vec<Planned>, Fault> {
    let node = parse(&version.template)?;
    let given = parameters(tx, version)?;
    let world = crate::lookup::World::of(tx, stack, version)?;
    let scope = template::Scope::new(&node, &given, &world).map_err(|p| source::refuse(p.to_string()))?;
    let types = types(tx)?;
    let wanted: Vec<(&String, &TemplateNode)> = node
        .get("Resources")
        .and_then(TemplateNode::map)
        .unwrap_or_default()
        .iter()
        .filter(|(_, _, r)| scope.wanted(r))
        .map(|(name, _, r)| (name, r))
        .collect();
    let mut plan = Vec::new();
    for (logical, resource) in &wanted {
        let kind = resource.get("Type").and_then(TemplateNode::text).unwrap_or_default().to_owned();
        let Some(made) = stack.resources.iter().find(|m| m.logical == **logical) else {
            plan.push(Planned {
                action: "Add".to_owned(),
                logical: (*logical).clone(),
                physical: None,
                kind,
                replacement: None,
            });
            continue;
        };
        let before = unseal(tx, &made.properties)?;
        let world = crate::lookup::World::of(tx, stack, version)?;
        let after = resource.get("Properties").map(|p| scope.value(p, &world).map(|r| r.value));
        let after = match after {
            Some(Ok(mut value)) => crate::lookup::fill(tx, &mut value).is_ok().then_some(value),
            Some(Err(_)) => None,
            None => Some(serde_json::json!({})),
        };
        if after.as_ref() == Some(&before) && made.kind == kind {
            continue;
        }
        let replaces = types.0.get(&kind).is_some_and(|schema| {
            schema.properties.iter().any(|(name, p)| {
                p.create_only && after.as_ref().is_some_and(|a| a.get(name) != before.get(name))
            })
        });
        let replacement = if after.is_none() {
            "Conditional"
        } else if replaces || made.kind != kind {
            "True"
        } else {
            "False"
        };
        plan.push(Planned {
            action: "Modify".to_owned(),
            logical: (*logical).clone(),
            physical: Some(made.physical.id.clone()),
            kind,
            replacement: Some(replacement.to_owned()),
        });
    }
    for made in stack.resources.iter().filter(|m| !wanted.iter().any(|(l, _)| **l == m.logical)) {
        plan.push(Planned {
            action: "Remove".to_owned(),
            logical: made.logical.clone(),
            physical: Some(made.physical.id.clone()),
            kind: made.kind.clone(),
            replacement: None,
        });
    }
    Ok(plan)
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>
pub(crate) fn create_change_set(
    tx: &mut Tx<'_>,
    input: CreateChangeSetInput,
) -> Result<CreateChangeSetOutput, Fault> {
    let existing = find(tx, &input.stack_name).ok().filter(|s| s.deleted.is_none());
    let creating = input.change_set_type.as_deref() == Some("CREATE");
    let source = match (input.use_previous_template, &existing) {
        (Some(true), Some(stack)) => {
            Source { text: stack.current.template.clone(), file: stack.current.file.clone() }
        }
        _ => source::of(tx, input.template_body, input.template_url)?,
    };
    let values = chosen(tx, input.parameters, existing.as_ref().map(|s| &s.current))?;
    let capabilities = input.capabilities.unwrap_or_default();
    let file = source.file.clone();
    let version = source::admit(tx, source, values, &capabilities)?;
    let tags = input.tags.map(|t| tags_of(Some(t)));
    let stack = match existing {
        Some(stack) if stack.status == "REVIEW_IN_PROGRESS" => stack,
        Some(stack) if creating => {
            return Err(Fault::client(
                "AlreadyExistsException",
                format!(
                    "Stack [{}] already exists and cannot be created again with the changeSet [{}].",
                    stack.name, input.change_set_name
                ),
            ));
        }
        Some(stack) => {
            updatable(&stack)?;
            stack
        }
        None if creating => {
            let parameters = seal(tx, &serde_json::json!({"parameters": {}, "stored": {}}))?;
            let empty = Version { template: r#"{"Resources":{}}"#.to_owned(), file, parameters };
            let stack = stack::begin(
                tx,
                Begin {
                    name: input.stack_name.clone(),
                    version: empty,
                    tags: tags.clone().unwrap_or_default(),
                    capabilities: Vec::new(),
                    role_arn: None,
                    status: "REVIEW_IN_PROGRESS",
                },
            )?;
            tx.put(stack.clone())?;
            stack
        }
        None => return Err(stack::missing(&input.stack_name)),
    };
    let changes = plan(tx, &stack, &version)?;
    let tags = tags.unwrap_or_else(|| stack.tags.clone());
    let nothing = changes.is_empty() && tags == stack.tags;
    let id = model::ids::arn(
        "cloudformation",
        &tx.region,
        &tx.account,
        &format!("changeSet/{}/{}", input.change_set_name, tx.uuid()),
    );
    let set = ChangeSet {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: id.clone(),
        name: input.change_set_name,
        stack: stack.id.clone(),
        stack_name: stack.name.clone(),
        created: tx.now,
        description: input.description,
        status: if nothing { "FAILED" } else { "CREATE_COMPLETE" }.to_owned(),
        reason: nothing.then(|| "The submitted information didn't contain changes. Submit different information to create a change set.".to_owned()),
        execution: if nothing { "UNAVAILABLE" } else { "AVAILABLE" }.to_owned(),
        version,
        tags,
        capabilities,
        role_arn: input.role_arn,
        changes,
    };
    tx.put(set)?;
    Ok(CreateChangeSetOutput { id: Some(id), stack_id: Some(stack.id) })
}

pub(crate) fn describe_change_set(
    tx: &mut Tx<'_>,
    input: DescribeChangeSetInput,
) -> Result<DescribeChangeSetOutput, Fault> {
    let set = find_set(tx, &input.change_set_name, input.stack_name.as_deref())?;
    let changes = set.changes.iter().map(|c| Change {
        r#type: Some("Resource".to_owned()),
        resource_change: Some(ResourceChange {
            action: Some(c.action.clone()),
            logical_resource_id: Some(c.logical.clone()),
            physical_resource_id: c.physical.clone(),
            resource_type: Some(c.kind.clone()),
            replacement: c.replacement.clone(),
            scope: Some(if c.action == "Modify" { vec!["Properties".to_owned()] } else { Vec::new() }),
            details: Some(Vec::new()),
            ..ResourceChange::default()
        }),
        ..Change::default()
    });
    Ok(DescribeChangeSetOutput {
        change_set_name: Some(set.name.clone()),
        change_set_id: Some(set.id.clone()),
        stack_id: Some(set.stack.clone()),
        stack_name: Some(set.stack_name.clone()),
        description: set.description.clone(),
        creation_time: Some(set.created),
        execution_status: Some(set.execution.clone()),
        status: Some(set.status.clone()),
        status_reason: set.reason.clone(),
        capabilities: Some(set.capabilities.clone()),
        tags: Some(set.tags.iter().map(|(k, v)| Tag { key: k.clone(), value: v.clone() }).collect()),
        changes: Some(changes.collect()),
        ..DescribeChangeSetOutput::default()
    })
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html>
pub(crate) fn execute_change_set(
    tx: &mut Tx<'_>,
    input: ExecuteChangeSetInput,
) -> Result<ExecuteChangeSetOutput, Fault> {
    let mut set = find_set(tx, &input.change_set_name, input.stack_name.as_deref())?;
    if set.execution != "AVAILABLE" {
        let message =
            format!("ChangeSet [{}] cannot be executed in its current status of [{}]", set.id, set.status);
        return Err(Fault::client("InvalidChangeSetStatus", message));
    }
    let mut stack = find(tx, &set.stack)?;
    stack.tags.clone_from(&set.tags);
    stack.capabilities.clone_from(&set.capabilities);
    stack.role_arn = set.role_arn.clone().or(stack.role_arn);
    stack.change_set = Some(set.id.clone());
    if stack.status == "REVIEW_IN_PROGRESS" {
        stack.status = "CREATE_IN_PROGRESS".to_owned();
        stack.current = set.version.clone();
        stack.deployer = deployer(tx, stack.role_arn.as_deref())?;
        stack.keep_on_failure = input.disable_rollback == Some(true);
    } else {
        updatable(&stack)?;
        stack::update(tx, &mut stack, set.version.clone())?;
    }
    set.execution = "EXECUTE_COMPLETE".to_owned();
    tx.put(set)?;
    stack::go(tx, stack)?;
    Ok(ExecuteChangeSetOutput::default())
}

pub(crate) fn delete_change_set(
    tx: &mut Tx<'_>,
    input: DeleteChangeSetInput,
) -> Result<DeleteChangeSetOutput, Fault> {
    if let Ok(set) = find_set(tx, &input.change_set_name, input.stack_name.as_deref()) {
        tx.remove(&set)?;
    }
    Ok(DeleteChangeSetOutput::default())
}

pub(crate) fn list_change_sets(
    tx: &mut Tx<'_>,
    input: ListChangeSetsInput,
) -> Result<ListChangeSetsOutput, Fault> {
    let stack = find(tx, &input.stack_name)?;
    let summaries = tx.list::<ChangeSet>().filter(|c| c.stack == stack.id).map(|c| ChangeSetSummary {
        stack_id: Some(c.stack.clone()),
        stack_name: Some(c.stack_name.clone()),
        change_set_id: Some(c.id.clone()),
        change_set_name: Some(c.name.clone()),
        execution_status: Some(c.execution.clone()),
        status: Some(c.status.clone()),
        status_reason: c.reason.clone(),
        creation_time: Some(c.created),
        description: c.description.clone(),
        ..ChangeSetSummary::default()
    });
    Ok(ListChangeSetsOutput { summaries: Some(summaries.collect()), next_token: None })
}
