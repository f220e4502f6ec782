//! Small networks, written as text.

use std::collections::HashSet;

use decide_reach::Network;
use model::estate::ec2::{
    AclAssociation, AclEntry, Destination, InternetGateway, NatGateway, NetworkAcl, NetworkInterface, Peer,
    PeeringSide, PortRange, Route, RouteAssociation, RouteTable, SecurityGroup, SecurityGroupRule, Subnet,
    Target, TransitAttachment, TransitRoute, TransitRouteTable, Vpc, VpcPeering,
};
use model::graph::Change;
use model::{AccountId, Node, Snapshot, Tags, Timestamp};
use std::sync::Arc;

const REGION: &str = "us-east-1";

#[derive(Default)]
pub(crate) struct Scene {
    snapshot: Snapshot,
    pub(crate) unmodelled: HashSet<String>,
}

fn account() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

fn ports(text: &str) -> (i64, i64) {
    let (from, to) = text.split_once('-').unwrap();
    (from.parse().unwrap(), to.parse().unwrap())
}

impl Scene {
    fn put<N: Node>(&mut self, node: N) {
        self.snapshot.apply(&Change::Put(Arc::new(node)));
    }

    pub(crate) fn network(&self) -> Network {
        Network::partly(&self.snapshot, self.unmodelled.clone())
    }

    pub(crate) fn vpc(&mut self, id: &str, cidr: &str) {
        self.put(Vpc {
            account: account(),
            region: REGION.into(),
            id: id.into(),
            cidrs: vec![cidr.into()],
            ipv6_cidrs: Vec::new(),
            tenancy: "default".into(),
            dns_support: true,
            dns_hostnames: true,
            default: false,
            tags: Tags::new(),
        });
    }

    pub(crate) fn subnet(&mut self, id: &str, vpc: &str, cidr: &str, zone: &str) {
        self.put(Subnet {
            account: account(),
            region: REGION.into(),
            id: id.into(),
            vpc: vpc.into(),
            cidr: cidr.into(),
            ipv6_cidr: None,
            zone: format!("{REGION}{zone}"),
            map_public_ip: false,
            default_for_zone: false,
            tags: Tags::new(),
        });
    }

    /// `in|out PROTOCOL [FROM-TO] PEER`.
    pub(crate) fn group(&mut self, id: &str, vpc: &str, rules: &[&str]) {
        let side = |way: &str| {
            rules
                .iter()
                .map(|r| r.split(' ').collect::<Vec<_>>())
                .filter(|r| r[0] == way)
                .map(|r| {
                    let peer = *r.last().unwrap();
                    let range = (r.len() == 4).then(|| ports(r[2]));
                    SecurityGroupRule {
                        id: format!("{}-{way}", id.replace("sg-", "sgr-")),
                        protocol: r[1].into(),
                        from_port: range.map(|p| p.0),
                        to_port: range.map(|p| p.1),
                        peer: match peer.starts_with("sg-") {
                            true => Peer::Group { id: peer.into(), account: None },
                            false => Peer::Ipv4(peer.into()),
                        },
                        description: None,
                        tags: Tags::new(),
                    }
                })
                .collect()
        };
        self.put(SecurityGroup {
            account: account(),
            region: REGION.into(),
            id: id.into(),
            name: id.into(),
            description: String::new(),
            vpc: vpc.into(),
            ingress: side("in"),
            egress: side("out"),
            tags: Tags::new(),
        });
    }

    pub(crate) fn interface(
        &mut self,
        id: &str,
        subnet: &str,
        ip: &str,
        groups: &[&str],
        public: Option<&str>,
    ) {
        self.host(id, subnet, ip, groups, public, "interface");
    }

