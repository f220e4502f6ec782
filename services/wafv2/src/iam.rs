//! Which permission each call needs.

use model::estate::waf::{Association, managed};
use model::{Ask, Asking, Fault, Value};

fn ask_for(asking: &Asking<'_>, resource: String) -> Ask {
    let mut ask = Ask::new(format!("wafv2:{}", asking.operation), resource);
    ask.account = Some(asking.account.clone());
    ask.request_tags = asking.tags("Tags");
    ask.tag_keys = asking.strings("TagKeys");
    ask
}

/// `regional/KIND/NAME/ID`; what is not known yet is `*`.
fn entity(asking: &Asking<'_>, kind: &str) -> String {
    if let Some(arn) = asking.text("ARN") {
        return arn.to_owned();
    }
    let scope = if asking.text("Scope") == Some("CLOUDFRONT") { "global" } else { "regional" };
    let name = asking.text("Name").unwrap_or("*");
    let id = asking.text("Id").unwrap_or("*");
    asking.arn("wafv2", &format!("{scope}/{kind}/{name}/{id}"))
}

/// The ARNs that rules refer to, and whether managed groups are among it.
fn references(value: &Value, arns: &mut Vec<String>, managed: &mut bool) {
    match value {
        Value::List(list) => list.iter().for_each(|v| references(v, arns, managed)),
        Value::Map(members) => {
            for (name, value) in members.iter() {
                match (name, value) {
                    ("ARN", Value::Text(arn)) => arns.push(arn.clone()),
                    ("ManagedRuleGroupStatement", value) => {
                        *managed = true;
                        references(value, arns, managed);
                    }
                    _ => references(value, arns, managed),
                }
            }
        }
        _ => {}
    }
}

fn with_references(asking: &Asking<'_>, own: String) -> Vec<Ask> {
    let (mut arns, mut managed) = (Vec::new(), false);
    if let Some(rules) = asking.input.get("Rules") {
        references(rules, &mut arns, &mut managed);
    }
    if managed {
        arns.push(asking.arn("wafv2", "regional/managedruleset/*/*"));
    }
    arns.sort();
    arns.dedup();
    let mut asks = vec![ask_for(asking, own)];
    asks.extend(arns.into_iter().map(|arn| {
        let mut ask = Ask::new(format!("wafv2:{}", asking.operation), arn);
        ask.account = Some(asking.account.clone());
        ask
    }));
    asks
}

/// The permission that a resource's own service wants for a web ACL to be put before it.
fn on_resource(asking: &Asking<'_>, resource: &str, associate: bool) -> Vec<Ask> {
    let action = match resource.split(':').nth(2) {
        Some("elasticloadbalancing") => "elasticloadbalancing:SetWebACL",
        Some("apigateway") => "apigateway:SetWebACL",
        Some("cognito-idp") if associate => "cognito-idp:AssociateWebACL",
        Some("cognito-idp") => "cognito-idp:DisassociateWebACL",
        _ => return vec![ask_for(asking, resource.to_owned())],
    };
    let mut own = Ask::new(action, resource);
    own.account = Some(asking.account.clone());
    vec![ask_for(asking, resource.to_owned()), own]
}

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let resource = asking.text("ResourceArn").or(asking.text("ResourceARN")).unwrap_or_default();
    Ok(match asking.operation {
        "CreateWebACL" | "UpdateWebACL" => with_references(asking, entity(asking, "webacl")),
        "CreateRuleGroup" | "UpdateRuleGroup" => with_references(asking, entity(asking, "rulegroup")),
        "GetWebACL" | "DeleteWebACL" => vec![ask_for(asking, entity(asking, "webacl"))],
        "GetRuleGroup" | "DeleteRuleGroup" => vec![ask_for(asking, entity(asking, "rulegroup"))],
        "CreateIPSet" | "GetIPSet" | "UpdateIPSet" | "DeleteIPSet" => {
            vec![ask_for(asking, entity(asking, "ipset"))]
        }
        "CreateRegexPatternSet"
        | "GetRegexPatternSet"
        | "UpdateRegexPatternSet"
        | "DeleteRegexPatternSet" => {
            vec![ask_for(asking, entity(asking, "regexpatternset"))]
        }
        "AssociateWebACL" => {
            let mut asks = vec![ask_for(asking, asking.text("WebACLArn").unwrap_or_default().to_owned())];
            asks.extend(on_resource(asking, resource, true));
            asks
        }
        "DisassociateWebACL" => on_resource(asking, resource, false),
        "GetWebACLForResource" => {
            let mut asks = vec![ask_for(asking, resource.to_owned())];
            let association = asking.snapshot.find_named::<Association>(&Association::name_for(resource));
            asks.extend(association.map(|a| ask_for(asking, a.web_acl.clone())));
            asks
        }
        "ListResourcesForWebACL" => {
            vec![ask_for(asking, asking.text("WebACLArn").unwrap_or_default().to_owned())]
        }
        "GetSampledRequests" => {
            vec![ask_for(asking, asking.text("WebAclArn").unwrap_or_default().to_owned())]
        }
        "PutLoggingConfiguration" => {
            let config = asking.input.get("LoggingConfiguration");
            let acl = config.and_then(|c| c.text("ResourceArn")).unwrap_or_default();
            let destination =
                config.and_then(|c| c.get("LogDestinationConfigs")?.as_list()?.first()?.as_str());
            vec![ask_for(asking, acl.to_owned()).key("wafv2:LogDestinationResource", destination)]
        }
        "GetLoggingConfiguration"
        | "DeleteLoggingConfiguration"
        | "TagResource"
        | "UntagResource"
        | "ListTagsForResource" => vec![ask_for(asking, resource.to_owned())],
        "DescribeManagedRuleGroup" => {
            let group =
                managed::group("AWS", asking.text("Name").unwrap_or_default()).map_or("*", |g| g.name);
            vec![ask_for(asking, asking.arn("wafv2", &format!("regional/managedruleset/{group}/*")))]
        }
        // Lists, and CheckCapacity.
        _ => vec![ask_for(asking, "*".to_owned())],
    })
}
