//! Identities: who was seen by a pool, by a login or as a guest. A login belongs to one identity of
//! a pool; a guest who logs in keeps theirs, unless the login has one already.

use model::{Fault, Range, Timestamp, Tx};
use serde::{Deserialize, Serialize};

use crate::login::{self, Login, not_authorized};
use crate::pool::{self, Pool, missing, named};
use crate::shapes::*;

const IDENTITIES: &str = "cognito-identity/identity";
/// Which identities a pool has: `POOL 0 IDENTITY`.
const MEMBERS: &str = "cognito-identity/member";
/// Whose a login is: `POOL 0 PROVIDER 0 SUB`.
const LOGINS: &str = "cognito-identity/login";

#[derive(Clone, Serialize, Deserialize)]
struct Identity {
    pool: String,
    /// The provider and the user's `sub` there; none for a guest.
    login: Option<(String, String)>,
    created: Timestamp,
    modified: Timestamp,
}

/// The pool that an unsigned call names; the call is about its account and region.
fn enter(tx: &mut Tx<'_>, id: &str) -> Result<Pool, Fault> {
    let pool = tx.snapshot().find_named::<Pool>(&named(id)).cloned().ok_or_else(|| missing(id))?;
    tx.account.clone_from(&pool.account);
    tx.region.clone_from(&pool.region);
    Ok(pool)
}

fn absent(id: &str) -> Fault {
    Fault::client("ResourceNotFoundException", format!("Identity '{id}' not found."))
}

fn no_guests() -> Fault {
    not_authorized("Unauthenticated access is not supported for this identity pool.")
}

fn load(tx: &Tx<'_>, id: &str) -> Result<Identity, Fault> {
    tx.record_as(IDENTITIES, id.as_bytes())?.ok_or_else(|| absent(id))
}

fn save(tx: &mut Tx<'_>, id: &str, identity: &Identity) -> Result<(), Fault> {
    if let Some(login) = &identity.login {
        tx.put_record_as(LOGINS, &login_key(&identity.pool, login), &id)?;
    }
    tx.put_record(MEMBERS, &member_key(&identity.pool, id), "")?;
    tx.put_record_as(IDENTITIES, id.as_bytes(), identity)
}

fn remove(tx: &mut Tx<'_>, id: &str, identity: &Identity) -> Result<(), Fault> {
    if let Some(login) = &identity.login {
        tx.remove_record(LOGINS, &login_key(&identity.pool, login))?;
    }
    tx.remove_record(MEMBERS, &member_key(&identity.pool, id))?;
    tx.remove_record(IDENTITIES, id.as_bytes())
}

fn login_key(pool: &str, (provider, subject): &(String, String)) -> Vec<u8> {
    format!("{pool}\0{provider}\0{subject}").into_bytes()
}

fn member_key(pool: &str, id: &str) -> Vec<u8> {
    format!("{pool}\0{id}").into_bytes()
}

/// <https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_GetId.html>
pub(crate) fn get_id(tx: &mut Tx<'_>, input: GetIdInput) -> Result<GetIdResponse, Fault> {
    let pool = enter(tx, &input.identity_pool_id)?;
    if input.account_id.is_some_and(|a| a != pool.account.as_str()) {
        return Err(missing(&pool.id));
    }
    let login = login::verified(tx, &pool, input.logins)?.map(|l| l.key());
    if login.is_none() && !pool.unauthenticated {
        return Err(no_guests());
    }
    let known = match &login {
        Some(login) => tx.record_as::<String>(LOGINS, &login_key(&pool.id, login))?,
        None => None,
    };
    let id = match known {
        Some(id) => id,
        None => {
            let id = format!("{}:{}", tx.region, tx.uuid());
            let identity = Identity { pool: pool.id, login, created: tx.now, modified: tx.now };
            save(tx, &id, &identity)?;
            id
        }
    };
    Ok(GetIdResponse { identity_id: Some(id) })
}

/// An identity that has shown itself.
pub(crate) struct Present {
    pub(crate) pool: Pool,
    pub(crate) id: String,
    pub(crate) login: Option<Login>,
}

