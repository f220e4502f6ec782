//! The rules of security groups: how they are read, compared, granted and revoked.

use model::estate::ec2::{AWS_PREFIX_LISTS, Peer, SecurityGroup, SecurityGroupRule, Vpc};
use model::{AccountId, Fault, Tags, Tx};

use crate::shapes::{
    self, AuthorizeSecurityGroupEgressRequest, AuthorizeSecurityGroupEgressResult,
    AuthorizeSecurityGroupIngressRequest, AuthorizeSecurityGroupIngressResult, IpPermission, IpRange,
    Ipv6Range, RevokeSecurityGroupEgressRequest, RevokeSecurityGroupEgressResult,
    RevokeSecurityGroupIngressRequest, RevokeSecurityGroupIngressResult, RevokedSecurityGroupRule,
    UserIdGroupPair,
};
use crate::{block, fault, group, kind, peering, prefix, tag};

/// Rules of one direction and one family of addresses that a group may have.
const MOST: usize = 60;

/// The older way to write one rule: in members of the request itself.
#[derive(Default)]
struct Flat {
    protocol: Option<String>,
    from: Option<i64>,
    to: Option<i64>,
    cidr: Option<String>,
    group: Option<String>,
    owner: Option<String>,
}

impl Flat {
    fn permission(self) -> Option<IpPermission> {
        let given = self.protocol.is_some() || self.cidr.is_some() || self.group.is_some();
        given.then(|| IpPermission {
            // A source group without a protocol means all traffic from it.
            ip_protocol: Some(self.protocol.unwrap_or_else(|| "-1".to_owned())),
            from_port: self.from,
            to_port: self.to,
            ip_ranges: self.cidr.map(|c| vec![IpRange { cidr_ip: Some(c), description: None }]),
            user_id_group_pairs: self.group.map(|name| {
                vec![UserIdGroupPair {
                    group_name: Some(name),
                    user_id: self.owner,
                    ..UserIdGroupPair::default()
                }]
            }),
            ..IpPermission::default()
        })
    }
}

/// `tcp`, `udp`, `icmp`, `icmpv6`, another number, or `-1`.
fn protocol(given: Option<&str>) -> Result<String, Fault> {
    let given = given.ok_or_else(|| fault::absent("ipProtocol"))?.to_ascii_lowercase();
    let names = [("6", "tcp"), ("17", "udp"), ("1", "icmp"), ("58", "icmpv6"), ("all", "-1")];
    let name = names.iter().find(|(number, _)| *number == given).map(|(_, name)| (*name).to_owned());
    let known = ["tcp", "udp", "icmp", "icmpv6", "-1"].contains(&given.as_str());
    match name {
        Some(name) => Ok(name),
        None if known || given.parse::<u8>().is_ok() => Ok(given),
        None => Err(fault::value(format!("Invalid value '{given}' for IP protocol. Unknown protocol."))),
    }
}

/// The ports (or ICMP type and code) that go with a protocol; `None` for all.
fn ports(protocol: &str, from: Option<i64>, to: Option<i64>) -> Result<(Option<i64>, Option<i64>), Fault> {
    match protocol {
        "tcp" | "udp" => {
            let (Some(from), Some(to)) = (from, to) else {
                return Err(fault::value(
                    "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.",
                ));
            };
            // -1 stands for all ports on either end.
            let (from, to) = if from == -1 && to == -1 { (0, 65_535) } else { (from, to) };
            match (0..=65_535).contains(&from) && (0..=65_535).contains(&to) && from <= to {
                true => Ok((Some(from), Some(to))),
                false => Err(fault::value(format!("Invalid TCP/UDP port range ({from}:{to})"))),
            }
        }
        "icmp" | "icmpv6" => {
            let (from, to) = (from.unwrap_or(-1), to.unwrap_or(-1));
            match (-1..=255).contains(&from) && (-1..=255).contains(&to) && (from != -1 || to == -1) {
                true => Ok((Some(from), Some(to))),
                false => Err(fault::value(format!("ICMP type ({from}) and code ({to}) are not valid"))),
            }
        }
        _ => Ok((None, None)),
    }
}

