//! Further blocks of VPCs, and IPv6 blocks of subnets.

use ipnet::IpNet;
use model::estate::ec2::{CidrBlock, NetworkInterface, Subnet, SubnetCidrBlock, Vpc};
use model::{Fault, Tx};

use crate::shapes::{
    AssociateSubnetCidrBlockRequest, AssociateSubnetCidrBlockResult, AssociateVpcCidrBlockRequest,
    AssociateVpcCidrBlockResult, DisassociateSubnetCidrBlockRequest, DisassociateSubnetCidrBlockResult,
    DisassociateVpcCidrBlockRequest, DisassociateVpcCidrBlockResult, VpcCidrBlockAssociation,
    VpcCidrBlockState,
};
use crate::{block, fault, kind, peering, route, subnet, vpc};

/// Blocks of each family that a VPC may have.
const MOST: usize = 5;

fn state(word: &str) -> Option<VpcCidrBlockState> {
    Some(VpcCidrBlockState { state: Some(word.to_owned()), status_message: None })
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateVpcCidrBlock.html>
pub(crate) fn associate_vpc(
    tx: &mut Tx<'_>,
    input: AssociateVpcCidrBlockRequest,
) -> Result<AssociateVpcCidrBlockResult, Fault> {
    fault::refuse(&[
        ("Ipv6Pool", input.ipv6_pool.is_some()),
        ("Ipv6CidrBlock", input.ipv6_cidr_block.is_some()),
        ("Ipv4IpamPoolId", input.ipv4_ipam_pool_id.is_some()),
        ("Ipv4NetmaskLength", input.ipv4_netmask_length.is_some()),
        ("Ipv6IpamPoolId", input.ipv6_ipam_pool_id.is_some()),
        ("Ipv6NetmaskLength", input.ipv6_netmask_length.is_some()),
    ])?;
    let vpc = vpc::find(tx, &input.vpc_id)?;
    let mut result = AssociateVpcCidrBlockResult { vpc_id: Some(vpc.id.clone()), ..Default::default() };
    let limit = || fault::limit("CidrBlockLimitExceeded", "CIDR blocks per VPC");
    match (input.cidr_block, input.amazon_provided_ipv6_cidr_block == Some(true)) {
        (Some(cidr), false) => {
            let net = block::of_vpc(&cidr)?;
            block::joins(&net, &vpc.cidrs)?;
            peering::free_of_peers(tx, &vpc, &IpNet::V4(net))?;
            if vpc.cidrs.len() >= MOST {
                return Err(limit());
            }
            let (_, id) = vpc::add_block(tx, &vpc.id, net.to_string())?;
            result.cidr_block_association = Some(VpcCidrBlockAssociation {
                association_id: Some(id),
                cidr_block: Some(net.to_string()),
                cidr_block_state: state("associating"),
            });
        }
        (None, true) => {
            if vpc.ipv6_cidrs.len() >= MOST {
                return Err(limit());
            }
            let cidr = vpc::fresh6(tx);
            let (vpc, _) = vpc::add_block(tx, &vpc.id, cidr.clone())?;
            let mut shown = vpc::shown6(tx, &vpc, &cidr);
            shown.ipv6_cidr_block_state = state("associating");
            result.ipv6_cidr_block_association = Some(shown);
        }
        _ => {
            return Err(fault::combination(
                "The request must contain exactly one of CidrBlock, AmazonProvidedIpv6CidrBlock",
            ));
        }
    }
    Ok(result)
}

/// Whether a subnet of the VPC lies in the block.
fn used(tx: &Tx<'_>, vpc: &Vpc, net: &IpNet) -> bool {
    let within = |cidr: &String| cidr.parse::<IpNet>().is_ok_and(|c| net.contains(&c));
    tx.list::<Subnet>()
        .any(|s| s.vpc == vpc.id && (within(&s.cidr) || s.ipv6_cidr.as_ref().is_some_and(within)))
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisassociateVpcCidrBlock.html>
pub(crate) fn disassociate_vpc(
    tx: &mut Tx<'_>,
    input: DisassociateVpcCidrBlockRequest,
) -> Result<DisassociateVpcCidrBlockResult, Fault> {
    let association: CidrBlock = kind::find(tx, "vpc-cidr-assoc", &input.association_id)?;
    let mut vpc = vpc::find(tx, &association.vpc)?;
    if vpc.cidrs.first() == Some(&association.cidr) {
        return Err(Fault::client(
            "OperationNotPermitted",
            format!(
                "The vpc CIDR block with association ID {} may not be disassociated. It is the primary IPv4 CIDR block of the VPC",
                association.id
            ),
        ));
    }
    let net = block::any(&association.cidr, "cidrBlock")?;
    if used(tx, &vpc, &net) {
        return Err(Fault::client(
            "InvalidCidrBlock.InUse",
            format!("The vpc {} currently has a subnet within CIDR block {}", vpc.id, association.cidr),
        ));
    }
    let mut result = DisassociateVpcCidrBlockResult { vpc_id: Some(vpc.id.clone()), ..Default::default() };
    match net {
        IpNet::V4(_) => {
            result.cidr_block_association = Some(VpcCidrBlockAssociation {
                association_id: Some(association.id.clone()),
                cidr_block: Some(association.cidr.clone()),
                cidr_block_state: state("disassociating"),
            });
        }
        IpNet::V6(_) => {
            let mut shown = vpc::shown6(tx, &vpc, &association.cidr);
            shown.ipv6_cidr_block_state = state("disassociating");
            result.ipv6_cidr_block_association = Some(shown);
        }
    }
    vpc.cidrs.retain(|c| *c != association.cidr);
    vpc.ipv6_cidrs.retain(|c| *c != association.cidr);
    tx.remove(&association)?;
    tx.put(vpc.clone())?;
    route::follow_blocks(tx, &vpc)?;
    Ok(result)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateSubnetCidrBlock.html>
pub(crate) fn associate_subnet(
    tx: &mut Tx<'_>,
    input: AssociateSubnetCidrBlockRequest,
) -> Result<AssociateSubnetCidrBlockResult, Fault> {
    fault::refuse(&[
        ("Ipv6IpamPoolId", input.ipv6_ipam_pool_id.is_some()),
        ("Ipv6NetmaskLength", input.ipv6_netmask_length.is_some()),
    ])?;
    let cidr = input.ipv6_cidr_block.ok_or_else(|| fault::absent("ipv6CidrBlock"))?;
    let (subnet, id) = subnet::add_block(tx, &input.subnet_id, &cidr)?;
    let mut shown = subnet::shown6(Some(&id), subnet.ipv6_cidr.as_deref().unwrap_or_default());
    if let Some(state) = &mut shown.ipv6_cidr_block_state {
        state.state = Some("associating".to_owned());
    }
    Ok(AssociateSubnetCidrBlockResult {
        ipv6_cidr_block_association: Some(shown),
        subnet_id: Some(subnet.id),
    })
}

pub(crate) fn disassociate_subnet(
    tx: &mut Tx<'_>,
    input: DisassociateSubnetCidrBlockRequest,
) -> Result<DisassociateSubnetCidrBlockResult, Fault> {
    let block: SubnetCidrBlock = kind::find(tx, "subnet-cidr-assoc", &input.association_id)?;
    let mut subnet = subnet::find(tx, &block.subnet)?;
    if tx.list::<NetworkInterface>().any(|i| i.subnet == subnet.id && !i.ipv6.is_empty()) {
        return Err(Fault::client(
            "InvalidCidrBlock.InUse",
            format!("The subnet {} has interfaces with addresses of {}", subnet.id, block.cidr),
        ));
    }
    let mut shown = subnet::shown6(Some(&block.id), &block.cidr);
    if let Some(state) = &mut shown.ipv6_cidr_block_state {
        state.state = Some("disassociating".to_owned());
    }
    tx.remove(&block)?;
    subnet.ipv6_cidr = None;
    tx.put(subnet)?;
    Ok(DisassociateSubnetCidrBlockResult {
        ipv6_cidr_block_association: Some(shown),
        subnet_id: Some(block.subnet),
    })
}
