//! The lists of the describe outputs, each with what it becomes.

use model::estate::ec2::{
    AclAssociation, AclEntry, Destination, EgressOnlyGateway, EndpointKind, IcmpType, InternetGateway,
    NatGateway, NetworkAcl, NetworkInterface, Peer, PeeringSide, PortRange, PrefixEntry, PrefixList, Route,
    RouteAssociation, RouteTable, SecurityGroup, SecurityGroupRule, Subnet, Target, Vpc, VpcEndpoint,
    VpcPeering,
};
use model::{AccountId, PolicyText, Tags, Timestamp};

use super::item::Item;
use super::{Described, REGION, transit};

type Take = fn(&mut Described, &Item<'_>) -> Result<(), String>;

pub(super) const LISTS: &[(&str, Take)] = &[
    ("Vpcs", vpc),
    ("Subnets", subnet),
    ("RouteTables", route_table),
    ("SecurityGroups", group),
    ("NetworkAcls", acl),
    ("NetworkInterfaces", interface),
    ("InternetGateways", internet_gateway),
    ("EgressOnlyInternetGateways", egress_only),
    ("NatGateways", nat),
    ("VpcEndpoints", endpoint),
    ("VpcPeeringConnections", peering),
    ("PrefixLists", prefix_list),
    ("Addresses", address),
    ("Reservations", reservation),
    ("TransitGateways", transit::gateway),
    ("TransitGatewayAttachments", transit::attachment),
    ("TransitGatewayVpcAttachments", transit::vpc_attachment),
    ("TransitGatewayRouteTables", transit::table),
    ("TransitGatewayPropagations", transit::propagations),
    ("TransitGatewayStaticRoutes", transit::route),
    ("Routes", transit::route),
];

/// What adds to interfaces, and so is read behind them.
pub(super) const LATER: &[&str] = &["Addresses", "Reservations"];

/// What says nothing about packets that interfaces do not say, or nothing at all.
pub(super) const IGNORED: &[&str] = &[
    "AdditionalRoutesAvailable",
    "AvailabilityZones",
    "CustomerGateways",
    "DBInstances",
    "DhcpOptions",
    "LoadBalancers",
    "ManagedPrefixLists",
    "NextToken",
    "SecurityGroupRules",
    "Tags",
    "TargetGroups",
    "VpnConnections",
    "VpnGateways",
];

fn vpc(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let associated = |list: &str, name: &str, state: &str| -> Vec<String> {
        let stands =
            |i: &Item<'_>| i.inside(state).and_then(|s| s.maybe("State")).is_none_or(|s| s == "associated");
        item.list(list).filter(stands).filter_map(|i| i.maybe(name).map(str::to_owned)).collect()
    };
    let mut cidrs = vec![item.block("CidrBlock")?];
    cidrs.extend(associated("CidrBlockAssociationSet", "CidrBlock", "CidrBlockState"));
    cidrs.dedup();
    described.put(Vpc {
        account: item.account(),
        region: REGION.into(),
        id: item.text("VpcId")?,
        cidrs,
        ipv6_cidrs: associated("Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock", "Ipv6CidrBlockState"),
        tenancy: String::new(),
        dns_support: true,
        dns_hostnames: true,
        default: item.flag("IsDefault") == Some(true),
        tags: Tags::new(),
    });
    Ok(())
}

fn subnet(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let zone =
        item.maybe("AvailabilityZoneId").or_else(|| item.maybe("AvailabilityZone")).unwrap_or_default();
    described.put(Subnet {
        account: item.account(),
        region: REGION.into(),
        id: item.text("SubnetId")?,
        vpc: item.text("VpcId")?,
        cidr: item.block("CidrBlock")?,
        ipv6_cidr: item.each("Ipv6CidrBlockAssociationSet", "Ipv6CidrBlock").into_iter().next(),
        zone: zone.to_owned(),
        map_public_ip: false,
        default_for_zone: false,
        tags: Tags::new(),
    });
    Ok(())
}

fn route_table(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let mut routes = Vec::new();
    for route in item.list("Routes") {
        let destination = match route.maybe("DestinationPrefixListId") {
            Some(list) => Destination::PrefixList(list.to_owned()),
            None if route.maybe("DestinationIpv6CidrBlock").is_some() => {
                Destination::Ipv6(route.block("DestinationIpv6CidrBlock")?)
            }
            None => Destination::Ipv4(route.block("DestinationCidrBlock")?),
        };
        routes.push(Route { destination, target: target(described, &route)?, managed_by: None });
    }
    let associations = item.list("Associations").map(|a| RouteAssociation {
        id: a.maybe("RouteTableAssociationId").unwrap_or_default().to_owned(),
        main: a.flag("Main") == Some(true),
        subnet: a.maybe("SubnetId").map(str::to_owned),
        gateway: a.maybe("GatewayId").map(str::to_owned),
    });
    described.put(RouteTable {
        account: item.account(),
        region: REGION.into(),
        id: item.text("RouteTableId")?,
        vpc: item.text("VpcId")?,
        routes,
        associations: associations.collect(),
        tags: Tags::new(),
    });
    Ok(())
}

fn target(described: &mut Described, route: &Item<'_>) -> Result<Target, String> {
    const NAMES: [&str; 10] = [
        "GatewayId",
        "NatGatewayId",
        "TransitGatewayId",
        "VpcPeeringConnectionId",
        "EgressOnlyInternetGatewayId",
        "NetworkInterfaceId",
        "InstanceId",
        "LocalGatewayId",
        "CarrierGatewayId",
        "CoreNetworkArn",
    ];
    let found = NAMES.iter().find_map(|name| Some((*name, route.maybe(name)?.to_owned())));
    let Some((name, id)) = found else {
        return Ok(Target::Interface("nothing".to_owned()));
    };
    if route.maybe("State") == Some("blackhole") {
        return Ok(Target::Interface(format!("{id} (gone)")));
    }
    Ok(match name {
        "GatewayId" if id == "local" => Target::Local,
        "GatewayId" if id.starts_with("igw-") => Target::InternetGateway(id),
        "GatewayId" if id.starts_with("vpce-") => Target::Endpoint(id),
        "NatGatewayId" => Target::NatGateway(id),
        "TransitGatewayId" => Target::TransitGateway(id),
        "VpcPeeringConnectionId" => Target::Peering(id),
        "EgressOnlyInternetGatewayId" => Target::EgressOnlyGateway(id),
        // An instance becomes its first interface once all is read.
        "InstanceId" | "NetworkInterfaceId" => Target::Interface(id),
        // A virtual private, local or carrier gateway, or a core network.
        _ => {
            described.unmodelled.insert(id.clone());
            Target::Endpoint(id)
        }
    })
}

fn group(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let id = item.text("GroupId")?;
    let side = |list: &str| -> Result<Vec<SecurityGroupRule>, String> {
        let mut rules = Vec::new();
        for permission in item.list(list) {
            let protocol = permission.text("IpProtocol")?;
            let mut add = |peer: Peer, of: &Item<'_>| {
                rules.push(SecurityGroupRule {
                    id: format!("{id} {list}[{}]", rules.len()),
                    protocol: protocol.clone(),
                    from_port: permission.number("FromPort"),
                    to_port: permission.number("ToPort"),
                    peer,
                    description: of.maybe("Description").map(str::to_owned),
                    tags: Tags::new(),
                });
            };
            for range in permission.list("IpRanges") {
                add(Peer::Ipv4(range.block("CidrIp")?), &range);
            }
            for range in permission.list("Ipv6Ranges") {
                add(Peer::Ipv6(range.block("CidrIpv6")?), &range);
            }
            for list in permission.list("PrefixListIds") {
                add(Peer::PrefixList(list.text("PrefixListId")?), &list);
            }
            for pair in permission.list("UserIdGroupPairs") {
                let account = pair.maybe("UserId").map(str::to_owned);
                add(Peer::Group { id: pair.text("GroupId")?, account }, &pair);
            }
        }
        Ok(rules)
    };
    described.put(SecurityGroup {
        account: item.account(),
        region: REGION.into(),
        name: item.maybe("GroupName").unwrap_or_default().to_owned(),
        description: String::new(),
        vpc: item.maybe("VpcId").unwrap_or_default().to_owned(),
        ingress: side("IpPermissions")?,
        egress: side("IpPermissionsEgress")?,
        id,
        tags: Tags::new(),
    });
    Ok(())
}

