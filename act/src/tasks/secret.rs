//! Secrets of a container, fetched by the execution role when the task starts.

use model::estate::ecs::{SecretFrom, Task};
use model::plane::Plane;
use model::{Arn, Fault, Members, Value};
use serde_json::Value as Json;

use super::role::{Execution, To};

const FAILED: &str = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secret";

pub(crate) async fn fetch(
    plane: &Plane,
    task: &Task,
    role: &Execution,
    secret: &SecretFrom,
) -> Result<String, String> {
    let from = secret.value_from.as_str();
    match Arn::parse(from) {
        Some(arn) if arn.service == "secretsmanager" => from_secrets_manager(plane, task, role, from)
            .await
            .map_err(|f| format!("{FAILED} from asm: service call has been retried 1 time(s): failed to fetch secret {from} from secrets manager: {f}")),
        _ => from_parameters(plane, task, role, from)
            .await
            .map_err(|f| format!("{FAILED}s from ssm: service call has been retried 1 time(s): failed to fetch {from}: {f}")),
    }
}

/// `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME:json-key:stage:version`.
async fn from_secrets_manager(
    plane: &Plane,
    task: &Task,
    role: &Execution,
    from: &str,
) -> Result<String, Fault> {
    let fields: Vec<&str> = from.split(':').collect();
    let arn = fields.iter().take(7).copied().collect::<Vec<_>>().join(":");
    let region = fields.get(3).copied().unwrap_or(&task.region);
    let part = |at: usize| fields.get(at).copied().filter(|p| !p.is_empty());
    let mut input = Members::default();
    input.push("SecretId", arn);
    input.push_some("VersionStage", part(8));
    input.push_some("VersionId", part(9));
    let to = To { service: "secretsmanager", operation: "GetSecretValue", region };
    let found = role.call(plane, task, to, Value::Map(input)).await?;
    let text = found
        .text("SecretString")
        .ok_or_else(|| Fault::client("InvalidParameterException", "the secret is binary"))?;
    let Some(key) = part(7) else { return Ok(text.to_owned()) };
    let wrong = || {
        Fault::client(
            "ResourceNotFoundException",
            format!("retrieved secret from Secrets Manager did not contain json key {key}"),
        )
    };
    let json: Json = serde_json::from_str(text).map_err(|_| wrong())?;
    match json.get(key) {
        Some(Json::String(value)) => Ok(value.clone()),
        Some(other) => Ok(other.to_string()),
        None => Err(wrong()),
    }
}

/// A parameter's ARN, or the name of one in the task's own Region.
async fn from_parameters(plane: &Plane, task: &Task, role: &Execution, from: &str) -> Result<String, Fault> {
    let region = Arn::parse(from).map_or(task.region.as_str(), |arn| arn.region);
    let mut input = Members::default();
    input.0.push(("Names".into(), Value::List(vec![from.into()])));
    input.push("WithDecryption", true);
    let to = To { service: "ssm", operation: "GetParameters", region };
    let found = role.call(plane, task, to, Value::Map(input)).await?;
    let first = found.get("Parameters").and_then(Value::as_list).and_then(<[Value]>::first);
    let value = first.and_then(|p| p.text("Value")).map(str::to_owned);
    value.ok_or_else(|| Fault::client("ParameterNotFound", format!("invalid ssm parameters: {from}")))
}
