//! Service-linked roles: made by hand before a service needs one, and deleted when it does no more.
//! What such a role may do is the service's to say, at its first use.

use model::estate::iam::Role;
use model::ids::arn;
use model::{AccountId, Ask, Asking, Fault, PolicyText, Tags, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::page;
use crate::role;
use crate::shapes::*;

/// A service that has such a role.
struct Linked {
    service: &'static str,
    role: &'static str,
    /// Whether there may be several, each with a suffix.
    suffix: bool,
    /// Node types that the service works for with the role: while there is one, the role stays.
    uses: &'static [&'static str],
}

const fn linked(service: &'static str, role: &'static str, uses: &'static [&'static str]) -> Linked {
    Linked { service, role, suffix: false, uses }
}

const LINKED: &[Linked] = &[
    linked(
        "access-analyzer.amazonaws.com",
        "AWSServiceRoleForAccessAnalyzer",
        &["AWS::AccessAnalyzer::Analyzer"],
    ),
    Linked {
        suffix: true,
        ..linked(
            "autoscaling.amazonaws.com",
            "AWSServiceRoleForAutoScaling",
            &["AWS::AutoScaling::AutoScalingGroup"],
        )
    },
    linked("cloudtrail.amazonaws.com", "AWSServiceRoleForCloudTrail", &[]),
    linked("config.amazonaws.com", "AWSServiceRoleForConfig", &["AWS::Config::ConfigurationRecorder"]),
    linked("ecs.amazonaws.com", "AWSServiceRoleForECS", &["AWS::ECS::Cluster"]),
    linked(
        "ecs.application-autoscaling.amazonaws.com",
        "AWSServiceRoleForApplicationAutoScaling_ECSService",
        &["AWS::ApplicationAutoScaling::ScalableTarget"],
    ),
    linked(
        "elasticache.amazonaws.com",
        "AWSServiceRoleForElastiCache",
        &["AWS::ElastiCache::ReplicationGroup"],
    ),
    linked(
        "elasticloadbalancing.amazonaws.com",
        "AWSServiceRoleForElasticLoadBalancing",
        &["AWS::ElasticLoadBalancingV2::LoadBalancer"],
    ),
    linked("guardduty.amazonaws.com", "AWSServiceRoleForAmazonGuardDuty", &["AWS::GuardDuty::Detector"]),
    linked("ops.apigateway.amazonaws.com", "AWSServiceRoleForAPIGateway", &["AWS::ApiGatewayV2::VpcLink"]),
    linked(
        "organizations.amazonaws.com",
        "AWSServiceRoleForOrganizations",
        &["AWS::Organizations::Organization"],
    ),
    linked("rds.amazonaws.com", "AWSServiceRoleForRDS", &["AWS::RDS::DBInstance", "AWS::RDS::DBCluster"]),
    linked("securityhub.amazonaws.com", "AWSServiceRoleForSecurityHub", &["AWS::SecurityHub::Hub"]),
    linked("wafv2.amazonaws.com", "AWSServiceRoleForWAFV2Logging", &[]),
];

/// How deletions ended, by task.
const TABLE: &str = "iam-linked-deletion";

#[derive(Serialize, Deserialize)]
struct Deletion {
    /// ARNs of what still needed the role, and where; none where it is gone.
    used: Vec<(String, String)>,
}

fn invalid(why: String) -> Fault {
    Fault::client("InvalidInput", why)
}

fn path(service: &str) -> String {
    format!("/aws-service-role/{service}/")
}

fn name(linked: &Linked, suffix: Option<&str>) -> String {
    match suffix {
        Some(suffix) => format!("{}_{suffix}", linked.role),
        None => linked.role.to_owned(),
    }
}

fn of_service(service: &str) -> Option<&'static Linked> {
    LINKED.iter().find(|linked| linked.service == service)
}

/// Making one needs the permission for the role that it will be, by the service's name.
pub(crate) fn ask(asking: &Asking<'_>) -> Option<Ask> {
    let service = asking.text("AWSServiceName")?;
    let role = match of_service(service) {
        Some(linked) => name(linked, asking.text("CustomSuffix")),
        None => "*".to_owned(),
    };
    let resource = arn("iam", "", asking.account, &format!("role{}{role}", path(service)));
    let ask = Ask::new("iam:CreateServiceLinkedRole", resource);
    Some(Ask { account: Some(asking.account.clone()), ..ask }.key("iam:AWSServiceName", Some(service)))
}

