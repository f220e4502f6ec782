//! Compiles a snapshot's networks: names to places, prefix lists to blocks, routes by how specific they are.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;
use model::Snapshot;
use model::estate::ec2::{
    AWS_PREFIX_LISTS, Destination, EgressOnlyGateway, EndpointKind, InternetGateway, NatGateway, NetworkAcl,
    NetworkInterface, Peer as PeerText, PrefixList, RouteTable, SecurityGroup, SecurityGroupRule, Subnet,
    Target as TargetText, TransitAttachment, TransitGateway, TransitRouteTable, Vpc, VpcEndpoint, VpcPeering,
};

use crate::network::{
    self, Acl, Attachment, Beyond, Group, Interface, Nat, Network, Peering, Route, Table, Target,
    TransitTable,
};
use crate::rule::{AclRule, GroupRule, Peer, Service};

/// Places by id.
#[derive(Default)]
struct Names {
    vpcs: HashMap<String, usize>,
    subnets: HashMap<String, usize>,
    nats: HashMap<String, usize>,
    peerings: HashMap<String, usize>,
    attachments: HashMap<String, usize>,
    endpoints: HashMap<String, usize>,
    egress_only: HashMap<String, String>,
    prefixes: HashMap<String, Vec<IpNet>>,
    unmodelled: HashSet<String>,
    /// Pairs of VPCs whose groups may name each other's.
    referring: HashSet<(String, String)>,
}

fn block(text: &str) -> Option<IpNet> {
    text.parse::<IpNet>().ok().map(|b| b.trunc())
}

fn addresses<'a>(texts: impl IntoIterator<Item = &'a String>) -> Vec<IpAddr> {
    texts.into_iter().filter_map(|t| t.parse().ok()).collect()
}

impl Network {
    /// The network of everything that the snapshot holds, over all accounts and regions.
    pub fn of(snapshot: &Snapshot) -> Network {
        Network::compiled(snapshot, Network::default(), HashSet::new())
    }

    /// The network of a snapshot that knows it in part: what is missing is unknown, and so are the targets of
    /// routes that nothing here models, by their ids.
    pub fn partly(snapshot: &Snapshot, unmodelled: HashSet<String>) -> Network {
        Network::compiled(snapshot, Network { partial: true, ..Network::default() }, unmodelled)
    }

    fn compiled(snapshot: &Snapshot, mut network: Network, unmodelled: HashSet<String>) -> Network {
        let mut names = Names { unmodelled, ..Names::default() };
        network.places(snapshot, &mut names);
        network.hosts(snapshot, &names);
        network.translators(snapshot, &mut names);
        network.crossings(snapshot, &mut names);
        network.judges(snapshot, &names);
        network.ways(snapshot, &mut names);
        network
    }

    /// VPCs, subnets and prefix lists.
    fn places(&mut self, snapshot: &Snapshot, names: &mut Names) {
        for vpc in snapshot.all::<Vpc>() {
            names.vpcs.insert(vpc.id.clone(), self.vpcs.len());
            self.vpcs.push(network::Vpc {
                id: vpc.id.clone(),
                addresses: HashMap::new(),
                internet_gateway: None,
                gateway_table: None,
            });
        }
        for gateway in snapshot.all::<InternetGateway>() {
            let vpc = gateway.vpc.as_ref().and_then(|id| self.vpcs.get_mut(*names.vpcs.get(id)?));
            if let Some(vpc) = vpc {
                vpc.internet_gateway = Some(gateway.id.clone());
            }
        }
        for subnet in snapshot.all::<Subnet>() {
            let Some(vpc) = names.vpcs.get(&subnet.vpc) else { continue };
            names.subnets.insert(subnet.id.clone(), self.subnets.len());
            let blocks = [Some(&subnet.cidr), subnet.ipv6_cidr.as_ref()];
            self.subnets.push(network::Subnet {
                id: subnet.id.clone(),
                vpc: *vpc,
                zone: subnet.zone.clone(),
                blocks: blocks.into_iter().flatten().filter_map(|t| block(t)).collect(),
                table: None,
                acl: None,
            });
        }
        for list in snapshot.all::<PrefixList>() {
            let blocks = list.entries.iter().filter_map(|e| block(&e.cidr)).collect();
            names.prefixes.insert(list.id.clone(), blocks);
        }
        for list in &AWS_PREFIX_LISTS {
            let blocks = block(list.cidr).into_iter().collect();
            names.prefixes.entry(list.id.to_owned()).or_insert(blocks);
        }
    }

