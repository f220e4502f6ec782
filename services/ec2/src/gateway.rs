//! Internet gateways, of both kinds.

use model::estate::ec2::{EgressOnlyGateway, InternetGateway, NetworkInterface};
use model::{Fault, IntoValue as _, Tx};

use crate::listing::{Listing, one, own, some};
use crate::shapes::{
    self, AttachInternetGatewayRequest, CreateEgressOnlyInternetGatewayRequest,
    CreateEgressOnlyInternetGatewayResult, CreateInternetGatewayRequest, CreateInternetGatewayResult,
    DeleteEgressOnlyInternetGatewayRequest, DeleteEgressOnlyInternetGatewayResult,
    DeleteInternetGatewayRequest, DetachInternetGatewayRequest, InternetGatewayAttachment,
};
use crate::{association, fault, kind, tag, vpc};

pub(crate) static GATEWAYS: Listing<InternetGateway> = Listing {
    prefix: "igw",
    ids: "InternetGatewayIds",
    shown: "InternetGateways",
    all: own,
    filters: &[
        ("attachment.state", |_, g| g.vpc.iter().flat_map(|_| one("available")).collect()),
        ("attachment.vpc-id", |_, g| some(g.vpc.as_ref())),
        ("internet-gateway-id", |_, g| one(&g.id)),
        ("owner-id", |_, g| one(g.account.as_str())),
    ],
    show: |_, gateway| shown(gateway).into_value(),
};

pub(crate) static EGRESS_ONLY: Listing<EgressOnlyGateway> = Listing {
    prefix: "eigw",
    ids: "EgressOnlyInternetGatewayIds",
    shown: "EgressOnlyInternetGateways",
    all: own,
    filters: &[],
    show: |_, gateway| shown_egress(gateway).into_value(),
};

fn attachment(vpc: &str, state: &str) -> InternetGatewayAttachment {
    InternetGatewayAttachment { state: Some(state.to_owned()), vpc_id: Some(vpc.to_owned()) }
}

fn shown(gateway: &InternetGateway) -> shapes::InternetGateway {
    shapes::InternetGateway {
        attachments: Some(gateway.vpc.iter().map(|v| attachment(v, "available")).collect()),
        internet_gateway_id: Some(gateway.id.clone()),
        owner_id: Some(gateway.account.to_string()),
        tags: tag::shown(&gateway.tags),
    }
}

fn shown_egress(gateway: &EgressOnlyGateway) -> shapes::EgressOnlyInternetGateway {
    shapes::EgressOnlyInternetGateway {
        attachments: Some(vec![attachment(&gateway.vpc, "attached")]),
        egress_only_internet_gateway_id: Some(gateway.id.clone()),
        tags: tag::shown(&gateway.tags),
    }
}

fn find(tx: &Tx<'_>, id: &str) -> Result<InternetGateway, Fault> {
    kind::find(tx, "igw", id)
}

/// The internet gateway of a VPC.
pub(crate) fn of_vpc(tx: &Tx<'_>, vpc: &str) -> Option<InternetGateway> {
    tx.list::<InternetGateway>().find(|g| g.vpc.as_deref() == Some(vpc)).cloned()
}

pub(crate) fn make(tx: &mut Tx<'_>, tags: model::Tags) -> Result<InternetGateway, Fault> {
    let gateway = InternetGateway {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "igw"),
        vpc: None,
        tags,
    };
    tx.put(gateway.clone())?;
    Ok(gateway)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateInternetGateway.html>
pub(crate) fn create_internet_gateway(
    tx: &mut Tx<'_>,
    input: CreateInternetGatewayRequest,
) -> Result<CreateInternetGatewayResult, Fault> {
    let tags = tag::given(tx, input.tag_specifications, "internet-gateway")?;
    let gateway = make(tx, tags)?;
    Ok(CreateInternetGatewayResult { internet_gateway: Some(shown(&gateway)) })
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachInternetGateway.html>
pub(crate) fn attach_internet_gateway(
    tx: &mut Tx<'_>,
    input: AttachInternetGatewayRequest,
) -> Result<(), Fault> {
    let mut gateway = find(tx, &input.internet_gateway_id)?;
    let vpc = vpc::find(tx, &input.vpc_id)?;
    if let Some(other) = &gateway.vpc {
        return Err(Fault::client(
            "Resource.AlreadyAssociated",
            format!("resource {} is already attached to network {other}", gateway.id),
        ));
    }
    if of_vpc(tx, &vpc.id).is_some() {
        let message = format!("Network {} already has an internet gateway attached", vpc.id);
        return Err(fault::value(message));
    }
    gateway.vpc = Some(vpc.id);
    tx.put(gateway)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachInternetGateway.html>
pub(crate) fn detach_internet_gateway(
    tx: &mut Tx<'_>,
    input: DetachInternetGatewayRequest,
) -> Result<(), Fault> {
    let mut gateway = find(tx, &input.internet_gateway_id)?;
    let vpc = vpc::find(tx, &input.vpc_id)?;
    if gateway.vpc.as_ref() != Some(&vpc.id) {
        let message = format!("resource {} is not attached to network {}", gateway.id, vpc.id);
        return Err(Fault::client("Gateway.NotAttached", message));
    }
    if tx.list::<NetworkInterface>().any(|i| i.vpc == vpc.id && i.public_ip.is_some()) {
        return Err(fault::dependency(format!(
            "Network {} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.",
            vpc.id
        )));
    }
    gateway.vpc = None;
    association::leave(tx, &gateway.id)?;
    tx.put(gateway)
}

pub(crate) fn delete_internet_gateway(
    tx: &mut Tx<'_>,
    input: DeleteInternetGatewayRequest,
) -> Result<(), Fault> {
    let gateway = find(tx, &input.internet_gateway_id)?;
    if gateway.vpc.is_some() {
        let message = format!("The internetGateway '{}' has dependencies and cannot be deleted.", gateway.id);
        return Err(fault::dependency(message));
    }
    tx.remove(&gateway)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateEgressOnlyInternetGateway.html>
pub(crate) fn create_egress_only(
    tx: &mut Tx<'_>,
    input: CreateEgressOnlyInternetGatewayRequest,
) -> Result<CreateEgressOnlyInternetGatewayResult, Fault> {
    let vpc = vpc::find(tx, &input.vpc_id)?;
    let gateway = EgressOnlyGateway {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "eigw"),
        vpc: vpc.id,
        tags: tag::given(tx, input.tag_specifications, "egress-only-internet-gateway")?,
    };
    tx.put(gateway.clone())?;
    Ok(CreateEgressOnlyInternetGatewayResult {
        client_token: input.client_token,
        egress_only_internet_gateway: Some(shown_egress(&gateway)),
    })
}

pub(crate) fn delete_egress_only(
    tx: &mut Tx<'_>,
    input: DeleteEgressOnlyInternetGatewayRequest,
) -> Result<DeleteEgressOnlyInternetGatewayResult, Fault> {
    let id = &input.egress_only_internet_gateway_id;
    let gateway: EgressOnlyGateway = kind::find(tx, "eigw", id)?;
    tx.remove(&gateway)?;
    Ok(DeleteEgressOnlyInternetGatewayResult { return_code: Some(true) })
}
