//! Which permission each call needs. As in AWS, what is asked about a group is asked of
//! `log-group:NAME:log-stream:`, which policies match as `log-group:NAME:*`; only tags are
//! asked of the group's bare ARN.

use model::{Ask, Asking, Fault};

use crate::group;

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    let action = format!("logs:{operation}");
    Ok(match operation {
        "DescribeResourcePolicies" | "PutResourcePolicy" | "DeleteResourcePolicy" | "TestMetricFilter" => {
            vec![Ask::new(action, "*")]
        }
        "DescribeLogGroups" => vec![Ask::new(action, asking.arn("logs", "log-group::log-stream:"))],
        "TagResource"
        | "UntagResource"
        | "ListTagsForResource"
        | "TagLogGroup"
        | "UntagLogGroup"
        | "ListTagsLogGroup" => tagging(asking, action),
        "CreateLogStream" | "DeleteLogStream" | "PutLogEvents" | "GetLogEvents" => {
            vec![on(asking, action, asking.text("logStreamName").unwrap_or_default())]
        }
        "CreateLogGroup" => creating(asking, action),
        _ => vec![on(asking, action, "")],
    })
}

/// The name of the group, however the request names it.
fn name<'a>(asking: &Asking<'a>) -> &'a str {
    let members = ["logGroupName", "logGroupIdentifier", "resourceIdentifier", "resourceArn"];
    let given = members.iter().find_map(|member| asking.input.text(member)).unwrap_or_default();
    group::name_of(given)
}

fn on(asking: &Asking<'_>, action: String, stream: &str) -> Ask {
    let group = group::arn(asking.region, asking.account, name(asking));
    let mut ask = Ask::new(action, format!("{group}:log-stream:{stream}"));
    ask.owner = Some(group);
    ask.account = Some(asking.account.clone());
    ask
}

/// Tags at the making of a group are a permission of their own.
fn creating(asking: &Asking<'_>, action: String) -> Vec<Ask> {
    let tags = asking.tags("tags");
    let mut asks = vec![Ask { request_tags: tags.clone(), ..on(asking, action, "") }];
    if !tags.is_empty() {
        asks.push(Ask { request_tags: tags, ..on(asking, "logs:TagResource".to_owned(), "") });
    }
    asks
}

fn tagging(asking: &Asking<'_>, action: String) -> Vec<Ask> {
    let mut ask = Ask::new(action, group::arn(asking.region, asking.account, name(asking)));
    ask.account = Some(asking.account.clone());
    if asking.operation.starts_with("Tag") {
        ask.request_tags = asking.tags("tags");
    } else {
        ask.tag_keys = [asking.strings("tagKeys"), asking.strings("tags")].concat();
    }
    vec![ask]
}
