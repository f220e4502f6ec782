//! VPC endpoints, peering, flow logs and prefix lists in CloudFormation.

use model::estate::ec2::{PrefixList, VpcEndpoint, VpcPeering};
use model::{Deploy, Fault, Physical, Tx};
use serde_json::{Map, Value as Json, json};

use super::{Mapped, call, changed, nothing_more};
use crate::endpoint::dns_entries;

pub(super) static ENDPOINT: Mapped = Mapped {
    create: "CreateVpcEndpoint",
    given: &[
        ("VpcId", "VpcId"),
        ("ServiceName", "ServiceName"),
        ("VpcEndpointType", "VpcEndpointType"),
        ("PolicyText", "PolicyDocument"),
        ("PrivateDnsEnabled", "PrivateDnsEnabled"),
        ("RouteTableIds", "RouteTableIds"),
        ("SecurityGroupIds", "SecurityGroupIds"),
        ("SubnetIds", "SubnetIds"),
    ],
    tagged: "vpc-endpoint",
    id: &["VpcEndpoint", "VpcEndpointId"],
    apply: nothing_more,
    attributes: |tx, id| {
        let Some(endpoint) = tx.find::<VpcEndpoint>(id) else { return Vec::new() };
        let zone = |e: crate::shapes::DnsEntry| {
            format!("{}:{}", e.hosted_zone_id.unwrap_or_default(), e.dns_name.unwrap_or_default())
        };
        vec![
            ("Id", json!(id)),
            ("CreationTimestamp", json!(endpoint.created.to_rfc3339_seconds())),
            ("DnsEntries", dns_entries(tx, endpoint).into_iter().map(zone).collect()),
            ("NetworkInterfaceIds", json!(endpoint.interfaces)),
        ]
    },
    delete: "DeleteVpcEndpoints",
    by: "VpcEndpointIds",
};

/// A policy may be written as text or as an object.
fn policy(deploy: &Deploy<'_>) -> Option<String> {
    let given = deploy.property("PolicyDocument")?;
    Some(given.as_str().map_or_else(|| given.to_string(), str::to_owned))
}

pub(super) fn make(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let mut properties = deploy.properties.clone();
    if let Some(members) = properties.as_object_mut() {
        if let Some(policy) = policy(deploy) {
            members.insert("PolicyText".to_owned(), json!(policy));
        }
        // The call's default is the other one.
        if deploy.text("VpcEndpointType") == Some("Interface") {
            members.entry("PrivateDnsEnabled").or_insert(json!(false));
        }
    }
    tx.source = deploy.source("/PolicyDocument");
    let made = ENDPOINT.make(tx, &Deploy { properties: &properties, ..*deploy });
    tx.source = None;
    made
}

/// What was added to a list of ids, and what is no longer in it.
fn difference(deploy: &Deploy<'_>, property: &str) -> (Vec<Json>, Vec<Json>) {
    let list = |json: Option<&Json>| json.and_then(Json::as_array).cloned().unwrap_or_default();
    let now = list(deploy.property(property));
    let before = list(deploy.previous.and_then(|p| p.get(property)));
    let added = now.iter().filter(|id| !before.contains(id)).cloned().collect();
    (added, before.into_iter().filter(|id| !now.contains(id)).collect())
}

pub(super) fn change(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let mut input = Map::new();
    for (property, member) in [
        ("RouteTableIds", "RouteTableIds"),
        ("SubnetIds", "SubnetIds"),
        ("SecurityGroupIds", "SecurityGroupIds"),
    ] {
        let (added, removed) = difference(deploy, property);
        for (verb, ids) in [("Add", added), ("Remove", removed)] {
            if !ids.is_empty() {
                input.insert(format!("{verb}{member}"), Json::Array(ids));
            }
        }
    }
    if changed(deploy, "PolicyDocument") {
        match policy(deploy) {
            Some(policy) => input.insert("PolicyDocument".to_owned(), json!(policy)),
            None => input.insert("ResetPolicy".to_owned(), json!(true)),
        };
    }
    if changed(deploy, "PrivateDnsEnabled") {
        let on = deploy.property("PrivateDnsEnabled").cloned().unwrap_or(json!(false));
        input.insert("PrivateDnsEnabled".to_owned(), on);
    }
    if !input.is_empty() {
        input.insert("VpcEndpointId".to_owned(), json!(deploy.id()?));
        tx.source = deploy.source("/PolicyDocument");
        let done = call(tx, deploy, "ModifyVpcEndpoint", Json::Object(input));
        tx.source = None;
        done?;
    }
    ENDPOINT.change(tx, deploy)
}