pub(crate) fn described(text: Option<String>) -> Result<Option<String>, Fault> {
    let good = |c: char| c.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(c);
    match &text {
        Some(given) if given.chars().count() > 255 || !given.chars().all(good) => Err(fault::value(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        )),
        _ => Ok(text.filter(|t| !t.is_empty())),
    }
}

/// The peers that a permission names, each with its description.
fn peers(
    tx: &Tx<'_>,
    group: &SecurityGroup,
    permission: &IpPermission,
) -> Result<Vec<(Peer, Option<String>)>, Fault> {
    let mut found = Vec::new();
    for range in permission.ip_ranges.iter().flatten() {
        let cidr = range.cidr_ip.as_deref().unwrap_or_default();
        let net = block::v4(cidr, "cidrIp").map_err(|_| malformed(cidr))?;
        found.push((Peer::Ipv4(net.to_string()), range.description.clone()));
    }
    for range in permission.ipv6_ranges.iter().flatten() {
        let cidr = range.cidr_ipv6.as_deref().unwrap_or_default();
        let net = block::v6(cidr, "cidrIpv6").map_err(|_| malformed(cidr))?;
        found.push((Peer::Ipv6(net.to_string()), range.description.clone()));
    }
    for list in permission.prefix_list_ids.iter().flatten() {
        let id = list.prefix_list_id.as_deref().unwrap_or_default();
        if entries(tx, id).is_none() {
            return Err(kind::missing("pl", id));
        }
        found.push((Peer::PrefixList(id.to_owned()), list.description.clone()));
    }
    for pair in permission.user_id_group_pairs.iter().flatten() {
        found.push((peer_group(tx, group, pair)?, pair.description.clone()));
    }
    Ok(found)
}

fn malformed(cidr: &str) -> Fault {
    fault::value(format!("CIDR block {cidr} is malformed"))
}

/// A group of the same VPC, or of one that is connected by peering.
fn peer_group(tx: &Tx<'_>, group: &SecurityGroup, pair: &UserIdGroupPair) -> Result<Peer, Fault> {
    let Some(id) = pair.group_id.as_deref() else {
        let named = group::named(tx, None, pair.group_name.as_deref())?;
        return Ok(Peer::Group { id: named.id, account: None });
    };
    let owner = pair.user_id.as_deref().and_then(AccountId::parse).unwrap_or_else(|| tx.account.clone());
    let peer = tx.snapshot().find::<SecurityGroup>(&owner, &tx.region, id);
    let peer = peer.ok_or_else(|| kind::missing("sg", id))?;
    if peer.vpc != group.vpc && !peering::connects(tx, &peer.vpc, &group.vpc) {
        return Err(Fault::client(
            "InvalidGroup.NotFound",
            "You have specified two resources that belong to different networks.",
        ));
    }
    let account = (owner != group.account).then(|| owner.to_string());
    Ok(Peer::Group { id: id.to_owned(), account })
}

/// How many rules a prefix list counts for; `None` if there is no such list.
fn entries(tx: &Tx<'_>, list: &str) -> Option<usize> {
    let own = prefix::usable(tx, list).map(|l| usize::try_from(l.max_entries).unwrap_or(usize::MAX));
    own.or_else(|| AWS_PREFIX_LISTS.iter().any(|l| l.id == list).then_some(1))
}