fn acl(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let mut entries = Vec::new();
    for entry in item.list("Entries") {
        let cidr = match entry.maybe("Ipv6CidrBlock") {
            Some(_) => entry.block("Ipv6CidrBlock")?,
            None => entry.block("CidrBlock")?,
        };
        let range = entry.inside("PortRange").and_then(|r| Some((r.number("From")?, r.number("To")?)));
        let icmp = entry.inside("IcmpTypeCode").and_then(|i| Some((i.number("Type")?, i.number("Code")?)));
        entries.push(AclEntry {
            egress: entry.flag("Egress") == Some(true),
            number: entry.number("RuleNumber").ok_or_else(|| item.wrong("RuleNumber", "is missing"))?,
            protocol: entry.text("Protocol")?,
            allow: entry.text("RuleAction")? == "allow",
            cidr,
            icmp: icmp.map(|(kind, code)| IcmpType { kind, code }),
            ports: range.map(|(from, to)| PortRange { from, to }),
        });
    }
    let associations = item.list("Associations").filter_map(|a| {
        let id = a.maybe("NetworkAclAssociationId").unwrap_or_default().to_owned();
        Some(AclAssociation { id, subnet: a.maybe("SubnetId")?.to_owned() })
    });
    described.put(NetworkAcl {
        account: item.account(),
        region: REGION.into(),
        id: item.text("NetworkAclId")?,
        vpc: item.text("VpcId")?,
        default: item.flag("IsDefault") == Some(true),
        entries,
        associations: associations.collect(),
        tags: Tags::new(),
    });
    Ok(())
}