    /// Groups, and the interfaces that are their members.
    fn hosts(&mut self, snapshot: &Snapshot, names: &Names) {
        let mut by_id = HashMap::new();
        for group in snapshot.all::<SecurityGroup>() {
            by_id.insert(group.id.clone(), self.groups.len());
            self.groups.push(Group {
                id: group.id.clone(),
                name: group.name.clone(),
                ingress: Vec::new(),
                egress: Vec::new(),
                members: HashSet::new(),
            });
        }
        for found in snapshot.all::<NetworkInterface>() {
            let Some(subnet) = names.subnets.get(&found.subnet).copied() else { continue };
            let place = self.interfaces.len();
            let own = addresses(std::iter::once(&found.private_ip).chain(&found.ipv6));
            let groups: Vec<usize> = found.groups.iter().filter_map(|g| by_id.get(g).copied()).collect();
            for group in &groups {
                if let Some(group) = self.groups.get_mut(*group) {
                    group.members.extend(&own);
                }
            }
            let vpc = self.subnets.get(subnet).and_then(|s| self.vpcs.get_mut(s.vpc));
            if let Some(vpc) = vpc {
                vpc.addresses.extend(own.iter().map(|a| (*a, place)));
            }
            let public = found.public_ip.as_ref().and_then(|a| a.parse().ok());
            self.public.extend(public.iter().chain(own.iter().filter(|a| a.is_ipv6())).map(|a| (*a, place)));
            self.by_id.insert(found.id.clone(), place);
            self.interfaces.push(Interface {
                id: found.id.clone(),
                description: found.description.clone(),
                subnet,
                addresses: own,
                public,
                // An interface of an account always has a group: without one nothing would pass.
                lacks_groups: groups.len() < found.groups.len(),
                judged: !found.groups.is_empty() || found.interface_type == "interface",
                groups,
                checked: found.source_dest_check,
                nat: None,
            });
        }
    }

    /// NAT gateways, egress-only gateways and gateway endpoints.
    fn translators(&mut self, snapshot: &Snapshot, names: &mut Names) {
        for nat in snapshot.all::<NatGateway>().filter(|n| n.deleted.is_none()) {
            let Some(interface) = self.by_id.get(&nat.interface).copied() else { continue };
            let Ok(private) = nat.private_ip.parse() else { continue };
            let place = self.nats.len();
            names.nats.insert(nat.id.clone(), place);
            self.nats.push(Nat { id: nat.id.clone(), interface, private });
            let public = nat.public_ip.as_ref().and_then(|a| a.parse().ok());
            if let Some(own) = self.interfaces.get_mut(interface) {
                own.nat = Some(place);
                own.public = own.public.or(public);
            }
            self.public.extend(public.map(|a: IpAddr| (a, interface)));
        }
        for gateway in snapshot.all::<EgressOnlyGateway>() {
            names.egress_only.insert(gateway.id.clone(), gateway.vpc.clone());
        }
        for endpoint in snapshot.all::<VpcEndpoint>().filter(|e| e.kind == EndpointKind::Gateway) {
            names.endpoints.insert(endpoint.id.clone(), self.endpoints.len());
            self.endpoints.push(format!("{} ({})", endpoint.id, endpoint.service));
        }
    }

