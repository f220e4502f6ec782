//! The resource types in CloudFormation. Their properties are the members of the API;
//! everything goes through the service's own calls.

use model::{Deploy, Fault, Physical, Resource, Tx, Value};
use serde_json::{Map, Value as Json, json};

macro_rules! resource {
    ($noun:ident) => {
        Resource {
            type_name: concat!("AWS::ApiGatewayV2::", stringify!($noun)),
            create: |tx, deploy| create(tx, deploy, stringify!($noun)),
            update: |tx, deploy| update(tx, deploy, stringify!($noun)),
            delete: |tx, deploy| delete(tx, deploy, stringify!($noun)),
            ready: None,
        }
    };
}

pub(crate) const RESOURCES: &[Resource] = &[
    resource!(Api),
    resource!(Route),
    resource!(Integration),
    resource!(Authorizer),
    resource!(Stage),
    resource!(Deployment),
    resource!(VpcLink),
];

/// The member of the API by which a thing is named.
fn id_member(noun: &str) -> String {
    match noun {
        "Stage" => "StageName".to_owned(),
        _ => format!("{noun}Id"),
    }
}

/// The operation's input: the properties, and the tags where the thing has some.
fn input(deploy: &Deploy<'_>, noun: &str) -> Map<String, Json> {
    let mut members = deploy.properties.as_object().cloned().unwrap_or_default();
    if matches!(noun, "Api" | "Stage" | "VpcLink") {
        members.insert("Tags".to_owned(), json!(deploy.tags_with("Tags")));
    }
    if let Some(responses) = members.remove("ResponseParameters") {
        members.insert("ResponseParameters".to_owned(), response_parameters(&responses));
    }
    members
}

/// `{"500": {"ResponseParameters": [{Destination, Source}]}}` to the API's `{"500": {destination: source}}`.
fn response_parameters(given: &Json) -> Json {
    let mut by_status = Map::new();
    for (status, changes) in given.as_object().into_iter().flatten() {
        let list = changes.get("ResponseParameters").and_then(Json::as_array).cloned().unwrap_or_default();
        let one = |change: &Json| {
            let source = change.get("Source").cloned().unwrap_or_default();
            Some((change.get("Destination")?.as_str()?.to_owned(), source))
        };
        by_status.insert(status.clone(), Json::Object(list.iter().filter_map(one).collect()));
    }
    Json::Object(by_status)
}

fn call(
    tx: &mut Tx<'_>,
    deploy: &Deploy<'_>,
    operation: &str,
    input: Map<String, Json>,
) -> Result<Value, Fault> {
    deploy.call(tx, "apigatewayv2", operation, Json::Object(input))
}

fn create(tx: &mut Tx<'_>, deploy: &Deploy<'_>, noun: &str) -> Result<Physical, Fault> {
    let made = call(tx, deploy, &format!("Create{noun}"), input(deploy, noun))?;
    let member = id_member(noun);
    let id = made.text(&member).unwrap_or_default().to_owned();
    let physical = Physical::new(&id);
    Ok(match noun {
        "Stage" => physical,
        "Api" => physical
            .attribute("ApiEndpoint", made.text("ApiEndpoint").unwrap_or_default())
            .attribute("ApiId", id),
        _ => physical.attribute(&member, id),
    })
}

fn update(tx: &mut Tx<'_>, deploy: &Deploy<'_>, noun: &str) -> Result<Physical, Fault> {
    let id = deploy.id()?.to_owned();
    let mut members = input(deploy, noun);
    members.remove("Tags");
    members.insert(id_member(noun), Json::String(id.clone()));
    let was = |property: &str| deploy.previous.is_some_and(|p| p.get(property).is_some());
    // What is no longer said is taken back.
    let blank: &[(&str, Json)] = match noun {
        "Route" => &[("AuthorizationType", json!("NONE")), ("AuthorizationScopes", json!([]))],
        "Stage" => &[
            ("RouteSettings", json!({})),
            ("StageVariables", json!({})),
            ("DefaultRouteSettings", json!({})),
        ],
        "Integration" => &[("ResponseParameters", json!({}))],
        _ => &[],
    };
    for (property, empty) in blank {
        if was(property) && deploy.property(property).is_none() {
            members.insert((*property).to_owned(), empty.clone());
        }
    }
    if noun == "Integration" {
        let parameters = members.entry("RequestParameters").or_insert_with(|| json!({}));
        let before = deploy.previous.and_then(|p| p.get("RequestParameters")).and_then(Json::as_object);
        if let Some(parameters) = parameters.as_object_mut() {
            for gone in before.into_iter().flatten().map(|(k, _)| k) {
                parameters.entry(gone.clone()).or_insert_with(|| json!(""));
            }
        }
    }
    call(tx, deploy, &format!("Update{noun}"), members)?;
    let on_api = |more: &[(&str, &str)]| -> Map<String, Json> {
        more.iter().map(|(k, v)| ((*k).to_owned(), Json::String((*v).to_owned()))).collect()
    };
    if noun == "Api" && was("CorsConfiguration") && deploy.property("CorsConfiguration").is_none() {
        call(tx, deploy, "DeleteCorsConfiguration", on_api(&[("ApiId", &id)]))?;
    }
    if noun == "Stage" && was("AccessLogSettings") && deploy.property("AccessLogSettings").is_none() {
        let api = deploy.text("ApiId").unwrap_or_default();
        call(tx, deploy, "DeleteAccessLogSettings", on_api(&[("ApiId", api), ("StageName", &id)]))?;
    }
    retag(tx, deploy, noun, &id)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn retag(tx: &mut Tx<'_>, deploy: &Deploy<'_>, noun: &str, id: &str) -> Result<(), Fault> {
    let before = deploy.previous.and_then(|p| p.get("Tags"));
    if before == deploy.property("Tags") {
        return Ok(());
    }
    let path = match noun {
        "Api" => format!("/apis/{id}"),
        "Stage" => format!("/apis/{}/stages/{id}", deploy.text("ApiId").unwrap_or_default()),
        "VpcLink" => format!("/vpclinks/{id}"),
        _ => return Ok(()),
    };
    let arn = model::estate::apigateway::management_arn(&tx.region, &path);
    let after = deploy.tags_with("Tags");
    let gone: Vec<&String> = before
        .and_then(Json::as_object)
        .into_iter()
        .flatten()
        .map(|(k, _)| k)
        .filter(|k| !after.contains_key(*k))
        .collect();
    let input = |member: &str, value: Json| -> Map<String, Json> {
        Map::from_iter([("ResourceArn".to_owned(), json!(arn)), (member.to_owned(), value)])
    };
    if !gone.is_empty() {
        call(tx, deploy, "UntagResource", input("TagKeys", json!(gone)))?;
    }
    call(tx, deploy, "TagResource", input("Tags", json!(after))).map(|_| ())
}

/// What is already gone need not be deleted.
fn delete(tx: &mut Tx<'_>, deploy: &Deploy<'_>, noun: &str) -> Result<(), Fault> {
    let mut members = Map::new();
    if let Some(api) = deploy.property("ApiId") {
        members.insert("ApiId".to_owned(), api.clone());
    }
    members.insert(id_member(noun), Json::String(deploy.id()?.to_owned()));
    match call(tx, deploy, &format!("Delete{noun}"), members) {
        Err(fault) if fault.code != "NotFoundException" => Err(fault),
        _ => Ok(()),
    }
}
