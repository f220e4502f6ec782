//! Grants: made, listed, retired, revoked. What they allow is decided where policies are.

use std::collections::BTreeMap;

use model::estate::kms::{Bound, Constraint, Grant, Party};
use model::{Arn, CallerKind, Fault, Tx};

use crate::grantee::{party, root};
use crate::key::{self, Key, Spec, find, page};
use crate::shapes::*;
use crate::{crypto, token};

/// Grants of one key.
const MOST: usize = 50_000;
/// Names in the encryption context of a constraint, and the characters of a value.
const PAIRS: usize = 8;
const VALUE: usize = 384;

const OF_EVERY_KEY: &[&str] = &["CreateGrant", "RetireGrant", "DescribeKey"];
const SYMMETRIC: &[&str] = &[
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
];
const MAC: &[&str] = &["GenerateMac", "VerifyMac"];

/// Each once, and only what the key can do.
fn operations(key: &Key, mut asked: Vec<String>) -> Result<Vec<String>, Fault> {
    let own = if key.spec == Spec::Symmetric { SYMMETRIC } else { MAC };
    if asked.is_empty() {
        return Err(Fault::validation("Operations must name at least one operation."));
    }
    if let Some(other) = asked.iter().find(|o| !own.iter().chain(OF_EVERY_KEY).any(|k| k == o)) {
        return Err(Fault::validation(format!(
            "The operation {other} is not supported on a KMS key of key usage {}.",
            key.spec.usage()
        )));
    }
    asked.sort_unstable();
    asked.dedup();
    Ok(asked)
}

fn constraint(key: &Key, asked: &GrantConstraints) -> Result<Option<Constraint>, Fault> {
    let found = match (&asked.encryption_context_equals, &asked.encryption_context_subset) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => {
            return Err(Fault::validation(
                "EncryptionContextEquals and EncryptionContextSubset cannot both be specified.",
            ));
        }
        (Some(pairs), None) => Constraint::EncryptionContextEquals(pairs.clone()),
        (None, Some(pairs)) => Constraint::EncryptionContextSubset(pairs.clone()),
    };
    if key.spec != Spec::Symmetric {
        return Err(Fault::validation(
            "An encryption context grant constraint is not supported on a KMS key without an encryption context.",
        ));
    }
    let (Constraint::EncryptionContextEquals(pairs) | Constraint::EncryptionContextSubset(pairs)) = &found;
    if pairs.len() > PAIRS || pairs.values().any(|value| value.chars().count() > VALUE) {
        return Err(Fault::validation(format!(
            "A grant constraint has at most {PAIRS} encryption context pairs, with values of at most {VALUE} characters."
        )));
    }
    Ok(Some(found))
}

/// Grants are named by the key's id or ARN, never by an alias.
fn of_key(tx: &Tx<'_>, id: &str) -> Result<Key, Fault> {
    match id.contains("alias/") {
        true => Err(Fault::client("InvalidArnException", format!("Invalid keyId {id}"))),
        false => find(tx, id),
    }
}

/// What is to be made, all but its id.
fn drafted(tx: &Tx<'_>, key: &Key, input: CreateGrantRequest) -> Result<Grant, Fault> {
    let (principal, service) =
        (input.grantee_principal.as_deref(), input.grantee_service_principal.as_deref());
    let grantee = party(tx, principal, service, "Grantee")?.ok_or_else(|| {
        Fault::validation("You must specify either GranteePrincipal or GranteeServicePrincipal.")
    })?;
    let (principal, service) =
        (input.retiring_principal.as_deref(), input.retiring_service_principal.as_deref());
    let retiring = party(tx, principal, service, "Retiring")?;
    let constraints = input.constraints.unwrap_or_default();
    if matches!(grantee.bound, Bound::Service(_)) {
        if constraints.source_arn.is_none() {
            return Err(Fault::validation(
                "You must specify a SourceArn grant constraint when you specify GranteeServicePrincipal.",
            ));
        }
        if retiring.is_none() {
            return Err(Fault::validation(
                "You must specify RetiringPrincipal or RetiringServicePrincipal when you specify GranteeServicePrincipal.",
            ));
        }
    }
    Ok(Grant {
        account: key.account.clone(),
        region: key.region.clone(),
        place: String::new(),
        id: String::new(),
        key_arn: key.arn(),
        name: input.name,
        created: tx.now,
        grantee,
        retiring,
        issuer: tx.caller().account.clone(),
        operations: operations(key, input.operations)?,
        constraint: constraint(key, &constraints)?,
        source_arn: constraints.source_arn,
    })
}

