//! Network ACLs and their rules.

use model::estate::ec2::{AclAssociation, AclEntry, IcmpType, NetworkAcl, PortRange, Subnet};
use model::{Fault, IntoValue as _, Tags, Tx};

use crate::listing::{Listing, Values, one, own};
use crate::shapes::{
    self, CreateNetworkAclEntryRequest, CreateNetworkAclRequest, CreateNetworkAclResult,
    DeleteNetworkAclEntryRequest, DeleteNetworkAclRequest, ReplaceNetworkAclAssociationRequest,
    ReplaceNetworkAclAssociationResult, ReplaceNetworkAclEntryRequest,
};
use crate::{block, fault, kind, subnet, tag, vpc};

/// Rules of one direction.
const MOST: usize = 40;

fn entries(acl: &NetworkAcl, of: fn(&AclEntry) -> Option<String>) -> Vec<String> {
    acl.entries.iter().filter_map(of).collect()
}

const FILTERS: &[(&str, Values<NetworkAcl>)] = &[
    ("association.association-id", |_, a| a.associations.iter().map(|x| x.id.clone()).collect()),
    ("association.network-acl-id", |_, a| a.associations.iter().map(|_| a.id.clone()).collect()),
    ("association.subnet-id", |_, a| a.associations.iter().map(|x| x.subnet.clone()).collect()),
    ("default", |_, a| one(&a.default.to_string())),
    ("entry.cidr", |_, a| entries(a, |e| (!e.cidr.contains(':')).then(|| e.cidr.clone()))),
    ("entry.icmp.code", |_, a| entries(a, |e| e.icmp.map(|i| i.code.to_string()))),
    ("entry.icmp.type", |_, a| entries(a, |e| e.icmp.map(|i| i.kind.to_string()))),
    ("entry.ipv6-cidr", |_, a| entries(a, |e| e.cidr.contains(':').then(|| e.cidr.clone()))),
    ("entry.port-range.from", |_, a| entries(a, |e| e.ports.map(|p| p.from.to_string()))),
    ("entry.port-range.to", |_, a| entries(a, |e| e.ports.map(|p| p.to.to_string()))),
    ("entry.protocol", |_, a| entries(a, |e| Some(e.protocol.clone()))),
    ("entry.rule-action", |_, a| entries(a, |e| Some(action(e.allow).to_owned()))),
    ("entry.egress", |_, a| entries(a, |e| Some(e.egress.to_string()))),
    ("entry.rule-number", |_, a| entries(a, |e| Some(e.number.to_string()))),
    ("network-acl-id", |_, a| one(&a.id)),
    ("owner-id", |_, a| one(a.account.as_str())),
    ("vpc-id", |_, a| one(&a.vpc)),
];

pub(crate) static ACLS: Listing<NetworkAcl> = Listing {
    prefix: "acl",
    ids: "NetworkAclIds",
    shown: "NetworkAcls",
    all: own,
    filters: FILTERS,
    show: |tx, acl| shown(tx, acl).into_value(),
};

fn find(tx: &Tx<'_>, id: &str) -> Result<NetworkAcl, Fault> {
    kind::find(tx, "acl", id)
}

fn action(allow: bool) -> &'static str {
    if allow { "allow" } else { "deny" }
}

