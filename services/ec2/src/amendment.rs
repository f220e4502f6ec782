//! Security group rules as things of their own: described, amended, given descriptions.

use model::estate::ec2::{Peer, SecurityGroup, SecurityGroupRule};
use model::{Fault, IntoValue as _, Tags, Tx};

use crate::listing::{Listed, Listing, one};
use crate::shapes::{
    IpPermission, IpRange, Ipv6Range, ModifySecurityGroupRulesRequest, ModifySecurityGroupRulesResult,
    PrefixListId, SecurityGroupRuleDescription, SecurityGroupRuleRequest,
    UpdateSecurityGroupRuleDescriptionsEgressRequest, UpdateSecurityGroupRuleDescriptionsEgressResult,
    UpdateSecurityGroupRuleDescriptionsIngressRequest, UpdateSecurityGroupRuleDescriptionsIngressResult,
    UserIdGroupPair,
};
use crate::{fault, group, kind, rule};

/// A rule with its group and direction.
#[derive(Clone)]
pub(crate) struct Placed {
    group: SecurityGroup,
    rule: SecurityGroupRule,
    egress: bool,
}

impl Listed for Placed {
    fn id(&self) -> &str {
        &self.rule.id
    }
    fn tags(&self) -> Option<&Tags> {
        Some(&self.rule.tags)
    }
}

pub(crate) static RULES: Listing<Placed> = Listing {
    prefix: "sgr",
    ids: "SecurityGroupRuleIds",
    shown: "SecurityGroupRules",
    all: |tx| {
        let mut found = Vec::new();
        for group in tx.list::<SecurityGroup>() {
            for (rules, egress) in [(&group.ingress, false), (&group.egress, true)] {
                found.extend(rules.iter().map(|rule| Placed {
                    group: group.clone(),
                    rule: rule.clone(),
                    egress,
                }));
            }
        }
        found
    },
    filters: &[("group-id", |_, p| one(&p.group.id)), ("security-group-rule-id", |_, p| one(&p.rule.id))],
    show: |tx, p| rule::shown(tx, &p.group, &p.rule, p.egress).into_value(),
};

/// The permission that a request for one rule stands for.
fn permission(request: SecurityGroupRuleRequest) -> Result<IpPermission, Fault> {
    let description = request.description;
    let peers = [
        request.cidr_ipv4.is_some(),
        request.cidr_ipv6.is_some(),
        request.prefix_list_id.is_some(),
        request.referenced_group_id.is_some(),
    ];
    if peers.iter().filter(|p| **p).count() != 1 {
        return Err(fault::combination(
            "You must specify exactly one of CidrIpv4, CidrIpv6, PrefixListId and ReferencedGroupId",
        ));
    }
    Ok(IpPermission {
        ip_protocol: request.ip_protocol,
        from_port: request.from_port,
        to_port: request.to_port,
        ip_ranges: request
            .cidr_ipv4
            .map(|c| vec![IpRange { cidr_ip: Some(c), description: description.clone() }]),
        ipv6_ranges: request
            .cidr_ipv6
            .map(|c| vec![Ipv6Range { cidr_ipv6: Some(c), description: description.clone() }]),
        prefix_list_ids: request
            .prefix_list_id
            .map(|p| vec![PrefixListId { prefix_list_id: Some(p), description: description.clone() }]),
        user_id_group_pairs: request.referenced_group_id.map(|g| {
            vec![UserIdGroupPair {
                group_id: Some(g),
                description: description.clone(),
                ..UserIdGroupPair::default()
            }]
        }),
    })
}

