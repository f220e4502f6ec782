//! Transit gateways, and the VPCs at them.

use model::estate::ec2::{NetworkInterface, Subnet, TransitAttachment, TransitGateway, TransitRouteTable};
use model::{Fault, IntoValue as _, Tags, Tx};

use crate::interface::Wanted;
use crate::listing::{Listing, Values, one, own, some};
use crate::shapes::{
    self, CreateTransitGatewayRequest, CreateTransitGatewayResult, CreateTransitGatewayVpcAttachmentRequest,
    CreateTransitGatewayVpcAttachmentRequestOptions, CreateTransitGatewayVpcAttachmentResult,
    DeleteTransitGatewayRequest, DeleteTransitGatewayResult, DeleteTransitGatewayVpcAttachmentRequest,
    DeleteTransitGatewayVpcAttachmentResult, ModifyTransitGatewayRequest, ModifyTransitGatewayResult,
    ModifyTransitGatewayVpcAttachmentRequest, ModifyTransitGatewayVpcAttachmentResult, TransitGatewayOptions,
    TransitGatewayVpcAttachment, TransitGatewayVpcAttachmentOptions,
};
use crate::{crossing, fault, interface, kind, memory, subnet, tag, vpc};

/// Who manages the interfaces of attachments.
const OWNER: &str = "amazon-tgw";

fn state<T>(deleted: Option<T>) -> &'static str {
    if deleted.is_some() { "deleted" } else { "available" }
}

pub(crate) fn enabled(on: bool) -> String {
    if on { "enable" } else { "disable" }.to_owned()
}

fn on(given: Option<&String>, default: bool) -> bool {
    given.map_or(default, |g| g == "enable")
}

const FILTERS: &[(&str, Values<TransitGateway>)] = &[
    ("options.amazon-side-asn", |_, g| one(&g.asn.to_string())),
    ("options.association-default-route-table-id", |_, g| some(g.association_table.as_ref())),
    ("options.auto-accept-shared-attachments", |_, _| one("disable")),
    ("options.default-route-table-association", |_, g| one(&enabled(g.association_table.is_some()))),
    ("options.default-route-table-propagation", |_, g| one(&enabled(g.propagation_table.is_some()))),
    ("options.dns-support", |_, g| one(&enabled(g.dns_support))),
    ("options.propagation-default-route-table-id", |_, g| some(g.propagation_table.as_ref())),
    ("options.vpn-ecmp-support", |_, g| one(&enabled(g.vpn_ecmp))),
    ("owner-id", |_, g| one(g.account.as_str())),
    ("state", |_, g| one(state(g.deleted))),
    ("transit-gateway-id", |_, g| one(&g.id)),
];

pub(crate) static GATEWAYS: Listing<TransitGateway> = Listing {
    prefix: "tgw",
    ids: "TransitGatewayIds",
    shown: "TransitGateways",
    all: own,
    filters: FILTERS,
    show: |_, gateway| shown(gateway).into_value(),
};

pub(crate) static VPC_ATTACHMENTS: Listing<TransitAttachment> = Listing {
    prefix: "tgw-attach",
    ids: "TransitGatewayAttachmentIds",
    shown: "TransitGatewayVpcAttachments",
    all: own,
    filters: &[
        ("state", |_, a| one(state(a.deleted))),
        ("transit-gateway-attachment-id", |_, a| one(&a.id)),
        ("transit-gateway-id", |_, a| one(&a.gateway)),
        ("vpc-id", |_, a| one(&a.vpc)),
    ],
    show: |_, attachment| shown_vpc(attachment).into_value(),
};

