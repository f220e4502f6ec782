//! Peering connections between VPCs, of one account or of two.

use ipnet::IpNet;
use model::estate::ec2::{PeeringSide, Vpc, VpcPeering};
use model::{AccountId, Fault, IntoValue as _, Tx};

use crate::listing::{Listing, Values, one};
use crate::shapes::{
    self, AcceptVpcPeeringConnectionRequest, AcceptVpcPeeringConnectionResult,
    CreateVpcPeeringConnectionRequest, CreateVpcPeeringConnectionResult, DeleteVpcPeeringConnectionRequest,
    DeleteVpcPeeringConnectionResult, ModifyVpcPeeringConnectionOptionsRequest,
    ModifyVpcPeeringConnectionOptionsResult, PeeringConnectionOptions, PeeringConnectionOptionsRequest,
    RejectVpcPeeringConnectionRequest, RejectVpcPeeringConnectionResult, VpcPeeringConnection,
    VpcPeeringConnectionOptionsDescription, VpcPeeringConnectionStateReason, VpcPeeringConnectionVpcInfo,
};
use crate::{block, fault, kind, memory, tag, vpc};

/// A request waits a week for its answer.
const WAITS: i64 = 7 * 86_400;

/// The connection between two VPCs that is in force.
pub(crate) fn between(tx: &Tx<'_>, a: &str, b: &str) -> Option<VpcPeering> {
    let joins = |p: &&VpcPeering| p.side(a).is_some() && p.side(b).is_some() && p.status == "active";
    tx.snapshot().all::<VpcPeering>().find(joins).cloned()
}

pub(crate) fn connects(tx: &Tx<'_>, a: &str, b: &str) -> bool {
    between(tx, a, b).is_some()
}

fn node<'t>(tx: &'t Tx<'_>, side: &PeeringSide) -> Option<&'t Vpc> {
    tx.snapshot().find::<Vpc>(&side.account, &side.region, &side.vpc)
}

fn overlaps(a: &Vpc, b: &Vpc) -> bool {
    let all = |v: &Vpc| block::nets(&v.cidrs).chain(block::nets(&v.ipv6_cidrs)).collect::<Vec<IpNet>>();
    all(a).iter().any(|x| all(b).iter().any(|y| block::overlap(x, y)))
}

/// A block must not be one that a connected VPC has a part of.
pub(crate) fn free_of_peers(tx: &Tx<'_>, vpc: &Vpc, net: &IpNet) -> Result<(), Fault> {
    let mine = |p: &&VpcPeering| p.status == "active" && p.side(&vpc.id).is_some();
    for connection in tx.snapshot().all::<VpcPeering>().filter(mine) {
        for side in [&connection.requester, &connection.accepter].into_iter().filter(|s| s.vpc != vpc.id) {
            if node(tx, side).is_some_and(|p| block::nets(&p.cidrs).any(|b| block::overlap(&b, net))) {
                let message = format!("The CIDR '{net}' conflicts with the peer VPC {}", side.vpc);
                return Err(Fault::client("InvalidVpc.Range", message));
            }
        }
    }
    Ok(())
}

fn blocks(tx: &Tx<'_>, side: &PeeringSide) -> Vec<String> {
    node(tx, side).map(|v| v.cidrs.clone()).unwrap_or_default()
}

const FILTERS: &[(&str, Values<VpcPeering>)] = &[
    ("accepter-vpc-info.cidr-block", |tx, p| blocks(tx, &p.accepter)),
    ("accepter-vpc-info.owner-id", |_, p| one(p.accepter.account.as_str())),
    ("accepter-vpc-info.vpc-id", |_, p| one(&p.accepter.vpc)),
    ("expiration-time", |_, p| one(&p.expires.to_rfc3339_seconds())),
    ("requester-vpc-info.cidr-block", |tx, p| blocks(tx, &p.requester)),
    ("requester-vpc-info.owner-id", |_, p| one(p.requester.account.as_str())),
    ("requester-vpc-info.vpc-id", |_, p| one(&p.requester.vpc)),
    ("status-code", |tx, p| one(status(tx, p).0)),
    ("status-message", |tx, p| one(&status(tx, p).1)),
    ("vpc-peering-connection-id", |_, p| one(&p.id)),
];

pub(crate) static CONNECTIONS: Listing<VpcPeering> = Listing {
    prefix: "pcx",
    ids: "VpcPeeringConnectionIds",
    shown: "VpcPeeringConnections",
    all: |tx| tx.snapshot().all::<VpcPeering>().filter(|p| is_mine(tx, p)).cloned().collect(),
    filters: FILTERS,
    show: |tx, connection| shown(tx, connection).into_value(),
};

/// Both sides see a connection, each in its own region.
fn is_mine(tx: &Tx<'_>, connection: &VpcPeering) -> bool {
    [&connection.requester, &connection.accepter]
        .iter()
        .any(|s| s.account == tx.account && s.region == tx.region)
}

