//! Access keys. The secret is shown once, at its making, and kept sealed.

use model::estate::iam::AccessKey as Key;
use model::{Fault, Tx};

use crate::page::limit;
use crate::shapes::*;
use crate::user::{self, named_or_caller};

/// Keys that a user may have, so that one can replace the other.
pub(crate) const KEYS: usize = 2;

fn find(tx: &Tx<'_>, user: &str, id: &str) -> Result<Key, Fault> {
    let missing = || Fault::new("NoSuchEntity", 404, format!("The Access Key with id {id} cannot be found."));
    tx.find_global::<Key>(id).filter(|k| k.user.as_deref() == Some(user)).cloned().ok_or_else(missing)
}

fn status(active: bool) -> String {
    if active { "Active" } else { "Inactive" }.to_owned()
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html>
pub(crate) fn create_access_key(
    tx: &mut Tx<'_>,
    input: CreateAccessKeyRequest,
) -> Result<CreateAccessKeyResponse, Fault> {
    let name = user::find(tx, &named_or_caller(tx, input.user_name)?)?.name;
    if tx.list_global::<Key>().filter(|k| k.user.as_ref() == Some(&name)).count() >= KEYS {
        return Err(limit(&format!("AccessKeysPerUser: {KEYS}")));
    }
    let id = format!("AKIA{}", tx.random_text(16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"));
    let secret = tx.random_text(40, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    let sealed = tx.seal("access-key", id.as_bytes(), secret.as_bytes())?;
    tx.put(Key {
        account: tx.account.clone(),
        id: id.clone(),
        user: Some(name.clone()),
        active: true,
        created: tx.now,
        sealed_secret: hex::encode(sealed),
    })?;
    let access_key = AccessKey {
        user_name: name,
        access_key_id: id,
        status: status(true),
        secret_access_key: secret,
        create_date: Some(tx.now),
    };
    Ok(CreateAccessKeyResponse { access_key })
}

pub(crate) fn list_access_keys(
    tx: &mut Tx<'_>,
    input: ListAccessKeysRequest,
) -> Result<ListAccessKeysResponse, Fault> {
    let name = user::find(tx, &named_or_caller(tx, input.user_name)?)?.name;
    let own = tx.list_global::<Key>().filter(|k| k.user.as_ref() == Some(&name));
    let access_key_metadata = own
        .map(|k| AccessKeyMetadata {
            user_name: Some(name.clone()),
            access_key_id: Some(k.id.clone()),
            status: Some(status(k.active)),
            create_date: Some(k.created),
        })
        .collect();
    Ok(ListAccessKeysResponse { access_key_metadata, is_truncated: Some(false), marker: None })
}

pub(crate) fn update_access_key(tx: &mut Tx<'_>, input: UpdateAccessKeyRequest) -> Result<(), Fault> {
    let name = named_or_caller(tx, input.user_name)?;
    let mut key = find(tx, &name, &input.access_key_id)?;
    key.active = input.status == "Active";
    tx.put(key)
}

pub(crate) fn delete_access_key(tx: &mut Tx<'_>, input: DeleteAccessKeyRequest) -> Result<(), Fault> {
    let name = named_or_caller(tx, input.user_name)?;
    let key = find(tx, &name, &input.access_key_id)?;
    tx.remove(&key)
}