pub(crate) static ATTACHMENTS: Listing<TransitAttachment> = Listing {
    prefix: "tgw-attach",
    ids: "TransitGatewayAttachmentIds",
    shown: "TransitGatewayAttachments",
    all: own,
    filters: &[
        ("association.state", |tx, a| {
            crossing::table_of(tx, &a.id).iter().flat_map(|_| one("associated")).collect()
        }),
        ("association.transit-gateway-route-table-id", |tx, a| {
            some(crossing::table_of(tx, &a.id).map(|t| t.id).as_ref())
        }),
        ("resource-id", |_, a| one(&a.vpc)),
        ("resource-owner-id", |_, a| one(a.account.as_str())),
        ("resource-type", |_, _| one("vpc")),
        ("state", |_, a| one(state(a.deleted))),
        ("transit-gateway-attachment-id", |_, a| one(&a.id)),
        ("transit-gateway-id", |_, a| one(&a.gateway)),
        ("transit-gateway-owner-id", |_, a| one(a.account.as_str())),
    ],
    show: |tx, a| {
        let association =
            crossing::table_of(tx, &a.id).map(|t| shapes::TransitGatewayAttachmentAssociation {
                transit_gateway_route_table_id: Some(t.id),
                state: Some("associated".to_owned()),
            });
        shapes::TransitGatewayAttachment {
            transit_gateway_attachment_id: Some(a.id.clone()),
            transit_gateway_id: Some(a.gateway.clone()),
            transit_gateway_owner_id: Some(a.account.to_string()),
            resource_owner_id: Some(a.account.to_string()),
            resource_type: Some("vpc".to_owned()),
            resource_id: Some(a.vpc.clone()),
            state: Some(state(a.deleted).to_owned()),
            association,
            creation_time: Some(a.created),
            tags: tag::shown(&a.tags),
        }
        .into_value()
    },
};

fn shown(gateway: &TransitGateway) -> shapes::TransitGateway {
    shapes::TransitGateway {
        transit_gateway_id: Some(gateway.id.clone()),
        transit_gateway_arn: Some(gateway.arn()),
        state: Some(state(gateway.deleted).to_owned()),
        owner_id: Some(gateway.account.to_string()),
        description: Some(gateway.description.clone()),
        creation_time: Some(gateway.created),
        options: Some(TransitGatewayOptions {
            amazon_side_asn: Some(gateway.asn),
            auto_accept_shared_attachments: Some(enabled(false)),
            default_route_table_association: Some(enabled(gateway.association_table.is_some())),
            association_default_route_table_id: gateway.association_table.clone(),
            default_route_table_propagation: Some(enabled(gateway.propagation_table.is_some())),
            propagation_default_route_table_id: gateway.propagation_table.clone(),
            vpn_ecmp_support: Some(enabled(gateway.vpn_ecmp)),
            dns_support: Some(enabled(gateway.dns_support)),
            security_group_referencing_support: Some(enabled(gateway.group_referencing)),
            multicast_support: Some(enabled(false)),
            ..TransitGatewayOptions::default()
        }),
        tags: tag::shown(&gateway.tags),
    }
}

fn shown_vpc(attachment: &TransitAttachment) -> TransitGatewayVpcAttachment {
    TransitGatewayVpcAttachment {
        transit_gateway_attachment_id: Some(attachment.id.clone()),
        transit_gateway_id: Some(attachment.gateway.clone()),
        vpc_id: Some(attachment.vpc.clone()),
        vpc_owner_id: Some(attachment.account.to_string()),
        state: Some(state(attachment.deleted).to_owned()),
        subnet_ids: Some(attachment.subnets.clone()),
        creation_time: Some(attachment.created),
        options: Some(TransitGatewayVpcAttachmentOptions {
            dns_support: Some(enabled(attachment.dns_support)),
            security_group_referencing_support: Some(enabled(attachment.group_referencing)),
            ipv6_support: Some(enabled(attachment.ipv6_support)),
            appliance_mode_support: Some(enabled(attachment.appliance_mode)),
        }),
        tags: tag::shown(&attachment.tags),
    }
}

/// What is deleted is shown for a while, but nothing can be done with it.
pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<TransitGateway, Fault> {
    let found = tx.find::<TransitGateway>(id).filter(|g| g.deleted.is_none());
    found.cloned().ok_or_else(|| kind::missing("tgw", id))
}

pub(crate) fn attachment(tx: &Tx<'_>, id: &str) -> Result<TransitAttachment, Fault> {
    let found = tx.find::<TransitAttachment>(id).filter(|a| a.deleted.is_none());
    found.cloned().ok_or_else(|| kind::missing("tgw-attach", id))
}

