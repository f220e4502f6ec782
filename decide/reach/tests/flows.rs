//! Packets through small networks: what passes, what does not, and why.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod scene;

use decide_reach::{Entry, Packet, Protocol};
use scene::Scene;

/// `from to port`: whether a TCP connection comes about, and what the telling must contain.
fn check(scene: &Scene, from: &str, to: &str, port: u16, wanted: Option<bool>, told: &str) {
    let network = scene.network();
    let entry = match from.parse::<std::net::IpAddr>() {
        Ok(_) => Entry::Internet,
        Err(_) => Entry::Interface(network.interface(from).unwrap_or_else(|| panic!("no interface {from}"))),
    };
    let source = match entry {
        Entry::Internet => from.parse().unwrap(),
        Entry::Interface(place) => network.interfaces()[place].addresses[0],
    };
    let destination = match network.interface(to) {
        Some(place) => network.interfaces()[place].addresses[0],
        None => to.parse().unwrap(),
    };
    let packet =
        Packet { source, destination, protocol: Protocol::TCP, source_port: 49152, destination_port: port };
    let flow = network.flow(entry, packet);
    let lines = network.tell(&flow).join("\n");
    assert_eq!(flow.reachable(), wanted, "{from} to {to} port {port}:\n{lines}");
    assert!(lines.contains(told), "`{told}` is not told of {from} to {to} port {port}:\n{lines}");
}

#[test]
fn groups_let_in_by_address_and_by_group() {
    let scene = Scene::two_tiers();
    check(
        &scene,
        "eni-web",
        "eni-db",
        5432,
        Some(true),
        "sg-db (sg-db) lets tcp 5432 into eni-db by sgr-db-in (sg-web)",
    );
    check(&scene, "eni-web", "eni-db", 5433, Some(false), "no rule of sg-db lets it into eni-db");
    check(&scene, "eni-other", "eni-db", 5432, Some(false), "no rule of sg-db lets it into eni-db");
    check(&scene, "eni-db", "eni-web", 443, Some(false), "no rule of sg-db lets it out of eni-db");
    check(&scene, "eni-web", "10.0.2.99", 5432, Some(false), "nobody in vpc-a has the address");
}

#[test]
fn nobody_sends_under_another_address() {
    let network = Scene::two_tiers().network();
    let entry = Entry::Interface(network.interface("eni-other").unwrap());
    let [source, destination] = ["10.0.1.10", "10.0.2.10"].map(|a| a.parse().unwrap());
    let packet =
        Packet { source, destination, protocol: Protocol::TCP, source_port: 49152, destination_port: 5432 };
    let flow = network.flow(entry, packet);
    assert_eq!(flow.reachable(), Some(false));
    assert!(network.tell(&flow).join("\n").contains("the source is no address of eni-other"));
}

#[test]
fn acls_judge_both_ways_at_the_border_of_a_subnet_only() {
    let mut scene = Scene::two_tiers();
    scene.acl(
        "acl-data",
        &["subnet-data"],
        &["100 in allow 6 10.0.1.0/24 5432-5432", "100 out allow 6 10.0.1.0/24 1024-40000"],
    );
    check(
        &scene,
        "eni-web",
        "eni-db",
        5432,
        Some(false),
        "DROPPED: acl-data out of subnet-data: no rule allows it",
    );
    scene.acl(
        "acl-data",
        &["subnet-data"],
        &[
            "100 in allow 6 10.0.1.0/24 5432-5432",
            "90 out deny 6 10.0.1.0/24 1-1023",
            "100 out allow -1 10.0.1.0/24",
        ],
    );
    check(
        &scene,
        "eni-web",
        "eni-db",
        5432,
        Some(true),
        "acl-data into subnet-data: rule 100 allows tcp 5432",
    );
    scene.acl(
        "acl-data",
        &["subnet-data"],
        &["10 in deny -1 10.0.1.0/24", "100 in allow -1 0.0.0.0/0", "100 out allow -1 0.0.0.0/0"],
    );
    check(&scene, "eni-web", "eni-db", 5432, Some(false), "rule 10 denies everything (10.0.1.0/24)");
    // Neighbours within a subnet do not meet it.
    check(&scene, "eni-replica", "eni-db", 5432, Some(true), "arrives at eni-db");
}

#[test]
fn the_internet_comes_and_is_reached_by_public_addresses_only() {
    let scene = Scene::two_tiers();
    check(&scene, "203.0.113.9", "198.51.100.10", 443, Some(true), "igw-a, 198.51.100.10 becomes 10.0.1.10");
    check(&scene, "203.0.113.9", "198.51.100.10", 22, Some(false), "no rule of sg-web");
    check(&scene, "203.0.113.9", "198.51.100.77", 443, Some(false), "nobody has the public address");
    check(&scene, "203.0.113.9", "10.0.2.10", 5432, Some(false), "nobody has the public address");
    check(&scene, "eni-web", "203.0.113.9", 443, Some(true), "arrives in the internet");
    check(&scene, "eni-other", "203.0.113.9", 443, Some(false), "eni-other has no public address");
    let mut closed = Scene::two_tiers();
    closed.routes("rtb-public", &["subnet-web"], &["10.0.0.0/16 local"]);
    check(&closed, "203.0.113.9", "198.51.100.10", 443, Some(false), "rtb-public of subnet-web has no route");
}