fn find(tx: &Tx<'_>, id: &str) -> Result<VpcPeering, Fault> {
    let own = |p: &&VpcPeering| {
        p.id == id && (p.requester.account == tx.account || p.accepter.account == tx.account)
    };
    tx.snapshot().all::<VpcPeering>().find(own).cloned().ok_or_else(|| kind::missing("pcx", id))
}

/// A request that nobody answered in time has expired.
fn status<'p>(tx: &Tx<'_>, connection: &'p VpcPeering) -> (&'p str, String) {
    match connection.status == "pending-acceptance" && connection.expires <= tx.now {
        true => ("expired", "Expired".to_owned()),
        false => (&connection.status, connection.message.clone()),
    }
}

fn info(tx: &Tx<'_>, side: &PeeringSide) -> VpcPeeringConnectionVpcInfo {
    let vpc = node(tx, side);
    let four = |c: &String| shapes::CidrBlock { cidr_block: Some(c.clone()) };
    let six = |c: &String| shapes::Ipv6CidrBlock { ipv6_cidr_block: Some(c.clone()) };
    VpcPeeringConnectionVpcInfo {
        cidr_block: vpc.and_then(|v| v.cidrs.first().cloned()),
        ipv6_cidr_block_set: vpc.map(|v| v.ipv6_cidrs.iter().map(six).collect()),
        cidr_block_set: vpc.map(|v| v.cidrs.iter().map(four).collect()),
        owner_id: Some(side.account.to_string()),
        peering_options: Some(VpcPeeringConnectionOptionsDescription {
            allow_dns_resolution_from_remote_vpc: Some(side.resolve),
            allow_egress_from_local_classic_link_to_remote_vpc: Some(false),
            allow_egress_from_local_vpc_to_remote_classic_link: Some(false),
        }),
        vpc_id: Some(side.vpc.clone()),
        region: Some(side.region.clone()),
    }
}

