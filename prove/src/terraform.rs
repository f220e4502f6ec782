//! Terraform plans, as `terraform show -json` writes them: the resources that will be there, in the form
//! of a template's, as far as rights go.
//!
//! <https://developer.hashicorp.com/terraform/internals/json-format>. A value that is known only after
//! apply stays unknown, with the reason. One that is a reference to a resource of the plan is that
//! resource's name; one that the configuration does not write is what AWS makes of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::rights::{Called, Whereabouts};
use crate::{Estate, Item};

/// A type of Terraform's provider, the type that it stands for, and its arguments with their properties.
type Row = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

#[rustfmt::skip]
const TYPES: &[Row] = &[
    ("aws_dynamodb_table", "AWS::DynamoDB::Table", &[("arn", "Arn"), ("name", "TableName"), ("tags", "Tags"), ("tags_all", "Tags")]),
    ("aws_iam_group", "AWS::IAM::Group", &[("arn", "Arn"), ("name", "GroupName"), ("path", "Path")]),
    ("aws_iam_group_membership", "AWS::IAM::UserToGroupAddition", &[("group", "GroupName"), ("users", "Users")]),
    ("aws_iam_group_policy", "AWS::IAM::GroupPolicy", &[("name", "PolicyName"), ("group", "GroupName"), ("policy", "PolicyDocument")]),
    ("aws_iam_group_policy_attachment", "Countersign::Attachment", &[("group", "GroupName"), ("policy_arn", "PolicyArn")]),
    ("aws_iam_policy", "AWS::IAM::ManagedPolicy", &[("arn", "Arn"), ("name", "ManagedPolicyName"), ("path", "Path"), ("policy", "PolicyDocument")]),
    ("aws_iam_policy_attachment", "Countersign::Attachment", &[("roles", "Roles"), ("users", "Users"), ("groups", "Groups"), ("policy_arn", "PolicyArn")]),
    ("aws_iam_role", "AWS::IAM::Role", &[("arn", "Arn"), ("name", "RoleName"), ("path", "Path"), ("assume_role_policy", "AssumeRolePolicyDocument"), ("permissions_boundary", "PermissionsBoundary"), ("managed_policy_arns", "ManagedPolicyArns"), ("inline_policy", "Policies"), ("tags", "Tags"), ("tags_all", "Tags")]),
    ("aws_iam_role_policy", "AWS::IAM::RolePolicy", &[("name", "PolicyName"), ("role", "RoleName"), ("policy", "PolicyDocument")]),
    ("aws_iam_role_policy_attachment", "Countersign::Attachment", &[("role", "RoleName"), ("policy_arn", "PolicyArn")]),
    ("aws_iam_user", "AWS::IAM::User", &[("arn", "Arn"), ("name", "UserName"), ("path", "Path"), ("permissions_boundary", "PermissionsBoundary"), ("tags", "Tags"), ("tags_all", "Tags")]),
    ("aws_iam_user_group_membership", "AWS::IAM::UserToGroupAddition", &[("user", "Users"), ("groups", "GroupName")]),
    ("aws_iam_user_policy", "AWS::IAM::UserPolicy", &[("name", "PolicyName"), ("user", "UserName"), ("policy", "PolicyDocument")]),
    ("aws_iam_user_policy_attachment", "Countersign::Attachment", &[("user", "UserName"), ("policy_arn", "PolicyArn")]),
    ("aws_kms_key", "AWS::KMS::Key", &[("arn", "Arn"), ("policy", "KeyPolicy"), ("tags", "Tags"), ("tags_all", "Tags")]),
    ("aws_kms_key_policy", "Countersign::KeyPolicy", &[("key_id", "Key"), ("policy", "PolicyDocument")]),
    ("aws_lambda_function", "AWS::Lambda::Function", &[("arn", "Arn"), ("function_name", "FunctionName"), ("role", "Role"), ("tags", "Tags"), ("tags_all", "Tags")]),
    ("aws_organizations_policy", "AWS::Organizations::Policy", &[("type", "Type"), ("content", "Content")]),
    ("aws_s3_bucket", "AWS::S3::Bucket", &[("arn", "Arn"), ("bucket", "BucketName"), ("tags", "Tags"), ("tags_all", "Tags")]),
    ("aws_s3_bucket_policy", "AWS::S3::BucketPolicy", &[("bucket", "Bucket"), ("policy", "PolicyDocument")]),
    ("aws_s3_bucket_public_access_block", "Countersign::PublicAccessBlock", &[("bucket", "Bucket"), ("restrict_public_buckets", "RestrictPublicBuckets")]),
    ("aws_secretsmanager_secret", "AWS::SecretsManager::Secret", &[("arn", "Arn"), ("name", "Name"), ("policy", "ResourcePolicy"), ("tags", "Tags"), ("tags_all", "Tags")]),
    ("aws_secretsmanager_secret_policy", "AWS::SecretsManager::ResourcePolicy", &[("secret_arn", "SecretId"), ("policy", "ResourcePolicy")]),
    ("aws_sns_topic", "AWS::SNS::Topic", &[("arn", "Arn"), ("name", "TopicName"), ("tags", "Tags"), ("tags_all", "Tags")]),
    ("aws_sns_topic_policy", "AWS::SNS::TopicPolicy", &[("arn", "Topics"), ("policy", "PolicyDocument")]),
    ("aws_sqs_queue", "AWS::SQS::Queue", &[("arn", "Arn"), ("name", "QueueName"), ("tags", "Tags"), ("tags_all", "Tags")]),
    ("aws_sqs_queue_policy", "AWS::SQS::QueuePolicy", &[("queue_url", "Queues"), ("policy", "PolicyDocument")]),
];

