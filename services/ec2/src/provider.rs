//! Network resources in CloudFormation.
//!
//! Most types are a call to make, a call to delete, and a change of tags: a [`Mapped`] says
//! which. What can be changed besides is the `apply` of its noun.

mod acl;
mod endpoint;
mod gateway;
mod group;
mod network;
mod route;
mod transit;

use model::service::Ready;
use model::{Deploy, Fault, Physical, Resource, Tx, Value};
use serde_json::{Map, Value as Json, json};

/// How a type is made and deleted, as data.
pub(crate) struct Mapped {
    /// The operation, and which property goes into which member of it.
    create: &'static str,
    given: &'static [(&'static str, &'static str)],
    /// The type in `TagSpecifications`; empty where the resource has no tags.
    tagged: &'static str,
    /// Where the answer holds the id.
    id: &'static [&'static str],
    /// Brings to the wanted state what the making call leaves out, and what can be changed later.
    apply: fn(&mut Tx<'_>, &Deploy<'_>, &str) -> Result<(), Fault>,
    /// What `Fn::GetAtt` gives.
    attributes: fn(&Tx<'_>, &str) -> Vec<(&'static str, Json)>,
    delete: &'static str,
    /// The member of the deleting call that takes the id, or its list of ids.
    by: &'static str,
}

macro_rules! mapped {
    ($type:literal, $table:path) => {
        Resource {
            type_name: $type,
            create: |tx, deploy| $table.make(tx, deploy),
            update: |tx, deploy| $table.change(tx, deploy),
            delete: |tx, deploy| $table.unmake(tx, deploy),
            ready: None,
        }
    };
}

/// A type that is made, changed and deleted in ways of its own.
macro_rules! own {
    ($type:literal, $make:path, $change:path, $unmake:path) => {
        Resource { type_name: $type, create: $make, update: $change, delete: $unmake, ready: None }
    };
}

pub(crate) const RESOURCES: &[Resource] = &[
    Resource {
        ready: Some(|tx, vpc| Ok(network::VPC.settled(tx, vpc))),
        ..mapped!("AWS::EC2::VPC", network::VPC)
    },
    own!("AWS::EC2::VPCCidrBlock", route::add_block, unchanged, route::remove_block),
    mapped!("AWS::EC2::Subnet", network::SUBNET),
    mapped!("AWS::EC2::SubnetCidrBlock", route::SUBNET_BLOCK),
    mapped!("AWS::EC2::NetworkInterface", network::INTERFACE),
    Resource { create: group::make, ..mapped!("AWS::EC2::SecurityGroup", group::GROUP) },
    Resource {
        type_name: "AWS::EC2::SecurityGroupIngress",
        create: |tx, deploy| group::grant(tx, deploy, false),
        update: |tx, deploy| group::redescribe(tx, deploy, false),
        delete: |tx, deploy| group::revoke(tx, deploy, false),
        ready: None,
    },
    Resource {
        type_name: "AWS::EC2::SecurityGroupEgress",
        create: |tx, deploy| group::grant(tx, deploy, true),
        update: |tx, deploy| group::redescribe(tx, deploy, true),
        delete: |tx, deploy| group::revoke(tx, deploy, true),
        ready: None,
    },
    mapped!("AWS::EC2::RouteTable", route::TABLE),
    own!("AWS::EC2::Route", route::make, route::replace, route::unmake),
    Resource {
        update: route::reassociate,
        ..mapped!("AWS::EC2::SubnetRouteTableAssociation", route::ASSOCIATION)
    },
    mapped!("AWS::EC2::InternetGateway", gateway::INTERNET),
    own!("AWS::EC2::VPCGatewayAttachment", gateway::attach, unchanged, gateway::detach),
    mapped!("AWS::EC2::EgressOnlyInternetGateway", gateway::EGRESS_ONLY),
    own!("AWS::EC2::EIP", gateway::allocate, gateway::retag_address, gateway::release),
    mapped!("AWS::EC2::EIPAssociation", gateway::EIP_ASSOCIATION),
    mapped!("AWS::EC2::NatGateway", gateway::NAT),
    mapped!("AWS::EC2::NetworkAcl", acl::ACL),
    own!("AWS::EC2::NetworkAclEntry", acl::make, acl::replace, acl::unmake),
    own!("AWS::EC2::SubnetNetworkAclAssociation", acl::associate, unchanged, acl::dissociate),
    Resource { create: gateway::make_dhcp, ..mapped!("AWS::EC2::DHCPOptions", gateway::DHCP) },
    own!("AWS::EC2::VPCDHCPOptionsAssociation", gateway::set_dhcp, gateway::set_dhcp, gateway::unset_dhcp),
    Resource {
        create: endpoint::make,
        update: endpoint::change,
        ..mapped!("AWS::EC2::VPCEndpoint", endpoint::ENDPOINT)
    },
    mapped!("AWS::EC2::VPCPeeringConnection", endpoint::PEERING),
    Resource { create: endpoint::make_flow_log, ..mapped!("AWS::EC2::FlowLog", endpoint::FLOW_LOG) },
    mapped!("AWS::EC2::PrefixList", endpoint::PREFIX_LIST),
    Resource { create: transit::make, ..mapped!("AWS::EC2::TransitGateway", transit::GATEWAY) },
    mapped!("AWS::EC2::TransitGatewayAttachment", transit::ATTACHMENT),
    mapped!("AWS::EC2::TransitGatewayVpcAttachment", transit::ATTACHMENT),
    mapped!("AWS::EC2::TransitGatewayRouteTable", transit::TABLE),
    own!(
        "AWS::EC2::TransitGatewayRouteTableAssociation",
        transit::associate,
        unchanged,
        transit::disassociate
    ),
    own!(
        "AWS::EC2::TransitGatewayRouteTablePropagation",
        transit::propagate,
        unchanged,
        transit::stop_propagating
    ),
    own!("AWS::EC2::TransitGatewayRoute", transit::make_route, unchanged, transit::unmake_route),
];

