//! Amazon EC2, as far as it is about networks: the control plane. What is described here is
//! what was asked for; it is not said here that a packet is let through or stopped.

mod acl;
mod address;
mod amendment;
mod association;
mod attribute;
mod block;
mod cidr;
mod crossing;
mod default;
mod dhcp;
mod endpoint;
mod fault;
mod flow;
mod gateway;
mod group;
mod iam;
mod interface;
mod kind;
mod listing;
mod memory;
mod nat;
mod peering;
mod place;
mod prefix;
mod provider;
mod route;
mod rule;
mod served;
#[rustfmt::skip]
mod shapes;
mod shared;
mod subnet;
mod tag;
mod transit;
mod vpc;
mod zone;

use model::service::{Operation, typed};
use model::{Fault, Service, Value};

/// Lists handlers as `model::operations!` does, each behind its dry run; `list` answers from a
/// table (see [`listing`]).
macro_rules! served {
    ($($mode:ident $name:ident => $($handler:ident)::+),* $(,)?) => {
        &[$(Operation {
            name: stringify!($name),
            writes: served!(@writes $mode),
            read_only: !served!(@writes $mode),
            run: |tx, input| {
                dry_run(&input)?;
                served!(@run $mode tx input $($handler)::+)
            },
        }),*]
    };
    (@writes write) => { true };
    (@writes $mode:ident) => { false };
    (@run list $tx:ident $input:ident $($listing:ident)::+) => { $($listing)::+.answer($tx, &$input) };
    (@run $mode:ident $tx:ident $input:ident $($handler:ident)::+) => { typed($tx, $input, $($handler)::+) };
}

/// Who got as far as here may do it; a dry run is told so, and nothing is done.
fn dry_run(input: &Value) -> Result<(), Fault> {
    match input.get("DryRun").and_then(Value::as_bool) {
        Some(true) => {
            Err(Fault::new("DryRunOperation", 412, "Request would have succeeded, but DryRun flag is set."))
        }
        _ => Ok(()),
    }
}