/// The rules that permissions stand for, without ids.
pub(crate) fn rules(
    tx: &Tx<'_>,
    group: &SecurityGroup,
    permissions: &[IpPermission],
) -> Result<Vec<SecurityGroupRule>, Fault> {
    let mut found: Vec<SecurityGroupRule> = Vec::new();
    for permission in permissions {
        let protocol = protocol(permission.ip_protocol.as_deref())?;
        let (from_port, to_port) = ports(&protocol, permission.from_port, permission.to_port)?;
        let peers = peers(tx, group, permission)?;
        if peers.is_empty() {
            return Err(fault::absent("ipRanges, ipv6Ranges, prefixListIds or groups"));
        }
        for (peer, description) in peers {
            let rule = SecurityGroupRule {
                id: String::new(),
                protocol: protocol.clone(),
                from_port,
                to_port,
                peer,
                description: described(description)?,
                tags: Tags::new(),
            };
            if found.iter().any(|f| same(f, &rule)) {
                return Err(fault::value("The same permission must not appear multiple times"));
            }
            found.push(rule);
        }
    }
    match found.is_empty() {
        true => Err(fault::absent("ipPermissions")),
        false => Ok(found),
    }
}

/// Whether two rules let through the same; descriptions do not count.
pub(crate) fn same(a: &SecurityGroupRule, b: &SecurityGroupRule) -> bool {
    (&a.protocol, a.from_port, a.to_port, &a.peer) == (&b.protocol, b.from_port, b.to_port, &b.peer)
}

pub(crate) fn duplicate(rule: &SecurityGroupRule) -> Fault {
    let peer = match &rule.peer {
        Peer::Ipv4(id) | Peer::Ipv6(id) | Peer::Group { id, .. } | Peer::PrefixList(id) => id,
    };
    let protocol = match rule.protocol.as_str() {
        "-1" => "ALL".to_owned(),
        other => other.to_ascii_uppercase(),
    };
    let ports = match (rule.protocol.as_str(), rule.from_port, rule.to_port) {
        ("icmp" | "icmpv6", Some(kind), Some(code)) => format!(", type: {kind}, code: {code}"),
        (_, Some(from), Some(to)) => format!(", from port: {from}, to port: {to}"),
        _ => String::new(),
    };
    Fault::client(
        "InvalidPermission.Duplicate",
        format!("the specified rule \"peer: {peer}, {protocol}{ports}, ALLOW\" already exists"),
    )
}

/// Rules count per direction and family; a group or list counts for both.
pub(crate) fn within_limit(tx: &Tx<'_>, rules: &[SecurityGroupRule]) -> Result<(), Fault> {
    let (mut v4, mut v6) = (0_usize, 0_usize);
    for rule in rules {
        let (four, six) = match &rule.peer {
            Peer::Ipv4(_) => (1, 0),
            Peer::Ipv6(_) => (0, 1),
            Peer::Group { .. } => (1, 1),
            Peer::PrefixList(id) => match prefix::usable(tx, id) {
                Some(list) if list.family == "IPv6" => (0, entries(tx, id).unwrap_or(1)),
                _ => (entries(tx, id).unwrap_or(1), 0),
            },
        };
        (v4, v6) = (v4.saturating_add(four), v6.saturating_add(six));
    }
    match v4.max(v6) > MOST {
        true => Err(fault::limit("RulesPerSecurityGroupLimitExceeded", "rules per security group")),
        false => Ok(()),
    }
}

fn side(group: &mut SecurityGroup, egress: bool) -> &mut Vec<SecurityGroupRule> {
    if egress { &mut group.egress } else { &mut group.ingress }
}

fn grant(
    tx: &mut Tx<'_>,
    mut group: SecurityGroup,
    egress: bool,
    permissions: Vec<IpPermission>,
    tags: &Tags,
) -> Result<Vec<shapes::SecurityGroupRule>, Fault> {
    let mut fresh = rules(tx, &group, &permissions)?;
    if let Some(known) = fresh.iter().find(|new| side(&mut group, egress).iter().any(|old| same(old, new))) {
        return Err(duplicate(known));
    }
    for rule in &mut fresh {
        rule.id = kind::new_id(tx, "sgr");
        rule.tags = tags.clone();
    }
    side(&mut group, egress).extend(fresh.iter().cloned());
    within_limit(tx, side(&mut group, egress))?;
    let made = fresh.iter().map(|rule| shown(tx, &group, rule, egress)).collect();
    tx.put(group)?;
    Ok(made)
}

