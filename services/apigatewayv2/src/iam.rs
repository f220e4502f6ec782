//! Which permission each call needs: the HTTP method as the action, the path as the resource.
//! Follows "Actions, resources, and condition keys for Amazon API Gateway Management V2".

use std::sync::LazyLock;

use model::api::{Api, Location};
use model::estate::apigateway::management_arn;
use model::{Ask, Asking, Fault, Value};

/// The API model says where each operation lives.
static API: LazyLock<Option<Api>> = LazyLock::new(|| Api::parse(include_str!("../apigatewayv2.model")).ok());

/// As in a path segment: everything but unreserved characters is escaped.
pub(crate) fn encoded(text: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// The action and the path of an operation with this input.
fn place(operation: &str, input: &Value) -> Option<(&'static str, String)> {
    let api = API.as_ref()?;
    let operation = api.operation(operation)?;
    let mut path = operation.uri.trim_start_matches("/v2").to_owned();
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
    ask.request_tags = asking.tags("Tags");
    ask.tag_keys = asking.strings("TagKeys");
    if path.starts_with("/tags/") {
        ask.owner = asking.text("ResourceArn").map(str::to_owned);
    }
    let mut asks = vec![keys(ask, asking)];
    // What is made with tags is tagged.
    if method == "POST" && asking.input.get("Tags").is_some() {
        let made = encoded(&format!("{resource}/"));
        let mut tagging =
            Ask::new("apigateway:PUT", management_arn(asking.region, &format!("/tags/{made}*")));
        tagging.account = Some(asking.account.clone());
        tagging.request_tags = asking.tags("Tags");
        asks.push(tagging);
    }
    Ok(asks)
}

/// Condition keys of what is asked for.
fn keys(ask: Ask, asking: &Asking<'_>) -> Ask {
    let text = |name: &str| asking.text(name).map(str::to_owned);
    let flag = |name: &str| asking.input.get(name).and_then(Value::as_bool).map(|b| b.to_string());
    match asking.operation {
        "CreateApi" => ask
            .key("apigateway:Request/ApiName", text("Name"))
            .key("apigateway:Request/DisableExecuteApiEndpoint", flag("DisableExecuteApiEndpoint")),
        "CreateAuthorizer" => ask.key("apigateway:Request/AuthorizerType", text("AuthorizerType")),
        "CreateRoute" | "UpdateRoute" => {
            ask.key("apigateway:Request/RouteAuthorizationType", text("AuthorizationType"))
        }
        "CreateStage" => ask.key("apigateway:Request/StageName", text("StageName")),
        _ => ask,
    }
}
