//! VPC endpoints: private ways to the AWS APIs, each with a policy for what goes through.

use model::estate::ec2::{
    AWS_PREFIX_LISTS, Destination, EndpointKind, NetworkInterface, Route, RouteTable, SecurityGroup, Subnet,
    Target, Vpc, VpcEndpoint,
};
use model::policy::PolicyCheck;
use model::{Fault, IntoValue as _, PolicyText, Tags, Tx};

use crate::interface::Wanted;
use crate::listing::{Listing, one, own};
use crate::shapes::{
    self, CreateVpcEndpointRequest, CreateVpcEndpointResult, DeleteVpcEndpointsRequest,
    DeleteVpcEndpointsResult, DnsEntry, ModifyVpcEndpointRequest, ModifyVpcEndpointResult, UnsuccessfulItem,
    UnsuccessfulItemError,
};
use crate::{fault, group, interface, kind, route, served, subnet, tag, vpc};

/// Who manages the interfaces of endpoints.
const OWNER: &str = "amazon-vpce";
/// What an endpoint lets through that was given no policy.
const EVERYTHING: &str = r#"{"Version":"2008-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}"#;
/// The hosted zone of endpoints' names.
const HOSTED_ZONE: &str = "Z7HUB22UULQXV";

pub(crate) static ENDPOINTS: Listing<VpcEndpoint> = Listing {
    prefix: "vpce",
    ids: "VpcEndpointIds",
    shown: "VpcEndpoints",
    all: own,
    filters: &[
        ("ip-address-type", |_, _| one("ipv4")),
        ("service-name", |_, e| one(&e.service)),
        ("service-region", |_, e| one(&e.region)),
        ("vpc-id", |_, e| one(&e.vpc)),
        ("vpc-endpoint-id", |_, e| one(&e.id)),
        ("vpc-endpoint-state", |_, _| one("available")),
        ("vpc-endpoint-type", |_, e| one(word(e.kind))),
    ],
    show: |tx, endpoint| shown(tx, endpoint).into_value(),
};

fn find(tx: &Tx<'_>, id: &str) -> Result<VpcEndpoint, Fault> {
    kind::find(tx, "vpce", id)
}

fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameter", message)
}

fn word(kind: EndpointKind) -> &'static str {
    match kind {
        EndpointKind::Gateway => "Gateway",
        EndpointKind::Interface => "Interface",
    }
}

fn parsed(kind: Option<&str>) -> Result<EndpointKind, Fault> {
    match kind {
        None | Some("Gateway") => Ok(EndpointKind::Gateway),
        Some("Interface") => Ok(EndpointKind::Interface),
        Some(other) => {
            let message = format!("Endpoints of type {other} are not served by this runtime");
            Err(Fault::client("UnsupportedOperation", message))
        }
    }
}

/// The names of an endpoint: its own, one per zone, and the service's public ones.
pub(crate) fn names(tx: &Tx<'_>, endpoint: &VpcEndpoint) -> Vec<String> {
    if endpoint.kind == EndpointKind::Gateway {
        return Vec::new();
    }
    // `com.amazonaws.REGION.ecr.api`: AWS turns the parts of the service round in names.
    let service: Vec<&str> = endpoint.service.split('.').skip(3).collect();
    let service = service.into_iter().rev().collect::<Vec<_>>().join(".");
    let base = format!("{service}.{}.vpce.amazonaws.com", endpoint.region);
    let own = format!("{}-{}", endpoint.id, endpoint.dns_label);
    let zones = endpoint.subnets.iter().filter_map(|s| tx.find::<Subnet>(s)).map(|s| s.zone.clone());
    let mut names: Vec<String> = vec![format!("{own}.{base}")];
    names.extend(zones.map(|zone| format!("{own}-{zone}.{base}")));
    if endpoint.private_dns
        && let Ok(known) = served::find(tx, &endpoint.service, EndpointKind::Interface)
    {
        names.extend(known.private_names(&endpoint.region));
    }
    names
}

pub(crate) fn dns_entries(tx: &Tx<'_>, endpoint: &VpcEndpoint) -> Vec<DnsEntry> {
    let entry =
        |name: String| DnsEntry { dns_name: Some(name), hosted_zone_id: Some(HOSTED_ZONE.to_owned()) };
    names(tx, endpoint).into_iter().map(entry).collect()
}