/// What a revocation came to.
struct Revoked {
    rules: Vec<RevokedSecurityGroupRule>,
    unknown: Vec<IpPermission>,
}

fn revoke(
    tx: &mut Tx<'_>,
    mut group: SecurityGroup,
    egress: bool,
    permissions: Vec<IpPermission>,
    ids: Option<Vec<String>>,
) -> Result<Revoked, Fault> {
    let mut gone = Vec::new();
    let mut unknown = Vec::new();
    for id in ids.iter().flatten() {
        let own = side(&mut group, egress);
        let at = own.iter().position(|r| r.id == *id).ok_or_else(|| kind::missing("sgr", id))?;
        gone.push(own.remove(at));
    }
    if ids.is_none_or(|ids| ids.is_empty()) {
        let lenient = tx.find::<Vpc>(&group.vpc).is_some_and(|v| v.default);
        for permission in permissions {
            let wanted = rules(tx, &group, std::slice::from_ref(&permission))?;
            let own = side(&mut group, egress);
            if !wanted.iter().all(|w| own.iter().any(|r| same(r, w))) {
                // Of a default VPC's groups, what is not there is only told.
                if !lenient {
                    return Err(Fault::client(
                        "InvalidPermission.NotFound",
                        "The specified rule does not exist in this security group.",
                    ));
                }
                unknown.push(permission);
            }
            let (out, stay) =
                std::mem::take(own).into_iter().partition(|r| wanted.iter().any(|w| same(r, w)));
            *own = stay;
            gone.extend::<Vec<SecurityGroupRule>>(out);
        }
    }
    if gone.is_empty() && unknown.is_empty() {
        return Err(fault::absent("ipPermissions"));
    }
    let rules = gone.iter().map(|rule| revoked(&group, rule, egress)).collect();
    tx.put(group)?;
    Ok(Revoked { rules, unknown })
}

/// A rule's peer in the members of a shape: IPv4, IPv6, group, prefix list.
pub(crate) fn peer_members(peer: &Peer) -> [Option<String>; 4] {
    match peer {
        Peer::Ipv4(cidr) => [Some(cidr.clone()), None, None, None],
        Peer::Ipv6(cidr) => [None, Some(cidr.clone()), None, None],
        Peer::Group { id, .. } => [None, None, Some(id.clone()), None],
        Peer::PrefixList(id) => [None, None, None, Some(id.clone())],
    }
}

/// Ports as AWS shows them: -1 where there are none.
fn shown_port(port: Option<i64>) -> Option<i64> {
    Some(port.unwrap_or(-1))
}

pub(crate) fn shown(
    tx: &Tx<'_>,
    group: &SecurityGroup,
    rule: &SecurityGroupRule,
    egress: bool,
) -> shapes::SecurityGroupRule {
    let [cidr_ipv4, cidr_ipv6, _, prefix_list_id] = peer_members(&rule.peer);
    let resource = format!("security-group-rule/{}", rule.id);
    shapes::SecurityGroupRule {
        security_group_rule_id: Some(rule.id.clone()),
        group_id: Some(group.id.clone()),
        group_owner_id: Some(group.account.to_string()),
        is_egress: Some(egress),
        ip_protocol: Some(rule.protocol.clone()),
        from_port: shown_port(rule.from_port),
        to_port: shown_port(rule.to_port),
        cidr_ipv4,
        cidr_ipv6,
        prefix_list_id,
        referenced_group_info: pair(tx, group, rule).map(|p| shapes::ReferencedSecurityGroup {
            group_id: p.group_id,
            peering_status: p.peering_status,
            user_id: p.user_id,
            vpc_id: p.vpc_id,
            vpc_peering_connection_id: p.vpc_peering_connection_id,
        }),
        description: rule.description.clone(),
        tags: tag::shown(&rule.tags),
        security_group_rule_arn: Some(model::ids::arn("ec2", &group.region, &group.account, &resource)),
    }
}