fn interface(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let id = item.text("NetworkInterfaceId")?;
    let attached = item.inside("Attachment");
    if let Some(instance) = attached.and_then(|a| a.maybe("InstanceId")) {
        let place = attached.and_then(|a| a.number("DeviceIndex")).unwrap_or_default();
        let own = described.instances.entry(instance.to_owned()).or_default();
        own.retain(|(_, known)| *known != id);
        own.push((place, id.clone()));
    }
    let associated = |i: &Item<'_>| Some(i.inside("Association")?.maybe("PublicIp")?.to_owned());
    let primary = |i: &Item<'_>| i.flag("Primary") == Some(true);
    let public = associated(item)
        .or_else(|| item.list("PrivateIpAddresses").find(primary).and_then(|i| associated(&i)));
    // Secondary addresses are the interface's own, too.
    let secondary =
        item.list("PrivateIpAddresses").filter(|i| !primary(i)).filter_map(|i| i.maybe("PrivateIpAddress"));
    let mut further: Vec<String> = secondary.map(str::to_owned).collect();
    further.extend(item.each("Ipv6Addresses", "Ipv6Address"));
    let private_ip = item.text("PrivateIpAddress")?;
    further.retain(|a| *a != private_ip);
    described.put(NetworkInterface {
        account: item.account(),
        region: REGION.into(),
        id,
        vpc: item.text("VpcId")?,
        subnet: item.text("SubnetId")?,
        zone: item.maybe("AvailabilityZone").unwrap_or_default().to_owned(),
        private_ip,
        ipv6: further,
        groups: item.each("Groups", "GroupId"),
        description: item.maybe("Description").unwrap_or_default().to_owned(),
        interface_type: item.maybe("InterfaceType").unwrap_or("interface").to_owned(),
        requester: item.maybe("RequesterId").map(str::to_owned),
        public_ip: public,
        source_dest_check: item.flag("SourceDestCheck") != Some(false),
        created: Timestamp(0),
        tags: Tags::new(),
    });
    Ok(())
}

/// Where interfaces are not described by themselves, those of the instances are.
fn reservation(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    for instance in item.list("Instances") {
        let Some(id) = instance.maybe("InstanceId") else { continue };
        for own in instance.list("NetworkInterfaces") {
            let interface_id = own.text("NetworkInterfaceId")?;
            let account = own.account();
            if described.snapshot.find::<NetworkInterface>(&account, REGION, &interface_id).is_none() {
                interface(described, &own)?;
            }
            let place = own.inside("Attachment").and_then(|a| a.number("DeviceIndex")).unwrap_or_default();
            let known = described.instances.entry(id.to_owned()).or_default();
            known.retain(|(_, known)| *known != interface_id);
            known.push((place, interface_id));
        }
    }
    Ok(())
}

fn internet_gateway(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let attached = item.list("Attachments").find(|a| {
        // AWS says `available` where it means attached.
        matches!(a.maybe("State"), None | Some("available" | "attached"))
    });
    described.put(InternetGateway {
        account: item.account(),
        region: REGION.into(),
        id: item.text("InternetGatewayId")?,
        vpc: attached.and_then(|a| a.maybe("VpcId").map(str::to_owned)),
        tags: Tags::new(),
    });
    Ok(())
}