    fn host(&mut self, id: &str, subnet: &str, ip: &str, groups: &[&str], public: Option<&str>, kind: &str) {
        let (vpc, zone) = {
            let home = self.snapshot.find::<Subnet>(&account(), REGION, subnet).unwrap();
            (home.vpc.clone(), home.zone.clone())
        };
        self.put(NetworkInterface {
            account: account(),
            region: REGION.into(),
            id: id.into(),
            vpc,
            subnet: subnet.into(),
            zone,
            private_ip: ip.into(),
            ipv6: Vec::new(),
            groups: groups.iter().map(|g| (*g).to_owned()).collect(),
            description: String::new(),
            interface_type: kind.into(),
            requester: None,
            public_ip: public.map(str::to_owned),
            source_dest_check: kind == "interface",
            created: Timestamp(0),
            tags: Tags::new(),
        });
    }

    pub(crate) fn nat(&mut self, id: &str, subnet: &str, private: &str, public: &str) {
        let interface = format!("eni-{id}");
        self.host(&interface, subnet, private, &[], Some(public), "nat_gateway");
        self.put(NatGateway {
            account: account(),
            region: REGION.into(),
            id: id.into(),
            vpc: "vpc-a".into(),
            subnet: subnet.into(),
            public: true,
            allocation: None,
            association: None,
            interface,
            private_ip: private.into(),
            public_ip: Some(public.into()),
            created: Timestamp(0),
            deleted: None,
            tags: Tags::new(),
        });
    }

    /// `NUMBER in|out allow|deny PROTOCOL CIDR [FROM-TO]`.
    pub(crate) fn acl(&mut self, id: &str, subnets: &[&str], rules: &[&str]) {
        let entries = rules
            .iter()
            .map(|r| r.split(' ').collect::<Vec<_>>())
            .map(|r| AclEntry {
                egress: r[1] == "out",
                number: r[0].parse().unwrap(),
                protocol: r[3].into(),
                allow: r[2] == "allow",
                cidr: r[4].into(),
                icmp: None,
                ports: r.get(5).map(|p| ports(p)).map(|(from, to)| PortRange { from, to }),
            })
            .collect();
        // A subnet has one ACL: the newest takes it from the others.
        let taken: Vec<NetworkAcl> = self.snapshot.all::<NetworkAcl>().cloned().collect();
        for mut other in taken {
            other.associations.retain(|a| !subnets.contains(&a.subnet.as_str()));
            self.put(other);
        }
        let associations =
            subnets.iter().map(|s| AclAssociation { id: format!("aclassoc-{s}"), subnet: (*s).into() });
        self.put(NetworkAcl {
            account: account(),
            region: REGION.into(),
            id: id.into(),
            vpc: "vpc-a".into(),
            default: false,
            entries,
            associations: associations.collect(),
            tags: Tags::new(),
        });
    }

    /// `CIDR TARGET`.
    pub(crate) fn routes(&mut self, id: &str, subnets: &[&str], routes: &[&str]) {
        let vpc = self.snapshot.find::<Subnet>(&account(), REGION, subnets[0]).unwrap().vpc.clone();
        let target = |text: &str| {
            let id = text.to_owned();
            match text.split('-').next().unwrap() {
                "local" => Target::Local,
                "igw" => Target::InternetGateway(id),
                "nat" => Target::NatGateway(id),
                "pcx" => Target::Peering(id),
                "tgw" => Target::TransitGateway(id),
                _ => Target::Interface(id),
            }
        };
        let routes = routes.iter().map(|r| r.split_once(' ').unwrap()).map(|(to, by)| Route {
            destination: Destination::Ipv4(to.into()),
            target: target(by),
            managed_by: None,
        });
        let associations = subnets.iter().map(|s| RouteAssociation {
            id: format!("rtbassoc-{s}"),
            main: false,
            subnet: Some((*s).into()),
            gateway: None,
        });
        self.put(RouteTable {
            account: account(),
            region: REGION.into(),
            id: id.into(),
            vpc,
            routes: routes.collect(),
            associations: associations.collect(),
            tags: Tags::new(),
        });
    }