/// Whether a text is meant to be a plan (or a state): JSON that says its format's version.
pub fn is_plan(text: &str) -> bool {
    text.trim_start().starts_with('{')
        && text.contains("\"format_version\"")
        && text.contains("\"terraform_version\"")
}

/// What a resource of the plan is before references are resolved.
struct Planned<'a> {
    address: &'a str,
    after: &'a Json,
    unknown: &'a Json,
    /// What the configuration writes; none: it is not there.
    written: Option<&'a Json>,
}

impl Estate {
    /// Reads a plan; gives the account, too, where the plan tells it.
    pub fn planned(text: &str, place: &Whereabouts) -> Result<(Estate, Whereabouts), String> {
        let plan: Json = serde_json::from_str(text)
            .map_err(|e| format!("{}:{}: this is not JSON: {e}", e.line(), e.column()))?;
        let changes = plan.get("resource_changes").and_then(Json::as_array);
        let Some(changes) = changes else {
            return Err("1:1: `resource_changes` is missing: write the plan with `terraform plan -out P` and `terraform show -json P`".to_owned());
        };
        let mut place = place.clone();
        if let Some(account) = account(&plan, changes) {
            place.account = account;
        }
        let lines = lines(text);
        let mut items = BTreeMap::new();
        let mut links = Vec::new();
        for (at, change) in changes.iter().enumerate() {
            let missing = |name: &str| format!("1:1: `resource_changes[{at}].{name}` is missing");
            let part = |name: &str| change.get(name).and_then(Json::as_str).ok_or_else(|| missing(name));
            let (address, kind) = (part("address")?, part("type")?);
            let planned = change.get("change").ok_or_else(|| missing("change"))?;
            let gone = planned.get("after").is_none_or(Json::is_null);
            let Some(row) = TYPES.iter().find(|(of, ..)| *of == kind) else { continue };
            if gone || change.get("mode").and_then(Json::as_str) == Some("data") {
                continue;
            }
            let planned = Planned {
                address,
                after: planned.get("after").unwrap_or(&Json::Null),
                unknown: planned.get("after_unknown").unwrap_or(&Json::Null),
                written: written(&plan, address),
            };
            let mut item = item(row, &planned, &mut links);
            item.line = lines.get(address).copied().unwrap_or(1);
            items.insert(address.to_owned(), item);
        }
        resolve(&mut items, &links, &place);
        blocks(&mut items);
        Ok((Estate { items }, place))
    }
}

/// A property of an item that is a reference to another, and what is to be said if that is not there.
struct Link {
    item: String,
    property: &'static str,
    to: Vec<String>,
    many: bool,
}

