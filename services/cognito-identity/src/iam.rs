//! Which permission each call needs. Calls of identities need none: the login is what is judged.

use model::{Ask, Asking, Fault, Value};

use crate::pool::{self, Pool};

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    let action = format!("cognito-identity:{operation}");
    let arn = |id: &str| pool::arn(asking.region, asking.account, id);
    let on = asking.text("IdentityPoolId").map(arn).or_else(|| asking.text("ResourceArn").map(str::to_owned));
    Ok(match operation {
        "GetId" | "GetCredentialsForIdentity" | "GetOpenIdToken" => vec![about(asking, Ask::free(action))],
        "ListIdentityPools" | "DescribeIdentity" | "DeleteIdentities" => vec![Ask::new(action, "*")],
        "CreateIdentityPool" => {
            vec![Ask { request_tags: asking.tags("IdentityPoolTags"), ..Ask::new(action, "*") }]
        }
        "SetIdentityPoolRoles" => {
            let own = on.map(|resource| Ask::new(action, resource));
            own.into_iter().chain(passed(asking.input)).collect()
        }
        _ => {
            let request_tags =
                asking.tags(if operation == "TagResource" { "Tags" } else { "IdentityPoolTags" });
            let tag_keys = asking.strings("TagKeys");
            on.map(|resource| Ask { request_tags, tag_keys, ..Ask::new(action, resource) })
                .into_iter()
                .collect()
        }
    })
}

/// The pool that an unsigned call names.
fn about(asking: &Asking<'_>, ask: Ask) -> Ask {
    let named = asking.text("IdentityPoolId").map(pool::named);
    match named.and_then(|name| asking.snapshot.find_named::<Pool>(&name)) {
        Some(pool) => Ask { resource: pool.arn(), ..ask },
        None => ask,
    }
}

/// Who sets roles gives them to whoever may sign in.
fn passed(input: &Value) -> Vec<Ask> {
    let texts = |map: Option<&Value>| -> Vec<String> {
        let members = map.and_then(Value::as_map);
        members
            .into_iter()
            .flat_map(|m| m.iter())
            .filter_map(|(_, v)| v.as_str())
            .map(str::to_owned)
            .collect()
    };
    let mut roles = texts(input.get("Roles"));
    let mappings = input.get("RoleMappings").and_then(Value::as_map);
    for (_, mapping) in mappings.into_iter().flat_map(|m| m.iter()) {
        let rules = mapping.get("RulesConfiguration").and_then(|c| c.get("Rules")).and_then(Value::as_list);
        roles.extend(rules.into_iter().flatten().filter_map(|r| r.text("RoleARN")).map(str::to_owned));
    }
    roles.sort();
    roles.dedup();
    let service = Some("cognito-identity.amazonaws.com");
    roles.into_iter().map(|role| Ask::new("iam:PassRole", role).key("iam:PassedToService", service)).collect()
}