/// Lets an identity in by the login that it is known by, or as the guest it is.
pub(crate) fn present(
    tx: &mut Tx<'_>,
    id: String,
    logins: Option<std::collections::BTreeMap<String, String>>,
) -> Result<Present, Fault> {
    let identity = load(tx, &id)?;
    let pool = enter(tx, &identity.pool).map_err(|_| absent(&id))?;
    let login = login::verified(tx, &pool, logins)?;
    let id = match (&identity.login, login.as_ref().map(Login::key)) {
        (None, None) if !pool.unauthenticated => return Err(no_guests()),
        (None, None) => id,
        (Some(_), None) => {
            return Err(not_authorized(format!("Access to Identity '{id}' is forbidden.")));
        }
        (Some(own), Some(given)) if *own == given => id,
        (Some(_), Some(_)) => {
            return Err(not_authorized(
                "Logins don't match. Please include at least one valid login for this identity or identity pool.",
            ));
        }
        (None, Some(given)) => link(tx, id, identity, given)?,
    };
    Ok(Present { pool, id, login })
}

/// The guest has logged in: they stay who they are, or turn out to be someone who is known already.
fn link(tx: &mut Tx<'_>, id: String, guest: Identity, login: (String, String)) -> Result<String, Fault> {
    if let Some(known) = tx.record_as::<String>(LOGINS, &login_key(&guest.pool, &login))? {
        remove(tx, &id, &guest)?;
        return Ok(known);
    }
    save(tx, &id, &Identity { login: Some(login), modified: tx.now, ..guest })?;
    Ok(id)
}

fn described(id: String, identity: Identity) -> IdentityDescription {
    IdentityDescription {
        identity_id: Some(id),
        logins: identity.login.map(|(provider, _)| vec![provider]),
        creation_date: Some(identity.created),
        last_modified_date: Some(identity.modified),
    }
}

/// An identity of a pool of this account.
fn own(tx: &Tx<'_>, id: &str) -> Result<Identity, Fault> {
    let identity = load(tx, id)?;
    pool::find(tx, &identity.pool).map_err(|_| absent(id))?;
    Ok(identity)
}

pub(crate) fn describe_identity(
    tx: &mut Tx<'_>,
    input: DescribeIdentityInput,
) -> Result<IdentityDescription, Fault> {
    own(tx, &input.identity_id).map(|identity| described(input.identity_id, identity))
}

pub(crate) fn list_identities(
    tx: &mut Tx<'_>,
    input: ListIdentitiesInput,
) -> Result<ListIdentitiesResponse, Fault> {
    let pool = pool::find(tx, &input.identity_pool_id)?;
    let limit = usize::try_from(input.max_results).unwrap_or(60).clamp(1, 60);
    let ids = members(tx, &pool.id, input.next_token.as_deref(), limit + 1)?;
    let next_token = (ids.len() > limit).then(|| ids.get(limit - 1).cloned()).flatten();
    let shown = ids.into_iter().take(limit).map(|id| load(tx, &id).map(|i| described(id, i)));
    Ok(ListIdentitiesResponse {
        identity_pool_id: Some(pool.id.clone()),
        identities: Some(shown.collect::<Result<_, _>>()?),
        next_token,
    })
}

/// The identities of a pool, in the order of their ids, after one of them.
fn members(tx: &Tx<'_>, pool: &str, after: Option<&str>, limit: usize) -> Result<Vec<String>, Fault> {
    let from = after.map_or_else(|| format!("{pool}\0"), |id| format!("{pool}\0{id}\0"));
    let to = format!("{pool}\x01");
    let range = Range { from: from.as_bytes(), to: Some(to.as_bytes()), reverse: false, limit };
    let id = |(key, _): (Vec<u8>, _)| {
        let text = String::from_utf8(key).ok()?;
        text.split_once('\0').map(|(_, id)| id.to_owned())
    };
    Ok(tx.records(MEMBERS, range)?.into_iter().filter_map(id).collect())
}

/// Those that cannot be deleted are named in the answer.
pub(crate) fn delete_identities(
    tx: &mut Tx<'_>,
    input: DeleteIdentitiesInput,
) -> Result<DeleteIdentitiesResponse, Fault> {
    let mut left = Vec::new();
    for id in input.identity_ids_to_delete {
        match own(tx, &id) {
            Ok(identity) => remove(tx, &id, &identity)?,
            Err(_) => left.push(UnprocessedIdentityId {
                identity_id: Some(id),
                error_code: Some("AccessDenied".to_owned()),
            }),
        }
    }
    Ok(DeleteIdentitiesResponse { unprocessed_identity_ids: Some(left) })
}

/// The pool goes, and its identities with it.
pub(crate) fn remove_all(tx: &mut Tx<'_>, pool: &str) -> Result<(), Fault> {
    for id in members(tx, pool, None, usize::MAX)? {
        let identity = load(tx, &id)?;
        remove(tx, &id, &identity)?;
    }
    Ok(())
}
