//! Security groups, load balancers, tasks and databases.

use std::collections::BTreeSet;

use model::Snapshot;
use model::estate::ec2::{NetworkInterface, Peer, SecurityGroup, SecurityGroupRule, Subnet};
use model::estate::ecs::{Service, Task};
use model::estate::elb::{Condition, Listener, LoadBalancer, Rule, TargetGroup};
use model::estate::rds::DbInstance;
use serde_json::{Value as Json, json};

use super::{At, Items, reference};

/// A reference to a security group; of one that is not known everything is to be feared.
fn group(at: &At<'_>, id: &str) -> String {
    reference(&at.name("sg", id))
}

pub(super) fn groups(items: &mut Items, snapshot: &Snapshot) {
    for node in snapshot.all::<SecurityGroup>() {
        let at = At(&node.account, &node.region);
        let rule = |r: &SecurityGroupRule| {
            let (key, value) = match &r.peer {
                Peer::Ipv4(cidr) => ("CidrIp", cidr.clone()),
                Peer::Ipv6(cidr) => ("CidrIpv6", cidr.clone()),
                Peer::PrefixList(id) => ("SourcePrefixListId", id.clone()),
                Peer::Group { id, account } => {
                    let account = account.as_deref().and_then(model::AccountId::parse);
                    let account = account.as_ref().unwrap_or(&node.account);
                    ("SourceSecurityGroupId", group(&At(account, &node.region), id))
                }
            };
            json!({"IpProtocol": r.protocol, "FromPort": r.from_port, "ToPort": r.to_port, key: value})
        };
        let rules: Vec<Json> = node.ingress.iter().map(rule).collect();
        items.add(at.name("sg", &node.id), "AWS::EC2::SecurityGroup", json!({"SecurityGroupIngress": rules}));
    }
}

/// The groups of something in subnets; without any of its own it is in its network's default group.
fn members(snapshot: &Snapshot, at: &At<'_>, groups: &[String], subnets: &[String]) -> Vec<String> {
    if !groups.is_empty() {
        return groups.iter().map(|id| group(at, id)).collect();
    }
    let network = snapshot.all::<Subnet>().find(|s| subnets.contains(&s.id)).map(|s| &s.vpc);
    let usual = snapshot.all::<SecurityGroup>().find(|g| g.name == "default" && Some(&g.vpc) == network);
    vec![usual.map_or_else(|| "unknown".to_owned(), |g| group(at, &g.id))]
}

fn blocks(snapshot: &Snapshot, subnets: &[String]) -> Vec<String> {
    snapshot.all::<Subnet>().filter(|s| subnets.contains(&s.id)).map(|s| s.cidr.clone()).collect()
}

/// Actions in the words of templates, where a target group is named by `TargetGroupArn`.
fn actions(mut actions: Json) -> Json {
    for action in actions.as_array_mut().into_iter().flatten() {
        let shares = action.pointer_mut("/ForwardConfig/TargetGroups").and_then(Json::as_array_mut);
        for share in shares.into_iter().flatten().filter_map(Json::as_object_mut) {
            if let Some(group) = share.remove("TargetGroup") {
                share.insert("TargetGroupArn".to_owned(), group);
            }
        }
    }
    actions
}

pub(super) fn balancers(items: &mut Items, snapshot: &Snapshot) {
    for node in snapshot.all::<LoadBalancer>() {
        let at = At(&node.account, &node.region);
        let name = at.name("balancer", &node.name);
        items.names.insert(node.arn(), name.clone());
        items.names.insert(node.dns_name.clone(), name.clone());
        let groups = members(snapshot, &at, &node.security_groups, &node.subnets);
        let properties = json!({"Type": node.kind, "Scheme": node.scheme, "SecurityGroups": groups});
        items.add(name, "AWS::ElasticLoadBalancingV2::LoadBalancer", properties);
    }
    for node in snapshot.all::<Listener>() {
        let name = At(&node.account, &node.region).name("listener", &node.id);
        items.names.insert(node.arn(), name.clone());
        let properties = json!({"LoadBalancerArn": node.load_balancer, "DefaultActions": actions(json!(node.default_actions))});
        items.add(name, "AWS::ElasticLoadBalancingV2::Listener", properties);
    }
    for node in snapshot.all::<Rule>() {
        let condition = |c: &Condition| match c {
            Condition::Path(values) => {
                json!({"Field": "path-pattern", "PathPatternConfig": {"Values": values}})
            }
            // It may match or not, whatever it is.
            _ => json!({"Field": "other"}),
        };
        let conditions: Vec<Json> = node.conditions.iter().map(condition).collect();
        let properties = json!({
            "ListenerArn": node.listener, "Priority": node.priority,
            "Conditions": conditions, "Actions": actions(json!(node.actions)),
        });
        let name = At(&node.account, &node.region).name("rule", &node.id);
        items.add(name, "AWS::ElasticLoadBalancingV2::ListenerRule", properties);
    }
    let of_tasks: BTreeSet<&str> = snapshot.all::<Task>().map(|t| t.interface.private_ip.as_str()).collect();
    for node in snapshot.all::<TargetGroup>() {
        let name = At(&node.account, &node.region).name("targets", &node.name);
        items.names.insert(node.arn(), name.clone());
        let others: Vec<&str> =
            node.targets.iter().map(|t| t.id.as_str()).filter(|id| !of_tasks.contains(id)).collect();
        let properties = if others.is_empty() { json!({}) } else { json!({"Targets": others}) };
        items.add(name, "AWS::ElasticLoadBalancingV2::TargetGroup", properties);
    }
}

/// Services, and tasks that belong to none.
pub(super) fn services(items: &mut Items, snapshot: &Snapshot) {
    let placed = |groups: Vec<String>, subnets: Vec<String>| {
        json!({"AwsvpcConfiguration": {
            "SecurityGroups": groups, "Subnets": subnets, "AssignPublicIp": "DISABLED",
        }})
    };
    for node in snapshot.all::<Service>().filter(|s| s.status != "INACTIVE") {
        let at = At(&node.account, &node.region);
        let place = &node.placement;
        let groups = members(snapshot, &at, &place.security_groups, &place.subnets);
        let behind: Vec<Json> =
            node.load_balancers.iter().map(|b| json!({"TargetGroupArn": b.target_group})).collect();
        let network = placed(groups, blocks(snapshot, &place.subnets));
        let properties = json!({"LoadBalancers": behind, "NetworkConfiguration": network});
        items.add(at.name("service", &node.id), "AWS::ECS::Service", properties);
    }
    for node in snapshot.all::<Task>().filter(|t| t.service.is_none() && t.status != "STOPPED") {
        let at = At(&node.account, &node.region);
        let interface = snapshot.all::<NetworkInterface>().find(|i| i.id == node.interface.id);
        let own = interface.map(|i| i.groups.clone()).unwrap_or_default();
        let subnets = [node.interface.subnet.clone()];
        let network = placed(members(snapshot, &at, &own, &subnets), blocks(snapshot, &subnets));
        let properties = json!({"NetworkConfiguration": network});
        items.add(at.name("task", &node.id), "AWS::ECS::Service", properties);
    }
}

pub(super) fn databases(items: &mut Items, snapshot: &Snapshot) {
    for node in snapshot.all::<DbInstance>() {
        let at = At(&node.account, &node.region);
        let properties = json!({
            "VPCSecurityGroups": members(snapshot, &at, &node.security_groups, &[]),
            "PubliclyAccessible": node.public,
            "Engine": "postgres",
            "Port": node.port,
        });
        items.add(at.name("database", &node.id), "AWS::RDS::DBInstance", properties);
    }
}