impl Mapped {
    fn make(&self, tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
        let mut input = Map::new();
        for (property, member) in self.given {
            if let Some(value) = deploy.property(property) {
                input.insert((*member).to_owned(), value.clone());
            }
        }
        if let Some(tags) = specifications(deploy, self.tagged) {
            input.insert("TagSpecifications".to_owned(), tags);
        }
        let made = call(tx, deploy, self.create, Json::Object(input))?;
        let id = at(&made, self.id)?;
        (self.apply)(tx, deploy, &id)?;
        Ok(self.physical(tx, &id))
    }

    fn physical(&self, tx: &Tx<'_>, id: &str) -> Physical {
        let attributes = (self.attributes)(tx, id);
        attributes.into_iter().fold(Physical::new(id), |p, (name, value)| p.attribute(name, value))
    }

    /// Ready as soon as it is made; what others add to it later is among its attributes.
    fn settled(&self, tx: &Tx<'_>, physical: &Physical) -> Ready {
        Ready::With(self.physical(tx, &physical.id).attributes)
    }

    fn change(&self, tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
        let id = deploy.id()?.to_owned();
        (self.apply)(tx, deploy, &id)?;
        if !self.tagged.is_empty() {
            retag(tx, deploy, &id)?;
        }
        Ok(self.physical(tx, &id))
    }

    fn unmake(&self, tx: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<(), Fault> {
        let id = deploy.id()?;
        let id = if self.by.ends_with("Ids") { json!([id]) } else { json!(id) };
        let mut input = Map::new();
        input.insert(self.by.to_owned(), id);
        gone(call(tx, deploy, self.delete, Json::Object(input)))
    }
}

pub(crate) fn call(
    tx: &mut Tx<'_>,
    deploy: &Deploy<'_>,
    operation: &str,
    input: Json,
) -> Result<Value, Fault> {
    deploy.call(tx, "ec2", operation, input)
}

/// What is not there any more need not be deleted.
pub(crate) fn gone(outcome: Result<Value, Fault>) -> Result<(), Fault> {
    match outcome {
        Err(fault) if !fault.code.ends_with("NotFound") => Err(fault),
        _ => Ok(()),
    }
}

/// The text at a path of an answer.
pub(crate) fn at(answer: &Value, path: &[&str]) -> Result<String, Fault> {
    let found = path.iter().try_fold(answer, |value, name| match name.parse::<usize>() {
        Ok(index) => value.as_list()?.get(index),
        Err(_) => value.get(name),
    });
    let missing = || Fault::internal(format!("the answer has no `{}`", path.join(".")));
    found.and_then(Value::as_str).map(str::to_owned).ok_or_else(missing)
}

fn list(tags: &model::Tags) -> Json {
    tags.iter().map(|(k, v)| json!({"Key": k, "Value": v})).collect()
}

pub(crate) fn specifications(deploy: &Deploy<'_>, of: &str) -> Option<Json> {
    let tags = deploy.tags_with("Tags");
    (!of.is_empty() && !tags.is_empty()).then(|| json!([{"ResourceType": of, "Tags": list(&tags)}]))
}

/// Puts on the tags that are wanted now and takes off those that were wanted before.
pub(crate) fn retag(tx: &mut Tx<'_>, deploy: &Deploy<'_>, id: &str) -> Result<(), Fault> {
    let wanted = deploy.tags_with("Tags");
    let before = deploy.previous.and_then(|p| p.get("Tags")).cloned().unwrap_or_default();
    let before = model::service::tags_of(&Value::from_json(before));
    let stale: Vec<Json> =
        before.keys().filter(|k| !wanted.contains_key(*k)).map(|k| json!({"Key": k})).collect();
    if !stale.is_empty() {
        call(tx, deploy, "DeleteTags", json!({"Resources": [id], "Tags": stale}))?;
    }
    if wanted.is_empty() || deploy.previous.and_then(|p| p.get("Tags")) == deploy.property("Tags") {
        return Ok(());
    }
    call(tx, deploy, "CreateTags", json!({"Resources": [id], "Tags": list(&wanted)})).map(|_| ())
}

/// Whether a property is not what it was; all are new when the resource is.
pub(crate) fn changed(deploy: &Deploy<'_>, property: &str) -> bool {
    match deploy.previous {
        Some(previous) => previous.get(property) != deploy.property(property),
        None => deploy.property(property).is_some(),
    }
}

pub(crate) fn nothing_more(_: &mut Tx<'_>, _: &Deploy<'_>, _: &str) -> Result<(), Fault> {
    Ok(())
}

/// Every property that can change replaces the resource.
fn unchanged(_: &mut Tx<'_>, deploy: &Deploy<'_>) -> Result<Physical, Fault> {
    Ok(deploy.physical.cloned().unwrap_or_default())
}
