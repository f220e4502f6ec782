//! The key of an instance's storage. It must be the caller's to use when the instance is
//! made, and usable for as long as the engine is to run.

use model::{Caller, Fault, Tx, Value};
use serde_json::json;

use crate::SERVICE_PRINCIPAL;

/// The key that RDS makes for itself in an account, where no other is named.
const OWN: &str = "alias/aws/rds";

fn unusable(fault: Fault) -> Fault {
    match fault.code.as_ref() {
        "NotFoundException" | "DisabledException" | "KMSInvalidStateException" | "ValidationException" => {
            Fault::client(
                "KMSKeyNotAccessibleFault",
                format!(
                    "The specified KMS key does not exist, is not enabled or you do not have permissions to access it: {}",
                    fault.message
                ),
            )
        }
        _ => fault,
    }
}

/// The ARN of the key, which the caller may see (and, by `ask`, let RDS use).
pub(crate) fn key(tx: &mut Tx<'_>, named: Option<&str>) -> Result<String, Fault> {
    if named.is_none() {
        let service = Caller::service(SERVICE_PRINCIPAL, &tx.account);
        let _: Value =
            tx.call_as(service, None, "kms", "EnsureManagedKey", Value::from_json(json!({"Alias": OWN})))?;
    }
    let input = Value::from_json(json!({"KeyId": named.unwrap_or(OWN)}));
    let shown: Value = tx.call(SERVICE_PRINCIPAL, "kms", "DescribeKey", input).map_err(unusable)?;
    let facts = shown.get("KeyMetadata").cloned().unwrap_or_default();
    let fits = facts.text("KeyState") == Some("Enabled") && facts.text("KeyUsage") == Some("ENCRYPT_DECRYPT");
    match (fits, facts.text("Arn")) {
        (true, Some(arn)) => Ok(arn.to_owned()),
        _ => Err(Fault::client(
            "KMSKeyNotAccessibleFault",
            "The specified KMS key does not exist, is not enabled or you do not have permissions to access it.",
        )),
    }
}