fn item(row: &Row, planned: &Planned<'_>, links: &mut Vec<Link>) -> Item {
    let (_, kind, arguments) = row;
    let mut properties = Map::new();
    let mut unknown = Vec::new();
    for (argument, property) in *arguments {
        let value = planned.after.get(argument).filter(|v| !v.is_null());
        if let Some(value) = value {
            properties.insert((*property).to_owned(), shaped(property, value));
        }
        let expression = planned.written.map(|w| w.get(argument));
        // What the configuration does not write, AWS decides: a name, or that there is none. The provider
        // has tags of its own to add.
        if (expression == Some(None) && *argument != "tags_all") || *property == "Arn" {
            continue;
        }
        let mut holes = Vec::new();
        planned.unknown.get(argument).into_iter().for_each(|u| flatten(u, "", &mut holes));
        if holes.is_empty() {
            continue;
        }
        let why = format!("`{}.{argument}` is known only after apply", planned.address);
        let to = expression.flatten().map(references).unwrap_or_default();
        let module = module_of(planned.address);
        let to: Vec<String> = to.iter().map(|to| format!("{module}{to}")).collect();
        // Of a list with known values in it, it is not known which of them is which.
        let all = value.and_then(Json::as_array).is_none_or(|l| l.iter().all(Json::is_null));
        let many = value.is_some_and(Json::is_array) || PLURAL.contains(argument);
        if is_link(kind, property) && !to.is_empty() && all && (!many || holes.len() == to.len()) {
            links.push(Link { item: planned.address.to_owned(), property, to, many });
        }
        unknown.extend(holes.iter().map(|hole| (format!("{property}{hole}"), why.clone())));
    }
    Item {
        name: planned.address.to_owned(),
        kind: (*kind).to_owned(),
        line: 1,
        properties: Json::Object(properties),
        lines: BTreeMap::new(),
        file: None,
        unknown,
    }
}

/// Arguments that are lists.
const PLURAL: [&str; 5] = ["groups", "managed_policy_arns", "roles", "users", "inline_policy"];

/// Properties that name other resources.
const LINKS: [&str; 15] = [
    "Bucket",
    "GroupName",
    "Groups",
    "Key",
    "ManagedPolicyArns",
    "PermissionsBoundary",
    "PolicyArn",
    "Queues",
    "Role",
    "RoleName",
    "Roles",
    "SecretId",
    "Topics",
    "UserName",
    "Users",
];

fn is_link(kind: &str, property: &str) -> bool {
    let own = matches!(kind, "AWS::IAM::Group" | "AWS::IAM::Role" | "AWS::IAM::User");
    LINKS.contains(&property) && !(own && property.ends_with("Name"))
}

/// Arguments in the form of the properties.
fn shaped(property: &str, value: &Json) -> Json {
    if property != "Policies" {
        return value.clone();
    }
    let one =
        |policy: &Json| json!({"PolicyName": policy.get("name"), "PolicyDocument": policy.get("policy")});
    let given =
        |policy: &&Json| policy.get("policy").is_some_and(|p| p.as_str().is_some_and(|t| !t.is_empty()));
    value.as_array().into_iter().flatten().filter(given).map(one).collect()
}

/// Pointers to what is unknown.
fn flatten(unknown: &Json, at: &str, into: &mut Vec<String>) {
    match unknown {
        Json::Bool(true) => into.push(at.to_owned()),
        Json::Array(list) => {
            list.iter().enumerate().for_each(|(i, u)| flatten(u, &format!("{at}/{i}"), into))
        }
        Json::Object(map) => map.iter().for_each(|(k, u)| flatten(u, &format!("{at}/{k}"), into)),
        _ => {}
    }
}

/// `module.a.` of `module.a.aws_iam_role.r`.
fn module_of(address: &str) -> String {
    let mut module = String::new();
    let mut parts = address.split('.');
    while let (Some("module"), Some(name)) = (parts.next(), parts.next()) {
        module.push_str(&format!("module.{name}."));
    }
    module
}

/// What the configuration writes for a resource, whose address may have indices.
fn written<'a>(plan: &'a Json, address: &str) -> Option<&'a Json> {
    let mut module = plan.pointer("/configuration/root_module")?;
    let plain = without_index(address);
    let mut rest = plain.as_str();
    while let Some(after) = rest.strip_prefix("module.") {
        let (name, after) = after.split_once('.')?;
        module = module.get("module_calls")?.get(name)?.get("module")?;
        rest = after;
    }
    let resources = module.get("resources")?.as_array()?;
    resources.iter().find(|r| r.get("address").and_then(Json::as_str) == Some(rest))?.get("expressions")
}

fn without_index(address: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_u32;
    for c in address.chars() {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            c if depth == 0 => out.push(c),
            _ => {}
        }
    }
    out
}

