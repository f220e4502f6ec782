//! Attributes that are changed one at a time: of VPCs, subnets and interfaces.

use model::{Fault, Tx};

use crate::shapes::{
    AttributeBooleanValue, AttributeValue, DescribeNetworkInterfaceAttributeRequest,
    DescribeNetworkInterfaceAttributeResult, DescribeVpcAttributeRequest, DescribeVpcAttributeResult,
    ModifyNetworkInterfaceAttributeRequest, ModifySubnetAttributeRequest, ModifyVpcAttributeRequest,
};
use crate::{fault, group, interface, subnet, vpc};

fn flag(given: Option<AttributeBooleanValue>) -> Option<bool> {
    given.and_then(|g| g.value)
}

fn shown(value: bool) -> Option<AttributeBooleanValue> {
    Some(AttributeBooleanValue { value: Some(value) })
}

fn nothing() -> Fault {
    fault::absent("attribute")
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcAttribute.html>
pub(crate) fn modify_vpc_attribute(tx: &mut Tx<'_>, input: ModifyVpcAttributeRequest) -> Result<(), Fault> {
    let mut vpc = vpc::find(tx, &input.vpc_id)?;
    let metrics = flag(input.enable_network_address_usage_metrics);
    fault::refuse(&[("EnableNetworkAddressUsageMetrics", metrics == Some(true))])?;
    let (support, hostnames) = (flag(input.enable_dns_support), flag(input.enable_dns_hostnames));
    match [support, hostnames, metrics].iter().flatten().count() {
        0 => return Err(nothing()),
        1 => {}
        _ => return Err(fault::combination("Fields for multiple attribute types specified")),
    }
    vpc.dns_support = support.unwrap_or(vpc.dns_support);
    vpc.dns_hostnames = hostnames.unwrap_or(vpc.dns_hostnames);
    tx.put(vpc)
}

pub(crate) fn describe_vpc_attribute(
    tx: &mut Tx<'_>,
    input: DescribeVpcAttributeRequest,
) -> Result<DescribeVpcAttributeResult, Fault> {
    let vpc = vpc::find(tx, &input.vpc_id)?;
    let mut result = DescribeVpcAttributeResult { vpc_id: Some(vpc.id), ..Default::default() };
    match input.attribute.as_str() {
        "enableDnsSupport" => result.enable_dns_support = shown(vpc.dns_support),
        "enableDnsHostnames" => result.enable_dns_hostnames = shown(vpc.dns_hostnames),
        "enableNetworkAddressUsageMetrics" => result.enable_network_address_usage_metrics = shown(false),
        other => return Err(fault::bad_value(other, "attribute", "Unknown attribute.")),
    }
    Ok(result)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySubnetAttribute.html>
pub(crate) fn modify_subnet_attribute(
    tx: &mut Tx<'_>,
    input: ModifySubnetAttributeRequest,
) -> Result<(), Fault> {
    let mut subnet = subnet::find(tx, &input.subnet_id)?;
    fault::refuse(&[
        ("MapCustomerOwnedIpOnLaunch", flag(input.map_customer_owned_ip_on_launch) == Some(true)),
        ("CustomerOwnedIpv4Pool", input.customer_owned_ipv4_pool.is_some()),
        ("EnableDns64", flag(input.enable_dns64) == Some(true)),
        ("PrivateDnsHostnameTypeOnLaunch", input.private_dns_hostname_type_on_launch.is_some()),
        ("EnableLniAtDeviceIndex", input.enable_lni_at_device_index.is_some()),
        (
            "EnableResourceNameDnsARecordOnLaunch",
            flag(input.enable_resource_name_dns_a_record_on_launch) == Some(true),
        ),
        (
            "EnableResourceNameDnsAAAARecordOnLaunch",
            flag(input.enable_resource_name_dns_aaaa_record_on_launch) == Some(true),
        ),
    ])?;
    if let Some(assign) = flag(input.assign_ipv6_address_on_creation) {
        let block = subnet::block_of(tx, &subnet.id).cloned();
        let none = || fault::value(format!("Subnet '{}' has no IPv6 CIDR block", subnet.id));
        match block {
            Some(mut block) => {
                block.assign = assign;
                tx.put(block)?;
            }
            None if assign => return Err(none()),
            None => {}
        }
    }
    if let Some(map) = flag(input.map_public_ip_on_launch) {
        subnet.map_public_ip = map;
        tx.put(subnet)?;
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyNetworkInterfaceAttribute.html>
pub(crate) fn modify_network_interface_attribute(
    tx: &mut Tx<'_>,
    input: ModifyNetworkInterfaceAttributeRequest,
) -> Result<(), Fault> {
    let mut interface = interface::find(tx, &input.network_interface_id)?;
    fault::refuse(&[
        ("EnaSrdSpecification", input.ena_srd_specification.is_some()),
        ("EnablePrimaryIpv6", input.enable_primary_ipv6 == Some(true)),
        ("ConnectionTrackingSpecification", input.connection_tracking_specification.is_some()),
        ("AssociatePublicIpAddress", input.associate_public_ip_address.is_some()),
        ("AssociatedSubnetId", input.associated_subnet_ids.is_some()),
        ("Attachment", input.attachment.is_some()),
    ])?;
    interface::may_manage(tx, &interface)?;
    let given = [input.description.is_some(), input.source_dest_check.is_some(), input.groups.is_some()];
    match given.iter().filter(|g| **g).count() {
        0 => return Err(nothing()),
        1 => {}
        _ => return Err(fault::combination("Fields for multiple attribute types specified")),
    }
    if let Some(description) = input.description {
        interface.description = description.value.unwrap_or_default();
    }
    if let Some(check) = flag(input.source_dest_check) {
        interface.source_dest_check = check;
    }
    if let Some(groups) = input.groups {
        interface.groups = group::of_interface(tx, &interface.vpc, &interface.subnet, Some(groups))?;
    }
    tx.put(interface)
}

pub(crate) fn describe_network_interface_attribute(
    tx: &mut Tx<'_>,
    input: DescribeNetworkInterfaceAttributeRequest,
) -> Result<DescribeNetworkInterfaceAttributeResult, Fault> {
    let found = interface::find(tx, &input.network_interface_id)?;
    let mut result = DescribeNetworkInterfaceAttributeResult {
        network_interface_id: Some(found.id.clone()),
        ..Default::default()
    };
    match input.attribute.as_deref().unwrap_or_default() {
        "description" => result.description = Some(AttributeValue { value: Some(found.description) }),
        "sourceDestCheck" => result.source_dest_check = shown(found.source_dest_check),
        "groupSet" => result.groups = Some(interface::groups(tx, &found)),
        "attachment" => result.attachment = interface::attachment(&found),
        other => return Err(fault::bad_value(other, "attribute", "Unknown attribute.")),
    }
    Ok(result)
}
