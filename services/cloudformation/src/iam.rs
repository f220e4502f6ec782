//! Which permission each call needs.

use model::{Ask, Asking, Fault};

use crate::stack::Stack;

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    let action = format!("cloudformation:{operation}");
    let named = asking.text("StackName").or(asking.text("ChangeSetName").filter(|n| n.starts_with("arn:")));
    let resource = match (operation, named) {
        ("ListStacks" | "ListExports" | "ListImports" | "ValidateTemplate", _) => "*".to_owned(),
        (_, Some(name)) => stack_arn(asking, name),
        ("GetTemplateSummary", None) => "*".to_owned(),
        ("DescribeStacks" | "DescribeStackResources" | "DescribeEvents", None) => {
            asking.arn("cloudformation", "stack/*")
        }
        (_, None) => return Ok(Vec::new()),
    };
    let mut ask = Ask::new(action, resource)
        .key("cloudformation:TemplateUrl", asking.text("TemplateURL"))
        .key("cloudformation:RoleArn", asking.text("RoleARN"))
        .key("cloudformation:ChangeSetName", asking.text("ChangeSetName"));
    ask.account = Some(asking.account.clone());
    ask.request_tags = asking.tags("Tags");
    let mut asks = vec![ask];
    if let Some(role) = asking.text("RoleARN") {
        asks.push(
            Ask::new("iam:PassRole", role).key("iam:PassedToService", Some("cloudformation.amazonaws.com")),
        );
    }
    Ok(asks)
}

fn stack_arn(asking: &Asking<'_>, name: &str) -> String {
    if name.starts_with("arn:") {
        let set = asking.snapshot.find_arn::<crate::change_set::ChangeSet>(name);
        return set.map_or_else(|| name.to_owned(), |s| s.stack.clone());
    }
    let found = asking.snapshot.find::<Stack>(asking.account, asking.region, name);
    found.map_or_else(|| asking.arn("cloudformation", &format!("stack/{name}/*")), |s| s.id.clone())
}