    pub(crate) fn peering(&mut self, id: &str, requester: &str, accepter: &str, status: &str) {
        let side = |vpc: &str| PeeringSide {
            account: account(),
            region: REGION.into(),
            vpc: vpc.into(),
            resolve: false,
        };
        self.put(VpcPeering {
            account: account(),
            region: REGION.into(),
            id: id.into(),
            requester: side(requester),
            accepter: side(accepter),
            status: status.into(),
            message: String::new(),
            expires: Timestamp(0),
            tags: Tags::new(),
        });
    }

    pub(crate) fn attachment(&mut self, id: &str, gateway: &str, vpc: &str, subnets: &[&str]) {
        self.put(TransitAttachment {
            account: account(),
            region: REGION.into(),
            id: id.into(),
            gateway: gateway.into(),
            vpc: vpc.into(),
            subnets: subnets.iter().map(|s| (*s).to_owned()).collect(),
            interfaces: Vec::new(),
            dns_support: true,
            group_referencing: false,
            ipv6_support: false,
            appliance_mode: false,
            created: Timestamp(0),
            deleted: None,
            tags: Tags::new(),
        });
    }

    /// `CIDR ATTACHMENT|blackhole`.
    pub(crate) fn transit(&mut self, id: &str, gateway: &str, associations: &[&str], routes: &[&str]) {
        let routes = routes.iter().map(|r| r.split_once(' ').unwrap()).map(|(cidr, to)| TransitRoute {
            cidr: cidr.into(),
            attachment: (to != "blackhole").then(|| to.into()),
        });
        self.put(TransitRouteTable {
            account: account(),
            region: REGION.into(),
            id: id.into(),
            gateway: gateway.into(),
            default_association: false,
            default_propagation: false,
            associations: associations.iter().map(|s| (*s).to_owned()).collect(),
            propagations: Vec::new(),
            routes: routes.collect(),
            created: Timestamp(0),
            deleted: None,
            tags: Tags::new(),
        });
    }

    /// `vpc-a`: a public subnet with `eni-web` (and `eni-other` of another group), a private one in another
    /// zone with `eni-db`, `eni-replica` and `eni-app`.
    pub(crate) fn two_tiers() -> Scene {
        let mut scene = Scene::default();
        scene.vpc("vpc-a", "10.0.0.0/16");
        scene.put(InternetGateway {
            account: account(),
            region: REGION.into(),
            id: "igw-a".into(),
            vpc: Some("vpc-a".into()),
            tags: Tags::new(),
        });
        scene.subnet("subnet-web", "vpc-a", "10.0.1.0/24", "a");
        scene.subnet("subnet-data", "vpc-a", "10.0.2.0/24", "b");
        let open = ["100 in allow -1 0.0.0.0/0", "100 out allow -1 0.0.0.0/0"];
        scene.acl("acl-open", &["subnet-web", "subnet-data"], &open);
        scene.routes("rtb-public", &["subnet-web"], &["10.0.0.0/16 local", "0.0.0.0/0 igw-a"]);
        scene.routes("rtb-data", &["subnet-data"], &["10.0.0.0/16 local"]);
        scene.group("sg-web", "vpc-a", &["in 6 443-443 0.0.0.0/0", "out -1 0.0.0.0/0"]);
        scene.group("sg-other", "vpc-a", &["out -1 0.0.0.0/0"]);
        scene.group(
            "sg-db",
            "vpc-a",
            &["in 6 5432-5432 sg-web", "in 6 5432-5432 sg-db", "out 6 5432-5432 sg-db"],
        );
        scene.group("sg-app", "vpc-a", &["out -1 0.0.0.0/0"]);
        scene.interface("eni-web", "subnet-web", "10.0.1.10", &["sg-web"], Some("198.51.100.10"));
        scene.interface("eni-other", "subnet-web", "10.0.1.11", &["sg-other"], None);
        scene.interface("eni-db", "subnet-data", "10.0.2.10", &["sg-db"], None);
        scene.interface("eni-replica", "subnet-data", "10.0.2.11", &["sg-db"], None);
        scene.interface("eni-app", "subnet-data", "10.0.2.30", &["sg-app"], None);
        scene
    }
}
