//! One step of a stack towards its template: make, change or delete one resource.

use std::collections::BTreeMap;

use model::{Deploy, Fault, Physical, Ready, Resource, Tags, Tx};
use serde_json::Value as Json;
use template::{Node, Resolved, Scope};

use crate::lookup::{self, World};
use crate::source::{parse, types};
use crate::stack::{Happened, Made, Shown, Stack, Version, event, parameters, schedule, seal, unseal};

/// Between two looks at a resource that takes its time.
const LOOK_AGAIN: i64 = 250;

/// What a step came to.
enum Step {
    /// Something was done; there may be more.
    Done,
    Wait,
    Finished,
}

/// The job: one step, then the next is scheduled.
pub(crate) fn advance(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let id = payload.get("stack").and_then(Json::as_str).unwrap_or_default();
    let Some(mut stack) = tx.find_arn::<Stack>(id).filter(|s| s.in_progress()).cloned() else {
        return Ok(());
    };
    let late = stack.status == "CREATE_IN_PROGRESS" && stack.deadline.is_some_and(|d| d <= tx.now);
    tx.act_as(Some(stack.deployer.clone()));
    let outcome = match late {
        true => Err(Fault::client("ValidationError", "Stack creation time exceeded the specified timeout")),
        false => step(tx, &mut stack),
    };
    tx.act_as(None);
    match outcome {
        Ok(Step::Done) => schedule(tx, &stack.id, 0)?,
        Ok(Step::Wait) => schedule(tx, &stack.id, LOOK_AGAIN)?,
        Ok(Step::Finished) => finish(tx, &mut stack)?,
        Err(fault) => fail(tx, &mut stack, &fault)?,
    }
    if stack.deleted.is_some()
        && let Some(old) = tx.find::<Stack>(&stack.name).cloned()
    {
        tx.remove(&old)?;
    }
    tx.put(stack)
}

fn backwards(stack: &Stack) -> bool {
    matches!(stack.status.as_str(), "DELETE_IN_PROGRESS" | "ROLLBACK_IN_PROGRESS")
}

fn step(tx: &mut Tx<'_>, stack: &mut Stack) -> Result<Step, Fault> {
    if backwards(stack) {
        let creating = stack.status == "ROLLBACK_IN_PROGRESS";
        let replaced = std::mem::take(&mut stack.garbage);
        stack.resources.extend(replaced.into_iter().map(|m| Made { deletion: m.replace.clone(), ..m }));
        return match stack.resources.pop() {
            None => Ok(Step::Finished),
            Some(made) => match delete(tx, stack, &made, creating) {
                Ok(Gone::Yes) => Ok(Step::Done),
                Ok(Gone::NotYet) => {
                    stack.resources.push(Made { status: GOING.to_owned(), ..made });
                    Ok(Step::Wait)
                }
                Err(fault) => {
                    stack.resources.push(Made { status: "DELETE_FAILED".to_owned(), ..made });
                    Err(fault)
                }
            },
        };
    }
    let version = stack.current.clone();
    let node = parse(&version.template)?;
    let given = parameters(tx, &version)?;
    let wrong = |p: template::Problem| Fault::client("ValidationError", p.to_string());
    let ordered = {
        let world = World::of(tx, stack, &version)?;
        let scope = Scope::new(&node, &given, &world).map_err(wrong)?;
        let resources = node.get("Resources");
        let wanted = |name: &str| resources.and_then(|r| r.get(name)).is_some_and(|r| scope.wanted(r));
        template::order(&node, &wanted).map_err(wrong)?
    };
    for logical in &ordered {
        let Some(resource) = node.get("Resources").and_then(|r| r.get(logical)) else { continue };
        match one(tx, stack, &Target { node: &node, version: &version, given: &given, logical, resource })? {
            Step::Finished => {}
            other => return Ok(other),
        }
    }
    // What is no longer wanted goes last, the youngest first.
    let unmaking = stack.status == "UPDATE_ROLLBACK_IN_PROGRESS";
    if let Some(at) = stack.resources.iter().rposition(|m| !ordered.contains(&m.logical)) {
        let made = stack.resources.remove(at);
        if !stack.skipped.contains(&made.logical) && delete(tx, stack, &made, unmaking)? == Gone::NotYet {
            stack.resources.insert(at, Made { status: GOING.to_owned(), ..made });
            return Ok(Step::Wait);
        }
        return Ok(Step::Done);
    }
    if let Some(made) = stack.garbage.pop() {
        let made = Made { deletion: made.replace.clone(), ..made };
        if delete(tx, stack, &made, false)? == Gone::NotYet {
            stack.garbage.push(Made { status: GOING.to_owned(), ..made });
            return Ok(Step::Wait);
        }
        return Ok(Step::Done);
    }
    // Deletion goes backwards through this list: what an update added stands where it belongs.
    stack.resources.sort_by_key(|m| ordered.iter().position(|name| *name == m.logical));
    outputs(tx, stack, &node, &given)?;
    Ok(Step::Finished)
}