/// The resources that an expression refers to: `aws_iam_role.r` of `aws_iam_role.r.arn`.
fn references(expression: &Json) -> Vec<String> {
    let list = expression.get("references").and_then(Json::as_array).into_iter().flatten();
    let mut found: Vec<String> = Vec::new();
    for text in list.filter_map(Json::as_str).filter(|text| text.starts_with("aws_")) {
        let address: String = text.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
        if !found.contains(&address) {
            found.push(address);
        }
    }
    // A reference to something else besides may change the value.
    let other = expression.get("references").and_then(Json::as_array).into_iter().flatten();
    let other = other.filter_map(Json::as_str).any(|text| !text.starts_with("aws_"));
    if other { Vec::new() } else { found }
}

/// Puts the ARNs of what is referred to in the places of unknown values.
fn resolve(items: &mut BTreeMap<String, Item>, links: &[Link], place: &Whereabouts) {
    let arns: BTreeMap<String, String> =
        items.iter().map(|(address, item)| (address.clone(), Called::item(item, place).arn)).collect();
    for link in links {
        let found: Option<Vec<&String>> = link.to.iter().map(|to| arns.get(to)).collect();
        let Some(found) = found else { continue };
        let Some(item) = items.get_mut(&link.item) else { continue };
        let value = match (found.as_slice(), link.many) {
            ([one], false) => json!(one),
            (several, true) => json!(several),
            _ => continue,
        };
        if let Some(properties) = item.properties.as_object_mut() {
            properties.insert(link.property.to_owned(), value);
        }
        let within = format!("{}/", link.property);
        item.unknown.retain(|(at, _)| at != link.property && !at.starts_with(&within));
    }
}

/// What keeps the public out of a bucket is a resource of its own.
fn blocks(items: &mut BTreeMap<String, Item>) {
    let blocks: Vec<(Json, Json)> = items
        .values()
        .filter(|item| item.kind == "Countersign::PublicAccessBlock")
        .filter_map(|item| Some((item.at("Bucket")?.clone(), item.at("RestrictPublicBuckets")?.clone())))
        .collect();
    for (bucket, restricts) in blocks {
        let is = |item: &&mut Item| {
            let name = item.text("BucketName").map(str::to_owned);
            item.kind == "AWS::S3::Bucket"
                && bucket.as_str().is_some_and(|b| {
                    name.as_deref().is_some_and(|n| b == n || b.ends_with(&format!(":::{n}")))
                })
        };
        for item in items.values_mut().filter(is) {
            if let Some(properties) = item.properties.as_object_mut() {
                let block = json!({"RestrictPublicBuckets": restricts});
                properties.insert("PublicAccessBlockConfiguration".to_owned(), block);
            }
        }
    }
    items.retain(|_, item| item.kind != "Countersign::PublicAccessBlock");
}

/// The account, by what the plan knows of it.
fn account(plan: &Json, changes: &[Json]) -> Option<String> {
    let known = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    let resources = plan.pointer("/prior_state/values/root_module/resources").and_then(Json::as_array);
    let identity = resources.into_iter().flatten().find_map(|r| {
        let is = r.get("type").and_then(Json::as_str) == Some("aws_caller_identity");
        r.pointer("/values/account_id").and_then(Json::as_str).filter(|_| is)
    });
    let arns = || changes.iter().filter_map(|c| c.pointer("/change/after/arn")?.as_str()?.split(':').nth(4));
    identity.into_iter().chain(arns()).find(|a| known(a)).map(str::to_owned)
}

/// The line on which each change begins, by address.
fn lines(text: &str) -> BTreeMap<String, u32> {
    let mut lines = BTreeMap::new();
    let mut inside = false;
    for (at, line) in (1_u32..).zip(text.lines()) {
        inside |= line.contains("\"resource_changes\"");
        if !inside {
            continue;
        }
        for part in line.split("\"address\":").skip(1) {
            let name: Option<String> =
                serde_json::Deserializer::from_str(part).into_iter().next().and_then(Result::ok);
            if let Some(name) = name {
                lines.entry(name).or_insert(at);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        assert!(TYPES.is_sorted());
        assert_eq!(module_of("module.a.module.b[\"x\"].aws_iam_role.r"), "module.a.module.b[\"x\"].");
        assert_eq!(module_of("aws_iam_role.r"), "");
        assert_eq!(without_index("module.a[0].aws_iam_role.r[\"k\"]"), "module.a.aws_iam_role.r");
    }
}
