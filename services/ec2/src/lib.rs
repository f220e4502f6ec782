//! Amazon EC2, as far as it is about networks: the control plane. What is described here is
//! what was asked for; it is not said here that a packet is let through or stopped.

mod acl;
mod amendment;
mod attribute;
mod block;
mod dhcp;
mod fault;
mod group;
mod iam;
mod interface;
mod kind;
mod listing;
mod peering;
mod provider;
mod route;
mod rule;
#[rustfmt::skip]
mod shapes;
mod subnet;
mod tag;
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
        write CreateTags => tag::create_tags,
        write DeleteTags => tag::delete_tags,
        list DescribeTags => tag::TAGS,
    ],
    ask: iam::ask,
    nodes: model::estate::ec2::NODES,
    resources: provider::RESOURCES,
    jobs: &[],
    founding: model::service::nothing,
};