#[test]
fn nat_gateways_let_out_what_asks_and_nothing_in() {
    let mut scene = Scene::two_tiers();
    scene.nat("nat-1", "subnet-web", "10.0.1.200", "198.51.100.200");
    scene.routes("rtb-data", &["subnet-data"], &["10.0.0.0/16 local", "0.0.0.0/0 nat-1"]);
    check(&scene, "eni-app", "203.0.113.9", 443, Some(true), "nat-1: 10.0.2.30 becomes 10.0.1.200");
    check(&scene, "eni-app", "203.0.113.9", 443, Some(true), "nat-1: 10.0.1.200 becomes 10.0.2.30");
    check(&scene, "203.0.113.9", "198.51.100.200", 443, Some(false), "belongs to no flow");
    // Its subnet's ACL judges its packets, too.
    scene.acl("acl-web", &["subnet-web"], &["100 in allow -1 10.0.0.0/16", "100 out allow -1 0.0.0.0/0"]);
    check(
        &scene,
        "eni-app",
        "203.0.113.9",
        443,
        Some(false),
        "DROPPED: acl-web into subnet-web: no rule allows it",
    );
}

#[test]
fn peerings_join_two_networks_and_lead_no_further() {
    let mut scene = Scene::two_tiers();
    scene.vpc("vpc-b", "10.1.0.0/16");
    scene.subnet("subnet-b", "vpc-b", "10.1.1.0/24", "a");
    scene.acl("acl-b", &["subnet-b"], &["100 in allow -1 0.0.0.0/0", "100 out allow -1 0.0.0.0/0"]);
    scene.group("sg-b", "vpc-b", &["in 6 443-443 sg-web", "out -1 0.0.0.0/0"]);
    scene.interface("eni-b", "subnet-b", "10.1.1.10", &["sg-b"], None);
    scene.peering("pcx-1", "vpc-a", "vpc-b", "active");
    scene.routes(
        "rtb-public",
        &["subnet-web"],
        &["10.0.0.0/16 local", "10.1.0.0/16 pcx-1", "0.0.0.0/0 igw-a"],
    );
    scene.routes("rtb-b", &["subnet-b"], &["10.1.0.0/16 local"]);
    check(&scene, "eni-web", "eni-b", 443, Some(false), "rtb-b of subnet-b has no route");
    scene.routes("rtb-b", &["subnet-b"], &["10.1.0.0/16 local", "10.0.0.0/16 pcx-1"]);
    check(&scene, "eni-web", "eni-b", 443, Some(true), "pcx-1");
    // A group of the other side counts only while the peering stands.
    check(&scene, "eni-other", "eni-b", 443, Some(false), "no rule of sg-b");
    scene.peering("pcx-1", "vpc-a", "vpc-b", "deleted");
    check(&scene, "eni-web", "eni-b", 443, Some(false), "10.1.0.0/16 to pcx-1 is a black hole");
}

#[test]
fn transit_gateways_route_by_the_table_of_the_attachment() {
    let mut scene = Scene::two_tiers();
    scene.vpc("vpc-b", "10.1.0.0/16");
    scene.subnet("subnet-b", "vpc-b", "10.1.1.0/24", "a");
    scene.subnet("subnet-b-tgw", "vpc-b", "10.1.9.0/28", "a");
    scene.acl(
        "acl-b",
        &["subnet-b", "subnet-b-tgw"],
        &["100 in allow -1 0.0.0.0/0", "100 out allow -1 0.0.0.0/0"],
    );
    scene.group("sg-b", "vpc-b", &["in 6 443-443 10.0.0.0/16", "out -1 0.0.0.0/0"]);
    scene.interface("eni-b", "subnet-b", "10.1.1.10", &["sg-b"], None);
    scene.routes("rtb-public", &["subnet-web"], &["10.0.0.0/16 local", "10.1.0.0/16 tgw-1"]);
    scene.routes("rtb-b", &["subnet-b", "subnet-b-tgw"], &["10.1.0.0/16 local", "10.0.0.0/16 tgw-1"]);
    scene.attachment("tgw-attach-a", "tgw-1", "vpc-a", &["subnet-web"]);
    scene.attachment("tgw-attach-b", "tgw-1", "vpc-b", &["subnet-b-tgw"]);
    scene.transit(
        "tgw-rtb-1",
        "tgw-1",
        &["tgw-attach-a", "tgw-attach-b"],
        &["10.1.0.0/16 tgw-attach-b", "10.0.0.0/16 tgw-attach-a"],
    );
    check(&scene, "eni-web", "eni-b", 443, Some(true), "tgw-1: tgw-attach-a by tgw-rtb-1 to tgw-attach-b");
    // The zone of the sender needs a subnet of the attachment.
    scene.routes("rtb-data", &["subnet-data"], &["10.0.0.0/16 local", "10.1.0.0/16 tgw-1"]);
    check(
        &scene,
        "eni-app",
        "eni-b",
        443,
        Some(false),
        "tgw-attach-a has no subnet in the zone of subnet-data",
    );
    scene.transit(
        "tgw-rtb-1",
        "tgw-1",
        &["tgw-attach-a", "tgw-attach-b"],
        &["10.1.0.0/16 blackhole", "10.0.0.0/16 tgw-attach-a"],
    );
    check(&scene, "eni-web", "eni-b", 443, Some(false), "tgw-rtb-1 has no route, or a black hole");
    scene.transit(
        "tgw-rtb-1",
        "tgw-1",
        &["tgw-attach-b"],
        &["10.1.0.0/16 tgw-attach-b", "10.0.0.0/16 tgw-attach-a"],
    );
    check(&scene, "eni-web", "eni-b", 443, Some(false), "tgw-attach-a is associated with no route table");
}

