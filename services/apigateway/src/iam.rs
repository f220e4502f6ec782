//! Which permission each call needs: the HTTP method as the action, the path as the resource.
//! Follows "Actions, resources, and condition keys for Amazon API Gateway Management".

use std::sync::LazyLock;

use model::api::{Api, Location};
use model::estate::apigateway::management_arn;
use model::{Ask, Asking, Fault, Value};

/// The API model says where each operation lives.
static API: LazyLock<Option<Api>> = LazyLock::new(|| Api::parse(include_str!("../apigateway.model")).ok());

/// As in a path segment: everything but unreserved characters is escaped.
pub(crate) fn encoded(text: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The action and the path of an operation with this input.
fn place(operation: &str, input: &Value) -> Option<(&'static str, String)> {
    let api = API.as_ref()?;
    let operation = api.operation(operation)?;
    let mut path = operation.uri.to_owned();
    let members =
        operation.input.and_then(|i| api.structure(i)).map(|s| s.members.as_slice()).unwrap_or_default();
    for member in members.iter().filter(|m| m.location == Location::Uri) {
        let given = input.text(member.name)?;
        // Resource paths are written as they are; an ARN stands encoded.
        let given = if given.starts_with("arn:") { encoded(given) } else { given.to_owned() };
        path = path.replace(&format!("{{{}}}", member.wire_name()), &given);
    }
    Some((operation.method, path))
}

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let Some((method, path)) = place(asking.operation, asking.input) else { return Ok(Vec::new()) };
    let resource = management_arn(asking.region, &path);
    let mut ask = Ask::new(format!("apigateway:{method}"), &resource);
    ask.account = Some(asking.account.clone());
    ask.request_tags = asking.tags("tags");
    ask.tag_keys = asking.strings("tagKeys");
    if path.starts_with("/tags/") {
        ask.owner = asking.text("resourceArn").map(str::to_owned);
    }
    let mut asks = vec![keys(ask, asking)];
    // What is made with tags is tagged.
    if method == "POST" && asking.input.get("tags").is_some() {
        let made = encoded(&format!("{resource}/"));
        let mut tagging =
            Ask::new("apigateway:PUT", management_arn(asking.region, &format!("/tags/{made}*")));
        tagging.account = Some(asking.account.clone());
        tagging.request_tags = asking.tags("tags");
        asks.push(tagging);
    }
    if asking.operation == "UpdateAccount" {
        asks.extend(passed_role(asking));
    }
    Ok(asks)
}

/// Condition keys of what is asked for.
fn keys(ask: Ask, asking: &Asking<'_>) -> Ask {
    let text = |name: &str| asking.text(name).map(str::to_owned);
    let flag = |name: &str| asking.input.get(name).and_then(Value::as_bool).map(|b| b.to_string());
    match asking.operation {
        "CreateRestApi" => {
            let endpoint = asking.input.get("endpointConfiguration").and_then(|e| e.get("types"));
            let types = endpoint.and_then(Value::as_list).unwrap_or_default();
            let types = types.iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
            let ask = ask
                .key("apigateway:Request/ApiName", text("name"))
                .key("apigateway:Request/DisableExecuteApiEndpoint", flag("disableExecuteApiEndpoint"));
            if types.is_empty() { ask } else { ask.keys("apigateway:Request/EndpointType", types) }
        }
        "CreateAuthorizer" => ask.key("apigateway:Request/AuthorizerType", text("type")),
        "PutMethod" => ask
            .key("apigateway:Request/ApiKeyRequired", flag("apiKeyRequired"))
            .key("apigateway:Request/RouteAuthorizationType", text("authorizationType")),
        "CreateStage" => ask.key("apigateway:Request/StageName", text("stageName")),
        _ => ask,
    }
}

fn passed_role(asking: &Asking<'_>) -> Vec<Ask> {
    let operations = asking.input.get("patchOperations").and_then(Value::as_list).unwrap_or_default();
    let roles = operations.iter().filter(|o| o.text("op") != Some("remove")).filter_map(|o| o.text("value"));
    roles
        .filter(|role| !role.is_empty())
        .map(|role| {
            Ask::new("iam:PassRole", role).key("iam:PassedToService", Some("apigateway.amazonaws.com"))
        })
        .collect()
}