fn revoked(group: &SecurityGroup, rule: &SecurityGroupRule, egress: bool) -> RevokedSecurityGroupRule {
    let [cidr_ipv4, cidr_ipv6, referenced_group_id, prefix_list_id] = peer_members(&rule.peer);
    RevokedSecurityGroupRule {
        security_group_rule_id: Some(rule.id.clone()),
        group_id: Some(group.id.clone()),
        is_egress: Some(egress),
        ip_protocol: Some(rule.protocol.clone()),
        from_port: shown_port(rule.from_port),
        to_port: shown_port(rule.to_port),
        cidr_ipv4,
        cidr_ipv6,
        prefix_list_id,
        referenced_group_id,
        description: rule.description.clone(),
    }
}

/// The group that a rule names, with the peering connection that leads to it.
fn pair(tx: &Tx<'_>, group: &SecurityGroup, rule: &SecurityGroupRule) -> Option<UserIdGroupPair> {
    let Peer::Group { id, account } = &rule.peer else { return None };
    let owner = account.as_deref().and_then(AccountId::parse).unwrap_or_else(|| group.account.clone());
    let peer = tx.snapshot().find::<SecurityGroup>(&owner, &group.region, id);
    let elsewhere = peer.filter(|p| p.vpc != group.vpc);
    let connection = elsewhere.and_then(|p| peering::between(tx, &p.vpc, &group.vpc));
    Some(UserIdGroupPair {
        description: rule.description.clone(),
        user_id: Some(owner.to_string()),
        group_name: None,
        group_id: Some(id.clone()),
        vpc_id: elsewhere.map(|p| p.vpc.clone()),
        vpc_peering_connection_id: connection.as_ref().map(|c| c.id.clone()),
        peering_status: connection.map(|c| c.status),
    })
}

