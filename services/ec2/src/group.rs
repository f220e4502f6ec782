//! Security groups: named sets of rules that interfaces carry.

use model::estate::ec2::{NetworkInterface, Peer, SecurityGroup, SecurityGroupRule, Vpc};
use model::{Fault, IntoValue as _, Tags, Tx};

use crate::listing::{Listing, Values, one, own, some};
use crate::shapes::{
    self, CreateSecurityGroupRequest, CreateSecurityGroupResult, DeleteSecurityGroupRequest,
    DeleteSecurityGroupResult,
};
use crate::{fault, kind, rule, shared, tag, vpc};

/// The filters by the rules of one direction.
macro_rules! by_rule {
    ($way:ident, $of:expr) => {
        |_, g| g.$way.iter().filter_map($of).collect()
    };
}

fn cidr(rule: &SecurityGroupRule) -> Option<String> {
    if let Peer::Ipv4(cidr) = &rule.peer { Some(cidr.clone()) } else { None }
}

fn cidr6(rule: &SecurityGroupRule) -> Option<String> {
    if let Peer::Ipv6(cidr) = &rule.peer { Some(cidr.clone()) } else { None }
}

fn peer_group(rule: &SecurityGroupRule) -> Option<String> {
    if let Peer::Group { id, .. } = &rule.peer { Some(id.clone()) } else { None }
}

fn list(rule: &SecurityGroupRule) -> Option<String> {
    if let Peer::PrefixList(id) = &rule.peer { Some(id.clone()) } else { None }
}

fn from(rule: &SecurityGroupRule) -> Option<String> {
    rule.from_port.map(|p| p.to_string())
}

fn to(rule: &SecurityGroupRule) -> Option<String> {
    rule.to_port.map(|p| p.to_string())
}

fn protocol(rule: &SecurityGroupRule) -> Option<String> {
    Some(rule.protocol.clone())
}

/// The accounts of the groups that rules name.
fn users(group: &SecurityGroup, rules: &[SecurityGroupRule]) -> Vec<String> {
    let account = |rule: &SecurityGroupRule| match &rule.peer {
        Peer::Group { account, .. } => Some(account.clone().unwrap_or_else(|| group.account.to_string())),
        _ => None,
    };
    rules.iter().filter_map(account).collect()
}

fn names(tx: &Tx<'_>, rules: &[SecurityGroupRule]) -> Vec<String> {
    let name = |id: String| tx.find::<SecurityGroup>(&id).map(|g| g.name.clone());
    rules.iter().filter_map(peer_group).filter_map(name).collect()
}

const FILTERS: &[(&str, Values<SecurityGroup>)] = &[
    ("description", |_, g| one(&g.description)),
    ("egress.ip-permission.cidr", by_rule!(egress, cidr)),
    ("egress.ip-permission.from-port", by_rule!(egress, from)),
    ("egress.ip-permission.group-id", by_rule!(egress, peer_group)),
    ("egress.ip-permission.group-name", |tx, g| names(tx, &g.egress)),
    ("egress.ip-permission.ipv6-cidr", by_rule!(egress, cidr6)),
    ("egress.ip-permission.prefix-list-id", by_rule!(egress, list)),
    ("egress.ip-permission.protocol", by_rule!(egress, protocol)),
    ("egress.ip-permission.to-port", by_rule!(egress, to)),
    ("egress.ip-permission.user-id", |_, g| users(g, &g.egress)),
    ("group-id", |_, g| one(&g.id)),
    ("group-name", |_, g| one(&g.name)),
    ("ip-permission.cidr", by_rule!(ingress, cidr)),
    ("ip-permission.from-port", by_rule!(ingress, from)),
    ("ip-permission.group-id", by_rule!(ingress, peer_group)),
    ("ip-permission.group-name", |tx, g| names(tx, &g.ingress)),
    ("ip-permission.ipv6-cidr", by_rule!(ingress, cidr6)),
    ("ip-permission.prefix-list-id", by_rule!(ingress, list)),
    ("ip-permission.protocol", by_rule!(ingress, protocol)),
    ("ip-permission.to-port", by_rule!(ingress, to)),
    ("ip-permission.user-id", |_, g| users(g, &g.ingress)),
    ("owner-id", |_, g| one(g.account.as_str())),
    ("vpc-id", |_, g| one(&g.vpc)),
];

pub(crate) static GROUPS: Listing<SecurityGroup> = Listing {
    prefix: "sg",
    ids: "GroupIds",
    shown: "SecurityGroups",
    all: own,
    filters: FILTERS,
    show: |tx, group| shown(tx, group).into_value(),
};

