//! Which permission each call needs.

use model::estate::elb::{Listener, LoadBalancer};
use model::{Ask, Asking, Fault, Value};

const KEY: &str = "elasticloadbalancing:";

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    if operation.starts_with("Describe") {
        return Ok(vec![Ask::new(format!("{KEY}{operation}"), "*")]);
    }
    let name = asking.text("Name").unwrap_or_default();
    let new = |resource: String| asking.arn("elasticloadbalancing", &resource);
    let mut asks: Vec<Ask> = match operation {
        "CreateLoadBalancer" => vec![creating(asking, new(format!("loadbalancer/app/{name}/*")))],
        "CreateTargetGroup" => vec![creating(asking, new(format!("targetgroup/{name}/*")))],
        "CreateTrustStore" => vec![creating(asking, new(format!("truststore/{name}/*")))],
        "AddTags" | "RemoveTags" => asking.strings("ResourceArns").iter().map(|a| on(asking, a)).collect(),
        "SetRulePriorities" => {
            let pairs = asking.input.get("RulePriorities").and_then(Value::as_list).unwrap_or_default();
            pairs.iter().filter_map(|p| p.text("RuleArn")).map(|a| on(asking, a)).collect()
        }
        _ => ["ListenerArn", "RuleArn", "LoadBalancerArn", "TargetGroupArn", "TrustStoreArn"]
            .iter()
            .find_map(|member| asking.text(member))
            .map(|arn| on(asking, arn))
            .into_iter()
            .collect(),
    };
    if operation.starts_with("Create")
        && let Some(tagging) = asks.first().and_then(|made| tagging(asking, made))
    {
        asks.push(tagging);
    }
    Ok(asks)
}

/// The ask about a resource that is there, with its tags under the service's own name for them.
fn on(asking: &Asking<'_>, arn: &str) -> Ask {
    let mut ask = Ask::new(format!("{KEY}{}", asking.operation), arn);
    ask.request_tags = asking.tags("Tags");
    ask.tag_keys = asking.strings("TagKeys");
    if let Some(node) = asking.snapshot.by_arn(arn) {
        for (key, value) in node.tags() {
            ask = ask.key(format!("{KEY}ResourceTag/{key}"), Some(value));
        }
    }
    with_keys(asking, ask)
}

fn creating(asking: &Asking<'_>, arn: String) -> Ask {
    let mut ask = Ask::new(format!("{KEY}{}", asking.operation), arn);
    ask.request_tags = asking.tags("Tags");
    with_keys(asking, ask)
}

/// The condition keys that the operation has in AWS.
fn with_keys(asking: &Asking<'_>, ask: Ask) -> Ask {
    let list = |member: &str| Some(asking.strings(member)).filter(|l| !l.is_empty());
    let keys = |ask: Ask, name: &'static str, values: Option<Vec<String>>| match values {
        Some(values) => ask.keys(name, values),
        None => ask,
    };
    match asking.operation {
        "CreateLoadBalancer" => {
            let mappings = asking.input.get("SubnetMappings").and_then(Value::as_list).unwrap_or_default();
            let mapped: Vec<String> =
                mappings.iter().filter_map(|m| m.text("SubnetId")).map(str::to_owned).collect();
            let subnets = list("Subnets").or(Some(mapped).filter(|m| !m.is_empty()));
            let ask = ask
                .key("elasticloadbalancing:Scheme", Some(asking.text("Scheme").unwrap_or("internet-facing")));
            let ask = keys(ask, "elasticloadbalancing:Subnet", subnets);
            keys(ask, "elasticloadbalancing:SecurityGroup", list("SecurityGroups"))
        }
        "SetSubnets" => keys(ask, "elasticloadbalancing:Subnet", list("Subnets")),
        "SetSecurityGroups" => keys(ask, "elasticloadbalancing:SecurityGroup", list("SecurityGroups")),
        "CreateListener" | "ModifyListener" => {
            let old = asking.text("ListenerArn").and_then(|a| asking.snapshot.find_arn::<Listener>(a));
            let protocol = asking.text("Protocol").or(old.map(|l| l.protocol.as_str()));
            let policy = asking.text("SslPolicy").or(old.and_then(|l| l.ssl_policy.as_deref()));
            let balancer = asking.text("LoadBalancerArn").or(old.map(|l| l.load_balancer.as_str()));
            let balancer = balancer.and_then(|a| asking.snapshot.find_arn::<LoadBalancer>(a));
            ask.key("elasticloadbalancing:ListenerProtocol", protocol)
                .key("elasticloadbalancing:SecurityPolicy", policy)
                .key("elasticloadbalancing:Scheme", balancer.map(|b| b.scheme.as_str()))
        }
        _ => ask,
    }
}

/// Who tags what it makes must be allowed to tag it.
fn tagging(asking: &Asking<'_>, made: &Ask) -> Option<Ask> {
    if made.request_tags.is_empty() {
        return None;
    }
    let resource = match asking.operation {
        "CreateListener" => format!("{}/*", made.resource.replace(":loadbalancer/", ":listener/")),
        "CreateRule" => format!("{}/*", made.resource.replace(":listener/", ":listener-rule/")),
        _ => made.resource.clone(),
    };
    let mut ask = Ask::new("elasticloadbalancing:AddTags", resource)
        .key("elasticloadbalancing:CreateAction", Some(asking.operation));
    ask.request_tags = made.request_tags.clone();
    Some(ask)
}
