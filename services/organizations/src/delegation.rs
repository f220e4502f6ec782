//! Services that may work in the whole organization, and the member accounts that administer them.
//! An administrator may also look at the organization; changing it stays with the management account.

use model::estate::iam::{Account, DelegatedAdministrator as Node, TrustedService};
use model::{AccountId, Fault, Tx};

use crate::account::members;
use crate::shapes::*;
use crate::target::{arn, organization, page, readable};

/// Members that may administer one service.
const ADMINISTRATORS: usize = 5;

fn constraint(message: &str) -> Fault {
    Fault::client("ConstraintViolationException", message.to_owned())
}

/// A service's own name, e.g. `access-analyzer.amazonaws.com`.
fn service(name: &str) -> Result<(), Fault> {
    let own = name.strip_suffix(".amazonaws.com").is_some_and(|own| !own.is_empty());
    match own {
        true => Ok(()),
        false => {
            Err(Fault::client("InvalidInputException", "You specified an unrecognized service principal."))
        }
    }
}

fn member(tx: &Tx<'_>, id: &str) -> Result<Account, Fault> {
    let missing =
        || Fault::client("AccountNotFoundException", "You specified an account that doesn't exist.");
    members(tx).into_iter().find(|account| account.account.as_str() == id).ok_or_else(missing)
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_EnableAWSServiceAccess.html>
pub(crate) fn enable_aws_service_access(
    tx: &mut Tx<'_>,
    input: EnableAWSServiceAccessRequest,
) -> Result<(), Fault> {
    let org = organization(tx)?;
    service(&input.service_principal)?;
    if tx.find_global::<TrustedService>(&input.service_principal).is_some() {
        return Ok(());
    }
    tx.put(TrustedService { account: org.account, service: input.service_principal, since: tx.now })
}

/// With the access end the delegations.
///
/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_DisableAWSServiceAccess.html>
pub(crate) fn disable_aws_service_access(
    tx: &mut Tx<'_>,
    input: DisableAWSServiceAccessRequest,
) -> Result<(), Fault> {
    organization(tx)?;
    service(&input.service_principal)?;
    let trusted = tx.find_global::<TrustedService>(&input.service_principal).cloned();
    let theirs = |d: &&Node| d.service == input.service_principal;
    let delegations: Vec<Node> = tx.list_global::<Node>().filter(theirs).cloned().collect();
    delegations.iter().try_for_each(|delegation| tx.remove(delegation))?;
    trusted.iter().try_for_each(|trusted| tx.remove(trusted))
}

pub(crate) fn list_aws_service_access_for_organization(
    tx: &mut Tx<'_>,
    input: ListAWSServiceAccessForOrganizationRequest,
) -> Result<ListAWSServiceAccessForOrganizationResponse, Fault> {
    readable(tx)?;
    let trusted = tx.list_global::<TrustedService>().map(|t| EnabledServicePrincipal {
        service_principal: Some(t.service.clone()),
        date_enabled: Some(t.since),
    });
    let (enabled, next_token) = page(trusted.collect(), input.next_token.as_deref(), input.max_results)?;
    Ok(ListAWSServiceAccessForOrganizationResponse { enabled_service_principals: Some(enabled), next_token })
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_RegisterDelegatedAdministrator.html>
pub(crate) fn register_delegated_administrator(
    tx: &mut Tx<'_>,
    input: RegisterDelegatedAdministratorRequest,
) -> Result<(), Fault> {
    let org = organization(tx)?;
    service(&input.service_principal)?;
    if org.account.as_str() == input.account_id {
        return Err(constraint("You cannot register the management account as a delegated administrator."));
    }
    let member = member(tx, &input.account_id)?;
    let service = input.service_principal;
    let id = format!("{}/{service}", member.account);
    if tx.find_global::<Node>(&id).is_some() {
        return Err(Fault::client(
            "AccountAlreadyRegisteredException",
            "The provided account is already a delegated administrator for your organization.",
        ));
    }
    if tx.find_global::<TrustedService>(&service).is_none() {
        return Err(constraint("You must enable trusted access for the service first."));
    }
    if tx.list_global::<Node>().filter(|d| d.service == service).count() >= ADMINISTRATORS {
        return Err(constraint("You have registered the maximum number of delegated administrators."));
    }
    tx.put(Node { account: org.account, id, member: member.account, service, since: tx.now })
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_DeregisterDelegatedAdministrator.html>
pub(crate) fn deregister_delegated_administrator(
    tx: &mut Tx<'_>,
    input: DeregisterDelegatedAdministratorRequest,
) -> Result<(), Fault> {
    organization(tx)?;
    let member = member(tx, &input.account_id)?;
    let id = format!("{}/{}", member.account, input.service_principal);
    let missing = || {
        Fault::client(
            "AccountNotRegisteredException",
            "The specified account is not a delegated administrator for this AWS service.",
        )
    };
    let delegation = tx.find_global::<Node>(&id).cloned().ok_or_else(missing)?;
    tx.remove(&delegation)
}

pub(crate) fn list_delegated_administrators(
    tx: &mut Tx<'_>,
    input: ListDelegatedAdministratorsRequest,
) -> Result<ListDelegatedAdministratorsResponse, Fault> {
    let org = readable(tx)?;
    let wanted = |d: &&Node| input.service_principal.as_ref().is_none_or(|s| d.service == *s);
    let delegations: Vec<Node> = tx.list_global::<Node>().filter(wanted).cloned().collect();
    let mut shown: Vec<DelegatedAdministrator> = Vec::new();
    for account in members(tx) {
        let since = delegations.iter().filter(|d| d.member == account.account).map(|d| d.since).min();
        shown.extend(since.map(|since| DelegatedAdministrator {
            id: Some(account.account.to_string()),
            arn: Some(arn(&org, "account", account.account.as_str())),
            email: Some(account.email.clone()),
            name: Some(account.name.clone()),
            status: Some(account.status.clone()),
            state: None,
            joined_method: Some("CREATED".to_owned()),
            joined_timestamp: Some(account.joined),
            delegation_enabled_date: Some(since),
        }));
    }
    let (administrators, next_token) = page(shown, input.next_token.as_deref(), input.max_results)?;
    Ok(ListDelegatedAdministratorsResponse { delegated_administrators: Some(administrators), next_token })
}

pub(crate) fn list_delegated_services_for_account(
    tx: &mut Tx<'_>,
    input: ListDelegatedServicesForAccountRequest,
) -> Result<ListDelegatedServicesForAccountResponse, Fault> {
    readable(tx)?;
    let member = member(tx, &input.account_id)?;
    let theirs = tx.list_global::<Node>().filter(|d| d.member == member.account);
    let services: Vec<DelegatedService> = theirs
        .map(|d| DelegatedService {
            service_principal: Some(d.service.clone()),
            delegation_enabled_date: Some(d.since),
        })
        .collect();
    if services.is_empty() {
        return Err(Fault::client(
            "AccountNotRegisteredException",
            "The specified account is not a delegated administrator.",
        ));
    }
    let (services, next_token) = page(services, input.next_token.as_deref(), input.max_results)?;
    Ok(ListDelegatedServicesForAccountResponse { delegated_services: Some(services), next_token })
}

/// Whoever leaves the organization administers nothing in it.
pub(crate) fn forget(tx: &mut Tx<'_>, member: &AccountId) -> Result<(), Fault> {
    let delegations: Vec<Node> =
        tx.snapshot().all::<Node>().filter(|d| d.member == *member).cloned().collect();
    delegations.iter().try_for_each(|delegation| tx.remove(delegation))
}
