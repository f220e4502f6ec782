//! Stacks: the node, and the operations that set one going.

use std::collections::BTreeMap;

use model::estate::iam::Role;
use model::identity::Session;
use model::{AccountId, Caller, CallerKind, Effect, Fault, Node, Tags, Timestamp, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::shapes::*;
use crate::source::{self, Source};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stack {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    pub(crate) name: String,
    /// The ARN, which names this life of the stack.
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Option<Timestamp>,
    pub(crate) deleted: Option<Timestamp>,
    pub(crate) current: Version,
    /// What an update that fails goes back to.
    pub(crate) previous: Option<Version>,
    #[serde(default)]
    pub(crate) previous_tags: Option<Tags>,
    pub(crate) tags: Tags,
    pub(crate) capabilities: Vec<String>,
    /// For whom every step is made.
    pub(crate) deployer: Caller,
    pub(crate) role_arn: Option<String>,
    pub(crate) protected: bool,
    pub(crate) keep_on_failure: bool,
    /// In order of their making.
    pub(crate) resources: Vec<Made>,
    /// Replaced resources, to be deleted once the update has gone well.
    pub(crate) garbage: Vec<Made>,
    pub(crate) outputs: Vec<Shown>,
    /// Names of exports of other stacks that this one uses.
    pub(crate) imports: Vec<String>,
    pub(crate) change_set: Option<String>,
    /// A creation that fails is deleted, not only undone.
    #[serde(default)]
    pub(crate) delete_on_failure: bool,
    /// What an operation that fails has made goes, whatever its deletion policy.
    #[serde(default)]
    pub(crate) retain_except_on_create: bool,
    /// When a creation that is not done has failed.
    #[serde(default)]
    pub(crate) deadline: Option<Timestamp>,
    /// Resources that going back leaves as they are.
    #[serde(default)]
    pub(crate) skipped: Vec<String>,
    /// What is being done, or was done last.
    #[serde(default)]
    pub(crate) work: Work,
}

/// One operation on a stack, as its events name it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) id: String,
    /// `CREATE_STACK`, `UPDATE_STACK`, `DELETE_STACK`, `ROLLBACK`, `CONTINUE_ROLLBACK`.
    pub(crate) kind: String,
    /// The client's own name for it.
    pub(crate) token: Option<String>,
}

/// A template with its parameters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) template: String,
    /// The file's name, for the places of statements.
    pub(crate) file: String,
    /// A [`Given`], sealed: parameters may be secret.
    pub(crate) parameters: String,
}

/// What a version was given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Given {
    pub(crate) parameters: BTreeMap<String, String>,
    /// The values of Systems Manager parameters that template parameters name.
    pub(crate) stored: BTreeMap<String, String>,
}

/// A resource of a stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) logical: String,
    pub(crate) kind: String,
    pub(crate) physical: model::Physical,
    pub(crate) status: String,
    pub(crate) reason: Option<String>,
    pub(crate) time: Timestamp,
    /// Resolved properties, sealed.
    pub(crate) properties: String,
    pub(crate) deletion: String,
    pub(crate) replace: String,
    /// The stack's tags when it was made or changed last.
    #[serde(default)]
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) description: Option<String>,
    pub(crate) export: Option<String>,
}