/// Names are of groups of the default VPC.
pub(crate) fn describe_security_groups(tx: &mut Tx<'_>, input: model::Value) -> Result<model::Value, Fault> {
    let named = crate::listing::strings(&input, "GroupNames");
    if named.is_empty() {
        return GROUPS.answer(tx, &input);
    }
    let ids = named.iter().map(|name| Ok(model::Value::Text(by_name(tx, name)?.id)));
    let mut ids: Vec<model::Value> = ids.collect::<Result<_, Fault>>()?;
    let mut members = model::Members::of(input)?;
    if let Some(model::Value::List(more)) = members.take("GroupIds") {
        ids.extend(more);
    }
    members.push("GroupIds", model::Value::List(ids));
    GROUPS.answer(tx, &model::Value::Map(members))
}

pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<SecurityGroup, Fault> {
    if !id.starts_with("sg-") {
        return Err(Fault::client(
            "InvalidGroupId.Malformed",
            format!("Invalid id: \"{id}\" (expecting \"sg-...\")"),
        ));
    }
    kind::find(tx, "sg", id)
}

/// A group of the default VPC by its name.
fn by_name(tx: &Tx<'_>, name: &str) -> Result<SecurityGroup, Fault> {
    let missing = || {
        Fault::client(
            "InvalidGroup.NotFound",
            format!("The security group '{name}' does not exist in default VPC"),
        )
    };
    let vpc = vpc::default(tx).map_err(|_| missing())?;
    tx.list::<SecurityGroup>().find(|g| g.vpc == vpc.id && g.name == name).cloned().ok_or_else(missing)
}

/// The group that a request names by its id, or by its name in the default VPC.
pub(crate) fn named(tx: &Tx<'_>, id: Option<&str>, name: Option<&str>) -> Result<SecurityGroup, Fault> {
    match (id, name) {
        (Some(id), _) => find(tx, id),
        (None, Some(name)) => by_name(tx, name),
        (None, None) => Err(fault::absent("groupId")),
    }
}

fn shown(tx: &Tx<'_>, group: &SecurityGroup) -> shapes::SecurityGroup {
    shapes::SecurityGroup {
        group_id: Some(group.id.clone()),
        ip_permissions: Some(rule::permissions(tx, group, &group.ingress)),
        ip_permissions_egress: Some(rule::permissions(tx, group, &group.egress)),
        tags: tag::shown(&group.tags),
        vpc_id: Some(group.vpc.clone()),
        security_group_arn: Some(group.arn()),
        owner_id: Some(group.account.to_string()),
        group_name: Some(group.name.clone()),
        description: Some(group.description.clone()),
    }
}

fn everything(tx: &Tx<'_>, peer: Peer) -> SecurityGroupRule {
    SecurityGroupRule {
        id: kind::new_id(tx, "sgr"),
        protocol: "-1".to_owned(),
        from_port: None,
        to_port: None,
        peer,
        description: None,
        tags: Tags::new(),
    }
}

fn new(tx: &Tx<'_>, vpc: &Vpc, name: &str, description: &str, tags: Tags) -> SecurityGroup {
    let mut egress = vec![everything(tx, Peer::Ipv4("0.0.0.0/0".to_owned()))];
    if !vpc.ipv6_cidrs.is_empty() {
        egress.push(everything(tx, Peer::Ipv6("::/0".to_owned())));
    }
    SecurityGroup {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "sg"),
        name: name.to_owned(),
        description: description.to_owned(),
        vpc: vpc.id.clone(),
        ingress: Vec::new(),
        egress,
        tags,
    }
}

/// The group that a VPC is born with: its members may reach each other.
pub(crate) fn make_default(tx: &mut Tx<'_>, vpc: &str) -> Result<(), Fault> {
    let vpc = vpc::find(tx, vpc)?;
    let mut group = new(tx, &vpc, "default", "default VPC security group", Tags::new());
    group.ingress.push(everything(tx, Peer::Group { id: group.id.clone(), account: None }));
    tx.put(group)
}

pub(crate) fn default_of(tx: &Tx<'_>, vpc: &str) -> Result<SecurityGroup, Fault> {
    let found = tx.list::<SecurityGroup>().find(|g| g.vpc == vpc && g.name == "default").cloned();
    found.ok_or_else(|| Fault::internal(format!("VPC `{vpc}` has no default security group")))
}