/// The role that a task was to delete: `task/aws-service-role/SERVICE/ROLE/UUID`.
pub(crate) fn of_task(task: &str) -> String {
    let role = task.strip_prefix("task/").and_then(|task| task.rsplit_once('/'));
    format!("role/{}", role.map_or("*", |(role, _)| role))
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html>
pub(crate) fn create_service_linked_role(
    tx: &mut Tx<'_>,
    input: CreateServiceLinkedRoleRequest,
) -> Result<CreateServiceLinkedRoleResponse, Fault> {
    let service = input.aws_service_name;
    let unknown = || invalid(format!("{service} has no service-linked role in this runtime"));
    let linked = of_service(&service).ok_or_else(unknown)?;
    if input.custom_suffix.is_some() && !linked.suffix {
        return Err(invalid(format!("Custom suffix is not allowed for {service}")));
    }
    let name = name(linked, input.custom_suffix.as_deref());
    if page::taken::<Role>(tx, &name) {
        let message = format!(
            "Service role name {name} has been taken in this account, please try a different suffix."
        );
        return Err(invalid(message));
    }
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"},
    ]});
    let made = Role {
        account: tx.account.clone(),
        path: path(&service),
        id: page::id(tx, "AROA"),
        created: tx.now,
        description: input.description,
        max_session: 3600,
        trust: PolicyText::new(trust.to_string(), None),
        inline: Vec::new(),
        attached: Vec::new(),
        boundary: None,
        tags: Tags::new(),
        last_used: None,
        name,
    };
    let shown = role::shape(&made, true);
    tx.put(made)?;
    Ok(CreateServiceLinkedRoleResponse { role: Some(shown) })
}

/// What the service works for with this role.
fn uses(tx: &Tx<'_>, role: &Role) -> Vec<(String, String)> {
    let kinds = LINKED.iter().find(|linked| path(linked.service) == role.path).map_or(&[][..], |l| l.uses);
    let own = |key: &model::NodeKey| key.account == role.account && kinds.contains(&key.kind);
    let nodes = tx.snapshot().nodes().filter(|node| own(&node.key()));
    nodes.map(|node| (node.key().region, node.arn().unwrap_or_else(|| node.key().id))).collect()
}

fn key(account: &AccountId, task: &str) -> Vec<u8> {
    format!("{account}/{task}").into_bytes()
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteServiceLinkedRole.html>
///
/// A role that its service still needs stays; the task tells.
pub(crate) fn delete_service_linked_role(
    tx: &mut Tx<'_>,
    input: DeleteServiceLinkedRoleRequest,
) -> Result<DeleteServiceLinkedRoleResponse, Fault> {
    let role = role::find(tx, &input.role_name)?;
    if !role.path.starts_with("/aws-service-role/") {
        return Err(page::no_such("service-linked role", &input.role_name));
    }
    let used = uses(tx, &role);
    let deletion_task_id = format!("task{}{}/{}", role.path, role.name, tx.uuid());
    if used.is_empty() {
        tx.remove(&role)?;
    }
    tx.put_record_as(TABLE, &key(&tx.account, &deletion_task_id), &Deletion { used })?;
    Ok(DeleteServiceLinkedRoleResponse { deletion_task_id })
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLinkedRoleDeletionStatus.html>
pub(crate) fn get_service_linked_role_deletion_status(
    tx: &mut Tx<'_>,
    input: GetServiceLinkedRoleDeletionStatusRequest,
) -> Result<GetServiceLinkedRoleDeletionStatusResponse, Fault> {
    let task = input.deletion_task_id;
    let missing = || Fault::new("NoSuchEntity", 404, format!("The task {task} cannot be found."));
    let found: Option<Deletion> = tx.record_as(TABLE, &key(&tx.account, &task))?;
    let Deletion { used } = found.ok_or_else(missing)?;
    if used.is_empty() {
        return Ok(GetServiceLinkedRoleDeletionStatusResponse {
            status: "SUCCEEDED".to_owned(),
            reason: None,
        });
    }
    let mut list: Vec<RoleUsageType> = Vec::new();
    for (region, arn) in used {
        match list.iter_mut().find(|usage| usage.region.as_ref() == Some(&region)) {
            Some(usage) => usage.resources.get_or_insert_default().push(arn),
            None => list.push(RoleUsageType { region: Some(region), resources: Some(vec![arn]) }),
        }
    }
    let reason = DeletionTaskFailureReasonType {
        reason: Some("A service-linked role is required for resources in this account.".to_owned()),
        role_usage_list: Some(list),
    };
    Ok(GetServiceLinkedRoleDeletionStatusResponse { status: "FAILED".to_owned(), reason: Some(reason) })
}
