//! Transit gateways: routers between VPCs.

use serde::{Deserialize, Serialize};

use super::Vpc;
use crate::{AccountId, Snapshot, Tags, Timestamp};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransitGateway {
    pub account: AccountId,
    pub region: String,
    /// `tgw-...`.
    pub id: String,
    pub description: String,
    pub asn: i64,
    /// Where new attachments are associated; `None`: nowhere.
    pub association_table: Option<String>,
    /// Where new attachments propagate to; `None`: nowhere.
    pub propagation_table: Option<String>,
    pub dns_support: bool,
    pub group_referencing: bool,
    pub vpn_ecmp: bool,
    pub created: Timestamp,
    /// It stays to be seen for a while, and carries nothing.
    pub deleted: Option<Timestamp>,
    pub tags: Tags,
}

network_node!(TransitGateway, "AWS::EC2::TransitGateway", "transit-gateway");

/// A VPC at a transit gateway.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransitAttachment {
    pub account: AccountId,
    pub region: String,
    /// `tgw-attach-...`.
    pub id: String,
    pub gateway: String,
    pub vpc: String,
    pub subnets: Vec<String>,
    pub interfaces: Vec<String>,
    pub dns_support: bool,
    pub group_referencing: bool,
    pub ipv6_support: bool,
    pub appliance_mode: bool,
    pub created: Timestamp,
    pub deleted: Option<Timestamp>,
    pub tags: Tags,
}

network_node!(TransitAttachment, "AWS::EC2::TransitGatewayAttachment", "transit-gateway-attachment");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransitRouteTable {
    pub account: AccountId,
    pub region: String,
    /// `tgw-rtb-...`.
    pub id: String,
    pub gateway: String,
    pub default_association: bool,
    pub default_propagation: bool,
    /// Attachments whose packets this table routes.
    pub associations: Vec<String>,
    /// Attachments whose blocks this table knows.
    pub propagations: Vec<String>,
    /// Static routes; what is propagated follows from the attachments.
    pub routes: Vec<TransitRoute>,
    pub created: Timestamp,
    pub deleted: Option<Timestamp>,
    pub tags: Tags,
}

network_node!(TransitRouteTable, "AWS::EC2::TransitGatewayRouteTable", "transit-gateway-route-table");

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransitRoute {
    pub cidr: String,
    /// `None`: a black hole.
    pub attachment: Option<String>,
}

/// A route of a transit gateway's table, with what has become of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitWay {
    pub cidr: String,
    /// `None`: a black hole.
    pub attachment: Option<TransitAttachment>,
    pub propagated: bool,
}

impl TransitRouteTable {
    /// Static routes and those that the attachments' VPCs propagate; a static one wins over its equal.
    pub fn ways(&self, snapshot: &Snapshot) -> Vec<TransitWay> {
        let attachment = |id: &String| {
            snapshot
                .find::<TransitAttachment>(&self.account, &self.region, id)
                .filter(|a| a.deleted.is_none())
        };
        let mut ways: Vec<TransitWay> = Vec::new();
        for route in &self.routes {
            let attachment = route.attachment.as_ref().and_then(attachment).cloned();
            ways.push(TransitWay { cidr: route.cidr.clone(), attachment, propagated: false });
        }
        for attachment in self.propagations.iter().filter_map(attachment) {
            let Some(vpc) = snapshot.find::<Vpc>(&attachment.account, &attachment.region, &attachment.vpc)
            else {
                continue;
            };
            let six = vpc.ipv6_cidrs.iter().filter(|_| attachment.ipv6_support);
            for cidr in vpc.cidrs.iter().chain(six) {
                if ways.iter().all(|w| w.cidr != *cidr) {
                    let attachment = Some(attachment.clone());
                    ways.push(TransitWay { cidr: cidr.clone(), attachment, propagated: true });
                }
            }
        }
        ways
    }
}