    /// Peerings and transit gateways.
    fn crossings(&mut self, snapshot: &Snapshot, names: &mut Names) {
        let both = |a: &str, b: &str| [(a.to_owned(), b.to_owned()), (b.to_owned(), a.to_owned())];
        for peering in snapshot.all::<VpcPeering>() {
            let sides = [&peering.requester, &peering.accepter];
            let active = peering.status == "active";
            names.peerings.insert(peering.id.clone(), self.peerings.len());
            self.peerings.push(Peering {
                id: peering.id.clone(),
                sides: sides.map(|s| names.vpcs.get(&s.vpc).copied()),
                active,
            });
            // A group of another region cannot be named.
            if active && peering.requester.region == peering.accepter.region {
                names.referring.extend(both(&peering.requester.vpc, &peering.accepter.vpc));
            }
        }
        let gateways: HashMap<&str, &TransitGateway> = snapshot
            .all::<TransitGateway>()
            .filter(|g| g.deleted.is_none())
            .map(|g| (g.id.as_str(), g))
            .collect();
        let mut referring: HashMap<&str, Vec<&str>> = HashMap::new();
        for found in snapshot.all::<TransitAttachment>().filter(|a| a.deleted.is_none()) {
            let Some(vpc) = names.vpcs.get(&found.vpc).copied() else { continue };
            names.attachments.insert(found.id.clone(), self.attachments.len());
            self.attachments.push(Attachment {
                id: found.id.clone(),
                gateway: found.gateway.clone(),
                vpc,
                subnets: found.subnets.iter().filter_map(|s| names.subnets.get(s).copied()).collect(),
                table: None,
            });
            let group = gateways.get(found.gateway.as_str()).is_some_and(|g| g.group_referencing);
            if group && found.group_referencing {
                referring.entry(&found.gateway).or_default().push(&found.vpc);
            }
        }
        for vpcs in referring.values() {
            names.referring.extend(vpcs.iter().flat_map(|a| vpcs.iter().flat_map(|b| both(a, b))));
        }
        for table in snapshot.all::<TransitRouteTable>().filter(|t| t.deleted.is_none()) {
            let place = self.transit_tables.len();
            for attachment in &table.associations {
                let attachment = names.attachments.get(attachment);
                if let Some(attachment) = attachment.and_then(|a| self.attachments.get_mut(*a)) {
                    attachment.table = Some(place);
                }
            }
            let known = |id: &String| match names.attachments.get(id) {
                Some(attachment) => Beyond::Attachment(*attachment),
                None if names.unmodelled.contains(id) => Beyond::Unknown,
                None => Beyond::Nothing,
            };
            let written = table.routes.iter().filter_map(|route| {
                Some((block(&route.cidr)?, route.attachment.as_ref().map_or(Beyond::Nothing, known)))
            });
            let mut ways: Vec<(IpNet, Beyond)> = written.collect();
            for way in table.ways(snapshot).into_iter().filter(|w| w.propagated) {
                let to = way.attachment.map_or(Beyond::Nothing, |a| known(&a.id));
                ways.extend(block(&way.cidr).map(|b| (b, to)));
            }
            ways.sort_by_key(|(block, _)| std::cmp::Reverse(block.prefix_len()));
            let unmodelled = names.unmodelled.contains(&table.id);
            self.transit_tables.push(TransitTable { id: table.id.clone(), ways, unmodelled });
        }
    }

    /// Rules of groups and ACLs.
    fn judges(&mut self, snapshot: &Snapshot, names: &Names) {
        let mut by_id = HashMap::new();
        let mut homes = HashMap::new();
        for (place, group) in snapshot.all::<SecurityGroup>().enumerate() {
            by_id.insert(group.id.as_str(), place);
            homes.insert(group.id.as_str(), group.vpc.as_str());
        }
        for (place, group) in snapshot.all::<SecurityGroup>().enumerate() {
            let peer = |rule: &SecurityGroupRule| match &rule.peer {
                PeerText::Ipv4(text) | PeerText::Ipv6(text) => block(text).map_or(Peer::Nobody, Peer::Block),
                PeerText::PrefixList(id) => {
                    names.prefixes.get(id).cloned().map_or(Peer::Nobody, Peer::Blocks)
                }
                PeerText::Group { id, .. } => {
                    let home = homes.get(id.as_str()).copied().unwrap_or_default();
                    let may =
                        home == group.vpc || names.referring.contains(&(group.vpc.clone(), home.to_owned()));
                    by_id.get(id.as_str()).filter(|_| may).map_or(Peer::Nobody, |g| Peer::Members(*g))
                }
            };
            let rule = |rule: &SecurityGroupRule| GroupRule {
                id: rule.id.clone(),
                service: Service::of(&rule.protocol, rule.from_port, rule.to_port),
                peer: peer(rule),
            };
            if let Some(own) = self.groups.get_mut(place) {
                own.ingress = group.ingress.iter().map(rule).collect();
                own.egress = group.egress.iter().map(rule).collect();
            }
        }
        for acl in snapshot.all::<NetworkAcl>() {
            let place = self.acls.len();
            let side = |egress: bool| {
                let mut rules: Vec<AclRule> = acl
                    .entries
                    .iter()
                    .filter(|e| e.egress == egress)
                    .filter_map(|e| {
                        let (from, to) = match (&e.icmp, &e.ports) {
                            (Some(icmp), _) => (Some(icmp.kind), Some(icmp.code)),
                            (None, Some(ports)) => (Some(ports.from), Some(ports.to)),
                            (None, None) => (None, None),
                        };
                        let service = Service::of(&e.protocol, from, to);
                        Some(AclRule { number: e.number, service, block: block(&e.cidr)?, allow: e.allow })
                    })
                    .collect();
                rules.sort_by_key(|r| r.number);
                rules
            };
            self.acls.push(Acl { id: acl.id.clone(), ingress: side(false), egress: side(true) });
            for association in &acl.associations {
                let subnet = names.subnets.get(&association.subnet).and_then(|s| self.subnets.get_mut(*s));
                if let Some(subnet) = subnet {
                    subnet.acl = Some(place);
                }
            }
        }
    }

