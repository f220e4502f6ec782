//! One case: a flow, and whether it should come about.
//!
//! ```json
//! {"id": "web", "flow": {"ingress": "internet", "srcIp": "203.0.113.9", "dstIp": "198.51.100.10",
//!  "proto": "tcp", "dstPort": 443}, "expect": {"reachable": true}}
//! ```
//! `ingress` is `internet`, an interface or an instance. It is reachable when the packet arrives and its
//! answer comes back; where no source port is given, when that is so from any port from 1024 on.

use std::net::IpAddr;

use decide_reach::{Described, Entry, Flow, Network, Packet, Protocol};
use serde::Deserialize;
use serde_json::Value as Json;

use crate::commands::cases::{Decided, Named, Placed, Tested};

#[derive(Deserialize)]
struct Case {
    flow: Asked,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    ingress: String,
    src_ip: Option<IpAddr>,
    dst_ip: IpAddr,
    proto: Json,
    src_port: Option<u16>,
    dst_port: Option<u16>,
    icmp_type: Option<u8>,
    icmp_code: Option<u8>,
}

#[derive(Deserialize)]
struct Expect {
    reachable: bool,
}

pub(super) fn judge(described: &Described, network: &Network, placed: Placed<'_>) -> Tested {
    let named = placed.text.as_ref().ok().and_then(|text| serde_json::from_str::<Named>(text).ok());
    let result = match &placed.text {
        Err(why) => Err(why.clone()),
        Ok(text) => decided(described, network, text),
    };
    let id = named.unwrap_or_default().id();
    Tested { file: placed.file.to_owned(), line: placed.line, id, result }
}

fn decided(described: &Described, network: &Network, text: &str) -> Result<Decided, String> {
    let case: Case =
        serde_json::from_str(text).map_err(|e| format!("{e} (counted from the beginning of the case)"))?;
    let (entry, source) = entry(described, network, &case.flow)?;
    let flows = packets(network, &case.flow, source)?.into_iter().map(|p| network.flow(entry, p));
    let flow = best(flows).ok_or("there is no source port to try")?;
    let told = || network.tell(&flow).join("\n");
    let word = |reachable: bool| if reachable { "reachable" } else { "not reachable" };
    let Some(reachable) = flow.reachable() else {
        return Err(format!("it hangs on what is not known\n{}", told()));
    };
    let mismatch = reachable != case.expect.reachable;
    Ok(Decided {
        expect: word(case.expect.reachable),
        outcome: word(reachable),
        explanation: mismatch.then(told),
    })
}

/// The first flow that comes about, else one that is not known to fail, else the first.
fn best(flows: impl Iterator<Item = Flow>) -> Option<Flow> {
    let rank = |flow: &Flow| match flow.reachable() {
        Some(true) => 2,
        None => 1,
        Some(false) => 0,
    };
    let mut best: Option<Flow> = None;
    for flow in flows {
        if best.as_ref().is_none_or(|b| rank(&flow) > rank(b)) {
            best = Some(flow);
        }
        if best.as_ref().is_some_and(|b| rank(b) == 2) {
            break;
        }
    }
    best
}

/// Where the flow begins, and its source address.
fn entry(described: &Described, network: &Network, asked: &Asked) -> Result<(Entry, IpAddr), String> {
    if asked.ingress.eq_ignore_ascii_case("internet") {
        let source = asked.src_ip.ok_or("`srcIp` is missing, which a flow from the internet needs")?;
        return Ok((Entry::Internet, source));
    }
    let own = described.interfaces_of(&asked.ingress);
    let places = own.iter().filter_map(|id| network.interface(id));
    let interfaces = places.filter_map(|place| Some((place, network.interfaces().get(place)?)));
    // Of an instance with several interfaces, the one that has the source address.
    let has = |addresses: &[IpAddr]| asked.src_ip.is_none_or(|ip| addresses.contains(&ip));
    let mut all: Vec<_> = interfaces.collect();
    all.sort_by_key(|(_, interface)| !has(&interface.addresses));
    let (place, interface) = all
        .first()
        .ok_or_else(|| format!("`ingress`: there is no interface or instance `{}` here", asked.ingress))?;
    let family = |a: &&IpAddr| a.is_ipv4() == asked.dst_ip.is_ipv4();
    let source = asked.src_ip.or_else(|| interface.addresses.iter().find(family).copied());
    let source = source.ok_or_else(|| format!("`{}` has no address of that family", interface.id))?;
    Ok((Entry::Interface(*place), source))
}

/// The packets that may begin the flow.
fn packets(network: &Network, asked: &Asked, source: IpAddr) -> Result<Vec<Packet>, String> {
    let text = match &asked.proto {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut protocol =
        Protocol::parse(&text).ok_or_else(|| format!("`proto`: `{text}` is no protocol's name or number"))?;
    if protocol == Protocol::ICMP && source.is_ipv6() {
        protocol = Protocol::ICMPV6;
    }
    if source.is_ipv4() != asked.dst_ip.is_ipv4() {
        return Err("`srcIp` and `dstIp` are of different families".to_owned());
    }
    let packet = |source_port, destination_port| Packet {
        source,
        destination: asked.dst_ip,
        protocol,
        source_port,
        destination_port,
    };
    if protocol.is_icmp() {
        let echo = if protocol == Protocol::ICMP { 8 } else { 128 };
        let kind = asked.icmp_type.unwrap_or(echo);
        return Ok(vec![packet(asked.icmp_code.unwrap_or(0).into(), kind.into())]);
    }
    if !protocol.has_ports() {
        return Ok(vec![packet(0, 0)]);
    }
    let port = asked.dst_port.ok_or_else(|| format!("`dstPort` is missing, which {protocol} needs"))?;
    let sources = asked.src_port.map_or_else(|| network.source_ports(), |port| vec![port]);
    Ok(sources.into_iter().map(|from| packet(from, port)).collect())
}