fn spelled(text: &str, parameter: &str) -> Result<(), Fault> {
    let good = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    if text.is_empty() {
        return Err(fault::absent(parameter));
    }
    if text.chars().count() > 255 || !text.chars().all(good) {
        let why = "It may have up to 255 of the characters a-z, A-Z, 0-9, spaces and ._-:/()#,@[]+=&;{}!$*";
        return Err(fault::bad_value(text, parameter, why));
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html>
pub(crate) fn create_security_group(
    tx: &mut Tx<'_>,
    input: CreateSecurityGroupRequest,
) -> Result<CreateSecurityGroupResult, Fault> {
    let vpc = match &input.vpc_id {
        Some(id) => vpc::find(tx, id).or_else(|missing| shared::vpc(tx, id).ok_or(missing))?,
        None => vpc::default(tx)?,
    };
    let name = input.group_name.trim();
    spelled(name, "GroupName")?;
    spelled(&input.description, "GroupDescription")?;
    if name.starts_with("sg-") {
        return Err(fault::value("Invalid group name. The group name must not begin with 'sg-'"));
    }
    if name == "default" {
        return Err(Fault::client(
            "InvalidParameterValue",
            "Cannot use reserved security group name: default",
        ));
    }
    if tx.list::<SecurityGroup>().any(|g| g.vpc == vpc.id && g.name == name) {
        return Err(Fault::client(
            "InvalidGroup.Duplicate",
            format!("The security group '{name}' already exists for VPC '{}'", vpc.id),
        ));
    }
    let tags = tag::given(tx, input.tag_specifications, "security-group")?;
    let group = new(tx, &vpc, name, &input.description, tags);
    let made = CreateSecurityGroupResult {
        group_id: Some(group.id.clone()),
        tags: tag::shown(&group.tags),
        security_group_arn: Some(group.arn()),
    };
    tx.put(group)?;
    Ok(made)
}

fn names_group(group: &SecurityGroup, id: &str) -> bool {
    group.ingress.iter().chain(&group.egress).filter_map(peer_group).any(|peer| peer == id)
}

/// Whether a rule of another VPC's groups names a group of this one.
pub(crate) fn referenced_from_elsewhere(tx: &Tx<'_>, vpc: &str) -> bool {
    let mut own = tx.list::<SecurityGroup>().filter(|g| g.vpc == vpc);
    own.any(|mine| tx.snapshot().all::<SecurityGroup>().any(|g| g.vpc != vpc && names_group(g, &mine.id)))
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html>
pub(crate) fn delete_security_group(
    tx: &mut Tx<'_>,
    input: DeleteSecurityGroupRequest,
) -> Result<DeleteSecurityGroupResult, Fault> {
    let group = named(tx, input.group_id.as_deref(), input.group_name.as_deref())?;
    if group.name == "default" {
        return Err(Fault::client(
            "CannotDelete",
            format!("the specified group: \"{}\" name: \"default\" cannot be deleted by a user", group.id),
        ));
    }
    let carried = tx.list::<NetworkInterface>().any(|i| i.groups.contains(&group.id));
    let named = tx.snapshot().all::<SecurityGroup>().any(|g| g.id != group.id && names_group(g, &group.id));
    if carried || named {
        return Err(fault::dependency(format!("resource {} has a dependent object", group.id)));
    }
    tx.remove(&group)?;
    Ok(DeleteSecurityGroupResult { r#return: Some(true), group_id: Some(group.id) })
}

/// The groups of an interface in this VPC: those that are named, or the default one.
pub(crate) fn of_interface(
    tx: &Tx<'_>,
    vpc: &str,
    subnet: &str,
    ids: Option<Vec<String>>,
) -> Result<Vec<String>, Fault> {
    let ids = ids.unwrap_or_default();
    if ids.is_empty() {
        // The default group of a shared VPC is its owner's.
        if vpc::find(tx, vpc).is_err() {
            return Err(fault::absent("groupId"));
        }
        return Ok(some(Some(&default_of(tx, vpc)?.id)));
    }
    if ids.len() > MOST_PER_INTERFACE {
        return Err(fault::limit("SecurityGroupsPerInterfaceLimitExceeded", "security groups per interface"));
    }
    let mut found: Vec<String> = Vec::new();
    for id in ids {
        let group = find(tx, &id)?;
        if group.vpc != vpc {
            return Err(Fault::client(
                "InvalidParameter",
                format!("Security group {id} and subnet {subnet} belong to different networks."),
            ));
        }
        if !found.contains(&id) {
            found.push(id);
        }
    }
    Ok(found)
}

/// AWS's quota, at the height to which it can be raised.
pub(crate) const MOST_PER_INTERFACE: usize = 16;