    /// Route tables, and which subnet has which.
    fn ways(&mut self, snapshot: &Snapshot, names: &mut Names) {
        let mut main: HashMap<usize, usize> = HashMap::new();
        for table in snapshot.all::<RouteTable>() {
            let Some(vpc) = names.vpcs.get(&table.vpc).copied() else { continue };
            let place = self.tables.len();
            let mut routes = Vec::new();
            for route in &table.routes {
                let blocks = match &route.destination {
                    Destination::Ipv4(text) | Destination::Ipv6(text) => block(text).into_iter().collect(),
                    Destination::PrefixList(id) => names.prefixes.get(id).cloned().unwrap_or_default(),
                };
                let target = self.target(&route.target, vpc, names);
                routes.extend(blocks.into_iter().map(|block| Route {
                    block,
                    written: route.destination.text().to_owned(),
                    target: target.clone(),
                    target_id: route.target.id().to_owned(),
                }));
            }
            // The sort is stable: of equals, the one that was written first, the local one above all.
            routes.sort_by_key(|r| std::cmp::Reverse(r.block.prefix_len()));
            self.tables.push(Table { id: table.id.clone(), routes });
            if table.main() {
                main.insert(vpc, place);
            }
            for association in &table.associations {
                let subnet = association.subnet.as_ref().and_then(|s| names.subnets.get(s));
                if let Some(subnet) = subnet.and_then(|s| self.subnets.get_mut(*s)) {
                    subnet.table = Some(place);
                }
                if let (Some(gateway), Some(own)) = (&association.gateway, self.vpcs.get_mut(vpc))
                    && own.internet_gateway.as_ref() == Some(gateway)
                {
                    own.gateway_table = Some(place);
                }
            }
        }
        for subnet in &mut self.subnets {
            subnet.table = subnet.table.or_else(|| main.get(&subnet.vpc).copied());
        }
    }

    fn target(&self, target: &TargetText, vpc: usize, names: &Names) -> Target {
        if names.unmodelled.contains(target.id()) {
            return Target::Unknown;
        }
        let found = match target {
            TargetText::Local => Some(Target::Local),
            TargetText::InternetGateway(id) => {
                let attached = self.vpcs.get(vpc).and_then(|v| v.internet_gateway.as_ref());
                attached.filter(|g| *g == id).map(|_| Target::InternetGateway)
            }
            TargetText::EgressOnlyGateway(id) => {
                let home = names.egress_only.get(id).and_then(|v| names.vpcs.get(v));
                home.filter(|home| **home == vpc).map(|_| Target::EgressOnlyGateway)
            }
            TargetText::NatGateway(id) => names.nats.get(id).map(|n| Target::Nat(*n)),
            TargetText::Peering(id) => names
                .peerings
                .get(id)
                .filter(|p| self.peerings.get(**p).is_some_and(|p| p.active))
                .map(|p| Target::Peering(*p)),
            TargetText::TransitGateway(id) => {
                self.attachments.iter().position(|a| a.gateway == *id && a.vpc == vpc).map(Target::Transit)
            }
            TargetText::Endpoint(id) => names.endpoints.get(id).map(|e| Target::Service(*e)),
            TargetText::Interface(id) => self.by_id.get(id).map(|i| Target::Interface(*i)),
        };
        found.unwrap_or(Target::BlackHole)
    }
}
