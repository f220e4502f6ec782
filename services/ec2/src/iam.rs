//! Which permission each call needs: on what it makes, and on each resource that it names.
//!
//! Follows "Actions, resources, and condition keys for Amazon EC2". What is tagged as it is made
//! asks for `ec2:CreateTags` as well, with `ec2:CreateAction`.

use model::estate::ec2::{
    CidrBlock, ElasticIp, NetworkAcl, PeeringSide, RouteTable, SubnetCidrBlock, VpcPeering,
};
use model::estate::ram::{self, Who};
use model::{AccountId, Arn, Ask, Asking, Fault, Tags, Value};
use serde_json::Value as Json;

use crate::kind;

/// A resource that an operation bears on.
#[derive(Clone, Copy)]
pub(crate) enum On {
    /// What it makes, by the type in ARNs.
    New(&'static str),
    /// What this member of the input names, one or several, of this type.
    Named(&'static str, &'static str),
    /// Of this type, what holds the association that this member names.
    Held(&'static str, &'static str),
    /// What a flow log watches, where the request's `ResourceType` is this.
    Watched(&'static str, &'static str),
    /// Only asked for when it is tagged as it is made.
    Tagged(&'static str),
}

use On::{Held, Named, New, Tagged, Watched};

/// The table and the attachment of a transit gateway, whichever the request names.
const TRANSIT_TABLE: &[On] = &[
    Named("transit-gateway-route-table", "TransitGatewayRouteTableId"),
    Named("transit-gateway-attachment", "TransitGatewayAttachmentId"),
];

/// Operations with resources; all others ask for `*`.
const TABLE: &[(&str, &[On])] = &[
    ("CreateVpc", &[New("vpc")]),
    ("ModifyVpcAttribute", &[Named("vpc", "VpcId")]),
    ("DescribeVpcAttribute", &[Named("vpc", "VpcId")]),
    ("ModifySubnetAttribute", &[Named("subnet", "SubnetId")]),
    ("ModifySecurityGroupRules", &[Named("security-group", "GroupId")]),
    ("UpdateSecurityGroupRuleDescriptionsIngress", &[Named("security-group", "GroupId")]),
    ("UpdateSecurityGroupRuleDescriptionsEgress", &[Named("security-group", "GroupId")]),
    (
        "ModifyNetworkInterfaceAttribute",
        &[Named("network-interface", "NetworkInterfaceId"), Named("security-group", "Groups")],
    ),
    ("DeleteVpc", &[Named("vpc", "VpcId")]),
    ("CreateSubnet", &[New("subnet"), Named("vpc", "VpcId")]),
    ("DeleteSubnet", &[Named("subnet", "SubnetId")]),
    ("CreateSecurityGroup", &[New("security-group"), Named("vpc", "VpcId")]),
    ("DeleteSecurityGroup", &[Named("security-group", "GroupId")]),
    ("AuthorizeSecurityGroupIngress", &[Named("security-group", "GroupId"), Tagged("security-group-rule")]),
    ("AuthorizeSecurityGroupEgress", &[Named("security-group", "GroupId"), Tagged("security-group-rule")]),
    ("RevokeSecurityGroupIngress", &[Named("security-group", "GroupId")]),
    ("RevokeSecurityGroupEgress", &[Named("security-group", "GroupId")]),
    (
        "CreateNetworkInterface",
        &[New("network-interface"), Named("subnet", "SubnetId"), Named("security-group", "Groups")],
    ),
    ("AssociateVpcCidrBlock", &[Named("vpc", "VpcId")]),
    ("DisassociateVpcCidrBlock", &[Held("vpc", "AssociationId")]),
    ("AssociateSubnetCidrBlock", &[Named("subnet", "SubnetId")]),
    ("DisassociateSubnetCidrBlock", &[Held("subnet", "AssociationId")]),
    ("CreateRouteTable", &[New("route-table"), Named("vpc", "VpcId")]),
    ("DeleteRouteTable", &[Named("route-table", "RouteTableId")]),
    (
        "AssociateRouteTable",
        &[
            Named("route-table", "RouteTableId"),
            Named("subnet", "SubnetId"),
            Named("internet-gateway", "GatewayId"),
        ],
    ),
    ("DisassociateRouteTable", &[Held("route-table", "AssociationId"), Held("subnet", "AssociationId")]),
    (
        "ReplaceRouteTableAssociation",
        &[
            Named("route-table", "RouteTableId"),
            Held("route-table", "AssociationId"),
            Held("subnet", "AssociationId"),
        ],
    ),
    ("CreateRoute", &[Named("route-table", "RouteTableId")]),
    ("ReplaceRoute", &[Named("route-table", "RouteTableId")]),
    ("DeleteRoute", &[Named("route-table", "RouteTableId")]),
    ("CreateInternetGateway", &[New("internet-gateway")]),
    ("AttachInternetGateway", &[Named("internet-gateway", "InternetGatewayId"), Named("vpc", "VpcId")]),
    ("DetachInternetGateway", &[Named("internet-gateway", "InternetGatewayId"), Named("vpc", "VpcId")]),
    ("DeleteInternetGateway", &[Named("internet-gateway", "InternetGatewayId")]),
    ("CreateEgressOnlyInternetGateway", &[New("egress-only-internet-gateway"), Named("vpc", "VpcId")]),
    (
        "DeleteEgressOnlyInternetGateway",
        &[Named("egress-only-internet-gateway", "EgressOnlyInternetGatewayId")],
    ),
    (
        "CreateNatGateway",
        &[New("natgateway"), Named("subnet", "SubnetId"), Named("elastic-ip", "AllocationId")],
    ),
    ("DeleteNatGateway", &[Named("natgateway", "NatGatewayId")]),
    ("AllocateAddress", &[New("elastic-ip")]),
    (
        "AssociateAddress",
        &[Named("elastic-ip", "AllocationId"), Named("network-interface", "NetworkInterfaceId")],
    ),
    ("DisassociateAddress", &[Held("elastic-ip", "AssociationId")]),
    ("ReleaseAddress", &[Named("elastic-ip", "AllocationId")]),
    ("CreateNetworkAcl", &[New("network-acl"), Named("vpc", "VpcId")]),
    ("DeleteNetworkAcl", &[Named("network-acl", "NetworkAclId")]),
    ("CreateNetworkAclEntry", &[Named("network-acl", "NetworkAclId")]),
    ("ReplaceNetworkAclEntry", &[Named("network-acl", "NetworkAclId")]),
    ("DeleteNetworkAclEntry", &[Named("network-acl", "NetworkAclId")]),
    (
        "ReplaceNetworkAclAssociation",
        &[
            Named("network-acl", "NetworkAclId"),
            Held("network-acl", "AssociationId"),
            Held("subnet", "AssociationId"),
        ],
    ),
    ("CreateDhcpOptions", &[New("dhcp-options")]),
    ("DeleteDhcpOptions", &[Named("dhcp-options", "DhcpOptionsId")]),
    ("AssociateDhcpOptions", &[Named("dhcp-options", "DhcpOptionsId"), Named("vpc", "VpcId")]),
    (
        "CreateVpcEndpoint",
        &[
            New("vpc-endpoint"),
            Named("vpc", "VpcId"),
            Named("route-table", "RouteTableIds"),
            Named("subnet", "SubnetIds"),
            Named("security-group", "SecurityGroupIds"),
        ],
    ),
    (
        "ModifyVpcEndpoint",
        &[
            Named("vpc-endpoint", "VpcEndpointId"),
            Named("route-table", "AddRouteTableIds"),
            Named("route-table", "RemoveRouteTableIds"),
            Named("subnet", "AddSubnetIds"),
            Named("subnet", "RemoveSubnetIds"),
            Named("security-group", "AddSecurityGroupIds"),
            Named("security-group", "RemoveSecurityGroupIds"),
        ],
    ),
    ("DeleteVpcEndpoints", &[Named("vpc-endpoint", "VpcEndpointIds")]),
    ("CreateVpcPeeringConnection", &[New("vpc-peering-connection"), Named("vpc", "VpcId")]),
    ("AcceptVpcPeeringConnection", &[Named("vpc-peering-connection", "VpcPeeringConnectionId")]),
    ("RejectVpcPeeringConnection", &[Named("vpc-peering-connection", "VpcPeeringConnectionId")]),
    ("DeleteVpcPeeringConnection", &[Named("vpc-peering-connection", "VpcPeeringConnectionId")]),
    ("ModifyVpcPeeringConnectionOptions", &[Named("vpc-peering-connection", "VpcPeeringConnectionId")]),
    ("CreateManagedPrefixList", &[New("prefix-list")]),
    ("ModifyManagedPrefixList", &[Named("prefix-list", "PrefixListId")]),
    ("DeleteManagedPrefixList", &[Named("prefix-list", "PrefixListId")]),
    ("GetManagedPrefixListEntries", &[Named("prefix-list", "PrefixListId")]),
    ("GetManagedPrefixListAssociations", &[Named("prefix-list", "PrefixListId")]),
    ("RestoreManagedPrefixListVersion", &[Named("prefix-list", "PrefixListId")]),
    (
        "CreateFlowLogs",
        &[
            New("vpc-flow-log"),
            Watched("vpc", "VPC"),
            Watched("subnet", "Subnet"),
            Watched("network-interface", "NetworkInterface"),
            Watched("transit-gateway", "TransitGateway"),
            Watched("transit-gateway-attachment", "TransitGatewayAttachment"),
        ],
    ),
    ("DeleteFlowLogs", &[Named("vpc-flow-log", "FlowLogIds")]),
    ("CreateTransitGateway", &[New("transit-gateway")]),
    ("ModifyTransitGateway", &[Named("transit-gateway", "TransitGatewayId")]),
    ("DeleteTransitGateway", &[Named("transit-gateway", "TransitGatewayId")]),
    (
        "CreateTransitGatewayVpcAttachment",
        &[
            New("transit-gateway-attachment"),
            Named("transit-gateway", "TransitGatewayId"),
            Named("vpc", "VpcId"),
            Named("subnet", "SubnetIds"),
        ],
    ),
    (
        "ModifyTransitGatewayVpcAttachment",
        &[
            Named("transit-gateway-attachment", "TransitGatewayAttachmentId"),
            Named("subnet", "AddSubnetIds"),
            Named("subnet", "RemoveSubnetIds"),
        ],
    ),
    (
        "DeleteTransitGatewayVpcAttachment",
        &[Named("transit-gateway-attachment", "TransitGatewayAttachmentId")],
    ),
    (
        "CreateTransitGatewayRouteTable",
        &[New("transit-gateway-route-table"), Named("transit-gateway", "TransitGatewayId")],
    ),
    ("DeleteTransitGatewayRouteTable", TRANSIT_TABLE),
    ("AssociateTransitGatewayRouteTable", TRANSIT_TABLE),
    ("DisassociateTransitGatewayRouteTable", TRANSIT_TABLE),
    ("EnableTransitGatewayRouteTablePropagation", TRANSIT_TABLE),
    ("DisableTransitGatewayRouteTablePropagation", TRANSIT_TABLE),
    ("GetTransitGatewayRouteTableAssociations", TRANSIT_TABLE),
    ("GetTransitGatewayRouteTablePropagations", TRANSIT_TABLE),
    ("GetTransitGatewayAttachmentPropagations", TRANSIT_TABLE),
    ("CreateTransitGatewayRoute", TRANSIT_TABLE),
    ("ReplaceTransitGatewayRoute", TRANSIT_TABLE),
    ("DeleteTransitGatewayRoute", TRANSIT_TABLE),
    ("SearchTransitGatewayRoutes", TRANSIT_TABLE),
    ("DeleteNetworkInterface", &[Named("network-interface", "NetworkInterfaceId")]),
];

pub(crate) fn ask(asking: &Asking<'_>) -> Result<Vec<Ask>, Fault> {
    let action = format!("ec2:{}", asking.operation);
    if matches!(asking.operation, "CreateTags" | "DeleteTags") {
        return Ok(tagging(asking, &action));
    }
    let Some((_, resources)) = TABLE.iter().find(|(name, _)| *name == asking.operation) else {
        return Ok(vec![region(asking, Ask::new(action, "*"))]);
    };
    let mut asks = Vec::new();
    let surroundings = surroundings(asking, resources);
    for on in *resources {
        match on {
            New(of) => {
                let mut ask = region(asking, Ask::new(action.clone(), arn(asking, of, "*")));
                ask.request_tags = given(asking, of);
                ask.context.extend(surroundings.clone());
                asks.push(ask);
            }
            Named(of, member) => {
                for id in ids(asking.input, member) {
                    let mut ask = region(asking, on_resource(asking, &action, &arn(asking, of, &id)));
                    ask.request_tags = given(asking, of);
                    asks.push(ask);
                }
            }
            Held(of, member) => {
                for id in ids(asking.input, member).iter().flat_map(|id| holders(asking, of, id)) {
                    asks.push(region(asking, on_resource(asking, &action, &arn(asking, of, &id))));
                }
            }
            Watched(of, kind) if asking.text("ResourceType") == Some(kind) => {
                for id in ids(asking.input, "ResourceIds") {
                    asks.push(region(asking, on_resource(asking, &action, &arn(asking, of, &id))));
                }
            }
            Watched(..) | Tagged(_) => {}
        }
    }
    asks.extend(creation_tags(asking, resources));
    asks.extend(passed_role(asking));
    // Names of groups are of the default VPC; without ids the action is asked for at large.
    if asks.is_empty() {
        asks.push(region(asking, Ask::new(action, "*")));
    }
    Ok(asks)
}

/// Whoever has flow logs delivered with a role must be allowed to pass it on.
fn passed_role(asking: &Asking<'_>) -> Option<Ask> {
    let role = asking.text("DeliverLogsPermissionArn").filter(|_| asking.operation == "CreateFlowLogs")?;
    let ask = Ask::new("iam:PassRole", role.to_owned());
    Some(ask.key("iam:PassedToService", Some("vpc-flow-logs.amazonaws.com")))
}

/// Tags that come with a creation are a permission of their own.
fn creation_tags(asking: &Asking<'_>, resources: &[On]) -> Vec<Ask> {
    let mut asks = Vec::new();
    for on in resources {
        let (New(of) | Tagged(of)) = on else { continue };
        let tags = given(asking, of);
        if !tags.is_empty() {
            let mut ask = region(asking, Ask::new("ec2:CreateTags", arn(asking, of, "*")))
                .key("ec2:CreateAction", Some(asking.operation));
            ask.request_tags = tags;
            asks.push(ask);
        }
    }
    asks
}

fn region(asking: &Asking<'_>, ask: Ask) -> Ask {
    let mut ask = ask.key("ec2:Region", Some(asking.region));
    let owner = Arn::parse(&ask.resource).and_then(|arn| AccountId::parse(arn.account));
    ask.account = Some(owner.unwrap_or_else(|| asking.account.clone()));
    ask
}

/// What is not the account's own but shared with it, has the ARN of its owner's.
fn arn(asking: &Asking<'_>, of: &str, id: &str) -> String {
    let path = format!("{of}/{id}");
    let own = asking.arn("ec2", &path);
    if id == "*" || asking.snapshot.by_arn(&own).is_some() {
        return own;
    }
    let who = Who::of(asking.caller).filter(|who| who.account == asking.account);
    let theirs = who.and_then(|who| ram::owner_arn(asking.snapshot, who, "ec2", asking.region, &path));
    theirs.unwrap_or(own)
}

fn ids(input: &Value, member: &str) -> Vec<String> {
    match input.get(member) {
        Some(Value::Text(id)) => vec![id.clone()],
        Some(Value::List(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The resources of a type that an association is of; all of them where it is of none.
fn holders(asking: &Asking<'_>, of: &str, association: &str) -> Vec<String> {
    let (account, region) = (asking.account, asking.region);
    let tables = || asking.snapshot.list::<RouteTable>(account, region);
    let acls = || asking.snapshot.list::<NetworkAcl>(account, region);
    let by_table = tables().find_map(|t| Some((t, t.associations.iter().find(|a| a.id == association)?)));
    let by_acl = acls().find_map(|n| Some((n, n.associations.iter().find(|a| a.id == association)?)));
    let block = asking.snapshot.find::<SubnetCidrBlock>(account, region, association);
    let found = match of {
        "route-table" => by_table.map(|(t, _)| t.id.clone()),
        "network-acl" => by_acl.map(|(n, _)| n.id.clone()),
        "subnet" if by_table.is_some() => {
            return by_table.and_then(|(_, a)| a.subnet.clone()).into_iter().collect();
        }
        "subnet" => by_acl.map(|(_, a)| a.subnet.clone()).or_else(|| block.map(|b| b.subnet.clone())),
        "vpc" => asking.snapshot.find::<CidrBlock>(account, region, association).map(|b| b.vpc.clone()),
        "elastic-ip" => asking
            .snapshot
            .list::<ElasticIp>(account, region)
            .find(|e| e.association.as_ref().is_some_and(|x| x.id == association))
            .map(|e| e.id.clone()),
        _ => None,
    };
    vec![found.unwrap_or_else(|| "*".to_owned())]
}

/// The tags that the request gives to what it makes of this type.
fn given(asking: &Asking<'_>, of: &str) -> Tags {
    let list = asking.input.get("TagSpecifications").and_then(Value::as_list).unwrap_or_default();
    let own = list.iter().filter(|s| s.text("ResourceType") == Some(of));
    own.filter_map(|s| s.get("Tags")).flat_map(model::service::tags_of).collect()
}

/// An ask about a resource that exists, with the keys that are about it.
fn on_resource(asking: &Asking<'_>, action: &str, arn: &str) -> Ask {
    let mut ask = Ask::new(action.to_owned(), arn.to_owned());
    if let Some(connection) = peering(asking, arn) {
        let side = |s: &PeeringSide| model::ids::arn("ec2", &s.region, &s.account, &format!("vpc/{}", s.vpc));
        ask = ask
            .key("ec2:RequesterVpc", Some(side(&connection.requester)))
            .key("ec2:AccepterVpc", Some(side(&connection.accepter)))
            .key("ec2:VpcPeeringConnectionID", Some(connection.id.as_str()));
    }
    if let Some(node) = asking.snapshot.by_arn(arn) {
        ask.context.extend(facts(asking, &node.to_json()).map(|(k, v)| (k.into(), vec![v])));
    }
    ask
}

/// The connection that an ARN names; the accepting account has it under its own ARN, too.
fn peering<'a>(asking: &Asking<'a>, arn: &str) -> Option<&'a VpcPeering> {
    let (_, id) = arn.split_once(":vpc-peering-connection/")?;
    asking.snapshot.all::<VpcPeering>().find(|p| p.id == id)
}

/// Members of nodes that condition keys show, and the type of the ARN where the key shows one.
const FACTS: &[(&str, &str, &str)] = &[
    ("ec2:Vpc", "vpc", "vpc"),
    ("ec2:VpcID", "vpc", ""),
    ("ec2:Subnet", "subnet", "subnet"),
    ("ec2:SubnetID", "subnet", ""),
    ("ec2:AvailabilityZone", "zone", ""),
    ("ec2:Tenancy", "tenancy", ""),
    ("ec2:PublicIpAddress", "public_ip", ""),
    ("ec2:AllocationId", "allocation", ""),
    ("ec2:AuthorizedService", "requester", ""),
    ("ec2:VpceServiceName", "service", ""),
];

fn facts(asking: &Asking<'_>, node: &Json) -> impl Iterator<Item = (&'static str, String)> {
    let found: Vec<(&'static str, String)> = FACTS
        .iter()
        .filter_map(|(key, member, of)| {
            let value = node.get(member)?.as_str()?;
            Some((*key, if of.is_empty() { value.to_owned() } else { arn(asking, of, value) }))
        })
        .collect();
    found.into_iter()
}

type Context = Vec<(std::borrow::Cow<'static, str>, Vec<String>)>;

/// The keys of something new: where it will be, by what the request names beside it.
fn surroundings(asking: &Asking<'_>, resources: &[On]) -> Context {
    let mut context = Context::new();
    let mut set = |key: &'static str, value: String| {
        if context.iter().all(|(k, _)| k != key) {
            context.push((key.into(), vec![value]));
        }
    };
    for on in resources {
        let Named(of @ ("vpc" | "subnet"), member) = on else { continue };
        for id in ids(asking.input, member) {
            let own = arn(asking, of, &id);
            match *of {
                "vpc" => {
                    set("ec2:Vpc", own.clone());
                    set("ec2:VpcID", id);
                }
                _ => {
                    set("ec2:Subnet", own.clone());
                    set("ec2:SubnetID", id);
                }
            }
            if let Some(node) = asking.snapshot.by_arn(&own) {
                facts(asking, &node.to_json()).for_each(|(k, v)| set(k, v));
            }
        }
    }
    if let Some(service) = asking.text("ServiceName") {
        set("ec2:VpceServiceName", service.to_owned());
        set("ec2:VpceServiceOwner", "amazon".to_owned());
    }
    if let Some(peer) = asking.text("PeerVpcId") {
        let own = arn(asking, "vpc", asking.text("VpcId").unwrap_or_default());
        let owner = asking.text("PeerOwnerId").and_then(AccountId::parse);
        let there = asking.text("PeerRegion").unwrap_or(asking.region);
        let owner = owner.as_ref().unwrap_or(asking.account);
        set("ec2:RequesterVpc", own);
        set("ec2:AccepterVpc", model::ids::arn("ec2", there, owner, &format!("vpc/{peer}")));
    }
    if let Some(zone) = asking.text("AvailabilityZone") {
        set("ec2:AvailabilityZone", zone.to_owned());
    }
    context
}

fn tagging(asking: &Asking<'_>, action: &str) -> Vec<Ask> {
    let tags = asking.tags("Tags");
    let each = ids(asking.input, "Resources").into_iter().map(|id| {
        let of = kind::of(&id).map_or("*", |k| if k.arn.is_empty() { "*" } else { k.arn });
        let mut ask = region(asking, on_resource(asking, action, &arn(asking, of, &id)));
        match asking.operation {
            "CreateTags" => ask.request_tags = tags.clone(),
            _ => ask.tag_keys = tags.keys().cloned().collect(),
        }
        ask
    });
    each.collect()
}