fn shown(tx: &Tx<'_>, endpoint: &VpcEndpoint) -> shapes::VpcEndpoint {
    let group = |id: &String| shapes::SecurityGroupIdentifier {
        group_id: Some(id.clone()),
        group_name: tx.find::<SecurityGroup>(id).map(|g| g.name.clone()),
    };
    let is_interface = endpoint.kind == EndpointKind::Interface;
    shapes::VpcEndpoint {
        vpc_endpoint_id: Some(endpoint.id.clone()),
        vpc_endpoint_type: Some(word(endpoint.kind).to_owned()),
        vpc_id: Some(endpoint.vpc.clone()),
        service_name: Some(endpoint.service.clone()),
        state: Some("available".to_owned()),
        policy_document: Some(endpoint.policy.text.clone()),
        route_table_ids: Some(endpoint.route_tables.clone()),
        subnet_ids: Some(endpoint.subnets.clone()),
        groups: Some(endpoint.groups.iter().map(group).collect()),
        ip_address_type: Some("ipv4".to_owned()),
        dns_options: is_interface.then(|| shapes::DnsOptions {
            dns_record_ip_type: Some("ipv4".to_owned()),
            ..shapes::DnsOptions::default()
        }),
        private_dns_enabled: Some(endpoint.private_dns),
        requester_managed: Some(false),
        network_interface_ids: Some(endpoint.interfaces.clone()),
        dns_entries: Some(dns_entries(tx, endpoint)),
        creation_timestamp: Some(endpoint.created),
        tags: tag::shown(&endpoint.tags),
        owner_id: Some(endpoint.account.to_string()),
        service_region: Some(endpoint.region.clone()),
        ..shapes::VpcEndpoint::default()
    }
}

/// A policy that this runtime could not read would let nothing through: it is refused now.
fn policy(tx: &Tx<'_>, text: Option<String>) -> Result<PolicyText, Fault> {
    let Some(text) = text.filter(|t| !t.is_empty()) else { return Ok(PolicyText::new(EVERYTHING, None)) };
    if text.len() > 20_480 {
        return Err(Fault::client("InvalidPolicyDocument", "The policy is longer than 20480 characters"));
    }
    let checked = tx.host().policies().check(PolicyCheck::Endpoint, &text);
    checked.map_err(|f| Fault::client("InvalidPolicyDocument", f.message))?;
    Ok(PolicyText::new(text, tx.source.clone()))
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html>
pub(crate) fn create_vpc_endpoint(
    tx: &mut Tx<'_>,
    input: CreateVpcEndpointRequest,
) -> Result<CreateVpcEndpointResult, Fault> {
    fault::refuse(&[
        ("IpAddressType", input.ip_address_type.as_deref().is_some_and(|t| t != "ipv4")),
        ("DnsOptions", input.dns_options.is_some()),
        ("SubnetConfiguration", input.subnet_configurations.is_some()),
        ("ServiceNetworkArn", input.service_network_arn.is_some()),
        ("ResourceConfigurationArn", input.resource_configuration_arn.is_some()),
        ("ServiceRegion", input.service_region.as_ref().is_some_and(|r| *r != tx.region)),
    ])?;
    let kind = parsed(input.vpc_endpoint_type.as_deref())?;
    let vpc = vpc::find(tx, &input.vpc_id)?;
    let service = input.service_name.ok_or_else(|| fault::absent("ServiceName"))?;
    served::find(tx, &service, kind)?;
    let (tables, subnets) = (input.route_table_ids.unwrap_or_default(), input.subnet_ids.unwrap_or_default());
    let groups = input.security_group_ids.unwrap_or_default();
    let foreign = match kind {
        EndpointKind::Gateway => {
            !subnets.is_empty() || !groups.is_empty() || input.private_dns_enabled == Some(true)
        }
        EndpointKind::Interface => !tables.is_empty(),
    };
    if foreign {
        return Err(invalid(match kind {
            EndpointKind::Gateway => {
                "Subnets, security groups and private DNS are for interface endpoints only"
            }
            EndpointKind::Interface => "Route tables are for gateway endpoints only",
        }));
    }
    let policy = policy(tx, input.policy_document)?;
    let tags = tag::given(tx, input.tag_specifications, "vpc-endpoint")?;
    let mut endpoint = VpcEndpoint {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "vpce"),
        vpc: vpc.id.clone(),
        kind,
        service,
        policy,
        route_tables: Vec::new(),
        subnets: Vec::new(),
        interfaces: Vec::new(),
        groups: Vec::new(),
        private_dns: false,
        dns_label: tx.random_text(8, b"abcdefghijklmnopqrstuvwxyz0123456789"),
        created: tx.now,
        tags,
    };
    if kind == EndpointKind::Interface {
        let named = (!groups.is_empty()).then_some(groups);
        endpoint.groups = group::of_interface(tx, &vpc.id, &endpoint.id, named)?;
        endpoint.private_dns = input.private_dns_enabled != Some(false);
        resolvable(tx, &vpc, &endpoint)?;
    }
    add_tables(tx, &mut endpoint, tables)?;
    add_subnets(tx, &mut endpoint, subnets)?;
    tx.put(endpoint.clone())?;
    Ok(CreateVpcEndpointResult { vpc_endpoint: Some(shown(tx, &endpoint)), client_token: input.client_token })
}