#[test]
fn the_most_specific_route_counts_and_what_is_not_modelled_is_unknown() {
    let mut scene = Scene::two_tiers();
    scene.unmodelled.insert("vgw-1".to_owned());
    scene.routes(
        "rtb-public",
        &["subnet-web"],
        &["10.0.0.0/16 local", "0.0.0.0/0 igw-a", "203.0.113.0/24 vgw-1"],
    );
    check(&scene, "eni-web", "203.0.113.9", 443, None, "UNKNOWN: `vgw-1`, which is not modelled");
    check(&scene, "eni-web", "203.0.114.9", 443, Some(true), "arrives in the internet");
}

/// `vpc-b` with `eni-b`, peered with `vpc-a`.
fn peered() -> Scene {
    let mut scene = Scene::two_tiers();
    scene.vpc("vpc-b", "10.1.0.0/16");
    scene.subnet("subnet-b", "vpc-b", "10.1.1.0/24", "a");
    scene.acl("acl-b", &["subnet-b"], &["100 in allow -1 0.0.0.0/0", "100 out allow -1 0.0.0.0/0"]);
    scene.group("sg-b", "vpc-b", &["in -1 0.0.0.0/0", "out -1 0.0.0.0/0"]);
    scene.interface("eni-b", "subnet-b", "10.1.1.10", &["sg-b"], Some("198.51.100.66"));
    scene.peering("pcx-1", "vpc-a", "vpc-b", "active");
    let public = ["10.0.0.0/16 local", "10.1.0.0/16 pcx-1", "0.0.0.0/0 igw-a"];
    scene.routes("rtb-public", &["subnet-web"], &public);
    scene.routes("rtb-b", &["subnet-b"], &["10.1.0.0/16 local", "10.0.0.0/14 pcx-1"]);
    scene
}

#[test]
fn an_answer_that_goes_to_another_is_none() {
    check(&peered(), "10.1.1.10", "198.51.100.10", 443, Some(false), "belongs to no flow");
}

#[test]
fn a_public_address_needs_an_internet_gateway() {
    check(&peered(), "203.0.113.9", "198.51.100.66", 443, Some(false), "vpc-b has no internet gateway");
}

#[test]
fn an_interface_takes_only_what_is_addressed_to_it() {
    let mut scene = Scene::two_tiers();
    scene.routes("rtb-public", &["subnet-web"], &["10.0.0.0/16 local", "192.168.0.0/16 eni-app"]);
    check(&scene, "eni-web", "192.168.1.1", 443, Some(false), "eni-app takes only what is addressed to it");
}

#[test]
fn a_peering_takes_nothing_that_only_passes_through() {
    let mut scene = peered();
    scene.vpc("vpc-c", "10.2.0.0/16");
    scene.subnet("subnet-c", "vpc-c", "10.2.1.0/24", "a");
    scene.acl("acl-c", &["subnet-c"], &["100 in allow -1 0.0.0.0/0", "100 out allow -1 0.0.0.0/0"]);
    scene.group("sg-c", "vpc-c", &["out -1 0.0.0.0/0"]);
    scene.interface("eni-c", "subnet-c", "10.2.1.10", &["sg-c"], None);
    scene.routes("rtb-c", &["subnet-c"], &["10.2.0.0/16 local", "10.0.0.0/15 tgw-1"]);
    scene.attachment("tgw-attach-a", "tgw-1", "vpc-a", &["subnet-web"]);
    scene.attachment("tgw-attach-c", "tgw-1", "vpc-c", &["subnet-c"]);
    let routes = ["10.0.0.0/15 tgw-attach-a", "10.2.0.0/16 tgw-attach-c"];
    scene.transit("tgw-rtb-1", "tgw-1", &["tgw-attach-a", "tgw-attach-c"], &routes);
    check(&scene, "eni-c", "eni-b", 443, Some(false), "10.1.0.0/16 to pcx-1 is a black hole for it");
}
