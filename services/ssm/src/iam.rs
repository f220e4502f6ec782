//! Which permission each call needs.

use model::{Ask, Asking, Fault};

use crate::parameter::{arn, foreign, plain_name};

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    let on = |given: &str| {
        let name = plain_name(given);
        let name = name.rsplit_once(':').map_or(name, |(n, _)| n);
        // What another account has is that account's to give.
        let foreign = foreign(given, asking.account);
        let account = if foreign.is_some() { None } else { Some(asking.account.clone()) };
        let arn = foreign.unwrap_or_else(|| arn(asking.region, asking.account, name));
        let mut ask = Ask::new(format!("ssm:{operation}"), arn);
        ask.account = account;
        ask.request_tags = asking.tags("Tags");
        ask.tag_keys = asking.strings("TagKeys");
        ask
    };
    Ok(match operation {
        "DescribeParameters" => vec![Ask::new("ssm:DescribeParameters", "*")],
        "GetParameters" | "DeleteParameters" => asking.strings("Names").iter().map(|n| on(n)).collect(),
        "GetParametersByPath" => {
            let recursive = asking.input.get("Recursive").and_then(|r| r.as_bool()).unwrap_or(false);
            vec![
                on(asking.text("Path").unwrap_or_default()).key("ssm:Recursive", Some(recursive.to_string())),
            ]
        }
        "PutParameter" => {
            let overwrite = asking.input.get("Overwrite").and_then(|r| r.as_bool()).unwrap_or(false);
            vec![
                on(asking.text("Name").unwrap_or_default()).key("ssm:Overwrite", Some(overwrite.to_string())),
            ]
        }
        _ => asking.text("Name").or(asking.text("ResourceId")).map(on).into_iter().collect(),
    })
}
