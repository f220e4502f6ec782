//! Which permission each call needs.

use model::estate::iam::{Organization, OrganizationPolicy};
use model::{Ask, Asking, Fault};

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    let mut ask = Ask::new(format!("organizations:{operation}"), resource(asking));
    ask.account = Some(asking.account.clone());
    ask.request_tags = asking.tags("Tags");
    let policy_type =
        asking.text("Type").or(asking.text("Filter")).or(asking.text("PolicyType")).map(str::to_owned);
    let of_policy = asking.text("PolicyId").and_then(|id| policy(asking, id)).map(|p| p.policy_type.clone());
    ask = ask.key("organizations:PolicyType", policy_type.or(of_policy));
    ask = ask.key("organizations:ServicePrincipal", asking.text("ServicePrincipal").map(str::to_owned));
    ask.tag_keys = asking.strings("TagKeys");
    let mut asks = vec![ask];
    // Whoever makes something with tags must be allowed to tag.
    if operation.starts_with("Create")
        && let Some(first) = asks.first().filter(|a| !a.request_tags.is_empty()).cloned()
    {
        asks.push(Ask { action: "organizations:TagResource".into(), ..first });
    }
    // Attaching is about the target, too.
    if let (Some(policy), Some(target)) = (asking.text("PolicyId"), asking.text("TargetId")) {
        asks.push(Ask { resource: arn(asking, target), ..asks.first().cloned().unwrap_or_default() });
        if let Some(first) = asks.first_mut() {
            first.resource = arn(asking, policy);
        }
    }
    Ok(asks)
}

fn policy<'a>(asking: &Asking<'a>, id: &str) -> Option<&'a OrganizationPolicy> {
    asking.snapshot.find(asking.account, "", id)
}

fn resource(asking: &Asking<'_>) -> String {
    let members = [
        "PolicyId",
        "TargetId",
        "ResourceId",
        "AccountId",
        "OrganizationalUnitId",
        "ParentId",
        "RootId",
        "ChildId",
    ];
    let named = members.iter().find_map(|m| asking.text(m));
    named.map_or_else(|| "*".to_owned(), |id| arn(asking, id))
}

/// The ARN of what an id names, by its form.
fn arn(asking: &Asking<'_>, id: &str) -> String {
    let org = asking.snapshot.all::<Organization>().next();
    let (account, org) = org.map_or((asking.account, "o-none"), |o| (&o.account, o.id.as_str()));
    if id.starts_with("p-") {
        let kind = policy(asking, id)
            .map_or_else(|| "service_control_policy".to_owned(), |p| p.policy_type.to_ascii_lowercase());
        return model::ids::arn("organizations", "", account, &format!("policy/{org}/{kind}/{id}"));
    }
    let kind = match id {
        id if id.starts_with("ou-") => "ou",
        id if id.starts_with("r-") => "root",
        _ => "account",
    };
    model::ids::arn("organizations", "", account, &format!("{kind}/{org}/{id}"))
}