fn grants(tx: &Tx<'_>, key: &Key) -> impl Iterator<Item = Grant> + use<> {
    let all: Vec<Grant> = Grant::of_key(tx.snapshot(), &model::Node::key(key)).cloned().collect();
    all.into_iter()
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html>
pub(crate) fn create_grant(tx: &mut Tx<'_>, input: CreateGrantRequest) -> Result<CreateGrantResponse, Fault> {
    let key = of_key(tx, &input.key_id)?;
    token::check(tx, input.grant_tokens.as_deref())?;
    key.usable()?;
    let dry_run = input.dry_run;
    let mut grant = drafted(tx, &key, input)?;
    // With a name, the same request again finds what it made the first time.
    let same = |old: &Grant| {
        let named =
            Grant { place: old.place.clone(), id: old.id.clone(), created: old.created, ..grant.clone() };
        grant.name.is_some() && *old == named
    };
    let old = grants(tx, &key).find(same);
    if old.is_none() && grants(tx, &key).count() >= MOST {
        return Err(Fault::client(
            "LimitExceededException",
            format!("{} has the most grants that a key may have ({MOST})", key.arn()),
        ));
    }
    crypto::dry_run(dry_run)?;
    if let Some(old) = old {
        return Ok(CreateGrantResponse { grant_token: Some(token::make(tx, &old)?), grant_id: Some(old.id) });
    }
    grant.id = tx.random_text(64, b"0123456789abcdef");
    grant.place = Grant::place_of(&key.id, &grant.id);
    let made =
        CreateGrantResponse { grant_token: Some(token::make(tx, &grant)?), grant_id: Some(grant.id.clone()) };
    tx.put(grant)?;
    Ok(made)
}

fn entry(grant: Grant) -> GrantListEntry {
    let (principal, service) = names(Some(grant.grantee));
    let (retiring, retiring_service) = names(grant.retiring);
    let pairs = |equals: bool| -> Option<BTreeMap<String, String>> {
        match &grant.constraint {
            Some(Constraint::EncryptionContextEquals(pairs)) if equals => Some(pairs.clone()),
            Some(Constraint::EncryptionContextSubset(pairs)) if !equals => Some(pairs.clone()),
            _ => None,
        }
    };
    let constraints = GrantConstraints {
        encryption_context_equals: pairs(true),
        encryption_context_subset: pairs(false),
        source_arn: grant.source_arn.clone(),
    };
    let any = grant.constraint.is_some() || grant.source_arn.is_some();
    GrantListEntry {
        key_id: Some(grant.key_arn),
        grant_id: Some(grant.id),
        name: grant.name,
        creation_date: Some(grant.created),
        grantee_principal: principal,
        retiring_principal: retiring,
        issuing_account: Some(root(&grant.issuer)),
        operations: Some(grant.operations),
        constraints: any.then_some(constraints),
        grantee_service_principal: service,
        retiring_service_principal: retiring_service,
    }
}

/// A principal, or else a service.
fn names(party: Option<Party>) -> (Option<String>, Option<String>) {
    match party {
        Some(Party { name, bound: Bound::Service(_) }) => (None, Some(name)),
        Some(Party { name, .. }) => (Some(name), None),
        None => (None, None),
    }
}

fn shown(
    found: impl Iterator<Item = Grant>,
    marker: Option<&str>,
    limit: Option<i64>,
) -> Result<ListGrantsResponse, Fault> {
    let limit = limit.unwrap_or(50);
    if limit > 100 {
        return Err(Fault::validation(format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 100"
        )));
    }
    if marker.is_some_and(|m| m.len() != 64 || !m.bytes().all(|b| b.is_ascii_hexdigit())) {
        return Err(Fault::client("InvalidMarkerException", "the marker is of no earlier answer"));
    }
    let mut found: Vec<Grant> = found.collect();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    let (grants, next) = page(found.into_iter(), |g| g.id.clone(), marker, Some(limit));
    Ok(ListGrantsResponse {
        grants: Some(grants.into_iter().map(entry).collect()),
        truncated: Some(next.is_some()),
        next_marker: next,
    })
}

