//! Going back on demand, and what keeps a stack from being deleted.

use model::{Fault, Tx};

use crate::converge::{fail, turn_back};
use crate::shapes::*;
use crate::source::refuse;
use crate::stack::{Stack, deployer, find, go};

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackStack.html>
pub(crate) fn rollback_stack(
    tx: &mut Tx<'_>,
    input: RollbackStackInput,
) -> Result<RollbackStackOutput, Fault> {
    let mut stack = find(tx, &input.stack_name)?;
    stack.status = match (stack.status.as_str(), &stack.previous) {
        ("UPDATE_FAILED", Some(_)) => "UPDATE_ROLLBACK_IN_PROGRESS",
        // It was never whole: all of it goes.
        ("UPDATE_FAILED" | "CREATE_FAILED", None) | ("CREATE_FAILED", Some(_)) => "ROLLBACK_IN_PROGRESS",
        _ => {
            let message =
                format!("Stack:{} is in {} state and can not be rolled back.", stack.id, stack.status);
            return Err(refuse(message));
        }
    }
    .to_owned();
    if stack.status == "UPDATE_ROLLBACK_IN_PROGRESS" {
        turn_back(&mut stack);
    }
    stack.role_arn = input.role_arn.or(stack.role_arn);
    stack.deployer = deployer(tx, stack.role_arn.as_deref())?;
    stack.retain_except_on_create = input.retain_except_on_create == Some(true);
    let id = stack.id.clone();
    let operation_id = go(tx, stack, "ROLLBACK", input.client_request_token)?;
    Ok(RollbackStackOutput { stack_id: Some(id), operation_id: Some(operation_id) })
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ContinueUpdateRollback.html>
pub(crate) fn continue_update_rollback(
    tx: &mut Tx<'_>,
    input: ContinueUpdateRollbackInput,
) -> Result<ContinueUpdateRollbackOutput, Fault> {
    let mut stack = find(tx, &input.stack_name)?;
    if stack.status != "UPDATE_ROLLBACK_FAILED" {
        let message =
            format!("Stack:{} is in {} state and can not continue rollback.", stack.id, stack.status);
        return Err(refuse(message));
    }
    let skipped = input.resources_to_skip.unwrap_or_default();
    let known =
        |name: &String| stack.resources.iter().any(|m| m.logical == *name && m.status.ends_with("_FAILED"));
    if let Some(unknown) = skipped.iter().find(|name| !known(name)) {
        return Err(refuse(format!(
            "The following resource(s) cannot be skipped, they are not in a failed state: [{unknown}]"
        )));
    }
    stack.skipped = skipped;
    stack.status = "UPDATE_ROLLBACK_IN_PROGRESS".to_owned();
    stack.role_arn = input.role_arn.or(stack.role_arn);
    stack.deployer = deployer(tx, stack.role_arn.as_deref())?;
    go(tx, stack, "CONTINUE_ROLLBACK", input.client_request_token)?;
    Ok(ContinueUpdateRollbackOutput::default())
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CancelUpdateStack.html>
pub(crate) fn cancel_update_stack(tx: &mut Tx<'_>, input: CancelUpdateStackInput) -> Result<(), Fault> {
    let mut stack = find(tx, &input.stack_name)?;
    if stack.status != "UPDATE_IN_PROGRESS" {
        return Err(refuse("CancelUpdateStack cannot be called from current stack status"));
    }
    // A cancelled update is always undone.
    stack.keep_on_failure = false;
    fail(tx, &mut stack, &Fault::client("Cancelled", "User Initiated"))?;
    tx.put(stack)
}

/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateTerminationProtection.html>
pub(crate) fn update_termination_protection(
    tx: &mut Tx<'_>,
    input: UpdateTerminationProtectionInput,
) -> Result<UpdateTerminationProtectionOutput, Fault> {
    let stack = find(tx, &input.stack_name)?;
    if stack.deleted.is_some() || stack.status == "DELETE_IN_PROGRESS" {
        return Err(refuse(format!("Stack [{}] is deleted or being deleted", stack.name)));
    }
    let id = stack.id.clone();
    tx.put(Stack { protected: input.enable_termination_protection, ..stack })?;
    Ok(UpdateTerminationProtectionOutput { stack_id: Some(id) })
}