/// The kind of a peer, which an amendment cannot change.
fn sort(peer: &Peer) -> u8 {
    match peer {
        Peer::Ipv4(_) => 0,
        Peer::Ipv6(_) => 1,
        Peer::Group { .. } => 2,
        Peer::PrefixList(_) => 3,
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySecurityGroupRules.html>
pub(crate) fn modify_security_group_rules(
    tx: &mut Tx<'_>,
    input: ModifySecurityGroupRulesRequest,
) -> Result<ModifySecurityGroupRulesResult, Fault> {
    let mut group = group::find(tx, &input.group_id)?;
    for update in input.security_group_rules {
        let id = update.security_group_rule_id;
        let wanted = update.security_group_rule.ok_or_else(|| fault::absent("SecurityGroupRule"))?;
        let wanted = permission(wanted)?;
        let mut fresh = rule::rules(tx, &group, std::slice::from_ref(&wanted))?;
        let fresh = fresh.pop().ok_or_else(|| fault::absent("SecurityGroupRule"))?;
        let side = match group.ingress.iter().any(|r| r.id == id) {
            true => &mut group.ingress,
            false => &mut group.egress,
        };
        if let Some(known) = side.iter().find(|r| r.id != id && rule::same(r, &fresh)) {
            return Err(rule::duplicate(known));
        }
        let old = side.iter_mut().find(|r| r.id == id).ok_or_else(|| kind::missing("sgr", &id))?;
        if sort(&old.peer) != sort(&fresh.peer) {
            return Err(fault::value(
                "You cannot change the type of the source or destination of a security group rule",
            ));
        }
        *old = SecurityGroupRule { id, tags: old.tags.clone(), ..fresh };
        rule::within_limit(tx, side)?;
    }
    tx.put(group)?;
    Ok(ModifySecurityGroupRulesResult { r#return: Some(true) })
}

/// Gives rules other descriptions: by id, or by permissions that fit them.
fn describe(
    tx: &mut Tx<'_>,
    mut group: SecurityGroup,
    egress: bool,
    permissions: Option<Vec<IpPermission>>,
    by_id: Option<Vec<SecurityGroupRuleDescription>>,
) -> Result<(), Fault> {
    if permissions.is_some() == by_id.is_some() {
        return Err(fault::combination(
            "You must specify either IpPermissions or SecurityGroupRuleDescriptions",
        ));
    }
    let wanted = match permissions {
        Some(permissions) => rule::rules(tx, &group, &permissions)?,
        None => Vec::new(),
    };
    let side = if egress { &mut group.egress } else { &mut group.ingress };
    for wanted in wanted {
        let none = || {
            let message = "The specified rule does not exist in this security group.";
            Fault::client("InvalidPermission.NotFound", message)
        };
        side.iter_mut().find(|r| rule::same(r, &wanted)).ok_or_else(none)?.description =
            wanted.description.clone();
    }
    for given in by_id.unwrap_or_default() {
        let id = given.security_group_rule_id.unwrap_or_default();
        let rule = side.iter_mut().find(|r| r.id == id).ok_or_else(|| kind::missing("sgr", &id))?;
        rule.description = rule::described(given.description)?;
    }
    tx.put(group)
}

pub(crate) fn update_ingress_descriptions(
    tx: &mut Tx<'_>,
    input: UpdateSecurityGroupRuleDescriptionsIngressRequest,
) -> Result<UpdateSecurityGroupRuleDescriptionsIngressResult, Fault> {
    let group = group::named(tx, input.group_id.as_deref(), input.group_name.as_deref())?;
    describe(tx, group, false, input.ip_permissions, input.security_group_rule_descriptions)?;
    Ok(UpdateSecurityGroupRuleDescriptionsIngressResult { r#return: Some(true) })
}

pub(crate) fn update_egress_descriptions(
    tx: &mut Tx<'_>,
    input: UpdateSecurityGroupRuleDescriptionsEgressRequest,
) -> Result<UpdateSecurityGroupRuleDescriptionsEgressResult, Fault> {
    let group = group::named(tx, input.group_id.as_deref(), input.group_name.as_deref())?;
    describe(tx, group, true, input.ip_permissions, input.security_group_rule_descriptions)?;
    Ok(UpdateSecurityGroupRuleDescriptionsEgressResult { r#return: Some(true) })
}