/// Named so by the caller: an account's number is as good as its root.
fn is(party: &Party, name: &str) -> bool {
    let account = match &party.bound {
        Bound::Account(account) => account.as_str() == name,
        Bound::Id(_) | Bound::Service(_) => false,
    };
    party.name == name || account
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html>
pub(crate) fn list_grants(tx: &mut Tx<'_>, input: ListGrantsRequest) -> Result<ListGrantsResponse, Fault> {
    let key = of_key(tx, &input.key_id)?;
    if input.grantee_principal.is_some() && input.grantee_service_principal.is_some() {
        return Err(Fault::validation(
            "You can specify either GranteePrincipal or GranteeServicePrincipal, but not both.",
        ));
    }
    if input.grantee_service_principal.is_some() {
        for_services(tx)?;
    }
    if let Some(id) = &input.grant_id {
        grant_of(tx, &key, id)?;
    }
    let name = input.grantee_principal.or(input.grantee_service_principal);
    let found = grants(tx, &key)
        .filter(|g| input.grant_id.as_ref().is_none_or(|id| g.id == *id))
        .filter(|g| name.as_ref().is_none_or(|name| is(&g.grantee, name)));
    shown(found, input.marker.as_deref(), input.limit)
}

/// Other accounts' principals are not asked about.
fn own(tx: &Tx<'_>, name: &str) -> Result<(), Fault> {
    let account = Arn::parse(name).map_or(name, |arn| arn.account);
    match account == tx.account.as_str() {
        true => Ok(()),
        false => Err(Fault::access_denied(format!("{name} is no principal of account {}", tx.account))),
    }
}

/// Only services ask by the names of services.
fn for_services(tx: &Tx<'_>) -> Result<(), Fault> {
    match tx.caller().kind {
        CallerKind::Service { .. } => Ok(()),
        _ => Err(Fault::access_denied("only AWS services look for the grants of services")),
    }
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_ListRetirableGrants.html>
pub(crate) fn list_retirable_grants(
    tx: &mut Tx<'_>,
    input: ListRetirableGrantsRequest,
) -> Result<ListGrantsResponse, Fault> {
    let name = match (input.retiring_principal, input.retiring_service_principal) {
        (Some(name), None) => {
            own(tx, &name)?;
            name
        }
        (None, Some(name)) => {
            for_services(tx)?;
            name
        }
        _ => {
            return Err(Fault::validation(
                "You must specify either RetiringPrincipal or RetiringServicePrincipal, but not both.",
            ));
        }
    };
    let region = tx.region.clone();
    let all = tx.snapshot().all::<Grant>().filter(|g| g.region == region);
    let found: Vec<Grant> =
        all.filter(|g| g.retiring.as_ref().is_some_and(|party| is(party, &name))).cloned().collect();
    shown(found.into_iter(), input.marker.as_deref(), input.limit)
}

fn grant_of(tx: &Tx<'_>, key: &Key, id: &str) -> Result<Grant, Fault> {
    if id.len() != 64 || !id.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Fault::client("InvalidGrantIdException", format!("Invalid grant ID {id}")));
    }
    let place = Grant::place_of(&key.id, id);
    let found = tx.snapshot().find::<Grant>(&key.account, &key.region, &place).cloned();
    found.ok_or_else(|| {
        let arn = key.arn();
        Fault::client("NotFoundException", format!("Grant ID {id} not found for key {arn}"))
    })
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html>
pub(crate) fn retire_grant(tx: &mut Tx<'_>, input: RetireGrantRequest) -> Result<(), Fault> {
    let grant = match (&input.grant_token, &input.key_id, &input.grant_id) {
        (Some(token), None, None) => token::grant(tx, token)?,
        (None, Some(key), Some(id)) => grant_of(tx, &of_key(tx, key)?, id)?,
        _ => {
            return Err(Fault::validation(
                "You must specify either a grant token, or a grant ID and the ARN of its KMS key.",
            ));
        }
    };
    crypto::dry_run(input.dry_run)?;
    tx.remove(&grant)
}

/// <https://docs.aws.amazon.com/kms/latest/APIReference/API_RevokeGrant.html>
pub(crate) fn revoke_grant(tx: &mut Tx<'_>, input: RevokeGrantRequest) -> Result<(), Fault> {
    let key = of_key(tx, &input.key_id)?;
    let grant = grant_of(tx, &key, &input.grant_id)?;
    crypto::dry_run(input.dry_run)?;
    tx.remove(&grant)
}

/// A key takes its grants with it.
pub(crate) fn remove_all(tx: &mut Tx<'_>, key: &Key) -> Result<(), Fault> {
    grants(tx, key).try_for_each(|grant| tx.remove(&grant))
}

/// The grant that a request to retire one is about.
pub(crate) fn asked<'a>(asking: &model::Asking<'a>) -> Option<&'a Grant> {
    if let Some(token) = asking.text("GrantToken") {
        return token::claimed(asking.snapshot, token);
    }
    let key = key::resolve(asking.snapshot, asking.account, asking.region, asking.text("KeyId")?)?;
    let place = Grant::place_of(&key.id, asking.text("GrantId")?);
    asking.snapshot.find::<Grant>(&key.account, &key.region, &place)
}
