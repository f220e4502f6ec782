//! Sets of address blocks.

use std::net::IpAddr;

use model::estate::waf::IpSet as Stored;
use model::{Fault, Tx};

use crate::entity::{find, is_referred_to, locked, page, store, tags, unused};
use crate::faults::{associated, invalid, regional};
use crate::shapes::*;

/// AWS allows ten thousand blocks in a set.
const MOST: usize = 10_000;

/// Blocks of the right version; `/0` is none.
fn checked(version: &str, addresses: &[String]) -> Result<(), Fault> {
    if addresses.len() > MOST {
        return Err(invalid("IP_ADDRESS", "Addresses", format!("A set has at most {MOST} addresses.")));
    }
    let good = |block: &String| {
        let (address, length) = block.split_once('/')?;
        let (address, length) = (address.parse::<IpAddr>().ok()?, length.parse::<u8>().ok()?);
        let most = if address.is_ipv4() { 32 } else { 128 };
        (address.is_ipv4() == (version == "IPV4") && (1..=most).contains(&length)).then_some(())
    };
    match addresses.iter().find(|b| good(b).is_none()) {
        Some(bad) => Err(invalid("IP_ADDRESS", bad, "The parameter contains formatting that is not valid.")),
        None => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/waf/latest/APIReference/API_CreateIPSet.html>
pub(crate) fn create(tx: &mut Tx<'_>, input: CreateIPSetRequest) -> Result<CreateIPSetResponse, Fault> {
    regional(&input.scope)?;
    unused::<Stored>(tx, &input.name)?;
    checked(&input.ip_address_version, &input.addresses)?;
    let set = Stored {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name: input.name,
        id: tx.uuid(),
        lock_token: tx.uuid(),
        description: input.description,
        version: input.ip_address_version,
        addresses: input.addresses,
        tags: tags(input.tags),
    };
    let summary = summary(&set);
    tx.put(set)?;
    Ok(CreateIPSetResponse { summary: Some(summary) })
}

pub(crate) fn update(tx: &mut Tx<'_>, input: UpdateIPSetRequest) -> Result<UpdateIPSetResponse, Fault> {
    let mut set = locked::<Stored>(tx, &input.scope, &input.name, &input.id, &input.lock_token)?;
    checked(&set.version, &input.addresses)?;
    (set.addresses, set.description) = (input.addresses, input.description);
    Ok(UpdateIPSetResponse { next_lock_token: Some(store(tx, set)?) })
}

fn summary(set: &Stored) -> IPSetSummary {
    IPSetSummary {
        name: Some(set.name.clone()),
        id: Some(set.id.clone()),
        description: Some(set.description.clone().unwrap_or_default()),
        lock_token: Some(set.lock_token.clone()),
        arn: Some(set.arn()),
    }
}

pub(crate) fn get(tx: &mut Tx<'_>, input: GetIPSetRequest) -> Result<GetIPSetResponse, Fault> {
    let set = find::<Stored>(tx, &input.scope, &input.name, &input.id)?;
    let shape = IPSet {
        name: set.name.clone(),
        id: set.id.clone(),
        arn: set.arn(),
        description: set.description.clone(),
        ip_address_version: set.version.clone(),
        addresses: set.addresses.clone(),
    };
    Ok(GetIPSetResponse { ip_set: Some(shape), lock_token: Some(set.lock_token) })
}

pub(crate) fn list(tx: &mut Tx<'_>, input: ListIPSetsRequest) -> Result<ListIPSetsResponse, Fault> {
    let all = if input.scope == "REGIONAL" { tx.list::<Stored>().cloned().collect() } else { Vec::new() };
    let (shown, next_marker) = page(all, |s| s.name.clone(), input.next_marker.as_deref(), input.limit);
    Ok(ListIPSetsResponse { next_marker, ip_sets: Some(shown.iter().map(summary).collect()) })
}

pub(crate) fn delete(tx: &mut Tx<'_>, input: DeleteIPSetRequest) -> Result<DeleteIPSetResponse, Fault> {
    let set = locked::<Stored>(tx, &input.scope, &input.name, &input.id, &input.lock_token)?;
    if is_referred_to(tx, &set.arn()) {
        return Err(associated());
    }
    tx.remove(&set)?;
    Ok(DeleteIPSetResponse::default())
}
