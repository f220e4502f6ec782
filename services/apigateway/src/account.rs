//! The account's settings in a region: the role with which logs are written.

use model::estate::apigateway::GatewayAccount;
use model::estate::iam::Role;
use model::{Fault, Tx};

use crate::document::{bad_request, not_served};
use crate::patch::operations;
use crate::shapes::{self, *};

fn show(role: Option<String>) -> shapes::Account {
    shapes::Account {
        cloudwatch_role_arn: role,
        throttle_settings: Some(ThrottleSettings { burst_limit: Some(5000), rate_limit: Some(10_000.0) }),
        features: Some(vec!["UsagePlans".to_owned()]),
        api_key_version: Some("4".to_owned()),
    }
}

pub(crate) fn get_account(tx: &mut Tx<'_>, _: GetAccountRequest) -> Result<shapes::Account, Fault> {
    Ok(show(tx.find::<GatewayAccount>("account").and_then(|a| a.cloudwatch_role_arn.clone())))
}

/// <https://docs.aws.amazon.com/apigateway/latest/api/API_UpdateAccount.html>
pub(crate) fn update_account(tx: &mut Tx<'_>, input: UpdateAccountRequest) -> Result<shapes::Account, Fault> {
    let mut role = tx.find::<GatewayAccount>("account").and_then(|a| a.cloudwatch_role_arn.clone());
    for operation in operations(input.patch_operations) {
        if operation.path.as_deref() != Some("/cloudwatchRoleArn") {
            return Err(not_served("changing this setting of the account"));
        }
        role = operation.value.filter(|v| operation.op.as_deref() != Some("remove") && !v.is_empty());
    }
    if let Some(arn) = &role
        && tx.find_arn::<Role>(arn).is_none_or(|r| r.account != tx.account)
    {
        return Err(bad_request(
            "The role ARN does not have required permissions configured. Please grant trust permission for API Gateway and add the required role policy.",
        ));
    }
    tx.put(GatewayAccount {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: "account".to_owned(),
        cloudwatch_role_arn: role.clone(),
    })?;
    Ok(show(role))
}