pub(crate) fn incorrect(message: impl Into<String>) -> Fault {
    Fault::client("IncorrectState", message)
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTransitGateway.html>
pub(crate) fn create_transit_gateway(
    tx: &mut Tx<'_>,
    input: CreateTransitGatewayRequest,
) -> Result<CreateTransitGatewayResult, Fault> {
    let options = input.options.unwrap_or_default();
    fault::refuse(&[
        ("AutoAcceptSharedAttachments", on(options.auto_accept_shared_attachments.as_ref(), false)),
        ("MulticastSupport", on(options.multicast_support.as_ref(), false)),
        ("TransitGatewayCidrBlocks", options.transit_gateway_cidr_blocks.is_some_and(|c| !c.is_empty())),
    ])?;
    let asn = options.amazon_side_asn.unwrap_or(64_512);
    if !(64_512..=65_534).contains(&asn) && !(4_200_000_000..=4_294_967_294).contains(&asn) {
        let why = "It must be a private ASN: 64512 to 65534, or 4200000000 to 4294967294.";
        return Err(fault::bad_value(&asn.to_string(), "AmazonSideAsn", why));
    }
    let mut gateway = TransitGateway {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "tgw"),
        description: input.description.unwrap_or_default(),
        asn,
        association_table: None,
        propagation_table: None,
        dns_support: on(options.dns_support.as_ref(), true),
        group_referencing: on(options.security_group_referencing_support.as_ref(), false),
        vpn_ecmp: on(options.vpn_ecmp_support.as_ref(), true),
        created: tx.now,
        deleted: None,
        tags: tag::given(tx, input.tag_specifications, "transit-gateway")?,
    };
    let association = on(options.default_route_table_association.as_ref(), true);
    let propagation = on(options.default_route_table_propagation.as_ref(), true);
    if association || propagation {
        let table = crossing::make(tx, &gateway.id, (association, propagation), Tags::new())?;
        gateway.association_table = association.then(|| table.id.clone());
        gateway.propagation_table = propagation.then_some(table.id);
    }
    tx.put(gateway.clone())?;
    let made = shapes::TransitGateway { state: Some("pending".to_owned()), ..shown(&gateway) };
    Ok(CreateTransitGatewayResult { transit_gateway: Some(made) })
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyTransitGateway.html>
pub(crate) fn modify_transit_gateway(
    tx: &mut Tx<'_>,
    input: ModifyTransitGatewayRequest,
) -> Result<ModifyTransitGatewayResult, Fault> {
    let mut gateway = find(tx, &input.transit_gateway_id)?;
    let options = input.options.unwrap_or_default();
    fault::refuse(&[
        ("AutoAcceptSharedAttachments", on(options.auto_accept_shared_attachments.as_ref(), false)),
        ("AddTransitGatewayCidrBlocks", options.add_transit_gateway_cidr_blocks.is_some()),
        ("RemoveTransitGatewayCidrBlocks", options.remove_transit_gateway_cidr_blocks.is_some()),
        ("AmazonSideAsn", options.amazon_side_asn.is_some_and(|a| a != gateway.asn)),
        ("EncryptionSupport", options.encryption_support.is_some()),
    ])?;
    if let Some(description) = input.description {
        gateway.description = description;
    }
    gateway.dns_support = on(options.dns_support.as_ref(), gateway.dns_support);
    gateway.group_referencing =
        on(options.security_group_referencing_support.as_ref(), gateway.group_referencing);
    gateway.vpn_ecmp = on(options.vpn_ecmp_support.as_ref(), gateway.vpn_ecmp);
    let association = (options.default_route_table_association, options.association_default_route_table_id);
    let propagation = (options.default_route_table_propagation, options.propagation_default_route_table_id);
    gateway.association_table =
        default_table(tx, &gateway.id, association, gateway.association_table.clone())?;
    gateway.propagation_table =
        default_table(tx, &gateway.id, propagation, gateway.propagation_table.clone())?;
    for mut table in own::<TransitRouteTable>(tx).into_iter().filter(|t| t.gateway == gateway.id) {
        table.default_association = gateway.association_table.as_ref() == Some(&table.id);
        table.default_propagation = gateway.propagation_table.as_ref() == Some(&table.id);
        tx.put(table)?;
    }
    tx.put(gateway.clone())?;
    Ok(ModifyTransitGatewayResult { transit_gateway: Some(shown(&gateway)) })
}

fn default_table(
    tx: &Tx<'_>,
    gateway: &str,
    (switch, table): (Option<String>, Option<String>),
    now: Option<String>,
) -> Result<Option<String>, Fault> {
    match (switch.as_deref(), table) {
        (Some("disable"), _) => Ok(None),
        (_, Some(id)) if crossing::find(tx, &id)?.gateway == gateway => Ok(Some(id)),
        (_, Some(id)) => Err(kind::missing("tgw-rtb", &id)),
        (Some(_), None) if now.is_none() => {
            Err(Fault::client("MissingParameter", "A default route table must be given by its id"))
        }
        (_, None) => Ok(now),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTransitGateway.html>
pub(crate) fn delete_transit_gateway(
    tx: &mut Tx<'_>,
    input: DeleteTransitGatewayRequest,
) -> Result<DeleteTransitGatewayResult, Fault> {
    let mut gateway = find(tx, &input.transit_gateway_id)?;
    let alive = |a: &&TransitAttachment| a.gateway == gateway.id && a.deleted.is_none();
    let attached: Vec<String> = tx.list::<TransitAttachment>().filter(alive).map(|a| a.id.clone()).collect();
    if !attached.is_empty() {
        let message = format!("{} has non-deleted VPC Attachments: {}.", gateway.id, attached.join(", "));
        return Err(incorrect(message));
    }
    for table in own::<TransitRouteTable>(tx).into_iter().filter(|t| t.gateway == gateway.id) {
        crossing::end(tx, table)?;
    }
    gateway.deleted = Some(tx.now);
    memory::fade(tx, &gateway.arn())?;
    tx.put(gateway.clone())?;
    let gone = shapes::TransitGateway { state: Some("deleting".to_owned()), ..shown(&gateway) };
    Ok(DeleteTransitGatewayResult { transit_gateway: Some(gone) })
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTransitGatewayVpcAttachment.html>
pub(crate) fn create_vpc_attachment(
    tx: &mut Tx<'_>,
    input: CreateTransitGatewayVpcAttachmentRequest,
) -> Result<CreateTransitGatewayVpcAttachmentResult, Fault> {
    let gateway = find(tx, &input.transit_gateway_id)?;
    let vpc = vpc::find(tx, &input.vpc_id)?;
    let same = |a: &TransitAttachment| a.gateway == gateway.id && a.vpc == vpc.id && a.deleted.is_none();
    if tx.list::<TransitAttachment>().any(same) {
        let message = format!("{} has non-deleted Transit Gateway Attachments with same VPC ID.", gateway.id);
        return Err(Fault::client("DuplicateTransitGatewayAttachment", message));
    }
    if input.subnet_ids.is_empty() {
        return Err(fault::absent("SubnetIds"));
    }
    let options: CreateTransitGatewayVpcAttachmentRequestOptions = input.options.unwrap_or_default();
    let mut attachment = TransitAttachment {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "tgw-attach"),
        gateway: gateway.id.clone(),
        vpc: vpc.id,
        subnets: Vec::new(),
        interfaces: Vec::new(),
        dns_support: on(options.dns_support.as_ref(), true),
        group_referencing: on(options.security_group_referencing_support.as_ref(), true),
        ipv6_support: on(options.ipv6_support.as_ref(), false),
        appliance_mode: on(options.appliance_mode_support.as_ref(), false),
        created: tx.now,
        deleted: None,
        tags: tag::given(tx, input.tag_specifications, "transit-gateway-attachment")?,
    };
    add_subnets(tx, &mut attachment, input.subnet_ids)?;
    tx.put(attachment.clone())?;
    crossing::join_defaults(tx, &gateway, &attachment.id)?;
    let made = TransitGatewayVpcAttachment { state: Some("pending".to_owned()), ..shown_vpc(&attachment) };
    Ok(CreateTransitGatewayVpcAttachmentResult { transit_gateway_vpc_attachment: Some(made) })
}

/// One subnet per zone; an interface in each.
fn add_subnets(tx: &mut Tx<'_>, attachment: &mut TransitAttachment, ids: Vec<String>) -> Result<(), Fault> {
    for id in ids {
        let subnet = subnet::find(tx, &id)?;
        if subnet.vpc != attachment.vpc {
            return Err(fault::value(format!("Subnet {id} does not belong to VPC {}", attachment.vpc)));
        }
        if attachment.subnets.contains(&id) {
            continue;
        }
        let zone = |s: &String| tx.find::<Subnet>(s).map(|s| s.zone.clone());
        if attachment.subnets.iter().filter_map(zone).any(|z| z == subnet.zone) {
            let message = format!("Duplicate Subnets for same AZ: {} ({})", id, subnet.zone);
            return Err(Fault::client("DuplicateSubnetsInSameZone", message));
        }
        let wanted = Wanted {
            subnet: id.clone(),
            groups: None,
            address: None,
            ipv6: Vec::new(),
            ipv6_count: 0,
            description: format!("Network Interface for Transit Gateway Attachment {}", attachment.id),
            interface_type: "transit_gateway".to_owned(),
            requester: Some(OWNER.to_owned()),
            tags: Tags::new(),
        };
        let made = interface::make(tx, wanted)?;
        attachment.subnets.push(id);
        attachment.interfaces.push(made.id);
    }
    Ok(())
}

fn remove_subnets(tx: &mut Tx<'_>, attachment: &mut TransitAttachment, ids: &[String]) -> Result<(), Fault> {
    for id in ids {
        let of = |i: &&NetworkInterface| i.subnet == *id && attachment.interfaces.contains(&i.id);
        let found = tx.list::<NetworkInterface>().find(of).cloned();
        if let Some(found) = found {
            interface::remove(tx, &found)?;
            attachment.interfaces.retain(|i| *i != found.id);
        }
        attachment.subnets.retain(|s| s != id);
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyTransitGatewayVpcAttachment.html>
pub(crate) fn modify_vpc_attachment(
    tx: &mut Tx<'_>,
    input: ModifyTransitGatewayVpcAttachmentRequest,
) -> Result<ModifyTransitGatewayVpcAttachmentResult, Fault> {
    let mut found = attachment(tx, &input.transit_gateway_attachment_id)?;
    let options = input.options.unwrap_or_default();
    found.dns_support = on(options.dns_support.as_ref(), found.dns_support);
    found.group_referencing =
        on(options.security_group_referencing_support.as_ref(), found.group_referencing);
    found.ipv6_support = on(options.ipv6_support.as_ref(), found.ipv6_support);
    found.appliance_mode = on(options.appliance_mode_support.as_ref(), found.appliance_mode);
    remove_subnets(tx, &mut found, &input.remove_subnet_ids.unwrap_or_default())?;
    add_subnets(tx, &mut found, input.add_subnet_ids.unwrap_or_default())?;
    if found.subnets.is_empty() {
        return Err(fault::value("A VPC attachment needs at least one subnet"));
    }
    tx.put(found.clone())?;
    Ok(ModifyTransitGatewayVpcAttachmentResult { transit_gateway_vpc_attachment: Some(shown_vpc(&found)) })
}

/// Static routes to it stay, and are black holes from now on.
pub(crate) fn delete_vpc_attachment(
    tx: &mut Tx<'_>,
    input: DeleteTransitGatewayVpcAttachmentRequest,
) -> Result<DeleteTransitGatewayVpcAttachmentResult, Fault> {
    let mut found = attachment(tx, &input.transit_gateway_attachment_id)?;
    let subnets = found.subnets.clone();
    remove_subnets(tx, &mut found, &subnets)?;
    found.subnets = subnets;
    crossing::leave_all(tx, &found.id)?;
    found.deleted = Some(tx.now);
    memory::fade(tx, &found.arn())?;
    tx.put(found.clone())?;
    let gone = TransitGatewayVpcAttachment { state: Some("deleting".to_owned()), ..shown_vpc(&found) };
    Ok(DeleteTransitGatewayVpcAttachmentResult { transit_gateway_vpc_attachment: Some(gone) })
}