impl Node for Stack {
    const KIND: &'static str = "AWS::CloudFormation::Stack";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    /// A deleted stack's name may be taken again.
    fn local_id(&self) -> &str {
        if self.deleted.is_some() { &self.id } else { &self.name }
    }
    fn arn(&self) -> Option<String> {
        Some(self.id.clone())
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
}

impl Stack {
    pub(crate) fn in_progress(&self) -> bool {
        self.status.ends_with("_IN_PROGRESS") && self.status != "REVIEW_IN_PROGRESS"
    }
}

pub(crate) fn seal(tx: &Tx<'_>, value: &Json) -> Result<String, Fault> {
    let sealed = tx.seal("cloudformation", b"", value.to_string().as_bytes())?;
    Ok(hex::encode(sealed))
}

pub(crate) fn unseal(tx: &Tx<'_>, sealed: &str) -> Result<Json, Fault> {
    let unreadable = || Fault::internal("a stack's values cannot be read");
    let digits = |at: usize| sealed.get(at..at + 2).and_then(|d| u8::from_str_radix(d, 16).ok());
    let bytes: Option<Vec<u8>> = (0..sealed.len()).step_by(2).map(digits).collect();
    let plain = tx.unseal("cloudformation", b"", &bytes.ok_or_else(unreadable)?)?;
    serde_json::from_slice(&plain).map_err(|_| unreadable())
}

pub(crate) fn given(tx: &Tx<'_>, version: &Version) -> Result<Given, Fault> {
    serde_json::from_value(unseal(tx, &version.parameters)?)
        .map_err(|_| Fault::internal("a stack's parameters cannot be read"))
}

pub(crate) fn parameters(tx: &Tx<'_>, version: &Version) -> Result<BTreeMap<String, String>, Fault> {
    Ok(given(tx, version)?.parameters)
}

/// The stack of this name or id.
pub(crate) fn find(tx: &Tx<'_>, name: &str) -> Result<Stack, Fault> {
    let found = if name.starts_with("arn:") { tx.find_arn::<Stack>(name) } else { tx.find::<Stack>(name) };
    found.filter(|s| s.account == tx.account).cloned().ok_or_else(|| missing(name))
}

pub(crate) fn missing(name: &str) -> Fault {
    Fault::client("ValidationError", format!("Stack with id {name} does not exist"))
}

/// The parameters of a call over those that the stack has.
pub(crate) fn chosen(
    tx: &Tx<'_>,
    list: Option<Vec<Parameter>>,
    old: Option<&Version>,
) -> Result<BTreeMap<String, String>, Fault> {
    let old = old.map(|v| parameters(tx, v)).transpose()?.unwrap_or_default();
    let mut found = BTreeMap::new();
    for parameter in list.unwrap_or_default() {
        let name = parameter.parameter_key.unwrap_or_default();
        let previous = parameter.use_previous_value == Some(true);
        let value = if previous { old.get(&name).cloned() } else { parameter.parameter_value };
        if let Some(value) = value {
            found.insert(name, value);
        }
    }
    Ok(found)
}

/// For whom the steps are made: the caller, or the role that the caller passes.
pub(crate) fn deployer(tx: &Tx<'_>, role_arn: Option<&str>) -> Result<Caller, Fault> {
    let Some(arn) = role_arn else { return Ok(tx.caller().clone()) };
    let refused = || Fault::client("ValidationError", format!("Role {arn} is invalid or cannot be assumed"));
    let role = tx
        .find_arn::<Role>(arn)
        .filter(|r| r.trust.text.contains("cloudformation.amazonaws.com"))
        .ok_or_else(refused)?;
    let session = "AWSCloudFormation".to_owned();
    Ok(Caller {
        arn: model::ids::arn("sts", "", &role.account, &format!("assumed-role/{}/{session}", role.name)),
        account: role.account.clone(),
        principal_id: format!("{}:{session}", role.id),
        kind: CallerKind::Role { role_arn: role.arn(), session_name: session },
        access_key: None,
        session: Some(Session { issued: tx.now, expires: tx.now.plus_seconds(43_200), ..Session::default() }),
    })
}

pub(crate) fn tags_of(tags: Option<Vec<Tag>>) -> Tags {
    tags.unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect()
}

/// A stack that is to begin its life.
pub(crate) struct Begin {
    pub(crate) name: String,
    pub(crate) version: Version,
    pub(crate) tags: Tags,
    pub(crate) capabilities: Vec<String>,
    pub(crate) role_arn: Option<String>,
    pub(crate) status: &'static str,
}

pub(crate) fn begin(tx: &Tx<'_>, begin: Begin) -> Result<Stack, Fault> {
    let name = begin.name;
    let id =
        model::ids::arn("cloudformation", &tx.region, &tx.account, &format!("stack/{name}/{}", tx.uuid()));
    Ok(Stack {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id,
        status: begin.status.to_owned(),
        reason: None,
        created: tx.now,
        updated: None,
        deleted: None,
        current: begin.version,
        previous: None,
        previous_tags: None,
        tags: begin.tags,
        capabilities: begin.capabilities,
        deployer: deployer(tx, begin.role_arn.as_deref())?,
        role_arn: begin.role_arn,
        protected: false,
        keep_on_failure: false,
        resources: Vec::new(),
        garbage: Vec::new(),
        outputs: Vec::new(),
        imports: Vec::new(),
        change_set: None,
        delete_on_failure: false,
        retain_except_on_create: false,
        deadline: None,
        skipped: Vec::new(),
        work: Work::default(),
        name,
    })
}

/// Sets the stack going.
pub(crate) fn go(
    tx: &mut Tx<'_>,
    mut stack: Stack,
    kind: &str,
    token: Option<String>,
) -> Result<String, Fault> {
    stack.work = Work { id: tx.uuid(), kind: kind.to_owned(), token };
    let (id, status) = (stack.id.clone(), stack.status.clone());
    event(
        tx,
        &stack,
        &Happened {
            logical: &stack.name,
            physical: &id,
            kind: Stack::KIND,
            status: &status,
            reason: Some("User Initiated"),
        },
    )?;
    schedule(tx, &id, 0)?;
    let operation_id = stack.work.id.clone();
    tx.put(stack)?;
    Ok(operation_id)
}

/// The next step, after so many milliseconds.
pub(crate) fn schedule(tx: &mut Tx<'_>, id: &str, after: i64) -> Result<(), Fault> {
    tx.effect(Effect::Schedule {
        id: id.to_owned(),
        at: Timestamp(tx.now.0 + after),
        service: "cloudformation".to_owned(),
        job: "Advance".to_owned(),
        payload: serde_json::json!({"stack": id}),
    })
}

/// Something that happened to a stack or one of its resources.
pub(crate) struct Happened<'a> {
    pub(crate) logical: &'a str,
    pub(crate) physical: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) status: &'a str,
    pub(crate) reason: Option<&'a str>,
}