pub(super) static PEERING: Mapped = Mapped {
    create: "CreateVpcPeeringConnection",
    given: &[
        ("VpcId", "VpcId"),
        ("PeerVpcId", "PeerVpcId"),
        ("PeerOwnerId", "PeerOwnerId"),
        ("PeerRegion", "PeerRegion"),
    ],
    tagged: "vpc-peering-connection",
    id: &["VpcPeeringConnection", "VpcPeeringConnectionId"],
    apply: |tx, deploy, id| {
        if deploy.previous.is_some() {
            return Ok(());
        }
        let made = tx.find::<VpcPeering>(id);
        let failed = made.filter(|p| p.status == "failed").map(|p| p.message.clone());
        if let Some(why) = failed {
            let message = format!("VpcPeeringConnection {id} failed to stabilize: {why}");
            return Err(Fault::client("NotStabilized", message));
        }
        // Within one account CloudFormation answers, too.
        match made.is_some_and(|p| p.accepter.account == p.requester.account) {
            true => {
                let input = json!({"VpcPeeringConnectionId": id});
                call(tx, deploy, "AcceptVpcPeeringConnection", input).map(|_| ())
            }
            false => Ok(()),
        }
    },
    attributes: |_, id| vec![("Id", json!(id))],
    delete: "DeleteVpcPeeringConnection",
    by: "VpcPeeringConnectionId",
};

pub(super) static FLOW_LOG: Mapped = Mapped {
    create: "CreateFlowLogs",
    given: &[
        ("DeliverLogsPermissionArn", "DeliverLogsPermissionArn"),
        ("LogDestination", "LogDestination"),
        ("LogDestinationType", "LogDestinationType"),
        ("LogFormat", "LogFormat"),
        ("LogGroupName", "LogGroupName"),
        ("MaxAggregationInterval", "MaxAggregationInterval"),
        ("ResourceIds", "ResourceIds"),
        ("ResourceType", "ResourceType"),
        ("TrafficType", "TrafficType"),
    ],
    tagged: "vpc-flow-log",
    id: &["FlowLogIds", "0"],
    apply: nothing_more,
    attributes: |_, id| vec![("Id", json!(id))],
    delete: "DeleteFlowLogs",
    by: "FlowLogIds",
};

pub(super) fn make_flow_log(tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    let mut properties = deploy.properties.clone();
    if let Some(members) = properties.as_object_mut() {
        members.insert("ResourceIds".to_owned(), json!([deploy.property("ResourceId")]));
    }
    FLOW_LOG.make(tx, &Deploy { properties: &properties, ..*deploy })
}

pub(super) static PREFIX_LIST: Mapped = Mapped {
    create: "CreateManagedPrefixList",
    given: &[
        ("AddressFamily", "AddressFamily"),
        ("Entries", "Entries"),
        ("MaxEntries", "MaxEntries"),
        ("PrefixListName", "PrefixListName"),
    ],
    tagged: "prefix-list",
    id: &["PrefixList", "PrefixListId"],
    apply: |tx, deploy, id| if deploy.previous.is_some() { amend_list(tx, deploy, id) } else { Ok(()) },
    attributes: |tx, id| {
        let Some(list) = tx.find::<PrefixList>(id) else { return Vec::new() };
        vec![
            ("PrefixListId", json!(id)),
            ("Arn", json!(list.arn())),
            ("OwnerId", json!(list.account)),
            ("Version", json!(list.version)),
        ]
    },
    delete: "DeleteManagedPrefixList",
    by: "PrefixListId",
};

/// Name and size in one call, entries in another: AWS takes them apart.
fn amend_list(tx: &mut Tx<'_>, deploy: &Deploy<'_>, id: &str) -> Result<(), Fault> {
    let names: Vec<&str> =
        ["PrefixListName", "MaxEntries"].into_iter().filter(|name| changed(deploy, name)).collect();
    if !names.is_empty() {
        let mut input = Map::new();
        input.insert("PrefixListId".to_owned(), json!(id));
        for name in names {
            input.insert(name.to_owned(), json!(deploy.property(name)));
        }
        call(tx, deploy, "ModifyManagedPrefixList", Json::Object(input))?;
    }
    let (added, removed) = difference(deploy, "Entries");
    if added.is_empty() && removed.is_empty() {
        return Ok(());
    }
    let cidr = |entry: &Json| entry.get("Cidr").cloned();
    let kept: Vec<Json> = added.iter().filter_map(cidr).collect();
    let gone: Vec<Json> =
        removed.iter().filter_map(cidr).filter(|c| !kept.contains(c)).map(|c| json!({"Cidr": c})).collect();
    let version = tx.find::<PrefixList>(id).map(|l| l.version);
    let input = json!({
        "PrefixListId": id,
        "CurrentVersion": version,
        "AddEntries": added,
        "RemoveEntries": gone,
    });
    call(tx, deploy, "ModifyManagedPrefixList", input).map(|_| ())
}
