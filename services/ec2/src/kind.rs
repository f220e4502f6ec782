//! The kinds of resources, by the prefix of their ids: the type in ARNs and tag
//! specifications, and what AWS says of an id that means nothing.

use model::{Fault, Node, Tx};

pub(crate) struct Kind {
    /// What stands before the last hyphen of an id.
    pub(crate) prefix: &'static str,
    /// `vpc/vpc-...` in ARNs; the `ResourceType` of tags. Empty: neither has one.
    pub(crate) arn: &'static str,
    code: &'static str,
    /// `{}` stands for the id.
    text: &'static str,
}

const fn kind(prefix: &'static str, arn: &'static str, code: &'static str, text: &'static str) -> Kind {
    Kind { prefix, arn, code, text }
}

pub(crate) const KINDS: &[Kind] = &[
    kind("vpc", "vpc", "InvalidVpcID.NotFound", "The vpc ID '{}' does not exist"),
    kind("subnet", "subnet", "InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist"),
    kind("sg", "security-group", "InvalidGroup.NotFound", "The security group '{}' does not exist"),
    kind(
        "sgr",
        "security-group-rule",
        "InvalidSecurityGroupRuleId.NotFound",
        "The security group rule ID '{}' does not exist",
    ),
    kind(
        "eni",
        "network-interface",
        "InvalidNetworkInterfaceID.NotFound",
        "The networkInterface ID '{}' does not exist",
    ),
    kind("rtb", "route-table", "InvalidRouteTableID.NotFound", "The routeTable ID '{}' does not exist"),
    kind("rtbassoc", "", "InvalidAssociationID.NotFound", "The association ID '{}' does not exist"),
    kind(
        "igw",
        "internet-gateway",
        "InvalidInternetGatewayID.NotFound",
        "The internetGateway ID '{}' does not exist",
    ),
    kind(
        "eigw",
        "egress-only-internet-gateway",
        "InvalidGatewayID.NotFound",
        "The gateway ID '{}' does not exist",
    ),
    kind("nat", "natgateway", "NatGatewayNotFound", "The Nat Gateway {} was not found"),
    kind("eipalloc", "elastic-ip", "InvalidAllocationID.NotFound", "The allocation ID '{}' does not exist"),
    kind("eipassoc", "", "InvalidAssociationID.NotFound", "The association ID '{}' does not exist"),
    kind("acl", "network-acl", "InvalidNetworkAclID.NotFound", "The networkAcl ID '{}' does not exist"),
    kind("aclassoc", "", "InvalidAssociationID.NotFound", "The association ID '{}' does not exist"),
    kind("vpce", "vpc-endpoint", "InvalidVpcEndpointId.NotFound", "The Vpc Endpoint Id '{}' does not exist"),
    kind(
        "pcx",
        "vpc-peering-connection",
        "InvalidVpcPeeringConnectionID.NotFound",
        "The vpcPeeringConnection ID '{}' does not exist",
    ),
    kind(
        "tgw",
        "transit-gateway",
        "InvalidTransitGatewayID.NotFound",
        "Transit Gateway {} was deleted or does not exist.",
    ),
    kind(
        "tgw-attach",
        "transit-gateway-attachment",
        "InvalidTransitGatewayAttachmentID.NotFound",
        "Transit Gateway Attachment {} was deleted or does not exist.",
    ),
    kind(
        "tgw-rtb",
        "transit-gateway-route-table",
        "InvalidRouteTableID.NotFound",
        "Transit Gateway Route Table {} was deleted or does not exist.",
    ),
    kind("pl", "prefix-list", "InvalidPrefixListID.NotFound", "The prefix list ID '{}' does not exist"),
    kind("fl", "vpc-flow-log", "InvalidFlowLogId.NotFound", "The specified flow log id '{}' does not exist"),
    kind("dopt", "dhcp-options", "InvalidDhcpOptionID.NotFound", "The dhcpOption ID '{}' does not exist"),
    kind(
        "vpc-cidr-assoc",
        "",
        "InvalidVpcCidrBlockAssociationID.NotFound",
        "The vpc CIDR block with association ID {} does not exist",
    ),
    kind(
        "subnet-cidr-assoc",
        "",
        "InvalidSubnetCidrBlockAssociationID.NotFound",
        "The subnet CIDR block with association ID {} does not exist",
    ),
    kind("i", "instance", "InvalidInstanceID.NotFound", "The instance ID '{}' does not exist"),
];

/// The kind that this id is of.
pub(crate) fn of(id: &str) -> Option<&'static Kind> {
    let (prefix, _) = id.rsplit_once('-')?;
    KINDS.iter().find(|k| k.prefix == prefix)
}

/// No resource of this kind bears this id.
pub(crate) fn missing(prefix: &str, id: &str) -> Fault {
    match KINDS.iter().find(|k| k.prefix == prefix) {
        Some(kind) => Fault::client(kind.code, kind.text.replace("{}", id)),
        None => Fault::client("InvalidParameterValue", format!("Invalid value: [{id}]")),
    }
}

/// The resource of this kind with this id, in this account and region.
pub(crate) fn find<N: Node>(tx: &Tx<'_>, prefix: &str, id: &str) -> Result<N, Fault> {
    tx.find::<N>(id).cloned().ok_or_else(|| missing(prefix, id))
}

/// A new id: the prefix and 17 hexadecimal digits, the first of them a zero as AWS's ids have it.
pub(crate) fn new_id(tx: &Tx<'_>, prefix: &str) -> String {
    format!("{prefix}-0{}", tx.random_text(16, b"0123456789abcdef"))
}