/// The table of events, newest first: `stack id 0 time`. No two events of a stack have one time.
pub(crate) const EVENTS: &str = "cloudformation/events";

pub(crate) fn event(tx: &mut Tx<'_>, stack: &Stack, happened: &Happened<'_>) -> Result<(), Fault> {
    let time = tx.now.max(after_last(tx, stack)?);
    let newest_first = u64::MAX - u64::try_from(time.0).unwrap_or_default();
    let key = [stack.id.as_bytes(), &[0], &newest_first.to_be_bytes()].concat();
    let id = tx.uuid();
    let value = serde_json::json!({
        "StackId": stack.id, "EventId": id, "StackName": stack.name, "LogicalResourceId": happened.logical,
        "PhysicalResourceId": happened.physical, "ResourceType": happened.kind, "Timestamp": time.to_rfc3339(),
        "ResourceStatus": happened.status, "ResourceStatusReason": happened.reason,
        "OperationId": stack.work.id, "OperationType": stack.work.kind, "ClientRequestToken": stack.work.token,
    });
    tx.put_record_as(EVENTS, &key, &value)
}

/// The moment after a stack's last event: clients put events in order by their times.
fn after_last(tx: &Tx<'_>, stack: &Stack) -> Result<Timestamp, Fault> {
    let (mut from, mut to) = (Vec::new(), Vec::new());
    let last = tx.records(EVENTS, model::Range { limit: 1, ..all(&stack.id, &mut from, &mut to) })?;
    let newest = last.first().and_then(|(key, _)| key.get(stack.id.len() + 1..)?.first_chunk::<8>());
    let newest = newest.map_or(0, |bytes| u64::MAX - u64::from_be_bytes(*bytes));
    Ok(Timestamp(i64::try_from(newest).unwrap_or_default() + 1))
}

