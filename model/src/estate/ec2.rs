//! Networks: what other services place their interfaces in, and what a packet's way is judged by.

/// Gives a node its ARN of the form `arn:aws:ec2:REGION:ACCOUNT:TYPE/ID`.
macro_rules! network_node {
    ($type:ident, $kind:literal, $path:literal) => {
        impl $type {
            pub fn arn(&self) -> String {
                $crate::ids::arn("ec2", &self.region, &self.account, &format!(concat!($path, "/{}"), self.id))
            }
        }
        $crate::regional_node!($type, $kind, id);
    };
}

mod acl;
mod endpoint;
mod gateway;
mod peering;
mod prefix;
mod route;
mod transit;

use serde::{Deserialize, Serialize};

use crate::ids::arn;
use crate::{AccountId, NodeKind, Tags, Timestamp};

pub use acl::{AclAssociation, AclEntry, IcmpType, NetworkAcl, PortRange};
pub use endpoint::{EndpointKind, VpcEndpoint};
pub use gateway::{EgressOnlyGateway, ElasticIp, InternetGateway, IpAssociation, NatGateway};
pub use peering::{PeeringSide, VpcPeering};
pub use prefix::{AWS_PREFIX_LISTS, AwsPrefixList, PrefixEntry, PrefixList};
pub use route::{Destination, Route, RouteAssociation, RouteTable, Target};
pub use transit::{TransitAttachment, TransitGateway, TransitRoute, TransitRouteTable, TransitWay};

/// The nodes of this file, for the service that owns them.
pub const NODES: &[NodeKind] = &[
    NodeKind::of::<Vpc>(),
    NodeKind::of::<CidrBlock>(),
    NodeKind::of::<Subnet>(),
    NodeKind::of::<SubnetCidrBlock>(),
    NodeKind::of::<SecurityGroup>(),
    NodeKind::of::<NetworkInterface>(),
    NodeKind::of::<DhcpOptions>(),
    NodeKind::of::<FlowLog>(),
    NodeKind::of::<NetworkAcl>(),
    NodeKind::of::<VpcEndpoint>(),
    NodeKind::of::<InternetGateway>(),
    NodeKind::of::<EgressOnlyGateway>(),
    NodeKind::of::<NatGateway>(),
    NodeKind::of::<ElasticIp>(),
    NodeKind::of::<VpcPeering>(),
    NodeKind::of::<PrefixList>(),
    NodeKind::of::<RouteTable>(),
    NodeKind::of::<TransitGateway>(),
    NodeKind::of::<TransitAttachment>(),
    NodeKind::of::<TransitRouteTable>(),
];

/// The availability zones of every region, by the letter behind the region's name.
pub const ZONES: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vpc {
    pub account: AccountId,
    pub region: String,
    /// `vpc-` and 17 hexadecimal digits.
    pub id: String,
    /// The primary block first.
    pub cidrs: Vec<String>,
    pub ipv6_cidrs: Vec<String>,
    pub tenancy: String,
    pub dns_support: bool,
    pub dns_hostnames: bool,
    pub default: bool,
    pub tags: Tags,
}

impl Vpc {
    pub fn arn(&self) -> String {
        arn("ec2", &self.region, &self.account, &format!("vpc/{}", self.id))
    }
}

crate::regional_node!(Vpc, "AWS::EC2::VPC", id);

/// That a block of addresses belongs to a VPC, under an id of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CidrBlock {
    pub account: AccountId,
    pub region: String,
    /// `vpc-cidr-assoc-...`.
    pub id: String,
    pub vpc: String,
    pub cidr: String,
}

/// That an IPv6 block belongs to a subnet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SubnetCidrBlock {
    pub account: AccountId,
    pub region: String,
    /// `subnet-cidr-assoc-...`.
    pub id: String,
    pub subnet: String,
    pub cidr: String,
    /// Interfaces get an address of it when they are made.
    pub assign: bool,
}

/// Gives an association, which has neither ARN nor tags, its place in the graph.
macro_rules! association_node {
    ($type:ident, $kind:literal) => {
        impl crate::Node for $type {
            const KIND: &'static str = $kind;
            fn account(&self) -> &AccountId {
                &self.account
            }
            fn region(&self) -> &str {
                &self.region
            }
            fn local_id(&self) -> &str {
                &self.id
            }
        }
    };
}

association_node!(CidrBlock, "AWS::EC2::VPCCidrBlock");
association_node!(SubnetCidrBlock, "AWS::EC2::SubnetCidrBlock");

