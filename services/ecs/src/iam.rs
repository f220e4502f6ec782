//! Which permission each call needs. Who has a task started with a role passes that role on.

use model::estate::ecs::TaskDefinition;
use model::{Ask, Asking, Fault, Value};

use crate::name;

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let operation = asking.operation;
    let action = format!("ecs:{operation}");
    let member = |name: &str| asking.text(name).unwrap_or_default();
    Ok(match operation {
        "ListClusters"
        | "ListTaskDefinitions"
        | "ListTaskDefinitionFamilies"
        | "DescribeTaskDefinition"
        | "DeregisterTaskDefinition"
        | "ListAccountSettings" => vec![Ask::new(action, "*")],
        "CreateCluster" => vec![tagged(asking, Ask::new(action, "*"))],
        "DescribeClusters" => clusters(asking, &action),
        "DeleteCluster" | "UpdateCluster" | "UpdateClusterSettings" | "PutClusterCapacityProviders" => {
            vec![Ask::new(action, cluster(asking, asking.text("cluster")))]
        }
        "DescribeCapacityProviders" => vec![Ask::new(action, asking.arn("ecs", "capacity-provider/*"))],
        "RegisterTaskDefinition" => registering(asking, action),
        "DeleteTaskDefinitions" => asking
            .strings("taskDefinitions")
            .iter()
            .map(|d| {
                Ask::new(
                    action.clone(),
                    asking.arn("ecs", &format!("task-definition/{}", name::definition(d))),
                )
            })
            .collect(),
        "CreateService" => vec![tagged(asking, service(asking, action, member("serviceName")))],
        "UpdateService" | "DeleteService" => vec![service(asking, action, member("service"))],
        "DescribeServices" => {
            asking.strings("services").iter().map(|s| service(asking, action.clone(), s)).collect()
        }
        "ListServices" => vec![in_cluster(asking, Ask::new(action, "*"))],
        "RunTask" => running(asking, action),
        "StopTask" => vec![task(asking, action, member("task"))],
        "DescribeTasks" => asking.strings("tasks").iter().map(|t| task(asking, action.clone(), t)).collect(),
        "ListTasks" => {
            let all = format!("container-instance/{}/*", name::cluster(asking.text("cluster")));
            vec![in_cluster(asking, Ask::new(action, asking.arn("ecs", &all)))]
        }
        "TagResource" | "UntagResource" | "ListTagsForResource" => {
            let mut ask = tagged(asking, Ask::new(action, member("resourceArn")));
            ask.tag_keys = asking.strings("tagKeys");
            vec![ask]
        }
        _ => Vec::new(),
    })
}

fn tagged(asking: &Asking<'_>, mut ask: Ask) -> Ask {
    ask.request_tags = asking.tags("tags");
    ask
}

fn cluster(asking: &Asking<'_>, given: Option<&str>) -> String {
    asking.arn("ecs", &format!("cluster/{}", name::cluster(given)))
}

fn clusters(asking: &Asking<'_>, action: &str) -> Vec<Ask> {
    let named = asking.strings("clusters");
    let named = if named.is_empty() { vec!["default".to_owned()] } else { named };
    named.iter().map(|c| Ask::new(action.to_owned(), cluster(asking, Some(c)))).collect()
}

fn in_cluster(asking: &Asking<'_>, ask: Ask) -> Ask {
    ask.key("ecs:cluster", Some(cluster(asking, asking.text("cluster"))))
}

fn flag(asking: &Asking<'_>, member: &str) -> String {
    asking.input.get(member).and_then(Value::as_bool).unwrap_or(false).to_string()
}

fn service(asking: &Asking<'_>, action: String, given: &str) -> Ask {
    let path = format!("service/{}/{}", name::cluster(asking.text("cluster")), name::short(given));
    let changes = action != "ecs:DescribeServices" && action != "ecs:DeleteService";
    let ask = in_cluster(asking, Ask::new(action, asking.arn("ecs", &path)));
    if !changes {
        return ask;
    }
    let connect = asking.input.get("serviceConnectConfiguration");
    let connects = connect.and_then(|c| c.get("enabled")).and_then(Value::as_bool).unwrap_or(false);
    let placed = asking.input.get("networkConfiguration").and_then(|n| n.get("awsvpcConfiguration"));
    let subnets = placed.and_then(|p| p.get("subnets")).and_then(Value::as_list).unwrap_or_default();
    let subnets: Vec<String> = subnets
        .iter()
        .filter_map(Value::as_str)
        .map(|id| asking.arn("ec2", &format!("subnet/{id}")))
        .collect();
    let public = placed.and_then(|p| p.text("assignPublicIp")) == Some("ENABLED");
    let mut ask = ask
        .key("ecs:task-definition", definition(asking).map(TaskDefinition::arn))
        .key("ecs:enable-execute-command", Some(flag(asking, "enableExecuteCommand")))
        .key("ecs:enable-ecs-managed-tags", Some(flag(asking, "enableECSManagedTags")))
        .key("ecs:enable-service-connect", Some(connects.to_string()))
        .key("ecs:propagate-tags", asking.text("propagateTags"));
    if placed.is_some() {
        ask = ask.keys("ecs:subnet", subnets).key("ecs:auto-assign-public-ip", Some(public.to_string()));
    }
    ask
}

fn task(asking: &Asking<'_>, action: String, given: &str) -> Ask {
    let path = format!("task/{}/{}", name::cluster(asking.text("cluster")), name::short(given));
    in_cluster(asking, Ask::new(action, asking.arn("ecs", &path)))
}

/// The definition that the call names, as far as it is there.
fn definition<'a>(asking: &Asking<'a>) -> Option<&'a TaskDefinition> {
    let id = name::definition(asking.input.text("taskDefinition")?);
    if id.contains(':') {
        return asking.snapshot.find::<TaskDefinition>(asking.account, asking.region, id);
    }
    let all = asking.snapshot.list::<TaskDefinition>(asking.account, asking.region);
    all.filter(|d| d.family == id && d.status == "ACTIVE").max_by_key(|d| d.revision)
}

fn passing(asking: &Asking<'_>, role: Option<&str>) -> Option<Ask> {
    // What is no role at all the handler refuses.
    let role = name::role(asking.account, role).ok()??;
    Some(Ask::new("iam:PassRole", role).key("iam:PassedToService", Some("ecs-tasks.amazonaws.com")))
}

fn registering(asking: &Asking<'_>, action: String) -> Vec<Ask> {
    let mut asks = vec![tagged(asking, Ask::new(action, "*"))];
    asks.extend(["taskRoleArn", "executionRoleArn"].iter().filter_map(|m| passing(asking, asking.text(m))));
    asks
}

fn running(asking: &Asking<'_>, action: String) -> Vec<Ask> {
    let definition = definition(asking);
    let named = name::definition(asking.text("taskDefinition").unwrap_or_default());
    let resource = definition
        .map_or_else(|| asking.arn("ecs", &format!("task-definition/{named}")), TaskDefinition::arn);
    let ask = in_cluster(asking, tagged(asking, Ask::new(action, resource)));
    let mut asks = vec![ask.key("ecs:enable-execute-command", Some(flag(asking, "enableExecuteCommand")))];
    let overrides = asking.input.get("overrides");
    let role = |member: &str, own: Option<&String>| {
        let over = overrides.and_then(|o| o.text(member)).or(own.map(String::as_str));
        passing(asking, over)
    };
    asks.extend(role("taskRoleArn", definition.and_then(|d| d.task_role.as_ref())));
    asks.extend(role("executionRoleArn", definition.and_then(|d| d.execution_role.as_ref())));
    asks
}