/// Private names need the VPC's resolver, and can lead to one endpoint only.
fn resolvable(tx: &Tx<'_>, vpc: &Vpc, endpoint: &VpcEndpoint) -> Result<(), Fault> {
    if !endpoint.private_dns {
        return Ok(());
    }
    if !vpc.dns_support || !vpc.dns_hostnames {
        return Err(invalid(format!(
            "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true for {}",
            vpc.id
        )));
    }
    let rival = |e: &VpcEndpoint| {
        e.vpc == vpc.id && e.service == endpoint.service && e.private_dns && e.id != endpoint.id
    };
    match tx.list::<VpcEndpoint>().any(rival) {
        false => Ok(()),
        true => {
            let known = served::find(tx, &endpoint.service, EndpointKind::Interface)?;
            let name = known.private_names(&tx.region).into_iter().next().unwrap_or_default();
            Err(invalid(format!(
                "private-dns-enabled cannot be set because there is already a conflicting DNS domain for {name} in the VPC {}",
                vpc.id
            )))
        }
    }
}

/// The AWS-kept list of addresses that a gateway endpoint routes.
fn list(endpoint: &VpcEndpoint) -> Result<Destination, Fault> {
    let name = endpoint.service.rsplit('.').next().unwrap_or_default();
    let found = AWS_PREFIX_LISTS.iter().find(|l| l.service == name);
    let none = || Fault::internal(format!("`{}` has no prefix list", endpoint.service));
    Ok(Destination::PrefixList(found.ok_or_else(none)?.id.to_owned()))
}

fn add_tables(tx: &mut Tx<'_>, endpoint: &mut VpcEndpoint, tables: Vec<String>) -> Result<(), Fault> {
    for id in tables {
        let mut table = route::find(tx, &id)?;
        if table.vpc != endpoint.vpc {
            let message = format!("Route table {id} does not belong to VPC {}", endpoint.vpc);
            return Err(invalid(message));
        }
        if endpoint.route_tables.contains(&id) {
            continue;
        }
        let destination = list(endpoint)?;
        if table.routes.iter().any(|r| r.destination == destination) {
            return Err(Fault::client(
                "RouteAlreadyExists",
                format!(
                    "route table {id} already has a route with destination-prefix-list-id {}",
                    destination.text()
                ),
            ));
        }
        let target = Target::Endpoint(endpoint.id.clone());
        table.routes.push(Route { destination, target, managed_by: Some(endpoint.id.clone()) });
        tx.put(table)?;
        endpoint.route_tables.push(id);
    }
    Ok(())
}

fn remove_tables(tx: &mut Tx<'_>, endpoint: &mut VpcEndpoint, tables: &[String]) -> Result<(), Fault> {
    for id in tables {
        if let Some(mut table) = tx.find::<RouteTable>(id).cloned() {
            table.routes.retain(|r| r.managed_by.as_ref() != Some(&endpoint.id));
            tx.put(table)?;
        }
        endpoint.route_tables.retain(|t| t != id);
    }
    Ok(())
}

fn add_subnets(tx: &mut Tx<'_>, endpoint: &mut VpcEndpoint, subnets: Vec<String>) -> Result<(), Fault> {
    for id in subnets {
        let subnet = subnet::find(tx, &id)?;
        if subnet.vpc != endpoint.vpc {
            return Err(invalid(format!("Subnet {id} does not belong to VPC {}", endpoint.vpc)));
        }
        if endpoint.subnets.contains(&id) {
            continue;
        }
        let taken =
            endpoint.subnets.iter().filter_map(|s| tx.find::<Subnet>(s)).any(|s| s.zone == subnet.zone);
        if taken {
            return Err(Fault::client(
                "DuplicateSubnetsInSameZone",
                format!(
                    "Found another VPC endpoint subnet in the availability zone of {id}. VPC endpoint subnets should be in different availability zones supported by the VPC endpoint service."
                ),
            ));
        }
        let wanted = Wanted {
            subnet: id.clone(),
            groups: Some(endpoint.groups.clone()),
            address: None,
            ipv6: Vec::new(),
            ipv6_count: 0,
            description: format!("VPC Endpoint Interface {}", endpoint.id),
            interface_type: "vpc_endpoint".to_owned(),
            requester: Some(OWNER.to_owned()),
            tags: Tags::new(),
        };
        let made = interface::make(tx, wanted)?;
        endpoint.subnets.push(id);
        endpoint.interfaces.push(made.id);
    }
    Ok(())
}