/// What DHCP tells the hosts of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DhcpOptions {
    pub account: AccountId,
    pub region: String,
    /// `dopt-...`.
    pub id: String,
    /// `domain-name-servers` and its values, and so on.
    pub options: Vec<(String, Vec<String>)>,
    /// The set that new VPCs have.
    pub default: bool,
    /// The VPCs that have this set.
    pub vpcs: Vec<String>,
    pub tags: Tags,
}

network_node!(DhcpOptions, "AWS::EC2::DHCPOptions", "dhcp-options");

/// The wish to have flows logged; what comes of it is the service's to say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowLog {
    pub account: AccountId,
    pub region: String,
    /// `fl-...`.
    pub id: String,
    /// The VPC, subnet, interface or transit gateway (or its attachment) that is watched.
    pub resource: String,
    /// `ACCEPT`, `REJECT`, `ALL`.
    pub traffic: String,
    /// `cloud-watch-logs` or `s3`.
    pub destination_type: String,
    pub destination: Option<String>,
    pub log_group: Option<String>,
    pub role: Option<String>,
    pub format: String,
    /// Seconds: 60 or 600.
    pub interval: i64,
    pub created: Timestamp,
    pub tags: Tags,
}

network_node!(FlowLog, "AWS::EC2::FlowLog", "vpc-flow-log");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subnet {
    pub account: AccountId,
    pub region: String,
    /// `subnet-...`.
    pub id: String,
    pub vpc: String,
    pub cidr: String,
    pub ipv6_cidr: Option<String>,
    pub zone: String,
    pub map_public_ip: bool,
    pub default_for_zone: bool,
    pub tags: Tags,
}

impl Subnet {
    pub fn arn(&self) -> String {
        arn("ec2", &self.region, &self.account, &format!("subnet/{}", self.id))
    }
}

crate::regional_node!(Subnet, "AWS::EC2::Subnet", id);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecurityGroup {
    pub account: AccountId,
    pub region: String,
    /// `sg-...`.
    pub id: String,
    pub name: String,
    pub description: String,
    pub vpc: String,
    pub ingress: Vec<SecurityGroupRule>,
    pub egress: Vec<SecurityGroupRule>,
    pub tags: Tags,
}

/// One rule: one peer, one protocol, one range of ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroupRule {
    /// `sgr-...`.
    pub id: String,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a protocol number, or `-1` for all.
    pub protocol: String,
    /// The ICMP type, for ICMP; `None` for all.
    pub from_port: Option<i64>,
    pub to_port: Option<i64>,
    pub peer: Peer,
    pub description: Option<String>,
    #[serde(default)]
    pub tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Peer {
    Ipv4(String),
    Ipv6(String),
    /// A security group's id, and its account where it is another.
    Group {
        id: String,
        account: Option<String>,
    },
    PrefixList(String),
}

impl SecurityGroup {
    pub fn arn(&self) -> String {
        arn("ec2", &self.region, &self.account, &format!("security-group/{}", self.id))
    }
}

crate::regional_node!(SecurityGroup, "AWS::EC2::SecurityGroup", id);

/// An interface in a subnet: every task, load balancer node, endpoint and database has one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkInterface {
    pub account: AccountId,
    pub region: String,
    /// `eni-...`.
    pub id: String,
    pub vpc: String,
    pub subnet: String,
    pub zone: String,
    pub private_ip: String,
    pub ipv6: Vec<String>,
    pub groups: Vec<String>,
    pub description: String,
    /// `interface`, `vpc_endpoint`, `nat_gateway`, ...
    pub interface_type: String,
    /// The service that made it and manages it, such as `amazon-elb`; `None`: the account itself.
    pub requester: Option<String>,
    pub public_ip: Option<String>,
    pub source_dest_check: bool,
    pub created: Timestamp,
    pub tags: Tags,
}

impl NetworkInterface {
    pub fn arn(&self) -> String {
        arn("ec2", &self.region, &self.account, &format!("network-interface/{}", self.id))
    }
}

crate::regional_node!(NetworkInterface, "AWS::EC2::NetworkInterface", id);

impl NetworkInterface {
    /// Locally administered, made of the id.
    pub fn mac(&self) -> String {
        let digits: Vec<char> = self.id.chars().rev().take(10).collect();
        let mut mac = String::from("02");
        for pair in digits.chunks(2) {
            mac.push(':');
            mac.extend(pair);
        }
        mac
    }

    /// The name that resolves to the private address within the VPC.
    pub fn private_name(&self) -> String {
        let host = self.private_ip.replace('.', "-");
        match self.region.as_str() {
            "us-east-1" => format!("ip-{host}.ec2.internal"),
            region => format!("ip-{host}.{region}.compute.internal"),
        }
    }
}
