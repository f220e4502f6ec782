//! Who a security group lets in. Only the receiving side counts.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value as Json;

use crate::estate::{Estate, Item, is_false, number, referred};

/// Who knocks.
pub(crate) enum Source<'a> {
    Internet,
    Members { groups: &'a BTreeSet<String>, subnets: &'a [String] },
}

/// The groups of a network interface; without any it has its network's default group.
pub(crate) fn groups(values: &[Json]) -> BTreeSet<String> {
    let name = |value: &Json| {
        let text = value.as_str().unwrap_or_default();
        match referred(text) {
            Some(_) if text.ends_with(".DefaultSecurityGroup}") => "default".to_owned(),
            Some(name) => name.to_owned(),
            None => format!("?{text}"),
        }
    };
    match values {
        [] => BTreeSet::from(["default".to_owned()]),
        _ => values.iter().map(name).collect(),
    }
}

impl Estate {
    /// Whether one of the groups lets the source in on the port (any port, when it is not known).
    pub(crate) fn admits(&self, groups: &BTreeSet<String>, port: Option<i64>, source: &Source) -> bool {
        groups.iter().any(|group| {
            let Some(item) = self.items.get(group).filter(|i| i.kind == "AWS::EC2::SecurityGroup") else {
                // The default group lets its members in. What another group lets in is unknown: everybody.
                return match source {
                    _ if group != "default" => true,
                    Source::Internet => false,
                    Source::Members { groups, .. } => groups.contains("default"),
                };
            };
            self.ingress(item).iter().any(|rule| on_port(rule, port) && self.from(rule, group, source))
        })
    }

    /// The rules of a group, its own and those attached to it.
    fn ingress<'a>(&'a self, group: &'a Item) -> Vec<&'a Json> {
        let mut rules: Vec<&Json> = group.list("SecurityGroupIngress").iter().collect();
        let attached = self.of("AWS::EC2::SecurityGroupIngress");
        rules.extend(
            attached
                .filter(|i| i.refers("GroupId").or(i.refers("GroupName")) == Some(group.name.as_str()))
                .map(|i| &i.properties),
        );
        rules
    }

    fn from(&self, rule: &Json, own: &str, source: &Source) -> bool {
        let cidrs = ["CidrIp", "CidrIpv6"].iter().filter_map(|key| rule.get(key)?.as_str());
        let by_address = cidrs.map(|c| self.cidr(c)).any(|cidr| match (Block::parse(&cidr), source) {
            (None, _) => true,
            (Some(block), Source::Internet) => block.is_internet(),
            (Some(block), Source::Members { subnets, .. }) => {
                subnets.iter().any(|s| Block::parse(s).is_none_or(|subnet| subnet.overlaps(&block)))
                    || subnets.is_empty()
            }
        });
        let named = ["SourceSecurityGroupId", "SourceSecurityGroupName"];
        let by_group = named.iter().filter_map(|key| rule.get(key)?.as_str()).any(|text| match source {
            Source::Internet => false,
            Source::Members { groups: members, .. } => {
                let wanted = groups(&[Json::String(text.to_owned())]);
                let unknown = |g: &String| g != "default" && g != own && !self.items.contains_key(g);
                wanted.iter().any(|w| members.contains(w) || (unknown(w) && members.iter().any(unknown)))
            }
        });
        by_address || by_group || rule.get("SourcePrefixListId").is_some()
    }

    /// The addresses behind a reference to a network or subnet.
    fn cidr(&self, text: &str) -> String {
        let block = referred(text).and_then(|name| self.items.get(name)?.text("CidrBlock"));
        block.unwrap_or(text).to_owned()
    }

    /// The address blocks of subnets.
    pub(crate) fn subnets(&self, values: &[Json]) -> Vec<String> {
        values.iter().map(|v| self.cidr(v.as_str().unwrap_or_default())).collect()
    }
}

fn on_port(rule: &Json, port: Option<i64>) -> bool {
    let protocol = match rule.get("IpProtocol") {
        Some(Json::String(text)) => text.to_lowercase(),
        Some(other) => other.to_string(),
        None => "-1".to_owned(),
    };
    if protocol == "-1" {
        return true;
    }
    if ["udp", "17", "icmp", "1", "icmpv6", "58"].contains(&protocol.as_str()) {
        return false;
    }
    let bound = |key: &str| rule.get(key).and_then(number);
    match (port, bound("FromPort"), bound("ToPort")) {
        (Some(port), Some(from), Some(to)) => (from..=to).contains(&port) || from == -1,
        _ => true,
    }
}

/// A block of addresses, IPv4 as the upper bits.
struct Block {
    bits: u128,
    length: u32,
    v4: bool,
}

impl Block {
    fn parse(text: &str) -> Option<Block> {
        let (address, length) = text.split_once('/')?;
        let length: u32 = length.parse().ok()?;
        let (bits, v4) = match address.parse().ok()? {
            IpAddr::V4(a) => (u128::from(a.to_bits()) << 96, true),
            IpAddr::V6(a) => (a.to_bits(), false),
        };
        (length <= if v4 { 32 } else { 128 }).then_some(Block { bits, length, v4 })
    }

    fn overlaps(&self, other: &Block) -> bool {
        let mask = |length: u32| u128::MAX.checked_shl(128 - length).unwrap_or(0);
        let mask = mask(self.length.min(other.length));
        self.v4 == other.v4 && self.bits & mask == other.bits & mask
    }

    /// So wide that it is the world, or a good part of it (`0.0.0.0/1` is no protection).
    fn is_internet(&self) -> bool {
        self.length < if self.v4 { 8 } else { 16 }
    }
}

/// A database: its groups, port, and whether it has a public address.
pub(crate) struct Door {
    pub groups: BTreeSet<String>,
    pub port: Option<i64>,
    pub public: bool,
}

pub(crate) fn database(estate: &Estate, item: &Item) -> Option<Door> {
    let rds_public = |i: &Item| !is_false(i.at("PubliclyAccessible"));
    let (property, public) = match item.kind.as_str() {
        "AWS::RDS::DBInstance" => ("VPCSecurityGroups", rds_public(item)),
        "AWS::RDS::DBCluster" => {
            let mut members = estate
                .of("AWS::RDS::DBInstance")
                .filter(|i| i.refers("DBClusterIdentifier") == Some(item.name.as_str()));
            let own = item.at("PubliclyAccessible").is_some() && rds_public(item);
            ("VpcSecurityGroupIds", own || members.any(rds_public))
        }
        "AWS::ElastiCache::CacheCluster" => ("VpcSecurityGroupIds", false),
        "AWS::ElastiCache::ReplicationGroup" | "AWS::ElastiCache::ServerlessCache" => {
            ("SecurityGroupIds", false)
        }
        _ => return None,
    };
    let cluster = item.refers("DBClusterIdentifier").and_then(|name| estate.items.get(name));
    let own = item.list(property);
    let groups = match (own, cluster) {
        ([], Some(cluster)) => groups(cluster.list("VpcSecurityGroupIds")),
        _ => groups(own),
    };
    let engine = item.text("Engine").unwrap_or_default();
    let usual = match engine {
        e if e.contains("postgres") => Some(5432),
        e if e.contains("mysql") || e.contains("mariadb") => Some(3306),
        _ => None,
    };
    // A port that is given but not known is any port.
    let given = item.at("Port").or_else(|| cluster?.at("Port"));
    Some(Door { groups, port: given.map_or(usual, number), public })
}