fn shown_entry(entry: &AclEntry) -> shapes::NetworkAclEntry {
    let v6 = entry.cidr.contains(':');
    shapes::NetworkAclEntry {
        cidr_block: (!v6).then(|| entry.cidr.clone()),
        ipv6_cidr_block: v6.then(|| entry.cidr.clone()),
        egress: Some(entry.egress),
        icmp_type_code: entry.icmp.map(|i| shapes::IcmpTypeCode { code: Some(i.code), r#type: Some(i.kind) }),
        port_range: entry.ports.map(|p| shapes::PortRange { from: Some(p.from), to: Some(p.to) }),
        protocol: Some(entry.protocol.clone()),
        rule_action: Some(action(entry.allow).to_owned()),
        rule_number: Some(entry.number),
    }
}

/// The rules that stand behind all others: what nothing allows is denied.
fn last(v6: bool) -> impl Iterator<Item = AclEntry> {
    let of = |egress: bool, number: i64, cidr: &str| AclEntry {
        number,
        allow: false,
        cidr: cidr.to_owned(),
        ..all_traffic(egress)
    };
    let four = [true, false].into_iter().map(move |e| of(e, 32_767, "0.0.0.0/0"));
    let six = [true, false].into_iter().filter(move |_| v6).map(move |e| of(e, 32_768, "::/0"));
    four.chain(six)
}

fn shown(tx: &Tx<'_>, acl: &NetworkAcl) -> shapes::NetworkAcl {
    let v6 = vpc::find(tx, &acl.vpc).is_ok_and(|v| !v.ipv6_cidrs.is_empty());
    let association = |a: &AclAssociation| shapes::NetworkAclAssociation {
        network_acl_association_id: Some(a.id.clone()),
        network_acl_id: Some(acl.id.clone()),
        subnet_id: Some(a.subnet.clone()),
    };
    let entries = acl.entries.iter().cloned().chain(last(v6));
    shapes::NetworkAcl {
        associations: Some(acl.associations.iter().map(association).collect()),
        entries: Some(entries.map(|e| shown_entry(&e)).collect()),
        is_default: Some(acl.default),
        network_acl_id: Some(acl.id.clone()),
        tags: tag::shown(&acl.tags),
        vpc_id: Some(acl.vpc.clone()),
        owner_id: Some(acl.account.to_string()),
    }
}

fn all_traffic(egress: bool) -> AclEntry {
    AclEntry {
        egress,
        number: 100,
        protocol: "-1".to_owned(),
        allow: true,
        cidr: "0.0.0.0/0".to_owned(),
        icmp: None,
        ports: None,
    }
}

fn new(tx: &Tx<'_>, vpc: &str, tags: Tags) -> NetworkAcl {
    NetworkAcl {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "acl"),
        vpc: vpc.to_owned(),
        default: false,
        entries: Vec::new(),
        associations: Vec::new(),
        tags,
    }
}

/// The ACL that a VPC is born with: it lets everything through.
pub(crate) fn make_default(tx: &mut Tx<'_>, vpc: &str) -> Result<(), Fault> {
    let entries = vec![all_traffic(false), all_traffic(true)];
    let acl = NetworkAcl { default: true, entries, ..new(tx, vpc, Tags::new()) };
    tx.put(acl)
}

/// A VPC that gets IPv6 has its default ACL let that through, too.
pub(crate) fn follow_ipv6(tx: &mut Tx<'_>, vpc: &str) -> Result<(), Fault> {
    let Some(mut acl) = tx.list::<NetworkAcl>().find(|a| a.vpc == vpc && a.default).cloned() else {
        return Ok(());
    };
    for egress in [false, true] {
        if !acl.entries.iter().any(|e| e.egress == egress && e.number == 101) {
            acl.entries.push(AclEntry { number: 101, cidr: "::/0".to_owned(), ..all_traffic(egress) });
        }
    }
    sort(&mut acl);
    tx.put(acl)
}

fn sort(acl: &mut NetworkAcl) {
    acl.entries.sort_by_key(|e| (e.egress, e.number));
}

/// Puts a subnet under its VPC's default ACL.
pub(crate) fn join_default(tx: &mut Tx<'_>, vpc: &str, subnet: &str) -> Result<(), Fault> {
    let default = tx.list::<NetworkAcl>().find(|a| a.vpc == vpc && a.default).cloned();
    let acl = default.ok_or_else(|| Fault::internal(format!("VPC `{vpc}` has no default ACL")))?;
    join(tx, acl, subnet).map(|_| ())
}

fn join(tx: &mut Tx<'_>, mut acl: NetworkAcl, subnet: &str) -> Result<String, Fault> {
    let id = kind::new_id(tx, "aclassoc");
    acl.associations.push(AclAssociation { id: id.clone(), subnet: subnet.to_owned() });
    tx.put(acl)?;
    Ok(id)
}

/// Takes a subnet from under its ACL.
pub(crate) fn leave(tx: &mut Tx<'_>, subnet: &str) -> Result<(), Fault> {
    let of = |a: &AclAssociation| a.subnet == subnet;
    for mut acl in own::<NetworkAcl>(tx).into_iter().filter(|a| a.associations.iter().any(of)) {
        acl.associations.retain(|a| !of(a));
        tx.put(acl)?;
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAcl.html>
pub(crate) fn create_network_acl(
    tx: &mut Tx<'_>,
    input: CreateNetworkAclRequest,
) -> Result<CreateNetworkAclResult, Fault> {
    let vpc = vpc::find(tx, &input.vpc_id)?;
    let tags = tag::given(tx, input.tag_specifications, "network-acl")?;
    let acl = new(tx, &vpc.id, tags);
    tx.put(acl.clone())?;
    Ok(CreateNetworkAclResult { network_acl: Some(shown(tx, &acl)), client_token: input.client_token })
}

pub(crate) fn delete_network_acl(tx: &mut Tx<'_>, input: DeleteNetworkAclRequest) -> Result<(), Fault> {
    let acl = find(tx, &input.network_acl_id)?;
    if acl.default {
        return Err(fault::value(format!("cannot delete default network ACL {}", acl.id)));
    }
    if !acl.associations.is_empty() {
        let message = format!("The networkAcl '{}' has dependencies and cannot be deleted.", acl.id);
        return Err(fault::dependency(message));
    }
    tx.remove(&acl)
}

/// A rule as the two requests for one give it.
struct Asked {
    number: i64,
    protocol: String,
    action: String,
    egress: bool,
    v4: Option<String>,
    v6: Option<String>,
    icmp: Option<shapes::IcmpTypeCode>,
    ports: Option<shapes::PortRange>,
}

macro_rules! asked {
    ($input:ident) => {
        Asked {
            number: $input.rule_number,
            protocol: $input.protocol,
            action: $input.rule_action,
            egress: $input.egress,
            v4: $input.cidr_block,
            v6: $input.ipv6_cidr_block,
            icmp: $input.icmp_type_code,
            ports: $input.port_range,
        }
    };
}

/// A protocol by number or by the name that AWS takes for it.
fn protocol(given: &str) -> Result<String, Fault> {
    let names = [("tcp", "6"), ("udp", "17"), ("icmp", "1"), ("icmpv6", "58"), ("all", "-1")];
    let lower = given.to_ascii_lowercase();
    let number = names.iter().find(|(name, _)| *name == lower).map_or(lower.as_str(), |(_, number)| number);
    match number == "-1" || number.parse::<u8>().is_ok() {
        true => Ok(number.to_owned()),
        false => Err(fault::bad_value(given, "protocol", "Unknown protocol")),
    }
}

impl Asked {
    fn entry(self) -> Result<AclEntry, Fault> {
        if !(1..=32_766).contains(&self.number) {
            let why = "Must be between 1 and 32766, inclusive.";
            return Err(fault::bad_value(&self.number.to_string(), "ruleNumber", why));
        }
        let protocol = protocol(&self.protocol)?;
        let cidr = match (&self.v4, &self.v6) {
            (Some(cidr), None) => block::v4(cidr, "cidrBlock")?.to_string(),
            (None, Some(cidr)) => block::v6(cidr, "ipv6CidrBlock")?.to_string(),
            _ => {
                return Err(fault::combination(
                    "The request must contain exactly one of cidrBlock, ipv6CidrBlock",
                ));
            }
        };
        let ports = match protocol.as_str() {
            "6" | "17" => Some(ports(self.ports)?),
            _ => None,
        };
        let icmp = match protocol.as_str() {
            "1" | "58" => {
                let given = self.icmp.ok_or_else(|| fault::absent("IcmpTypeCode"))?;
                Some(IcmpType { kind: given.r#type.unwrap_or(-1), code: given.code.unwrap_or(-1) })
            }
            _ => None,
        };
        let allow = self.action == "allow";
        Ok(AclEntry { egress: self.egress, number: self.number, protocol, allow, cidr, icmp, ports })
    }
}

fn ports(given: Option<shapes::PortRange>) -> Result<PortRange, Fault> {
    let given = given.ok_or_else(|| fault::absent("PortRange"))?;
    let (Some(from), Some(to)) = (given.from, given.to) else { return Err(fault::absent("PortRange")) };
    // -1 stands for all ports.
    let (from, to) = if from == -1 && to == -1 { (0, 65_535) } else { (from, to) };
    match (0..=65_535).contains(&from) && (0..=65_535).contains(&to) && from <= to {
        true => Ok(PortRange { from, to }),
        false => Err(fault::value(format!("Invalid TCP/UDP port range ({from}:{to})"))),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html>
pub(crate) fn create_entry(tx: &mut Tx<'_>, input: CreateNetworkAclEntryRequest) -> Result<(), Fault> {
    let mut acl = find(tx, &input.network_acl_id)?;
    let entry = asked!(input).entry()?;
    if acl.entries.iter().any(|e| (e.egress, e.number) == (entry.egress, entry.number)) {
        return Err(Fault::client(
            "NetworkAclEntryAlreadyExists",
            format!("The network acl entry identified by {} already exists.", entry.number),
        ));
    }
    if acl.entries.iter().filter(|e| e.egress == entry.egress).count() >= MOST {
        return Err(fault::limit("NetworkAclEntryLimitExceeded", "network acl entries"));
    }
    acl.entries.push(entry);
    sort(&mut acl);
    tx.put(acl)
}

fn no_entry(number: i64) -> Fault {
    Fault::client(
        "InvalidNetworkAclEntry.NotFound",
        format!("The network acl entry identified by {number} does not exist."),
    )
}

pub(crate) fn replace_entry(tx: &mut Tx<'_>, input: ReplaceNetworkAclEntryRequest) -> Result<(), Fault> {
    let mut acl = find(tx, &input.network_acl_id)?;
    let entry = asked!(input).entry()?;
    let same = |e: &&mut AclEntry| (e.egress, e.number) == (entry.egress, entry.number);
    let old = acl.entries.iter_mut().find(same).ok_or_else(|| no_entry(entry.number))?;
    *old = entry;
    tx.put(acl)
}

pub(crate) fn delete_entry(tx: &mut Tx<'_>, input: DeleteNetworkAclEntryRequest) -> Result<(), Fault> {
    let mut acl = find(tx, &input.network_acl_id)?;
    let same = |e: &AclEntry| (e.egress, e.number) == (input.egress, input.rule_number);
    if !acl.entries.iter().any(same) {
        return Err(no_entry(input.rule_number));
    }
    acl.entries.retain(|e| !same(e));
    tx.put(acl)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceNetworkAclAssociation.html>
pub(crate) fn replace_association(
    tx: &mut Tx<'_>,
    input: ReplaceNetworkAclAssociationRequest,
) -> Result<ReplaceNetworkAclAssociationResult, Fault> {
    let held = |a: &NetworkAcl| a.associations.iter().find(|x| x.id == input.association_id).cloned();
    let association = tx.list::<NetworkAcl>().find_map(held);
    let association = association.ok_or_else(|| kind::missing("aclassoc", &input.association_id))?;
    let acl = find(tx, &input.network_acl_id)?;
    let subnet: Subnet = subnet::find(tx, &association.subnet)?;
    if acl.vpc != subnet.vpc {
        return Err(fault::value(format!(
            "network acl {} and subnet {} belong to different networks",
            acl.id, subnet.id
        )));
    }
    leave(tx, &subnet.id)?;
    let acl = find(tx, &acl.id)?;
    let new_association_id = Some(join(tx, acl, &subnet.id)?);
    Ok(ReplaceNetworkAclAssociationResult { new_association_id })
}
