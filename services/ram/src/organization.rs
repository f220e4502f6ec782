//! Sharing within the organization, which its management account switches on.

use model::estate::iam::Linked;
use model::estate::ram::{ROLE, SERVICE};
use model::{Fault, Tx, Value};
use serde_json::json;

use crate::fault::not_permitted;
use crate::shapes::*;

/// What the service does in the organization with its role.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["organizations:DescribeAccount","organizations:DescribeOrganization","organizations:DescribeOrganizationalUnit","organizations:ListAccounts","organizations:ListAccountsForParent","organizations:ListChildren","organizations:ListOrganizationalUnitsForParent","organizations:ListParents","organizations:ListRoots"],"Resource":"*"}]}"#;

/// The caller lets Organizations trust this service, and the role is made with which it looks there.
///
/// <https://docs.aws.amazon.com/ram/latest/APIReference/API_EnableSharingWithAwsOrganization.html>
pub(crate) fn enable_sharing(
    tx: &mut Tx<'_>,
    _input: EnableSharingWithAwsOrganizationRequest,
) -> Result<EnableSharingWithAwsOrganizationResponse, Fault> {
    let refused = |fault: Fault| match fault.code.as_ref() {
        "AWSOrganizationsNotInUseException" => not_permitted(fault.message),
        _ => fault,
    };
    let none = Value::from_json(json!({}));
    let _: Value = tx.call(SERVICE, "organizations", "DescribeOrganization", none).map_err(refused)?;
    let service = Value::from_json(json!({ "ServicePrincipal": SERVICE }));
    let _: Value = tx.call(SERVICE, "organizations", "EnableAWSServiceAccess", service).map_err(refused)?;
    Linked { service: SERVICE, role: ROLE, policy: POLICY }.caller(tx)?;
    Ok(EnableSharingWithAwsOrganizationResponse { return_value: Some(true) })
}
