//! Changes of a user's attributes: what must be verified again, and the codes for it.

use model::{Fault, Tx};

use crate::code::{self, Purpose};
use crate::fault::{code_mismatch, invalid};
use crate::pool::UserPool;
use crate::schema::{self, Attributes};
use crate::shapes::CodeDeliveryDetailsType;
use crate::user::{self, User};

/// Attributes that hold an address, whose possession can be verified.
pub(crate) const ADDRESSES: [&str; 2] = ["email", "phone_number"];

/// Changes attributes and keeps the user. A new address is unverified unless the change says
/// otherwise, which only an administrator's can.
pub(crate) fn change(
    tx: &mut Tx<'_>,
    pool: &UserPool,
    user: &mut User,
    mut changes: Attributes,
) -> Result<Vec<CodeDeliveryDetailsType>, Fault> {
    schema::of_change(&pool.schema, &user.attributes, &changes)?;
    let before = user.clone();
    let mut to_verify = Vec::new();
    for name in ADDRESSES {
        let Some(value) = changes.get(name).filter(|v| user.attribute(name) != Some(v)) else { continue };
        let said = changes.get(&format!("{name}_verified")).map(String::as_str) == Some("true");
        if !said && pool.verifies(name) && !value.is_empty() {
            to_verify.push((name, value.clone()));
        }
    }
    // Addresses first: what the change says of them then holds.
    for name in ADDRESSES.map(str::to_owned) {
        let Some(value) = changes.remove(&name).filter(|v| user.attribute(&name) != Some(v)) else {
            continue;
        };
        let waits = to_verify.iter().any(|(n, _)| *n == name)
            && pool
                .lists(&["UserAttributeUpdateSettings", "AttributesRequireVerificationBeforeUpdate"], &name);
        if waits {
            user.pending.insert(name, value);
            continue;
        }
        user.pending.remove(&name);
        user.attributes.insert(format!("{name}_verified"), "false".to_owned());
        user.attributes.insert(name, value);
    }
    user.attributes.extend(changes);
    user.modified = tx.now;
    let mut sent = Vec::new();
    for (name, value) in to_verify {
        sent.push(code::send(tx, pool, user, Purpose::Attribute(name), (name, &value))?);
    }
    user::rename(tx, pool, Some(&before), user, false)?;
    Ok(sent)
}

/// Takes the code for an attribute: its value, or the one that waits, is verified.
pub(crate) fn verify(
    tx: &mut Tx<'_>,
    pool: &UserPool,
    user: &mut User,
    name: &str,
    given: &str,
) -> Result<(), Fault> {
    if !ADDRESSES.contains(&name) {
        return Err(invalid(format!("{name} cannot be verified")));
    }
    let before = user.clone();
    let code = code::take(tx, user, Purpose::Attribute(name), given)?;
    match user.pending.remove(name) {
        Some(waiting) if waiting == code.address => user.attributes.insert(name.to_owned(), waiting),
        // The code proves the address it went to and no other.
        _ if user.attribute(name) != Some(&code.address) => return Err(code_mismatch()),
        _ => None,
    };
    user.attributes.insert(format!("{name}_verified"), "true".to_owned());
    user.modified = tx.now;
    user::rename(tx, pool, Some(&before), user, false)
}

/// Takes attributes away.
pub(crate) fn remove(
    tx: &mut Tx<'_>,
    pool: &UserPool,
    user: &mut User,
    names: &[String],
) -> Result<(), Fault> {
    let before = user.clone();
    for name in names {
        let attribute = pool.schema.iter().find(|a| a.name == *name && a.name != "sub");
        let attribute = attribute.ok_or_else(|| {
            invalid(format!("Attributes did not conform to the schema: {name} does not exist"))
        })?;
        if attribute.required || !attribute.mutable || pool.named_by(name) {
            return Err(invalid(format!("user.{name}: Attribute cannot be deleted.\n")));
        }
        user.attributes.remove(name);
        if ADDRESSES.contains(&name.as_str()) {
            user.attributes.remove(&format!("{name}_verified"));
        }
    }
    user.modified = tx.now;
    user::rename(tx, pool, Some(&before), user, false)
}
