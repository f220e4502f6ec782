//! From a claim to a caller and the secret that would prove it.

use std::sync::Arc;

use model::estate::credentials::{self, BadToken};
use model::estate::iam::{AccessKey, User, lives};
use model::{AccountId, Caller, CallerKind, Snapshot, ids};

use crate::sigv4::{Claim, Refusal};
use model::plane::Calls;

/// The caller that a claim names, with the secret of its access key.
pub(crate) struct Identity {
    pub(crate) caller: Caller,
    pub(crate) secret: String,
}

pub(crate) fn identify(calls: &dyn Calls, claim: &Claim) -> Result<Identity, Refusal> {
    if let Some(token) = &claim.token {
        let opened = credentials::open(calls, &claim.access_key, token, calls.now());
        return match opened {
            // A session ends with the role or user that it is of.
            Ok(opened) if !lives(&calls.snapshot(), &opened.caller) => Err(Refusal::BadToken),
            Ok(opened) => Ok(Identity { caller: opened.caller, secret: opened.secret }),
            Err(BadToken::Expired) => Err(Refusal::ExpiredToken),
            Err(BadToken::Invalid) => Err(Refusal::BadToken),
        };
    }
    let snapshot: Arc<Snapshot> = calls.snapshot();
    let key = snapshot.find_named::<AccessKey>(&format!("access-key/{}", claim.access_key));
    let key = key.filter(|k| k.active).ok_or(Refusal::UnknownKey)?;
    let caller = owner(&snapshot, key).ok_or(Refusal::UnknownKey)?;
    let sealed = hex::decode(&key.sealed_secret).map_err(|_| Refusal::UnknownKey)?;
    // A key whose secret cannot be opened proves nothing.
    let secret = calls.unseal("access-key", key.id.as_bytes(), &sealed).map_err(|_| Refusal::UnknownKey)?;
    let secret = String::from_utf8(secret).map_err(|_| Refusal::UnknownKey)?;
    Ok(Identity { caller, secret })
}

fn owner(snapshot: &Snapshot, key: &AccessKey) -> Option<Caller> {
    let access_key = Some(key.id.clone());
    let account: AccountId = key.account.clone();
    let Some(name) = &key.user else {
        return Some(Caller {
            arn: ids::arn("iam", "", &account, "root"),
            principal_id: account.to_string(),
            kind: CallerKind::Root,
            account,
            access_key,
            session: None,
        });
    };
    let user = snapshot.find::<User>(&account, "", name)?;
    Some(Caller {
        arn: user.arn(),
        principal_id: user.id.clone(),
        kind: CallerKind::User { name: name.clone() },
        account,
        access_key,
        session: None,
    })
}
