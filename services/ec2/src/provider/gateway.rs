//! Gateways, addresses and DHCP options in CloudFormation.

use model::estate::ec2::{ElasticIp, NatGateway};
use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Map, Value as Json, json};

use super::{Mapped, at, call, gone, nothing_more, retag, specifications};

pub(super) static INTERNET: Mapped = Mapped {
    create: "CreateInternetGateway",
    given: &[],
    tagged: "internet-gateway",
    id: &["InternetGateway", "InternetGatewayId"],
    apply: nothing_more,
    attributes: |_, id| vec![("InternetGatewayId", json!(id))],
    delete: "DeleteInternetGateway",
    by: "InternetGatewayId",
};

pub(super) static EGRESS_ONLY: Mapped = Mapped {
    create: "CreateEgressOnlyInternetGateway",
    given: &[("VpcId", "VpcId")],
    tagged: "egress-only-internet-gateway",
    id: &["EgressOnlyInternetGateway", "EgressOnlyInternetGatewayId"],
    apply: nothing_more,
    attributes: |_, id| vec![("Id", json!(id))],
    delete: "DeleteEgressOnlyInternetGateway",
    by: "EgressOnlyInternetGatewayId",
};

pub(super) static NAT: Mapped = Mapped {
    create: "CreateNatGateway",
    given: &[
        ("AllocationId", "AllocationId"),
        ("ConnectivityType", "ConnectivityType"),
        ("PrivateIpAddress", "PrivateIpAddress"),
        ("SubnetId", "SubnetId"),
    ],
    tagged: "natgateway",
    id: &["NatGateway", "NatGatewayId"],
    apply: nothing_more,
    attributes: |tx, id| {
        let interface = tx.find::<NatGateway>(id).map(|n| n.interface.clone());
        vec![("NatGatewayId", json!(id)), ("EniId", json!(interface))]
    },
    delete: "DeleteNatGateway",
    by: "NatGatewayId",
};

fn attachment(deploy: &Deploy<'_>) -> Json {
    json!({
        "InternetGatewayId": deploy.property("InternetGatewayId"),
        "VpcId": deploy.property("VpcId"),
    })
}

pub(super) fn attach(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    call(tx, deploy, "AttachInternetGateway", attachment(deploy))?;
    let vpc = deploy.text("VpcId").unwrap_or_default();
    Ok(Physical::new(format!("IGW|{vpc}")).attribute("AttachmentType", "IGW"))
}

pub(super) fn detach(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    match call(tx, deploy, "DetachInternetGateway", attachment(deploy)) {
        Err(fault) if fault.code == "Gateway.NotAttached" => Ok(()),
        outcome => gone(outcome),
    }
}

/// `Ref` gives the address, not the id of its allocation.
pub(super) fn allocate(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let mut input = Map::new();
    input.insert("Domain".to_owned(), json!("vpc"));
    if let Some(tags) = specifications(deploy, "elastic-ip") {
        input.insert("TagSpecifications".to_owned(), tags);
    }
    let made = call(tx, deploy, "AllocateAddress", Json::Object(input))?;
    let public = at(&made, &["PublicIp"])?;
    Ok(Physical::new(public.clone())
        .attribute("PublicIp", public)
        .attribute("AllocationId", at(&made, &["AllocationId"])?))
}

fn allocation(tx: &Tx<'_>, deploy: &Deploy<'_>) -> Result<Option<String>, Fault> {
    let public = deploy.id()?;
    Ok(tx.list::<ElasticIp>().find(|a| a.public_ip == public).map(|a| a.id.clone()))
}

pub(super) fn retag_address(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    if let Some(id) = allocation(tx, deploy)? {
        retag(tx, deploy, &id)?;
    }
    Ok(deploy.physical.cloned().unwrap_or_default())
}

pub(super) fn release(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    match allocation(tx, deploy)? {
        Some(id) => gone(call(tx, deploy, "ReleaseAddress", json!({"AllocationId": id}))),
        None => Ok(()),
    }
}

pub(super) static EIP_ASSOCIATION: Mapped = Mapped {
    create: "AssociateAddress",
    given: &[
        ("AllocationId", "AllocationId"),
        ("EIP", "PublicIp"),
        ("NetworkInterfaceId", "NetworkInterfaceId"),
        ("PrivateIpAddress", "PrivateIpAddress"),
    ],
    tagged: "",
    id: &["AssociationId"],
    apply: nothing_more,
    attributes: |_, id| vec![("Id", json!(id))],
    delete: "DisassociateAddress",
    by: "AssociationId",
};

/// Properties and the DHCP options that they are.
const OPTIONS: [(&str, &str); 6] = [
    ("DomainName", "domain-name"),
    ("DomainNameServers", "domain-name-servers"),
    ("NtpServers", "ntp-servers"),
    ("NetbiosNameServers", "netbios-name-servers"),
    ("NetbiosNodeType", "netbios-node-type"),
    ("Ipv6AddressPreferredLeaseTime", "ipv6-address-preferred-lease-time"),
];

pub(super) static DHCP: Mapped = Mapped {
    create: "CreateDhcpOptions",
    given: &[("Configurations", "DhcpConfigurations")],
    tagged: "dhcp-options",
    id: &["DhcpOptions", "DhcpOptionsId"],
    apply: nothing_more,
    attributes: |_, id| vec![("DhcpOptionsId", json!(id))],
    delete: "DeleteDhcpOptions",
    by: "DhcpOptionsId",
};

pub(super) fn make_dhcp(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let option = |(property, key): &(&str, &str)| {
        let values: Vec<String> = match deploy.property(property)? {
            Json::Array(list) => list.iter().map(text).collect(),
            one => vec![text(one)],
        };
        Some(json!({"Key": key, "Values": values}))
    };
    let mut properties = deploy.properties.clone();
    if let Some(members) = properties.as_object_mut() {
        members.insert("Configurations".to_owned(), OPTIONS.iter().filter_map(option).collect());
    }
    DHCP.make(tx, &Deploy { properties: &properties, ..*deploy })
}

/// Serves creation and change alike.
pub(super) fn set_dhcp(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let (options, vpc) =
        (deploy.text("DhcpOptionsId").unwrap_or_default(), deploy.text("VpcId").unwrap_or_default());
    call(tx, deploy, "AssociateDhcpOptions", json!({"DhcpOptionsId": options, "VpcId": vpc}))?;
    Ok(Physical::new(format!("{options}|{vpc}")))
}

pub(super) fn unset_dhcp(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
    let input = json!({"DhcpOptionsId": "default", "VpcId": deploy.property("VpcId")});
    gone(call(tx, deploy, "AssociateDhcpOptions", input))
}
