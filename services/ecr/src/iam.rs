//! Which permission each call needs. The registry may be another account's.

use model::{AccountId, Ask, Asking, Fault};

use crate::repository::arn;

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    let action = format!("ecr:{operation}");
    let registry = asking.text("registryId").and_then(AccountId::parse);
    let registry = registry.unwrap_or_else(|| asking.account.clone());
    let on = |name: &str| Ask::new(action.clone(), arn(asking.region, &registry, name));
    Ok(match operation {
        "GetAuthorizationToken" => vec![Ask::new(action, "*")],
        "DescribeRepositories" => match asking.strings("repositoryNames").as_slice() {
            [] => vec![on("*")],
            names => names.iter().map(|n| on(n)).collect(),
        },
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            let mut ask = Ask::new(action, asking.text("resourceArn").unwrap_or_default());
            ask.request_tags = asking.tags("tags");
            ask.tag_keys = asking.strings("tagKeys");
            vec![ask]
        }
        "CreateRepository" => {
            let name = asking.text("repositoryName").unwrap_or_default();
            vec![Ask { request_tags: asking.tags("tags"), ..on(name) }]
        }
        _ => asking.text("repositoryName").map(on).into_iter().collect(),
    })
}
