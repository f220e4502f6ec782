//! Which permission each call needs: on the analyzer, or the archive rule of one, that it names.

use model::estate::iam::Role;
use model::{Ask, Asking, Fault};

use crate::analyzer::{LINKED, SERVICE};

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    // The second form of a call needs what the first does.
    let action = asking.operation.trim_end_matches("V2");
    let mut ask = Ask::new(format!("access-analyzer:{action}"), resource(asking));
    ask.request_tags = asking.tags("tags");
    ask.tag_keys = asking.strings("tagKeys");
    let mut asks = vec![ask];
    match asking.operation {
        "CreateAnalyzer" => asks.extend(linked_role(asking)),
        "StartPolicyGeneration" => asks.extend(passing(asking)),
        _ => {}
    }
    Ok(asks)
}

/// The role by which the service reads the trail.
fn passing(asking: &Asking<'_>) -> Option<Ask> {
    let role = asking.input.get("cloudTrailDetails")?.text("accessRole")?;
    Some(Ask::new("iam:PassRole", role).key("iam:PassedToService", Some(SERVICE)))
}

/// The service's role is made with the first analyzer.
fn linked_role(asking: &Asking<'_>) -> Option<Ask> {
    if asking.snapshot.find::<Role>(asking.account, "", LINKED.role).is_some() {
        return None;
    }
    let role = format!("role/aws-service-role/{SERVICE}/{}", LINKED.role);
    let ask = Ask::new("iam:CreateServiceLinkedRole", model::ids::arn("iam", "", asking.account, &role));
    Some(ask.key("iam:AWSServiceName", Some(SERVICE)))
}

fn resource(asking: &Asking<'_>) -> String {
    let by_name = |name: &str| asking.arn("access-analyzer", &format!("analyzer/{name}"));
    let named = asking.text("analyzerName").map(by_name);
    let named = named.or_else(|| asking.text("analyzerArn").map(str::to_owned));
    let tagged =
        || asking.text("resourceArn").filter(|_| asking.operation.contains("Tag")).map(str::to_owned);
    let Some(analyzer) = named.or_else(tagged) else { return "*".to_owned() };
    match asking.text("ruleName") {
        Some(rule) => format!("{analyzer}/archive-rule/{rule}"),
        None => analyzer,
    }
}
