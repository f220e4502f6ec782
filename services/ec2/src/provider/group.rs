//! Security groups and their rules in CloudFormation.

use model::estate::ec2::SecurityGroup;
use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Value as Json, json};

use super::{Mapped, at, call, gone};

pub(super) static GROUP: Mapped = Mapped {
    create: "CreateSecurityGroup",
    given: &[("GroupDescription", "Description"), ("GroupName", "GroupName"), ("VpcId", "VpcId")],
    tagged: "security-group",
    id: &["GroupId"],
    apply,
    attributes: |tx, id| {
        let vpc = tx.find::<SecurityGroup>(id).map(|g| g.vpc.clone());
        vec![("GroupId", json!(id)), ("Id", json!(id)), ("VpcId", json!(vpc))]
    },
    delete: "DeleteSecurityGroup",
    by: "GroupId",
};

/// The making call needs a name, which the template need not have.
pub(super) fn make(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    if deploy.property("GroupName").is_some() {
        return GROUP.make(tx, deploy);
    }
    let mut properties = deploy.properties.clone();
    if let Some(members) = properties.as_object_mut() {
        members.insert("GroupName".to_owned(), json!(deploy.name(tx, 255)));
    }
    GROUP.make(tx, &Deploy { properties: &properties, ..*deploy })
}

const WAYS: [(&str, bool); 2] = [("SecurityGroupIngress", false), ("SecurityGroupEgress", true)];

/// The operation of a verb and a direction.
fn operation(verb: &str, egress: bool) -> String {
    format!("{verb}SecurityGroup{}", if egress { "Egress" } else { "Ingress" })
}

/// A rule as CloudFormation writes it, as a permission.
fn permission(rule: &Json, egress: bool) -> Json {
    let get = |name: &str| rule.get(name).cloned().filter(|v| !v.is_null());
    let (group, list) = match egress {
        true => ("DestinationSecurityGroupId", "DestinationPrefixListId"),
        false => ("SourceSecurityGroupId", "SourcePrefixListId"),
    };
    let mut permission =
        json!({"IpProtocol": get("IpProtocol").map(|p| p.as_str().map_or(p.to_string(), str::to_owned))});
    let description = get("Description");
    let mut set = |member: &str, value: Option<Json>| {
        if let (Some(value), Some(members)) = (value, permission.as_object_mut()) {
            members.insert(member.to_owned(), value);
        }
    };
    let peer = |name: &str, value: Json| {
        let mut peer = json!({name: value});
        if let (Some(text), Some(members)) = (description.clone(), peer.as_object_mut()) {
            members.insert("Description".to_owned(), text);
        }
        peer
    };
    set("FromPort", get("FromPort"));
    set("ToPort", get("ToPort"));
    set("IpRanges", get("CidrIp").map(|c| json!([peer("CidrIp", c)])));
    set("Ipv6Ranges", get("CidrIpv6").map(|c| json!([peer("CidrIpv6", c)])));
    set("PrefixListIds", get(list).map(|l| json!([peer("PrefixListId", l)])));
    let pair = get(group).map(|g| peer("GroupId", g));
    let pair = pair.or_else(|| Some(peer("GroupName", get("SourceSecurityGroupName")?)));
    let owner = get("SourceSecurityGroupOwnerId");
    let pair = pair.map(|mut pair| {
        if let (Some(owner), Some(members)) = (owner, pair.as_object_mut()) {
            members.insert("UserId".to_owned(), owner);
        }
        json!([pair])
    });
    set("UserIdGroupPairs", pair);
    permission
}

fn rules(properties: Option<&Json>, way: &str) -> Vec<Json> {
    properties.and_then(|p| p.get(way)).and_then(Json::as_array).cloned().unwrap_or_default()
}

/// Takes away the rules that are wanted no longer, then adds those that are new.
fn apply(tx: &mut Tx<'_>, deploy: &Deploy<'_>, id: &str) -> Result<(), Fault> {
    for (way, egress) in WAYS {
        let mut before = rules(deploy.previous, way);
        let wanted = rules(Some(deploy.properties), way);
        // Where the template says nothing of egress, AWS's rule lets everything out.
        let open =
            |listed: Option<&Json>| egress && listed.and_then(Json::as_array).is_none_or(Vec::is_empty);
        let everything = json!({"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"});
        if open(deploy.previous.and_then(|p| p.get(way))) {
            before.push(everything.clone());
        }
        let wanted = if open(deploy.property(way)) { vec![everything] } else { wanted };
        let stale: Vec<Json> =
            before.iter().filter(|r| !wanted.contains(r)).map(|r| permission(r, egress)).collect();
        let fresh: Vec<Json> =
            wanted.iter().filter(|r| !before.contains(r)).map(|r| permission(r, egress)).collect();
        if !stale.is_empty() {
            let input = json!({"GroupId": id, "IpPermissions": stale});
            // Someone else may have taken the rule away already.
            gone(call(tx, deploy, &operation("Revoke", egress), input))?;
        }
        if !fresh.is_empty() {
            let input = json!({"GroupId": id, "IpPermissions": fresh});
            call(tx, deploy, &operation("Authorize", egress), input)?;
        }
    }
    Ok(())
}

/// A rule that stands alone in the template.
pub(super) fn grant(tx: &mut Tx<'_>, deploy: &Deploy<'_>, egress: bool) -> Result<Physical, Fault> {
    let input = json!({
        "GroupId": deploy.property("GroupId"),
        "GroupName": deploy.property("GroupName"),
        "IpPermissions": [permission(deploy.properties, egress)],
    });
    let made = call(tx, deploy, &operation("Authorize", egress), input)?;
    let id = at(&made, &["SecurityGroupRules", "0", "SecurityGroupRuleId"])?;
    Ok(Physical::new(id.clone()).attribute("Id", id))
}

/// Only the description can change.
pub(super) fn redescribe(tx: &mut Tx<'_>, deploy: &Deploy<'_>, egress: bool) -> Result<Physical, Fault> {
    let described =
        json!({"SecurityGroupRuleId": deploy.id()?, "Description": deploy.property("Description")});
    let way = if egress { "Egress" } else { "Ingress" };
    let input = json!({
        "GroupId": group_of(tx, deploy)?,
        "SecurityGroupRuleDescriptions": [described],
    });
    call(tx, deploy, &format!("UpdateSecurityGroupRuleDescriptions{way}"), input)?;
    Ok(deploy.physical.cloned().unwrap_or_default())
}

fn group_of(tx: &Tx<'_>, deploy: &Deploy<'_>) -> Result<Json, Fault> {
    let id = deploy.id()?;
    let holds = |g: &&SecurityGroup| g.ingress.iter().chain(&g.egress).any(|r| r.id == id);
    Ok(json!(tx.list::<SecurityGroup>().find(holds).map(|g| &g.id)))
}

pub(super) fn revoke(tx: &mut Tx<'_>, deploy: &Deploy<'_>, egress: bool) -> Result<(), Fault> {
    let group = group_of(tx, deploy)?;
    if group.is_null() {
        return Ok(());
    }
    let input = json!({"GroupId": group, "SecurityGroupRuleIds": [deploy.id()?]});
    gone(call(tx, deploy, &operation("Revoke", egress), input))
}