fn shown(tx: &Tx<'_>, connection: &VpcPeering) -> VpcPeeringConnection {
    let (code, message) = status(tx, connection);
    let waits = code == "pending-acceptance";
    let reason = VpcPeeringConnectionStateReason { code: Some(code.to_owned()), message: Some(message) };
    VpcPeeringConnection {
        accepter_vpc_info: Some(info(tx, &connection.accepter)),
        expiration_time: waits.then_some(connection.expires),
        requester_vpc_info: Some(info(tx, &connection.requester)),
        status: Some(reason),
        tags: tag::shown(&connection.tags),
        vpc_peering_connection_id: Some(connection.id.clone()),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcPeeringConnection.html>
pub(crate) fn create_vpc_peering(
    tx: &mut Tx<'_>,
    input: CreateVpcPeeringConnectionRequest,
) -> Result<CreateVpcPeeringConnectionResult, Fault> {
    let own = vpc::find(tx, &input.vpc_id)?;
    let peer = input.peer_vpc_id.ok_or_else(|| fault::absent("peerVpcId"))?;
    let owner = match input.peer_owner_id {
        Some(id) => AccountId::parse(&id).ok_or_else(|| {
            fault::bad_value(&id, "peerOwnerId", "It must be an account id of twelve digits.")
        })?,
        None => tx.account.clone(),
    };
    let region = input.peer_region.unwrap_or_else(|| tx.region.clone());
    if peer == own.id {
        return Err(fault::value(format!("The VPC {peer} cannot be peered with itself")));
    }
    let live = |p: &&VpcPeering| ["active", "pending-acceptance"].contains(&status(tx, p).0);
    let joins = |p: &VpcPeering| p.side(&own.id).is_some() && p.side(&peer).is_some();
    if let Some(known) = tx.snapshot().all::<VpcPeering>().filter(live).find(|p| joins(p)) {
        let message = format!("A VpcPeeringConnection already exists between these VPCs: {}", known.id);
        return Err(Fault::client("VpcPeeringConnectionAlreadyExists", message));
    }
    let side = |account: &AccountId, region: &str, vpc: &str| PeeringSide {
        account: account.clone(),
        region: region.to_owned(),
        vpc: vpc.to_owned(),
        resolve: false,
    };
    let mut connection = VpcPeering {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "pcx"),
        requester: side(&own.account, &own.region, &own.id),
        accepter: side(&owner, &region, &peer),
        status: "pending-acceptance".to_owned(),
        message: format!("Pending Acceptance by {owner}"),
        expires: tx.now.plus_seconds(WAITS),
        tags: tag::given(tx, input.tag_specifications, "vpc-peering-connection")?,
    };
    let wrong = match node(tx, &connection.accepter) {
        None => Some("incorrect VPC-ID, Account ID, or overlapping CIDR range"),
        Some(other) if overlaps(&own, other) => Some("overlapping CIDR range"),
        Some(_) => None,
    };
    if let Some(why) = wrong {
        connection.status = "failed".to_owned();
        connection.message = format!("Failed due to {why}");
        memory::fade(tx, &connection.arn())?;
    }
    tx.put(connection.clone())?;
    Ok(CreateVpcPeeringConnectionResult { vpc_peering_connection: Some(shown(tx, &connection)) })
}

fn not_permitted(message: String) -> Fault {
    Fault::client("OperationNotPermitted", message)
}

/// A request that waits, for the account that may answer it.
fn answerable(tx: &Tx<'_>, id: &str, verb: &str) -> Result<VpcPeering, Fault> {
    let connection = find(tx, id)?;
    if connection.accepter.account != tx.account {
        return Err(not_permitted(format!("User {} cannot {verb} peering {id}", tx.account)));
    }
    // CloudFormation answers within the account whatever the region.
    if connection.accepter.region != tx.region && tx.request().via.is_empty() {
        return Err(not_permitted(format!(
            "Incorrect region ({}) specified for this request. VPC peering connection must be {verb}ed in region {}",
            tx.region, connection.accepter.region
        )));
    }
    match status(tx, &connection).0 {
        "pending-acceptance" => Ok(connection),
        other => Err(Fault::client(
            "InvalidStateTransition",
            format!("Invalid state transition for {id}, attempted to {verb} a connection that is {other}"),
        )),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AcceptVpcPeeringConnection.html>
pub(crate) fn accept_vpc_peering(
    tx: &mut Tx<'_>,
    input: AcceptVpcPeeringConnectionRequest,
) -> Result<AcceptVpcPeeringConnectionResult, Fault> {
    let mut connection = answerable(tx, &input.vpc_peering_connection_id, "accept")?;
    connection.status = "active".to_owned();
    connection.message = "Active".to_owned();
    tx.put(connection.clone())?;
    Ok(AcceptVpcPeeringConnectionResult { vpc_peering_connection: Some(shown(tx, &connection)) })
}

pub(crate) fn reject_vpc_peering(
    tx: &mut Tx<'_>,
    input: RejectVpcPeeringConnectionRequest,
) -> Result<RejectVpcPeeringConnectionResult, Fault> {
    let mut connection = answerable(tx, &input.vpc_peering_connection_id, "reject")?;
    connection.status = "rejected".to_owned();
    connection.message = format!("Rejected by {}", tx.account);
    memory::fade(tx, &connection.arn())?;
    tx.put(connection)?;
    Ok(RejectVpcPeeringConnectionResult { r#return: Some(true) })
}

/// Either side ends a connection; routes through it become black holes at once.
pub(crate) fn delete_vpc_peering(
    tx: &mut Tx<'_>,
    input: DeleteVpcPeeringConnectionRequest,
) -> Result<DeleteVpcPeeringConnectionResult, Fault> {
    let connection = find(tx, &input.vpc_peering_connection_id)?;
    end(tx, connection)?;
    Ok(DeleteVpcPeeringConnectionResult { r#return: Some(true) })
}

fn end(tx: &mut Tx<'_>, mut connection: VpcPeering) -> Result<(), Fault> {
    if ["deleted", "rejected", "failed"].contains(&connection.status.as_str()) {
        return Ok(());
    }
    connection.status = "deleted".to_owned();
    connection.message = format!("Deleted by {}", tx.account);
    memory::fade(tx, &connection.arn())?;
    tx.put(connection)
}

/// The connections of a VPC that is deleted end with it.
pub(crate) fn end_of(tx: &mut Tx<'_>, vpc: &str) -> Result<(), Fault> {
    let of: Vec<VpcPeering> =
        tx.snapshot().all::<VpcPeering>().filter(|p| p.side(vpc).is_some()).cloned().collect();
    of.into_iter().try_for_each(|p| end(tx, p))
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcPeeringConnectionOptions.html>
pub(crate) fn modify_options(
    tx: &mut Tx<'_>,
    input: ModifyVpcPeeringConnectionOptionsRequest,
) -> Result<ModifyVpcPeeringConnectionOptionsResult, Fault> {
    let id = input.vpc_peering_connection_id;
    let mut connection = find(tx, &id)?;
    if connection.status != "active" {
        let message = format!("Peering connection {id} is not active");
        return Err(not_permitted(message));
    }
    let account = tx.account.clone();
    let set = |side: &mut PeeringSide, given: Option<PeeringConnectionOptionsRequest>| {
        let Some(wanted) = given.and_then(|g| g.allow_dns_resolution_from_remote_vpc) else {
            return Ok(None);
        };
        if side.account != account {
            return Err(not_permitted(format!("User {account} cannot modify the options of the other side")));
        }
        side.resolve = wanted;
        Ok(Some(PeeringConnectionOptions {
            allow_dns_resolution_from_remote_vpc: Some(wanted),
            ..PeeringConnectionOptions::default()
        }))
    };
    let requester = set(&mut connection.requester, input.requester_peering_connection_options)?;
    let accepter = set(&mut connection.accepter, input.accepter_peering_connection_options)?;
    tx.put(connection)?;
    Ok(ModifyVpcPeeringConnectionOptionsResult {
        accepter_peering_connection_options: accepter,
        requester_peering_connection_options: requester,
    })
}