struct Target<'a> {
    node: &'a Node,
    version: &'a Version,
    given: &'a BTreeMap<String, String>,
    logical: &'a str,
    resource: &'a Node,
}

fn provider(tx: &Tx<'_>, kind: &str) -> Result<&'static Resource, Fault> {
    let missing = || Fault::client("ValidationError", format!("Unrecognized resource types: [{kind}]"));
    tx.host().registry().resource(kind).ok_or_else(missing)
}

fn resolve(tx: &mut Tx<'_>, stack: &mut Stack, target: &Target<'_>) -> Result<Resolved, Fault> {
    let Some(properties) = target.resource.get("Properties") else {
        return Ok(Resolved { value: Json::Object(serde_json::Map::new()), lines: BTreeMap::new() });
    };
    let world = World::of(tx, stack, target.version)?;
    let wrong = |p: template::Problem| Fault::client("ValidationError", p.to_string());
    let scope = Scope::new(target.node, target.given, &world).map_err(wrong)?;
    let mut resolved = scope.value(properties, &world).map_err(wrong)?;
    for name in world.imports.into_inner() {
        if !stack.imports.contains(&name) {
            stack.imports.push(name);
        }
    }
    lookup::fill(tx, &mut resolved.value)?;
    Ok(resolved)
}

/// Brings one resource on; `Finished` when it is as the template wants it.
fn one(tx: &mut Tx<'_>, stack: &mut Stack, target: &Target<'_>) -> Result<Step, Fault> {
    if stack.skipped.iter().any(|s| s == target.logical) {
        return Ok(Step::Finished);
    }
    let kind = target.resource.get("Type").and_then(Node::text).unwrap_or_default().to_owned();
    let at = stack.resources.iter().position(|m| m.logical == target.logical);
    let resolved = resolve(tx, stack, target)?;
    let Some(old) = at.and_then(|at| stack.resources.get(at)).cloned() else {
        let made = make(tx, stack, target, &kind, &resolved)?;
        stack.resources.push(made);
        grown(tx, stack, &resolved.value)?;
        return Ok(Step::Done);
    };
    if old.status.ends_with("_IN_PROGRESS") {
        return settle(tx, stack, old);
    }
    let before = unseal(tx, &old.properties)?;
    // On the way back, an update that failed has changed nothing.
    let back = stack.status == "UPDATE_ROLLBACK_IN_PROGRESS" && old.status == "UPDATE_FAILED";
    if back && before == resolved.value {
        mark(stack, target.logical, "UPDATE_COMPLETE");
    }
    let lame = old.status.ends_with("_FAILED") && !back;
    if before == resolved.value && old.kind == kind && !lame && !retagged(tx, stack, &old)? {
        return Ok(Step::Finished);
    }
    // What was never whole is made anew.
    if old.status == "CREATE_FAILED" || replaces(tx, &old, &kind, &before, &resolved.value)? {
        let reason =
            Some("Requested update requires the creation of a new physical resource; hence creating one.");
        tell(tx, stack, &old, "UPDATE_IN_PROGRESS", reason)?;
        let made = make(tx, stack, target, &kind, &resolved)?;
        if let Some(place) = stack.resources.iter_mut().find(|m| m.logical == target.logical) {
            *place = made;
        }
        stack.garbage.push(old);
        return Ok(Step::Done);
    }
    change(tx, stack, target, old, &before, &resolved)?;
    Ok(Step::Done)
}

/// Whether a property that cannot be changed has changed.
fn replaces(tx: &Tx<'_>, old: &Made, kind: &str, before: &Json, after: &Json) -> Result<bool, Fault> {
    if old.kind != kind {
        return Ok(true);
    }
    let types = types(tx)?;
    let Some(schema) = types.0.get(kind) else { return Ok(false) };
    Ok(schema.properties.iter().any(|(name, p)| p.create_only && before.get(name) != after.get(name)))
}

fn mark(stack: &mut Stack, logical: &str, status: &str) {
    for made in stack.resources.iter_mut().filter(|m| m.logical == logical) {
        made.status = status.to_owned();
    }
}

/// Whether the stack's tags, which are put on every resource that has tags, are not those it was given.
fn retagged(tx: &Tx<'_>, stack: &Stack, old: &Made) -> Result<bool, Fault> {
    if old.tags == stack.tags {
        return Ok(false);
    }
    Ok(taggable(&types(tx)?, &old.kind))
}

pub(crate) fn taggable(types: &template::Types, kind: &str) -> bool {
    types.0.get(kind).is_some_and(|schema| schema.properties.keys().any(|name| name.ends_with("Tags")))
}

/// The properties before, with the stack's tags of then among the tags: providers see which ones go.
fn with_former_tags(types: &template::Types, old: &Made, before: &Json) -> Json {
    let mut before = before.clone();
    let schema = types.0.get(&old.kind);
    let tagged = schema.and_then(|s| s.properties.iter().find(|(name, _)| name.ends_with("Tags")));
    if let (Some((name, property)), Some(map)) = (tagged, before.as_object_mut()) {
        let own = map.get(name).cloned().unwrap_or_default();
        let mut tags = old.tags.clone();
        tags.extend(model::service::tags_of(&model::Value::from_json(own)));
        let listed = property.shape == template::Shape::Tags;
        let list = || tags.iter().map(|(k, v)| serde_json::json!({"Key": k, "Value": v})).collect();
        map.insert(name.clone(), if listed { Json::Array(list()) } else { serde_json::json!(tags) });
    }
    before
}

fn text_of(target: &Target<'_>, attribute: &str) -> String {
    target.resource.get(attribute).and_then(Node::text).unwrap_or("Delete").to_owned()
}

fn tags(stack: &Stack, logical: &str) -> Tags {
    let mut tags = stack.tags.clone();
    tags.insert("aws:cloudformation:stack-name".to_owned(), stack.name.clone());
    tags.insert("aws:cloudformation:stack-id".to_owned(), stack.id.clone());
    tags.insert("aws:cloudformation:logical-id".to_owned(), logical.to_owned());
    tags
}

fn tell(
    tx: &mut Tx<'_>,
    stack: &Stack,
    made: &Made,
    status: &str,
    reason: Option<&str>,
) -> Result<(), Fault> {
    event(
        tx,
        stack,
        &Happened { logical: &made.logical, physical: &made.physical.id, kind: &made.kind, status, reason },
    )
}

fn make(
    tx: &mut Tx<'_>,
    stack: &Stack,
    target: &Target<'_>,
    kind: &str,
    resolved: &Resolved,
) -> Result<Made, Fault> {
    let provider = provider(tx, kind)?;
    let mut made = Made {
        logical: target.logical.to_owned(),
        kind: kind.to_owned(),
        physical: Physical::default(),
        status: "CREATE_IN_PROGRESS".to_owned(),
        reason: None,
        time: tx.now,
        properties: seal(tx, &resolved.value)?,
        deletion: text_of(target, "DeletionPolicy"),
        replace: text_of(target, "UpdateReplacePolicy"),
        tags: stack.tags.clone(),
    };
    tell(tx, stack, &made, "CREATE_IN_PROGRESS", None)?;
    let tags = tags(stack, target.logical);
    let deploy = Deploy {
        stack_name: &stack.name,
        stack_id: &stack.id,
        logical_id: target.logical,
        properties: &resolved.value,
        previous: None,
        physical: None,
        tags: &tags,
        file: &target.version.file,
        lines: &resolved.lines,
    };
    let created = tx.attempt(|tx| (provider.create)(tx, &deploy));
    tx.source = None;
    made.physical = match created {
        Ok(physical) => physical,
        Err(fault) => {
            tell(tx, stack, &made, "CREATE_FAILED", Some(&fault.message))?;
            return Err(named(target.logical, fault));
        }
    };
    if provider.ready.is_none() {
        made.status = "CREATE_COMPLETE".to_owned();
        tell(tx, stack, &made, "CREATE_COMPLETE", None)?;
    }
    Ok(made)
}

fn named(logical: &str, fault: Fault) -> Fault {
    Fault {
        message: format!("The following resource(s) failed: [{logical}]. {}: {}", fault.code, fault.message),
        ..fault
    }
}

fn change(
    tx: &mut Tx<'_>,
    stack: &mut Stack,
    target: &Target<'_>,
    old: Made,
    before: &Json,
    resolved: &Resolved,
) -> Result<(), Fault> {
    let provider = provider(tx, &old.kind)?;
    tell(tx, stack, &old, "UPDATE_IN_PROGRESS", None)?;
    let tags = tags(stack, target.logical);
    let before = match old.tags == stack.tags {
        true => before.clone(),
        false => with_former_tags(&types(tx)?, &old, before),
    };
    let deploy = Deploy {
        stack_name: &stack.name,
        stack_id: &stack.id,
        logical_id: target.logical,
        properties: &resolved.value,
        previous: Some(&before),
        physical: Some(&old.physical),
        tags: &tags,
        file: &target.version.file,
        lines: &resolved.lines,
    };
    let updated = tx.attempt(|tx| (provider.update)(tx, &deploy));
    tx.source = None;
    let physical = match updated {
        Ok(physical) => physical,
        Err(fault) => {
            tell(tx, stack, &old, "UPDATE_FAILED", Some(&fault.message))?;
            mark(stack, target.logical, "UPDATE_FAILED");
            return Err(named(target.logical, fault));
        }
    };
    let done = provider.ready.is_none();
    let made = Made {
        physical,
        status: if done { "UPDATE_COMPLETE" } else { "UPDATE_IN_PROGRESS" }.to_owned(),
        time: tx.now,
        properties: seal(tx, &resolved.value)?,
        deletion: text_of(target, "DeletionPolicy"),
        replace: text_of(target, "UpdateReplacePolicy"),
        tags: stack.tags.clone(),
        ..old
    };
    if done {
        tell(tx, stack, &made, "UPDATE_COMPLETE", None)?;
    }
    if let Some(place) = stack.resources.iter_mut().find(|m| m.logical == target.logical) {
        *place = made;
    }
    Ok(())
}

/// Looks whether a resource that takes its time has settled.
fn settle(tx: &mut Tx<'_>, stack: &mut Stack, mut made: Made) -> Result<Step, Fault> {
    let ready = match provider(tx, &made.kind)?.ready {
        None => Ready::Yes,
        Some(look) => look(tx, &made.physical)?,
    };
    match ready {
        Ready::NotYet => return Ok(Step::Wait),
        Ready::Failed(why) => {
            let failed = made.status.replace("_IN_PROGRESS", "_FAILED");
            tell(tx, stack, &made, &failed, Some(&why))?;
            return Err(named(&made.logical, Fault::client("NotStabilized", why)));
        }
        Ready::Yes => {}
        Ready::With(attributes) => made.physical.attributes.extend(attributes),
    }
    made.status = made.status.replace("_IN_PROGRESS", "_COMPLETE");
    let status = made.status.clone();
    tell(tx, stack, &made, &status, None)?;
    if let Some(place) = stack.resources.iter_mut().find(|m| m.logical == made.logical) {
        *place = made;
    }
    Ok(Step::Done)
}

/// What was made may have given something to what its properties name, as a block of addresses
/// does to its VPC: `Fn::GetAtt` is to find it there.
fn grown(tx: &mut Tx<'_>, stack: &mut Stack, properties: &Json) -> Result<(), Fault> {
    for made in &mut stack.resources {
        let named = made.status.ends_with("_COMPLETE") && names(properties, &made.physical.id);
        let Some(look) = provider(tx, &made.kind)?.ready.filter(|_| named) else { continue };
        if let Ready::With(attributes) = look(tx, &made.physical)? {
            made.physical.attributes.extend(attributes);
        }
    }
    Ok(())
}

fn names(properties: &Json, id: &str) -> bool {
    match properties {
        Json::String(text) => text == id,
        Json::Array(list) => list.iter().any(|one| names(one, id)),
        Json::Object(map) => map.values().any(|one| names(one, id)),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

#[derive(PartialEq)]
enum Gone {
    Yes,
    NotYet,
}

/// The status of a resource whose deletion takes its time.
const GOING: &str = "DELETE_IN_PROGRESS";

fn delete(tx: &mut Tx<'_>, stack: &Stack, made: &Made, creating: bool) -> Result<Gone, Fault> {
    let retained = match made.deletion.as_str() {
        "Retain" => !(creating && stack.retain_except_on_create),
        "RetainExceptOnCreate" => !creating,
        _ => false,
    };
    if retained {
        tell(tx, stack, made, "DELETE_SKIPPED", None)?;
        return Ok(Gone::Yes);
    }
    if made.status != GOING {
        tell(tx, stack, made, GOING, None)?;
    }
    let properties = unseal(tx, &made.properties)?;
    let (tags, lines) = (Tags::new(), BTreeMap::new());
    let deploy = Deploy {
        stack_name: &stack.name,
        stack_id: &stack.id,
        logical_id: &made.logical,
        properties: &properties,
        previous: None,
        physical: Some(&made.physical),
        tags: &tags,
        file: "",
        lines: &lines,
    };
    let provider = provider(tx, &made.kind)?;
    let deleted = tx.attempt(|tx| match (provider.delete)(tx, &deploy) {
        Ok(()) => Ok(Gone::Yes),
        Err(fault) if fault.code == model::service::GOING => Ok(Gone::NotYet),
        Err(fault) => Err(fault),
    });
    match deleted {
        Ok(Gone::NotYet) => Ok(Gone::NotYet),
        Ok(Gone::Yes) => tell(tx, stack, made, "DELETE_COMPLETE", None).map(|()| Gone::Yes),
        Err(fault) => {
            tell(tx, stack, made, "DELETE_FAILED", Some(&fault.message))?;
            Err(named(&made.logical, fault))
        }
    }
}

fn outputs(
    tx: &Tx<'_>,
    stack: &mut Stack,
    node: &Node,
    given: &BTreeMap<String, String>,
) -> Result<(), Fault> {
    let wrong = |p: template::Problem| Fault::client("ValidationError", p.to_string());
    let world = World::of(tx, stack, &stack.current)?;
    let scope = Scope::new(node, given, &world).map_err(wrong)?;
    let text = |node: &Node| -> Result<String, Fault> {
        let value = scope.value(node, &world).map_err(wrong)?.value;
        Ok(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let mut shown = Vec::new();
    for (name, _, output) in node.get("Outputs").and_then(Node::map).unwrap_or_default() {
        let Some(value) = output.get("Value").filter(|_| scope.wanted(output)) else { continue };
        let export = output.get("Export").and_then(|e| e.get("Name")).map(&text).transpose()?;
        if let Some(export) = &export {
            let others = tx.list::<Stack>().filter(|s| s.id != stack.id && s.deleted.is_none());
            if let Some(other) =
                others.into_iter().find(|s| s.outputs.iter().any(|o| o.export.as_ref() == Some(export)))
            {
                return Err(Fault::client(
                    "ValidationError",
                    format!("Export with name {export} is already exported by stack {}", other.name),
                ));
            }
        }
        let description = output.get("Description").and_then(Node::text).map(str::to_owned);
        shown.push(Shown { name: name.clone(), value: text(value)?, description, export });
    }
    stack.outputs = shown;
    Ok(())
}

fn told(tx: &mut Tx<'_>, stack: &Stack, reason: Option<&str>) -> Result<(), Fault> {
    event(
        tx,
        stack,
        &Happened {
            logical: &stack.name,
            physical: &stack.id,
            kind: "AWS::CloudFormation::Stack",
            status: &stack.status,
            reason,
        },
    )
}

fn finish(tx: &mut Tx<'_>, stack: &mut Stack) -> Result<(), Fault> {
    stack.status = stack.status.replace("_IN_PROGRESS", "_COMPLETE");
    if stack.status == "DELETE_COMPLETE" {
        stack.deleted = Some(tx.now);
        stack.outputs.clear();
        stack.imports.clear();
    }
    stack.previous = None;
    stack.previous_tags = None;
    stack.skipped.clear();
    told(tx, stack, None)
}

/// Turns round: a creation is undone, an update goes back to what was before.
pub(crate) fn fail(tx: &mut Tx<'_>, stack: &mut Stack, fault: &Fault) -> Result<(), Fault> {
    stack.reason = Some(fault.message.clone());
    let next = match stack.status.as_str() {
        "CREATE_IN_PROGRESS" if stack.keep_on_failure => "CREATE_FAILED",
        "CREATE_IN_PROGRESS" if stack.delete_on_failure => "DELETE_IN_PROGRESS",
        "CREATE_IN_PROGRESS" => "ROLLBACK_IN_PROGRESS",
        "UPDATE_IN_PROGRESS" if stack.keep_on_failure => "UPDATE_FAILED",
        // It was never whole: there is nothing to go back to.
        "UPDATE_IN_PROGRESS" if stack.previous.is_none() => "ROLLBACK_IN_PROGRESS",
        "UPDATE_IN_PROGRESS" => "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS" => "UPDATE_ROLLBACK_FAILED",
        "ROLLBACK_IN_PROGRESS" => "ROLLBACK_FAILED",
        _ => "DELETE_FAILED",
    };
    stack.status = next.to_owned();
    if next == "UPDATE_ROLLBACK_IN_PROGRESS" {
        turn_back(stack);
    }
    for made in &mut stack.resources {
        if matches!(made.status.as_str(), "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS") {
            made.status = made.status.replace("_IN_PROGRESS", "_FAILED");
        }
    }
    told(tx, stack, Some(&fault.message))?;
    if stack.in_progress() { schedule(tx, &stack.id, 0) } else { Ok(()) }
}

/// Makes the version before the one to converge on.
pub(crate) fn turn_back(stack: &mut Stack) {
    if let Some(previous) = stack.previous.take() {
        stack.current = previous;
    }
    if let Some(tags) = stack.previous_tags.take() {
        stack.tags = tags;
    }
    // What was replaced is the true one again, the first of several; its replacement goes.
    for old in std::mem::take(&mut stack.garbage).into_iter().rev() {
        if let Some(place) = stack.resources.iter_mut().find(|m| m.logical == old.logical) {
            let new = std::mem::replace(place, old);
            stack.garbage.push(Made { replace: "Delete".to_owned(), ..new });
        }
    }
}
