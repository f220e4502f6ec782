//! Which permission each call needs.

use model::{Ask, Asking, Fault};

use crate::secret::lookup;

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    let action = format!("secretsmanager:{operation}");
    Ok(match operation {
        "ListSecrets" | "GetRandomPassword" | "BatchGetSecretValue" => vec![Ask::new(action, "*")],
        "CreateSecret" => {
            let name = asking.text("Name").unwrap_or_default();
            let mut ask = Ask::new(action, asking.arn("secretsmanager", &format!("secret:{name}-??????")))
                .key("secretsmanager:Name", Some(name))
                .key("secretsmanager:Description", asking.text("Description"))
                .key("secretsmanager:KmsKeyId", asking.text("KmsKeyId"));
            ask.account = Some(asking.account.clone());
            ask.request_tags = asking.tags("Tags");
            vec![ask]
        }
        _ => {
            let Some(id) = asking.text("SecretId") else { return Ok(Vec::new()) };
            let found = lookup(asking.snapshot, asking.account, asking.region, id);
            let missing = || {
                if id.starts_with("arn:") {
                    id.to_owned()
                } else {
                    asking.arn("secretsmanager", &format!("secret:{id}"))
                }
            };
            let mut ask = Ask::new(action, found.map_or_else(missing, |s| s.arn.clone()))
                .key("secretsmanager:SecretId", Some(id))
                .key("secretsmanager:VersionId", asking.text("VersionId"))
                .key(
                    "secretsmanager:VersionStage",
                    asking.text("VersionStage").or((operation == "GetSecretValue").then_some("AWSCURRENT")),
                )
                .key(
                    "secretsmanager:BlockPublicPolicy",
                    asking.input.get("BlockPublicPolicy").and_then(|b| b.as_bool()).map(|b| b.to_string()),
                )
                .key(
                    "secretsmanager:ForceDeleteWithoutRecovery",
                    asking
                        .input
                        .get("ForceDeleteWithoutRecovery")
                        .and_then(|b| b.as_bool())
                        .map(|b| b.to_string()),
                );
            ask.request_tags = asking.tags("Tags");
            ask.tag_keys = asking.strings("TagKeys");
            vec![ask]
        }
    })
}
