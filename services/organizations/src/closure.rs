//! Closing an account: from that moment its principals may do nothing, which `decide` sees to.
//! After ninety days it is no member any more. An account is never opened again.

use model::estate::iam::Account;
use model::{AccountId, Effect, Fault, Tags, Tx};
use serde_json::{Value as Json, json};

use crate::account::find;
use crate::shapes::CloseAccountRequest;
use crate::target::organization;

/// Days between the closing and the end.
const DAYS: i64 = 90;

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CloseAccount.html>
pub(crate) fn close_account(tx: &mut Tx<'_>, input: CloseAccountRequest) -> Result<(), Fault> {
    let org = organization(tx)?;
    let account = find(tx, &input.account_id)?;
    let constraint = |text: &str| Fault::client("ConstraintViolationException", text.to_owned());
    if account.account == org.account {
        return Err(constraint("You cannot close the management account of the organization."));
    }
    if org.feature_set != "ALL" {
        return Err(constraint("You can close an account only when all features are enabled."));
    }
    match account.status.as_str() {
        "ACTIVE" => {}
        "PENDING_CLOSURE" => {
            return Err(Fault::client("ConflictException", "The account is being closed."));
        }
        _ => {
            return Err(Fault::client(
                "AccountAlreadyClosedException",
                "You attempted to close an account that is already closed.",
            ));
        }
    }
    schedule(tx, &account.account, "SuspendAccount", 0)?;
    tx.put(Account { status: "PENDING_CLOSURE".to_owned(), ..account })
}

fn schedule(tx: &mut Tx<'_>, account: &AccountId, job: &str, days: i64) -> Result<(), Fault> {
    tx.effect(Effect::Schedule {
        id: format!("organizations/{job}/{account}"),
        at: tx.now.plus_seconds(days * 86_400),
        service: "organizations".to_owned(),
        job: job.to_owned(),
        payload: json!({"account": account.as_str()}),
    })
}

fn due(tx: &Tx<'_>, payload: &Json) -> Option<Account> {
    let id = payload.get("account")?.as_str()?;
    tx.snapshot().find::<Account>(&AccountId::parse(id)?, "", id).cloned()
}

pub(crate) fn suspend(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let Some(account) = due(tx, &payload).filter(|a| a.status == "PENDING_CLOSURE") else { return Ok(()) };
    schedule(tx, &account.account, "EndAccount", DAYS)?;
    tx.put(Account { status: "SUSPENDED".to_owned(), ..account })
}

/// The node stays: without it nothing would tell that the account is closed.
pub(crate) fn end(tx: &mut Tx<'_>, payload: Json) -> Result<(), Fault> {
    let Some(account) = due(tx, &payload).filter(|a| a.status == "SUSPENDED") else { return Ok(()) };
    crate::delegation::forget(tx, &account.account)?;
    tx.put(Account {
        status: "CLOSED".to_owned(),
        parent: None,
        policies: Vec::new(),
        tags: Tags::new(),
        ..account
    })
}