pub static SERVICE: Service = Service {
    name: "ec2",
    model: include_str!("../ec2.model"),
    types: include_str!("../ec2.cfn"),
    actions: include_str!("../ec2.iam"),
    operations: served![
        write CreateVpc => vpc::create_vpc,
        write DeleteVpc => vpc::delete_vpc,
        list DescribeVpcs => vpc::VPCS,
        write ModifyVpcAttribute => attribute::modify_vpc_attribute,
        read DescribeVpcAttribute => attribute::describe_vpc_attribute,
        write CreateSubnet => subnet::create_subnet,
        write DeleteSubnet => subnet::delete_subnet,
        list DescribeSubnets => subnet::SUBNETS,
        write ModifySubnetAttribute => attribute::modify_subnet_attribute,
        write CreateSecurityGroup => group::create_security_group,
        write DeleteSecurityGroup => group::delete_security_group,
        read DescribeSecurityGroups => group::describe_security_groups,
        write AuthorizeSecurityGroupIngress => rule::authorize_ingress,
        write AuthorizeSecurityGroupEgress => rule::authorize_egress,
        write RevokeSecurityGroupIngress => rule::revoke_ingress,
        write RevokeSecurityGroupEgress => rule::revoke_egress,
        list DescribeSecurityGroupRules => amendment::RULES,
        write ModifySecurityGroupRules => amendment::modify_security_group_rules,
        write UpdateSecurityGroupRuleDescriptionsIngress => amendment::update_ingress_descriptions,
        write UpdateSecurityGroupRuleDescriptionsEgress => amendment::update_egress_descriptions,
        write CreateNetworkInterface => interface::create_network_interface,
        write DeleteNetworkInterface => interface::delete_network_interface,
        list DescribeNetworkInterfaces => interface::INTERFACES,
        write ModifyNetworkInterfaceAttribute => attribute::modify_network_interface_attribute,
        read DescribeNetworkInterfaceAttribute => attribute::describe_network_interface_attribute,
        write AssociateVpcCidrBlock => cidr::associate_vpc,
        write DisassociateVpcCidrBlock => cidr::disassociate_vpc,
        write AssociateSubnetCidrBlock => cidr::associate_subnet,
        write DisassociateSubnetCidrBlock => cidr::disassociate_subnet,
        write CreateDefaultVpc => default::create_default_vpc,
        write CreateDefaultSubnet => default::create_default_subnet,
        read DescribeAvailabilityZones => place::describe_availability_zones,
        list DescribeRegions => place::ALL_REGIONS,
        read DescribeAccountAttributes => place::describe_account_attributes,
        read DescribeInstances => place::describe_instances,
        list DescribePrefixLists => prefix::KEPT,
        write CreateRouteTable => association::create_route_table,
        write DeleteRouteTable => association::delete_route_table,
        list DescribeRouteTables => route::TABLES,
        write AssociateRouteTable => association::associate_route_table,
        write DisassociateRouteTable => association::disassociate_route_table,
        write ReplaceRouteTableAssociation => association::replace_route_table_association,
        write CreateRoute => route::create_route,
        write ReplaceRoute => route::replace_route,
        write DeleteRoute => route::delete_route,
        write CreateInternetGateway => gateway::create_internet_gateway,
        write AttachInternetGateway => gateway::attach_internet_gateway,
        write DetachInternetGateway => gateway::detach_internet_gateway,
        write DeleteInternetGateway => gateway::delete_internet_gateway,
        list DescribeInternetGateways => gateway::GATEWAYS,
        write CreateEgressOnlyInternetGateway => gateway::create_egress_only,
        write DeleteEgressOnlyInternetGateway => gateway::delete_egress_only,
        list DescribeEgressOnlyInternetGateways => gateway::EGRESS_ONLY,
        write CreateNatGateway => nat::create_nat_gateway,
        write DeleteNatGateway => nat::delete_nat_gateway,
        list DescribeNatGateways => nat::GATEWAYS,
        write AllocateAddress => address::allocate_address,
        write AssociateAddress => address::associate_address,
        write DisassociateAddress => address::disassociate_address,
        write ReleaseAddress => address::release_address,
        read DescribeAddresses => address::describe_addresses,
        write CreateNetworkAcl => acl::create_network_acl,
        write DeleteNetworkAcl => acl::delete_network_acl,
        list DescribeNetworkAcls => acl::ACLS,
        write CreateNetworkAclEntry => acl::create_entry,
        write ReplaceNetworkAclEntry => acl::replace_entry,
        write DeleteNetworkAclEntry => acl::delete_entry,
        write ReplaceNetworkAclAssociation => acl::replace_association,
        write CreateDhcpOptions => dhcp::create_dhcp_options,
        write DeleteDhcpOptions => dhcp::delete_dhcp_options,
        list DescribeDhcpOptions => dhcp::SETS,
        write AssociateDhcpOptions => dhcp::associate_dhcp_options,
        write CreateVpcEndpoint => endpoint::create_vpc_endpoint,
        write ModifyVpcEndpoint => endpoint::modify_vpc_endpoint,
        write DeleteVpcEndpoints => endpoint::delete_vpc_endpoints,
        list DescribeVpcEndpoints => endpoint::ENDPOINTS,
        read DescribeVpcEndpointServices => served::describe_vpc_endpoint_services,
        write CreateVpcPeeringConnection => peering::create_vpc_peering,
        write AcceptVpcPeeringConnection => peering::accept_vpc_peering,
        write RejectVpcPeeringConnection => peering::reject_vpc_peering,
        write DeleteVpcPeeringConnection => peering::delete_vpc_peering,
        list DescribeVpcPeeringConnections => peering::CONNECTIONS,
        write ModifyVpcPeeringConnectionOptions => peering::modify_options,
        write CreateManagedPrefixList => prefix::create_list,
        write ModifyManagedPrefixList => prefix::modify_list,
        write DeleteManagedPrefixList => prefix::delete_list,
        list DescribeManagedPrefixLists => prefix::MANAGED,
        read GetManagedPrefixListEntries => prefix::get_entries,
        read GetManagedPrefixListAssociations => prefix::get_associations,
        write RestoreManagedPrefixListVersion => prefix::restore_version,
        write CreateFlowLogs => flow::create_flow_logs,
        write DeleteFlowLogs => flow::delete_flow_logs,
        list DescribeFlowLogs => flow::LOGS,
        write CreateTransitGateway => transit::create_transit_gateway,
        write ModifyTransitGateway => transit::modify_transit_gateway,
        write DeleteTransitGateway => transit::delete_transit_gateway,
        list DescribeTransitGateways => transit::GATEWAYS,
        write CreateTransitGatewayVpcAttachment => transit::create_vpc_attachment,
        write ModifyTransitGatewayVpcAttachment => transit::modify_vpc_attachment,
        write DeleteTransitGatewayVpcAttachment => transit::delete_vpc_attachment,
        list DescribeTransitGatewayVpcAttachments => transit::VPC_ATTACHMENTS,
        list DescribeTransitGatewayAttachments => transit::ATTACHMENTS,
        write CreateTransitGatewayRouteTable => crossing::create_table,
        write DeleteTransitGatewayRouteTable => crossing::delete_table,
        list DescribeTransitGatewayRouteTables => crossing::TABLES,
        write AssociateTransitGatewayRouteTable => crossing::associate,
        write DisassociateTransitGatewayRouteTable => crossing::disassociate,
        write EnableTransitGatewayRouteTablePropagation => crossing::enable_propagation,
        write DisableTransitGatewayRouteTablePropagation => crossing::disable_propagation,
        read GetTransitGatewayRouteTableAssociations => crossing::get_associations,
        read GetTransitGatewayRouteTablePropagations => crossing::get_propagations,
        read GetTransitGatewayAttachmentPropagations => crossing::get_attachment_propagations,
        write CreateTransitGatewayRoute => crossing::create_route,
        write ReplaceTransitGatewayRoute => crossing::replace_route,
        write DeleteTransitGatewayRoute => crossing::delete_route,
        read SearchTransitGatewayRoutes => crossing::search_routes,
        write CreateTags => tag::create_tags,
        write DeleteTags => tag::delete_tags,
        list DescribeTags => tag::TAGS,
    ],
    ask: iam::ask,
    nodes: model::estate::ec2::NODES,
    resources: provider::RESOURCES,
    jobs: model::jobs![Forget => memory::forget],
    founding: model::service::nothing,
};