/// The range of a stack's events.
pub(crate) fn all<'a>(id: &str, from: &'a mut Vec<u8>, to: &'a mut Vec<u8>) -> model::Range<'a> {
    *from = [id.as_bytes(), &[0]].concat();
    *to = [id.as_bytes(), &[1]].concat();
    model::Range { from, to: Some(to), reverse: false, limit: usize::MAX }
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html>
pub(crate) fn create_stack(tx: &mut Tx<'_>, input: CreateStackInput) -> Result<CreateStackOutput, Fault> {
    source::refuse_unserved(&[
        ("NotificationARNs", input.notification_ar_ns.as_ref().is_some_and(|l| !l.is_empty())),
        ("ResourceTypes", input.resource_types.is_some()),
        ("StackPolicyBody", input.stack_policy_body.is_some()),
        ("StackPolicyURL", input.stack_policy_url.is_some()),
        ("RollbackConfiguration", source::triggers(input.rollback_configuration.as_ref())),
    ])?;
    let name = input.stack_name;
    if tx.find::<Stack>(&name).is_some() {
        return Err(Fault::client("AlreadyExistsException", format!("Stack [{name}] already exists")));
    }
    let source = source::of(tx, input.template_body, input.template_url)?;
    let parameters = chosen(tx, input.parameters, None)?;
    let capabilities = input.capabilities.unwrap_or_default();
    let version = source::admit(tx, source, parameters, &capabilities)?;
    let keep = input.disable_rollback == Some(true) || input.on_failure.as_deref() == Some("DO_NOTHING");
    let mut stack = begin(
        tx,
        Begin {
            name,
            version,
            tags: tags_of(input.tags),
            capabilities,
            role_arn: input.role_arn,
            status: "CREATE_IN_PROGRESS",
        },
    )?;
    stack.protected = input.enable_termination_protection == Some(true);
    stack.keep_on_failure = keep;
    stack.delete_on_failure = input.on_failure.as_deref() == Some("DELETE");
    stack.retain_except_on_create = input.retain_except_on_create == Some(true);
    stack.deadline = input.timeout_in_minutes.map(|minutes| tx.now.plus_seconds(minutes * 60));
    let id = stack.id.clone();
    let operation_id = go(tx, stack, "CREATE_STACK", input.client_request_token)?;
    Ok(CreateStackOutput { stack_id: Some(id), operation_id: Some(operation_id) })
}

const UPDATABLE: [&str; 7] = [
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
    "CREATE_FAILED",
    "UPDATE_FAILED",
];

pub(crate) fn updatable(stack: &Stack) -> Result<(), Fault> {
    match UPDATABLE.contains(&stack.status.as_str()) {
        true => Ok(()),
        false => Err(Fault::client(
            "ValidationError",
            format!("Stack:{} is in {} state and can not be updated.", stack.id, stack.status),
        )),
    }
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html>
pub(crate) fn update_stack(tx: &mut Tx<'_>, input: UpdateStackInput) -> Result<UpdateStackOutput, Fault> {
    source::refuse_unserved(&[
        ("NotificationARNs", input.notification_ar_ns.as_ref().is_some_and(|l| !l.is_empty())),
        ("ResourceTypes", input.resource_types.is_some()),
        ("StackPolicyBody", input.stack_policy_body.is_some()),
        ("StackPolicyURL", input.stack_policy_url.is_some()),
        ("StackPolicyDuringUpdateBody", input.stack_policy_during_update_body.is_some()),
        ("StackPolicyDuringUpdateURL", input.stack_policy_during_update_url.is_some()),
        ("RollbackConfiguration", source::triggers(input.rollback_configuration.as_ref())),
    ])?;
    let mut stack = find(tx, &input.stack_name)?;
    updatable(&stack)?;
    let source = match input.use_previous_template {
        Some(true) => Source { text: stack.current.template.clone(), file: stack.current.file.clone() },
        _ => source::of(tx, input.template_body, input.template_url)?,
    };
    let parameters = chosen(tx, input.parameters, Some(&stack.current))?;
    let capabilities = input.capabilities.unwrap_or_default();
    let version = source::admit(tx, source, parameters, &capabilities)?;
    let tags = input.tags.map_or_else(|| stack.tags.clone(), |t| tags_of(Some(t)));
    let same =
        version.template == stack.current.template && given(tx, &version)? == given(tx, &stack.current)?;
    if same && tags == stack.tags && !stack.status.ends_with("_FAILED") {
        return Err(Fault::client("ValidationError", "No updates are to be performed."));
    }
    stack.capabilities = capabilities;
    stack.role_arn = input.role_arn.or(stack.role_arn);
    stack.keep_on_failure = input.disable_rollback == Some(true);
    stack.retain_except_on_create = input.retain_except_on_create == Some(true);
    update(tx, &mut stack, version, tags)?;
    let id = stack.id.clone();
    let operation_id = go(tx, stack, "UPDATE_STACK", input.client_request_token)?;
    Ok(UpdateStackOutput { stack_id: Some(id), operation_id: Some(operation_id) })
}

/// Turns the stack to a new version, the last one that was whole kept for the way back.
pub(crate) fn update(tx: &Tx<'_>, stack: &mut Stack, version: Version, tags: Tags) -> Result<(), Fault> {
    let old = std::mem::replace(&mut stack.current, version);
    let old_tags = std::mem::replace(&mut stack.tags, tags);
    match stack.status.as_str() {
        "UPDATE_FAILED" => {}
        "CREATE_FAILED" => (stack.previous, stack.previous_tags) = (None, None),
        _ => (stack.previous, stack.previous_tags) = (Some(old), Some(old_tags)),
    }
    stack.status = "UPDATE_IN_PROGRESS".to_owned();
    stack.reason = None;
    stack.updated = Some(tx.now);
    stack.deployer = deployer(tx, stack.role_arn.as_deref())?;
    Ok(())
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html>
pub(crate) fn delete_stack(tx: &mut Tx<'_>, input: DeleteStackInput) -> Result<(), Fault> {
    let Ok(mut stack) = find(tx, &input.stack_name) else { return Ok(()) };
    if stack.deleted.is_some() || stack.status == "DELETE_IN_PROGRESS" {
        return Ok(());
    }
    if stack.protected {
        return Err(Fault::client(
            "ValidationError",
            format!("Stack [{}] cannot be deleted while TerminationProtection is enabled", stack.name),
        ));
    }
    if stack.in_progress() {
        return Err(Fault::client(
            "ValidationError",
            format!("Stack [{}] cannot be deleted while in status {}", stack.name, stack.status),
        ));
    }
    for export in stack.outputs.iter().filter_map(|o| o.export.as_ref()) {
        if let Some(user) = tx.list::<Stack>().find(|s| s.imports.contains(export) && s.deleted.is_none()) {
            return Err(Fault::client(
                "ValidationError",
                format!("Export {export} cannot be deleted as it is in use by {}", user.name),
            ));
        }
    }
    for made in &mut stack.resources {
        if input.retain_resources.iter().flatten().any(|r| *r == made.logical) {
            made.deletion = "Retain".to_owned();
        }
    }
    stack.role_arn = input.role_arn.or(stack.role_arn);
    stack.deployer = deployer(tx, stack.role_arn.as_deref())?;
    stack.status = "DELETE_IN_PROGRESS".to_owned();
    stack.reason = None;
    go(tx, stack, "DELETE_STACK", input.client_request_token).map(drop)
}

/// A template that the runtime was started with, to be deployed for its administrator.
#[derive(Deserialize)]
struct Started {
    name: String,
    template: String,
    file: String,
    deployer: Caller,
}

/// The job: makes the stack, or brings it to this template.
pub(crate) fn deploy(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let started: Started = serde_json::from_value(payload)
        .map_err(|e| Fault::internal(format!("a deployment cannot be read: {e}")))?;
    tx.act_as(Some(started.deployer));
    let capabilities = vec!["CAPABILITY_NAMED_IAM".to_owned(), "CAPABILITY_AUTO_EXPAND".to_owned()];
    let source = Source { text: started.template, file: started.file };
    let version = source::admit(tx, source, BTreeMap::new(), &capabilities)?;
    let mut stack = match tx.find::<Stack>(&started.name).cloned() {
        None => begin(
            tx,
            Begin {
                name: started.name,
                version,
                tags: Tags::new(),
                capabilities,
                role_arn: None,
                status: "CREATE_IN_PROGRESS",
            },
        )?,
        // What was going on when the runtime stopped goes on by itself.
        Some(stack) if stack.in_progress() => return Ok(()),
        Some(mut stack) => {
            updatable(&stack)?;
            let same = version.template == stack.current.template
                && given(tx, &version)? == given(tx, &stack.current)?;
            if same && !stack.status.ends_with("_FAILED") {
                return Ok(());
            }
            let tags = stack.tags.clone();
            update(tx, &mut stack, version, tags)?;
            stack
        }
    };
    stack.keep_on_failure = false;
    tx.act_as(None);
    let kind = if stack.status == "CREATE_IN_PROGRESS" { "CREATE_STACK" } else { "UPDATE_STACK" };
    go(tx, stack, kind, None).map(drop)
}
