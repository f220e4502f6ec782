//! What an operation came to, event by event.

use model::{Fault, FromValue as _, Tx, Value};
use serde_json::Value as Json;

use crate::change_set::find_set;
use crate::shapes::*;
use crate::source::refuse;
use crate::stack::{self, EVENTS, Stack as Node_, find};

/// Events of a page.
pub(crate) const PAGE: usize = 100;

/// A stack's events from the token's place on, newest first, and the token of those that follow.
pub(crate) fn page(
    tx: &Tx<'_>,
    stack: &Node_,
    token: Option<&str>,
    wanted: &dyn Fn(&Json) -> bool,
) -> Result<(Vec<Json>, Option<String>), Fault> {
    let begin = token.unwrap_or("0").parse::<usize>().map_err(|_| refuse("The next token is not valid"))?;
    let (mut from, mut to) = (Vec::new(), Vec::new());
    let mut found = Vec::new();
    for (_, bytes) in tx.records(EVENTS, stack::all(&stack.id, &mut from, &mut to))? {
        let event: Json = serde_json::from_slice(&bytes)
            .map_err(|e| Fault::internal(format!("an event cannot be read: {e}")))?;
        if wanted(&event) {
            found.push(event);
        }
    }
    let more = found.len() > begin.saturating_add(PAGE);
    let events = found.into_iter().skip(begin).take(PAGE).collect();
    Ok((events, more.then(|| (begin + PAGE).to_string())))
}

fn text<'a>(event: &'a Json, name: &str) -> &'a str {
    event.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// An event of the stack itself begins or ends an operation; the others tell how it goes.
fn shape(event: &Json) -> Result<OperationEvent, Fault> {
    let status = text(event, "ResourceStatus");
    let whole = text(event, "PhysicalResourceId") == text(event, "StackId");
    let mut shaped = OperationEvent::from_value(Value::from_json(event.clone()))?;
    let failed = status.ends_with("_FAILED");
    let kind = match (whole, failed) {
        (true, _) => "STACK_EVENT",
        (false, true) => "PROVISIONING_ERROR",
        (false, false) => "PROGRESS_EVENT",
    };
    shaped.event_type = Some(kind.to_owned());
    shaped.operation_status = whole.then(|| {
        let outcome = if status.ends_with("_IN_PROGRESS") {
            "IN_PROGRESS"
        } else if failed || status.contains("ROLLBACK") && !text(event, "OperationType").contains("ROLLBACK")
        {
            "FAILED"
        } else {
            "SUCCEEDED"
        };
        outcome.to_owned()
    });
    Ok(shaped)
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeEvents.html>
pub(crate) fn describe_events(
    tx: &mut Tx<'_>,
    input: DescribeEventsInput,
) -> Result<DescribeEventsOutput, Fault> {
    let operation = input.operation_id.as_deref();
    let stack = match (&input.change_set_name, &input.stack_name, operation) {
        // What is wrong with a template is told when its change set is made, not by events.
        (Some(set), stack, _) => {
            find_set(tx, set, stack.as_deref())?;
            return Ok(DescribeEventsOutput { operation_events: Some(Vec::new()), next_token: None });
        }
        (None, Some(name), _) => find(tx, name)?,
        (None, None, Some(id)) => {
            let missing = || refuse(format!("Operation with id {id} does not exist"));
            tx.list::<Node_>().find(|s| s.work.id == id).cloned().ok_or_else(missing)?
        }
        (None, None, None) => return Err(refuse("StackName, ChangeSetName or OperationId is required")),
    };
    let failed = input.filters.and_then(|f| f.failed_events) == Some(true);
    let wanted = |event: &Json| {
        operation.is_none_or(|id| text(event, "OperationId") == id)
            && (!failed || text(event, "ResourceStatus").ends_with("_FAILED"))
    };
    let (events, next_token) = page(tx, &stack, input.next_token.as_deref(), &wanted)?;
    let events = events.iter().map(shape).collect::<Result<_, Fault>>()?;
    Ok(DescribeEventsOutput { operation_events: Some(events), next_token })
}