fn egress_only(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let vpc = item.each("Attachments", "VpcId").into_iter().next();
    described.put(EgressOnlyGateway {
        account: item.account(),
        region: REGION.into(),
        id: item.text("EgressOnlyInternetGatewayId")?,
        vpc: vpc.unwrap_or_default(),
        tags: Tags::new(),
    });
    Ok(())
}

fn nat(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    if matches!(item.maybe("State"), Some("deleted" | "deleting" | "failed")) {
        return Ok(());
    }
    let address = item.list("NatGatewayAddresses").next();
    let of = |name: &str| address.and_then(|a| a.maybe(name)).map(str::to_owned);
    let lacks = |name: &str| item.wrong(name, "is missing from its first address");
    described.put(NatGateway {
        account: item.account(),
        region: REGION.into(),
        id: item.text("NatGatewayId")?,
        vpc: item.text("VpcId")?,
        subnet: item.text("SubnetId")?,
        public: item.maybe("ConnectivityType") != Some("private"),
        allocation: None,
        association: None,
        interface: of("NetworkInterfaceId").ok_or_else(|| lacks("NetworkInterfaceId"))?,
        private_ip: of("PrivateIp").ok_or_else(|| lacks("PrivateIp"))?,
        public_ip: of("PublicIp"),
        created: Timestamp(0),
        deleted: None,
        tags: Tags::new(),
    });
    Ok(())
}

fn endpoint(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let id = item.text("VpcEndpointId")?;
    let kind = match item.maybe("VpcEndpointType") {
        Some("Gateway") | None => EndpointKind::Gateway,
        Some("Interface") => EndpointKind::Interface,
        Some(_) => {
            // A Gateway Load Balancer's endpoint: what is behind it is not known.
            described.unmodelled.insert(id);
            return Ok(());
        }
    };
    described.put(VpcEndpoint {
        account: item.account(),
        region: REGION.into(),
        id,
        vpc: item.text("VpcId")?,
        kind,
        service: item.maybe("ServiceName").unwrap_or_default().to_owned(),
        policy: PolicyText::default(),
        route_tables: item.texts("RouteTableIds"),
        subnets: item.texts("SubnetIds"),
        interfaces: item.texts("NetworkInterfaceIds"),
        groups: item.each("Groups", "GroupId"),
        private_dns: item.flag("PrivateDnsEnabled") == Some(true),
        dns_label: String::new(),
        created: Timestamp(0),
        tags: Tags::new(),
    });
    Ok(())
}

fn peering(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let side = |name: &str| -> Result<PeeringSide, String> {
        let info = item.inside(name).ok_or_else(|| item.wrong(name, "is missing"))?;
        Ok(PeeringSide {
            account: info.account(),
            region: info.maybe("Region").unwrap_or(REGION).to_owned(),
            vpc: info.text("VpcId")?,
            resolve: false,
        })
    };
    let status = item.inside("Status").and_then(|s| s.maybe("Code")).unwrap_or_default();
    let (requester, accepter) = (side("RequesterVpcInfo")?, side("AccepterVpcInfo")?);
    described.put(VpcPeering {
        account: AccountId::none(),
        region: REGION.into(),
        id: item.text("VpcPeeringConnectionId")?,
        requester,
        accepter,
        status: status.to_owned(),
        message: String::new(),
        expires: Timestamp(0),
        tags: Tags::new(),
    });
    Ok(())
}

/// `describe-prefix-lists`, which tells the blocks.
fn prefix_list(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let entries = item.texts("Cidrs").into_iter().map(|cidr| PrefixEntry { cidr, description: None });
    described.put(PrefixList {
        account: AccountId::none(),
        region: REGION.into(),
        id: item.text("PrefixListId")?,
        name: item.maybe("PrefixListName").unwrap_or_default().to_owned(),
        family: "IPv4".to_owned(),
        max_entries: 0,
        version: 1,
        entries: entries.collect(),
        history: Vec::new(),
        tags: Tags::new(),
    });
    Ok(())
}

/// An elastic address that its interface does not name.
fn address(described: &mut Described, item: &Item<'_>) -> Result<(), String> {
    let (Some(id), Some(public)) = (item.maybe("NetworkInterfaceId"), item.maybe("PublicIp")) else {
        return Ok(());
    };
    let found = described.snapshot.all::<NetworkInterface>().find(|i| i.id == id).cloned();
    let Some(mut interface) = found else { return Ok(()) };
    if interface.public_ip.is_none()
        && item.maybe("PrivateIpAddress").is_none_or(|p| p == interface.private_ip)
    {
        interface.public_ip = Some(public.to_owned());
        described.put(interface);
    }
    Ok(())
}
