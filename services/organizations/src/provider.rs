//! `AWS::Organizations::*` in CloudFormation.

use model::{Deploy, Fault, Physical, Resource, Tags, Tx, Value};
use serde_json::{Value as Json, json};

pub(crate) const RESOURCES: &[Resource] = &[
    Resource {
        type_name: "AWS::Organizations::Organization",
        create: create_organization,
        update: update_organization,
        delete: delete_organization,
        ready: None,
    },
    Resource {
        type_name: "AWS::Organizations::OrganizationalUnit",
        create: create_unit,
        update: update_unit,
        delete: delete_unit,
        ready: None,
    },
    Resource {
        type_name: "AWS::Organizations::Account",
        create: create_account,
        update: update_account,
        delete: delete_account,
        ready: None,
    },
    Resource {
        type_name: "AWS::Organizations::Policy",
        create: create_policy,
        update: update_policy,
        delete: delete_policy,
        ready: None,
    },
];

fn call(tx: &mut Tx<'_>, deploy: &Deploy<'_>, operation: &str, input: Json) -> Result<Value, Fault> {
    deploy.call(tx, "organizations", operation, input)
}

/// What is wanted gone may be gone already.
fn unless(codes: &[&str], outcome: Result<Value, Fault>) -> Result<(), Fault> {
    match outcome {
        Err(fault) if !codes.contains(&&*fault.code) => Err(fault),
        _ => Ok(()),
    }
}

fn list(tags: &Tags) -> Json {
    tags.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect()
}

/// Brings the tags to what the template says now.
fn retag(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let id = deploy.id()?;
    let wanted = deploy.tags_with("Tags");
    let had = deploy.previous.and_then(|p| p.get("Tags"));
    let had = had.map(|t| model::service::tags_of(&Value::from_json(t.clone()))).unwrap_or_default();
    let gone: Vec<&String> = had.keys().filter(|k| !wanted.contains_key(*k)).collect();
    if !gone.is_empty() {
        call(tx, deploy, "UntagResource", json!({"ResourceId": id, "TagKeys": gone}))?;
    }
    call(tx, deploy, "TagResource", json!({"ResourceId": id, "Tags": list(&wanted)})).map(|_| ())
}

fn part<'a>(answer: &'a Value, member: &str) -> Result<&'a Value, Fault> {
    answer.get(member).ok_or_else(|| Fault::internal(format!("the answer has no `{member}`")))
}

fn text(value: &Value, member: &str) -> String {
    value.text(member).unwrap_or_default().to_owned()
}

fn changed(deploy: &Deploy<'_>, property: &str) -> bool {
    deploy.previous.and_then(|p| p.get(property)) != deploy.property(property)
}

fn create_organization(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let made = call(tx, deploy, "CreateOrganization", json!({"FeatureSet": deploy.property("FeatureSet")}))?;
    let org = part(&made, "Organization")?;
    let roots = call(tx, deploy, "ListRoots", json!({}))?.to_json();
    let root = roots.pointer("/Roots/0/Id").cloned().unwrap_or_default();
    Ok(Physical::new(text(org, "Id"))
        .attribute("Id", text(org, "Id"))
        .attribute("Arn", text(org, "Arn"))
        .attribute("ManagementAccountArn", text(org, "MasterAccountArn"))
        .attribute("ManagementAccountEmail", text(org, "MasterAccountEmail"))
        .attribute("ManagementAccountId", text(org, "MasterAccountId"))
        .attribute("RootId", root))
}

/// The step between the feature sets is a handshake with every account, which is not served.
fn update_organization(_: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let set = |properties: Option<&Json>| {
        properties.and_then(|p| p.get("FeatureSet")).and_then(Json::as_str).unwrap_or("ALL").to_owned()
    };
    match set(deploy.previous) == set(Some(deploy.properties)) {
        true => Ok(deploy.physical.cloned().unwrap_or_default()),
        false => Err(Fault::validation("the FeatureSet of an existing organization cannot be changed here")),
    }
}

fn delete_organization(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    unless(&["AWSOrganizationsNotInUseException"], call(tx, deploy, "DeleteOrganization", json!({})))
}

fn create_unit(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = json!({
        "Name": deploy.property("Name"),
        "ParentId": deploy.property("ParentId"),
        "Tags": list(&deploy.tags_with("Tags")),
    });
    let made = call(tx, deploy, "CreateOrganizationalUnit", input)?;
    let unit = part(&made, "OrganizationalUnit")?;
    Ok(Physical::new(text(unit, "Id"))
        .attribute("Id", text(unit, "Id"))
        .attribute("Arn", text(unit, "Arn"))
        .attribute("Path", text(unit, "Path")))
}

fn update_unit(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let input = json!({"OrganizationalUnitId": deploy.id()?, "Name": deploy.property("Name")});
    call(tx, deploy, "UpdateOrganizationalUnit", input)?;
    retag(tx, deploy)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn delete_unit(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"OrganizationalUnitId": deploy.id()?});
    unless(&["OrganizationalUnitNotFoundException"], call(tx, deploy, "DeleteOrganizationalUnit", input))
}

/// The one place that the template gives the account.
fn parent<'a>(deploy: &'a Deploy<'_>) -> Result<Option<&'a str>, Fault> {
    let ids = deploy.property("ParentIds").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    match ids {
        [] => Ok(None),
        [id] => Ok(id.as_str()),
        _ => Err(Fault::validation("ParentIds: an account can have only one parent")),
    }
}

fn move_to(tx: &mut Tx<'_>, deploy: &Deploy<'_>, account: &str, parent: &str) -> Result<(), Fault> {
    let parents = call(tx, deploy, "ListParents", json!({"ChildId": account}))?.to_json();
    let now = parents.pointer("/Parents/0/Id").and_then(Json::as_str).unwrap_or_default();
    if now == parent {
        return Ok(());
    }
    let input = json!({"AccountId": account, "SourceParentId": now, "DestinationParentId": parent});
    call(tx, deploy, "MoveAccount", input).map(|_| ())
}

