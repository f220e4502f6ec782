//! Whom a grant names: principals that are there, bound by their unique ids.

use model::estate::iam::{Account, Role, User};
use model::estate::kms::{Bound, Party};
use model::{AccountId, Arn, Fault, Snapshot, Tx};

/// The principal that an ARN (or an account's number) names, or a service of its own parameter.
pub(crate) fn party(
    tx: &Tx<'_>,
    principal: Option<&str>,
    service: Option<&str>,
    what: &str,
) -> Result<Option<Party>, Fault> {
    match (principal, service) {
        (Some(_), Some(_)) => Err(Fault::validation(format!(
            "You can specify either {what}Principal or {what}ServicePrincipal, but not both."
        ))),
        (Some(name), None) => {
            let bound = bound(tx.snapshot(), &tx.account, name).ok_or_else(|| unknown(name))?;
            let name = match &bound {
                Bound::Account(account) => root(account),
                Bound::Id(_) | Bound::Service(_) => name.to_owned(),
            };
            Ok(Some(Party { name, bound }))
        }
        (None, Some(name)) if name.ends_with(".amazonaws.com") => {
            Ok(Some(Party { name: name.to_owned(), bound: Bound::Service(name.to_owned()) }))
        }
        (None, Some(name)) => Err(Fault::validation(format!("`{name}` is not the name of an AWS service"))),
        (None, None) => Ok(None),
    }
}

pub(crate) fn root(account: &AccountId) -> String {
    model::ids::arn("iam", "", account, "root")
}

fn unknown(name: &str) -> Fault {
    Fault::client("InvalidArnException", format!("ARN does not refer to a valid principal: {name}"))
}

/// `None` for what is no principal of the estate.
fn bound(snapshot: &Snapshot, own: &AccountId, name: &str) -> Option<Bound> {
    let known = |account: &AccountId| {
        account == own || snapshot.find::<Account>(account, "", account.as_str()).is_some()
    };
    if let Some(account) = AccountId::parse(name) {
        return known(&account).then_some(Bound::Account(account));
    }
    let arn = Arn::parse(name).filter(|arn| arn.partition == "aws" && arn.region.is_empty())?;
    let account = AccountId::parse(arn.account)?;
    let (kind, rest) = arn.resource.split_once('/').unwrap_or((arn.resource, ""));
    match (arn.service, kind) {
        ("iam", "root") if rest.is_empty() => known(&account).then_some(Bound::Account(account)),
        ("iam", "user") => Some(Bound::Id(snapshot.find_arn::<User>(name)?.id.clone())),
        ("iam", "role") => Some(Bound::Id(snapshot.find_arn::<Role>(name)?.id.clone())),
        ("sts", "assumed-role") => {
            let (role, session) = rest.split_once('/').filter(|(_, session)| !session.is_empty())?;
            let role = snapshot.find::<Role>(&account, "", role)?;
            Some(Bound::Id(format!("{}:{session}", role.id)))
        }
        ("sts", "federated-user") if !rest.is_empty() && known(&account) => {
            Some(Bound::Id(format!("{account}:{rest}")))
        }
        _ => None,
    }
}
