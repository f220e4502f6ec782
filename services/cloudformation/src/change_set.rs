//! Change sets: what an update would do, looked at before it is done.

use crate::plan::{Planned, plan};
use crate::shapes::*;
use crate::source::{self, Source};
use crate::stack::{self, Begin, Stack, Version, chosen, deployer, find, seal, tags_of, updatable};
use model::{AccountId, Fault, Node, Timestamp, Tx};
use serde::{Deserialize, Serialize};

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
    /// `DO_NOTHING`, `ROLLBACK` or `DELETE`.
    #[serde(default)]
    pub(crate) on_failure: Option<String>,
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

pub(crate) fn find_set(tx: &Tx<'_>, name: &str, stack_name: Option<&str>) -> Result<ChangeSet, Fault> {
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

/// `ImportExistingResources` is let pass, since it means nothing where nothing of these names exists;
/// where something does, making it is refused and the stack goes back.
fn refuse_unserved(input: &CreateChangeSetInput) -> Result<(), Fault> {
    source::refuse_unserved(&[
        ("ChangeSetType IMPORT", input.change_set_type.as_deref() == Some("IMPORT")),
        ("ResourcesToImport", input.resources_to_import.is_some()),
        ("DeploymentMode", input.deployment_mode.is_some()),
        ("NotificationARNs", input.notification_ar_ns.as_ref().is_some_and(|l| !l.is_empty())),
        ("ResourceTypes", input.resource_types.is_some()),
        ("RollbackConfiguration", source::triggers(input.rollback_configuration.as_ref())),
    ])
}

/// A stack of which there is nothing but its change sets.
fn in_review(tx: &mut Tx<'_>, name: &str, file: String, tags: model::Tags) -> Result<Stack, Fault> {
    let parameters = seal(tx, &serde_json::json!({"parameters": {}, "stored": {}}))?;
    let empty = Version { template: r#"{"Resources":{}}"#.to_owned(), file, parameters };
    let begin = Begin {
        name: name.to_owned(),
        version: empty,
        tags,
        capabilities: Vec::new(),
        role_arn: None,
        status: "REVIEW_IN_PROGRESS",
    };
    let stack = stack::begin(tx, begin)?;
    tx.put(stack.clone())?;
    Ok(stack)
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateChangeSet.html>
pub(crate) fn create_change_set(
    tx: &mut Tx<'_>,
    input: CreateChangeSetInput,
) -> Result<CreateChangeSetOutput, Fault> {
    refuse_unserved(&input)?;
    let existing = find(tx, &input.stack_name).ok().filter(|s| s.deleted.is_none());
    let creating = input.change_set_type.as_deref() == Some("CREATE");
    let taken = |set: &ChangeSet| Some(&set.stack) == existing.as_ref().map(|s| &s.id);
    if tx.list::<ChangeSet>().any(|c| c.name == input.change_set_name && taken(c)) {
        let message = format!("ChangeSet {} already exists", input.change_set_name);
        return Err(Fault::client("AlreadyExistsException", message));
    }
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
        None if creating => in_review(tx, &input.stack_name, file, tags.clone().unwrap_or_default())?,
        None => return Err(stack::missing(&input.stack_name)),
    };
    let tags = tags.unwrap_or_else(|| stack.tags.clone());
    let changes = plan(tx, &stack, &version, &tags)?;
    // After a failure the same template is tried again.
    let nothing = changes.is_empty() && tags == stack.tags && !stack.status.ends_with("_FAILED");
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
        on_failure: input.on_stack_failure,
    };
    tx.put(set)?;
    Ok(CreateChangeSetOutput { id: Some(id), stack_id: Some(stack.id) })
}

pub(crate) fn describe_change_set(
    tx: &mut Tx<'_>,
    input: DescribeChangeSetInput,
) -> Result<DescribeChangeSetOutput, Fault> {
    let set = find_set(tx, &input.change_set_name, input.stack_name.as_deref())?;
    let changes = set.changes.iter().map(Planned::shape);
    let given = stack::parameters(tx, &set.version)?;
    let parameters = crate::show::parameters_of(&set.version.template, &given);
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
        parameters: (!parameters.is_empty()).then_some(parameters),
        notification_ar_ns: Some(Vec::new()),
        rollback_configuration: Some(RollbackConfiguration::default()),
        include_nested_stacks: Some(false),
        on_stack_failure: set.on_failure.clone(),
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
    stack.capabilities.clone_from(&set.capabilities);
    stack.role_arn = set.role_arn.clone().or(stack.role_arn);
    stack.change_set = Some(set.id.clone());
    stack.keep_on_failure =
        input.disable_rollback == Some(true) || set.on_failure.as_deref() == Some("DO_NOTHING");
    stack.retain_except_on_create = input.retain_except_on_create == Some(true);
    let kind = if stack.status == "REVIEW_IN_PROGRESS" {
        stack.tags.clone_from(&set.tags);
        stack.delete_on_failure = set.on_failure.as_deref() == Some("DELETE");
        stack.status = "CREATE_IN_PROGRESS".to_owned();
        stack.current = set.version.clone();
        stack.deployer = deployer(tx, stack.role_arn.as_deref())?;
        "CREATE_STACK"
    } else {
        updatable(&stack)?;
        stack::update(tx, &mut stack, set.version.clone(), set.tags.clone())?;
        "UPDATE_STACK"
    };
    set.execution = "EXECUTE_COMPLETE".to_owned();
    tx.put(set)?;
    stack::go(tx, stack, kind, input.client_request_token)?;
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