fn account(tx: &mut Tx<'_>, deploy: &Deploy<'_>, id: &str) -> Result<Physical, Fault> {
    let found = call(tx, deploy, "DescribeAccount", json!({"AccountId": id}))?;
    let account = part(&found, "Account")?;
    let joined = match account.get("JoinedTimestamp") {
        Some(Value::Time(time)) => time.to_rfc3339(),
        _ => String::new(),
    };
    let fact = |name: &str| account.get(name).map(Value::to_json).unwrap_or_default();
    Ok(["Arn", "JoinedMethod", "Paths", "State", "Status"]
        .iter()
        .fold(Physical::new(id), |physical, name| physical.attribute(name, fact(name)))
        .attribute("AccountId", id)
        .attribute("JoinedTimestamp", joined))
}

fn create_account(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let parent = parent(deploy)?;
    let input = json!({
        "AccountName": deploy.property("AccountName"),
        "Email": deploy.property("Email"),
        "RoleName": deploy.property("RoleName"),
        "Tags": list(&deploy.tags_with("Tags")),
    });
    let made = call(tx, deploy, "CreateAccount", input)?;
    let status = part(&made, "CreateAccountStatus")?;
    if let Some(reason) = status.text("FailureReason") {
        return Err(Fault::validation(format!("the account could not be created: {reason}")));
    }
    let id = text(status, "AccountId");
    if let Some(parent) = parent {
        move_to(tx, deploy, &id, parent)?;
    }
    account(tx, deploy, &id)
}

fn update_account(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    if let Some(fixed) = ["AccountName", "Email", "RoleName"].iter().find(|p| changed(deploy, p)) {
        return Err(Fault::validation(format!("{fixed} of an account cannot be updated")));
    }
    let id = deploy.id()?.to_owned();
    if changed(deploy, "ParentIds") {
        let roots = call(tx, deploy, "ListRoots", json!({}))?.to_json();
        let root = roots.pointer("/Roots/0/Id").and_then(Json::as_str).unwrap_or_default();
        move_to(tx, deploy, &id, parent(deploy)?.unwrap_or(root))?;
    }
    retag(tx, deploy)?;
    account(tx, deploy, &id)
}

/// The account is closed, and stays where it is in the tree until its ninety days are over.
fn delete_account(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let outcome = call(tx, deploy, "CloseAccount", json!({"AccountId": deploy.id()?}));
    unless(&["AccountAlreadyClosedException", "AccountNotFoundException", "ConflictException"], outcome)
}

/// The document as text; a template may write it as an object or as a string.
fn content(deploy: &Deploy<'_>) -> Option<String> {
    let content = deploy.property("Content")?;
    Some(content.as_str().map_or_else(|| content.to_string(), str::to_owned))
}

fn targets(properties: Option<&Json>) -> Vec<&str> {
    let ids = properties.and_then(|p| p.get("TargetIds")).and_then(Json::as_array);
    ids.into_iter().flatten().filter_map(Json::as_str).collect()
}

fn create_policy(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    tx.source = deploy.source("/Content");
    let input = json!({
        "Name": deploy.property("Name"),
        "Type": deploy.property("Type"),
        "Description": deploy.text("Description").unwrap_or_default(),
        "Content": content(deploy),
        "Tags": list(&deploy.tags_with("Tags")),
    });
    let made = call(tx, deploy, "CreatePolicy", input);
    tx.source = None;
    let made = made?;
    let summary = part(part(&made, "Policy")?, "PolicySummary")?;
    let id = text(summary, "Id");
    for target in targets(Some(deploy.properties)) {
        call(tx, deploy, "AttachPolicy", json!({"PolicyId": id, "TargetId": target}))?;
    }
    Ok(Physical::new(id.clone())
        .attribute("Id", id)
        .attribute("Arn", text(summary, "Arn"))
        .attribute("AwsManaged", false))
}

fn update_policy(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let id = deploy.id()?.to_owned();
    tx.source = deploy.source("/Content");
    let input = json!({
        "PolicyId": id,
        "Name": deploy.property("Name"),
        "Description": deploy.text("Description").unwrap_or_default(),
        "Content": content(deploy),
    });
    let updated = call(tx, deploy, "UpdatePolicy", input);
    tx.source = None;
    updated?;
    let (had, wanted) = (targets(deploy.previous), targets(Some(deploy.properties)));
    // First what comes: nothing may be left without any policy in between.
    for target in wanted.iter().filter(|t| !had.contains(t)) {
        let outcome = call(tx, deploy, "AttachPolicy", json!({"PolicyId": id, "TargetId": target}));
        unless(&["DuplicatePolicyAttachmentException"], outcome)?;
    }
    for target in had.iter().filter(|t| !wanted.contains(t)) {
        detach(tx, deploy, &id, target)?;
    }
    retag(tx, deploy)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn detach(tx: &mut Tx<'_>, deploy: &Deploy<'_>, id: &str, target: &str) -> Result<(), Fault> {
    let outcome = call(tx, deploy, "DetachPolicy", json!({"PolicyId": id, "TargetId": target}));
    let gone = ["PolicyNotAttachedException", "TargetNotFoundException", "PolicyNotFoundException"];
    unless(&gone, outcome)
}

fn delete_policy(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let id = deploy.id()?;
    for target in targets(Some(deploy.properties)) {
        detach(tx, deploy, id, target)?;
    }
    unless(&["PolicyNotFoundException"], call(tx, deploy, "DeletePolicy", json!({"PolicyId": id})))
}