fn remove_subnets(tx: &mut Tx<'_>, endpoint: &mut VpcEndpoint, subnets: &[String]) -> Result<(), Fault> {
    for id in subnets {
        let of = |i: &&NetworkInterface| i.subnet == *id && endpoint.interfaces.contains(&i.id);
        let found = tx.list::<NetworkInterface>().find(of).cloned();
        if let Some(found) = found {
            interface::remove(tx, &found)?;
            endpoint.interfaces.retain(|i| *i != found.id);
        }
        endpoint.subnets.retain(|s| s != id);
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html>
pub(crate) fn modify_vpc_endpoint(
    tx: &mut Tx<'_>,
    input: ModifyVpcEndpointRequest,
) -> Result<ModifyVpcEndpointResult, Fault> {
    fault::refuse(&[
        ("IpAddressType", input.ip_address_type.as_deref().is_some_and(|t| t != "ipv4")),
        ("DnsOptions", input.dns_options.is_some()),
        ("SubnetConfiguration", input.subnet_configurations.is_some()),
    ])?;
    let mut endpoint = find(tx, &input.vpc_endpoint_id)?;
    let vpc = vpc::find(tx, &endpoint.vpc)?;
    let (tables, subnets) =
        (input.add_route_table_ids.unwrap_or_default(), input.add_subnet_ids.unwrap_or_default());
    let add_groups = input.add_security_group_ids.unwrap_or_default();
    let remove_groups = input.remove_security_group_ids.unwrap_or_default();
    let gateway = endpoint.kind == EndpointKind::Gateway;
    let foreign = (gateway
        && (!subnets.is_empty() || !add_groups.is_empty() || input.private_dns_enabled.is_some()))
        || (!gateway && !tables.is_empty());
    if foreign {
        return Err(invalid(format!("That cannot be set on an endpoint of type {}", word(endpoint.kind))));
    }
    if input.reset_policy == Some(true) {
        endpoint.policy = policy(tx, None)?;
    } else if input.policy_document.is_some() {
        endpoint.policy = policy(tx, input.policy_document)?;
    }
    if !add_groups.is_empty() || !remove_groups.is_empty() {
        let mut groups = endpoint.groups.clone();
        groups.extend(add_groups);
        groups.retain(|g| !remove_groups.contains(g));
        if groups.is_empty() {
            return Err(invalid("An interface endpoint needs at least one security group"));
        }
        endpoint.groups = group::of_interface(tx, &vpc.id, &endpoint.id, Some(groups))?;
        for id in endpoint.interfaces.clone() {
            if let Some(interface) = tx.find::<NetworkInterface>(&id).cloned() {
                tx.put(NetworkInterface { groups: endpoint.groups.clone(), ..interface })?;
            }
        }
    }
    if let Some(private) = input.private_dns_enabled {
        endpoint.private_dns = private;
        resolvable(tx, &vpc, &endpoint)?;
    }
    remove_tables(tx, &mut endpoint, &input.remove_route_table_ids.unwrap_or_default())?;
    remove_subnets(tx, &mut endpoint, &input.remove_subnet_ids.unwrap_or_default())?;
    add_tables(tx, &mut endpoint, tables)?;
    add_subnets(tx, &mut endpoint, subnets)?;
    tx.put(endpoint)?;
    Ok(ModifyVpcEndpointResult { r#return: Some(true) })
}

/// Ids that mean nothing are told in the answer; the others go all the same.
pub(crate) fn delete_vpc_endpoints(
    tx: &mut Tx<'_>,
    input: DeleteVpcEndpointsRequest,
) -> Result<DeleteVpcEndpointsResult, Fault> {
    let mut unsuccessful = Vec::new();
    for id in input.vpc_endpoint_ids {
        match find(tx, &id) {
            Ok(endpoint) => delete(tx, endpoint)?,
            Err(fault) => unsuccessful.push(failed(id, fault)),
        }
    }
    Ok(DeleteVpcEndpointsResult { unsuccessful: Some(unsuccessful) })
}

pub(crate) fn failed(id: String, fault: Fault) -> UnsuccessfulItem {
    let error = UnsuccessfulItemError { code: Some(fault.code.into_owned()), message: Some(fault.message) };
    UnsuccessfulItem { error: Some(error), resource_id: Some(id) }
}

fn delete(tx: &mut Tx<'_>, mut endpoint: VpcEndpoint) -> Result<(), Fault> {
    let (tables, subnets) = (endpoint.route_tables.clone(), endpoint.subnets.clone());
    remove_tables(tx, &mut endpoint, &tables)?;
    remove_subnets(tx, &mut endpoint, &subnets)?;
    tx.remove(&endpoint)
}