/// Rules as permissions: those of the same protocol and ports together.
pub(crate) fn permissions(
    tx: &Tx<'_>,
    group: &SecurityGroup,
    rules: &[SecurityGroupRule],
) -> Vec<IpPermission> {
    let mut shown: Vec<IpPermission> = Vec::new();
    for rule in rules {
        let fits = |p: &IpPermission| {
            p.ip_protocol.as_ref() == Some(&rule.protocol)
                && p.from_port == rule.from_port
                && p.to_port == rule.to_port
        };
        let at = shown.iter().position(fits).unwrap_or(shown.len());
        if at == shown.len() {
            shown.push(IpPermission {
                ip_protocol: Some(rule.protocol.clone()),
                from_port: rule.from_port,
                to_port: rule.to_port,
                user_id_group_pairs: Some(Vec::new()),
                ip_ranges: Some(Vec::new()),
                ipv6_ranges: Some(Vec::new()),
                prefix_list_ids: Some(Vec::new()),
            });
        }
        let Some(permission) = shown.get_mut(at) else { continue };
        let description = rule.description.clone();
        match &rule.peer {
            Peer::Ipv4(cidr) => {
                let range = IpRange { cidr_ip: Some(cidr.clone()), description };
                permission.ip_ranges.get_or_insert_default().push(range);
            }
            Peer::Ipv6(cidr) => {
                let range = Ipv6Range { cidr_ipv6: Some(cidr.clone()), description };
                permission.ipv6_ranges.get_or_insert_default().push(range);
            }
            Peer::PrefixList(id) => {
                let list = shapes::PrefixListId { prefix_list_id: Some(id.clone()), description };
                permission.prefix_list_ids.get_or_insert_default().push(list);
            }
            Peer::Group { .. } => {
                permission.user_id_group_pairs.get_or_insert_default().extend(pair(tx, group, rule));
            }
        }
    }
    shown
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html>
pub(crate) fn authorize_ingress(
    tx: &mut Tx<'_>,
    input: AuthorizeSecurityGroupIngressRequest,
) -> Result<AuthorizeSecurityGroupIngressResult, Fault> {
    let group = group::named(tx, input.group_id.as_deref(), input.group_name.as_deref())?;
    let flat = Flat {
        protocol: input.ip_protocol,
        from: input.from_port,
        to: input.to_port,
        cidr: input.cidr_ip,
        group: input.source_security_group_name,
        owner: input.source_security_group_owner_id,
    };
    let permissions = input.ip_permissions.unwrap_or_default().into_iter().chain(flat.permission()).collect();
    let tags = tag::given(tx, input.tag_specifications, "security-group-rule")?;
    let rules = grant(tx, group, false, permissions, &tags)?;
    Ok(AuthorizeSecurityGroupIngressResult { r#return: Some(true), security_group_rules: Some(rules) })
}

/// Rules of VPC groups are given to this operation in `IpPermissions` only.
pub(crate) fn authorize_egress(
    tx: &mut Tx<'_>,
    input: AuthorizeSecurityGroupEgressRequest,
) -> Result<AuthorizeSecurityGroupEgressResult, Fault> {
    let group = group::find(tx, &input.group_id)?;
    let flat = Flat {
        protocol: input.ip_protocol,
        from: input.from_port,
        to: input.to_port,
        cidr: input.cidr_ip,
        group: input.source_security_group_name,
        owner: input.source_security_group_owner_id,
    };
    let permissions = input.ip_permissions.unwrap_or_default().into_iter().chain(flat.permission()).collect();
    let tags = tag::given(tx, input.tag_specifications, "security-group-rule")?;
    let rules = grant(tx, group, true, permissions, &tags)?;
    Ok(AuthorizeSecurityGroupEgressResult { r#return: Some(true), security_group_rules: Some(rules) })
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RevokeSecurityGroupIngress.html>
pub(crate) fn revoke_ingress(
    tx: &mut Tx<'_>,
    input: RevokeSecurityGroupIngressRequest,
) -> Result<RevokeSecurityGroupIngressResult, Fault> {
    let group = group::named(tx, input.group_id.as_deref(), input.group_name.as_deref())?;
    let flat = Flat {
        protocol: input.ip_protocol,
        from: input.from_port,
        to: input.to_port,
        cidr: input.cidr_ip,
        group: input.source_security_group_name,
        owner: input.source_security_group_owner_id,
    };
    let permissions = input.ip_permissions.unwrap_or_default().into_iter().chain(flat.permission()).collect();
    let revoked = revoke(tx, group, false, permissions, input.security_group_rule_ids)?;
    Ok(RevokeSecurityGroupIngressResult {
        r#return: Some(true),
        unknown_ip_permissions: Some(revoked.unknown),
        revoked_security_group_rules: Some(revoked.rules),
    })
}

pub(crate) fn revoke_egress(
    tx: &mut Tx<'_>,
    input: RevokeSecurityGroupEgressRequest,
) -> Result<RevokeSecurityGroupEgressResult, Fault> {
    let group = group::find(tx, &input.group_id)?;
    let flat = Flat {
        protocol: input.ip_protocol,
        from: input.from_port,
        to: input.to_port,
        cidr: input.cidr_ip,
        group: input.source_security_group_name,
        owner: input.source_security_group_owner_id,
    };
    let permissions = input.ip_permissions.unwrap_or_default().into_iter().chain(flat.permission()).collect();
    let revoked = revoke(tx, group, true, permissions, input.security_group_rule_ids)?;
    Ok(RevokeSecurityGroupEgressResult {
        r#return: Some(true),
        unknown_ip_permissions: Some(revoked.unknown),
        revoked_security_group_rules: Some(revoked.rules),
    })
}
