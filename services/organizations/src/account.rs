//! The accounts of the organization.

use model::estate::iam::{Account as Node, InlinePolicy, Organization as Org, Role};
use model::{AccountId, Fault, PolicyText, Snapshot, Tags, Tx};

use crate::shapes::*;
use crate::tag;
use crate::target::{self, arn, full_access, organization, page, path, readable};

fn shape(snapshot: &Snapshot, org: &Org, account: &Node) -> Account {
    Account {
        id: Some(account.account.to_string()),
        arn: Some(arn(org, "account", account.account.as_str())),
        email: Some(account.email.clone()),
        name: Some(account.name.clone()),
        status: Some(account.status.clone()),
        state: Some(account.status.clone()),
        joined_method: Some(if account.account == org.account { "INVITED" } else { "CREATED" }.to_owned()),
        joined_timestamp: Some(account.joined),
        paths: account
            .parent
            .as_deref()
            .map(|parent| vec![format!("{}{}/", path(snapshot, org, parent), account.account)]),
    }
}

/// The request's status, kept for those who ask later.
const REQUESTS: &str = "organizations/requests";

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_CreateAccount.html>
pub(crate) fn create_account(
    tx: &mut Tx<'_>,
    input: CreateAccountRequest,
) -> Result<CreateAccountResponse, Fault> {
    let org = organization(tx)?;
    let taken = tx.snapshot().all::<Node>().any(|a| a.email.eq_ignore_ascii_case(&input.email));
    let id = AccountId::parse(&format!(
        "{}{}",
        tx.random_text(1, b"123456789"),
        tx.random_text(11, b"0123456789")
    ));
    let id = id.ok_or_else(|| Fault::internal("no account id could be made"))?;
    let mut status = CreateAccountStatus {
        id: Some(format!("car-{}", tx.random_text(32, b"abcdefghijklmnopqrstuvwxyz0123456789"))),
        account_name: Some(input.account_name.clone()),
        requested_timestamp: Some(tx.now),
        completed_timestamp: Some(tx.now),
        ..CreateAccountStatus::default()
    };
    if taken {
        status.state = Some("FAILED".to_owned());
        status.failure_reason = Some("EMAIL_ALREADY_EXISTS".to_owned());
    } else {
        status.state = Some("SUCCEEDED".to_owned());
        status.account_id = Some(id.to_string());
        let tags = tag::checked(tx, input.tags)?;
        tx.put(Node {
            account: id.clone(),
            name: input.account_name,
            email: input.email,
            status: "ACTIVE".to_owned(),
            joined: tx.now,
            parent: Some(org.root.clone()),
            policies: full_access(&org),
            tags,
        })?;
        let name = input.role_name.unwrap_or_else(|| "OrganizationAccountAccessRole".to_owned());
        tx.put(access_role(tx, &org, id, name))?;
    }
    let key = status.id.clone().unwrap_or_default();
    use model::IntoValue as _;
    tx.put_record_as(REQUESTS, key.as_bytes(), &status.clone().into_value().to_json())?;
    Ok(CreateAccountResponse { create_account_status: Some(status) })
}

/// The role through which the management account administers a new one.
fn access_role(tx: &Tx<'_>, org: &Org, account: AccountId, name: String) -> Role {
    let trust = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{}:root"}},"Action":"sts:AssumeRole"}}]}}"#,
        org.account
    );
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
    Role {
        account,
        name,
        path: "/".to_owned(),
        id: format!("AROA{}", tx.random_text(17, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
        created: tx.now,
        description: None,
        max_session: 3600,
        trust: PolicyText::new(trust, None),
        inline: vec![InlinePolicy {
            name: "AdministratorAccess".to_owned(),
            document: PolicyText::new(all, None),
        }],
        attached: Vec::new(),
        boundary: None,
        tags: Tags::new(),
        last_used: None,
    }
}

pub(crate) fn describe_create_account_status(
    tx: &mut Tx<'_>,
    input: DescribeCreateAccountStatusRequest,
) -> Result<DescribeCreateAccountStatusResponse, Fault> {
    readable(tx)?;
    let missing = || {
        Fault::client(
            "CreateAccountStatusNotFoundException",
            "We can't find a create account request with the id that you specified.",
        )
    };
    let stored: serde_json::Value =
        tx.record_as(REQUESTS, input.create_account_request_id.as_bytes())?.ok_or_else(missing)?;
    use model::FromValue as _;
    let status = CreateAccountStatus::from_value(model::Value::from_json(stored))?;
    Ok(DescribeCreateAccountStatusResponse { create_account_status: Some(status) })
}

pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<Node, Fault> {
    let missing =
        || Fault::client("AccountNotFoundException", "You specified an account that doesn't exist.");
    let account = AccountId::parse(id).ok_or_else(missing)?;
    tx.snapshot().find::<Node>(&account, "", id).filter(|a| a.parent.is_some()).cloned().ok_or_else(missing)
}

pub(crate) fn describe_account(
    tx: &mut Tx<'_>,
    input: DescribeAccountRequest,
) -> Result<DescribeAccountResponse, Fault> {
    let org = readable(tx)?;
    Ok(DescribeAccountResponse { account: Some(shape(tx.snapshot(), &org, &find(tx, &input.account_id)?)) })
}

pub(crate) fn members(tx: &Tx<'_>) -> Vec<Node> {
    tx.snapshot().all::<Node>().filter(|a| a.parent.is_some()).cloned().collect()
}

pub(crate) fn list_accounts(
    tx: &mut Tx<'_>,
    input: ListAccountsRequest,
) -> Result<ListAccountsResponse, Fault> {
    let org = readable(tx)?;
    let (accounts, next_token) = page(members(tx), input.next_token.as_deref(), input.max_results)?;
    let accounts = accounts.iter().map(|a| shape(tx.snapshot(), &org, a)).collect();
    Ok(ListAccountsResponse { accounts: Some(accounts), next_token })
}

pub(crate) fn list_accounts_for_parent(
    tx: &mut Tx<'_>,
    input: ListAccountsForParentRequest,
) -> Result<ListAccountsForParentResponse, Fault> {
    let org = readable(tx)?;
    target::parent(tx, &org, &input.parent_id, "ParentNotFoundException")?;
    let own = members(tx).into_iter().filter(|a| a.parent.as_ref() == Some(&input.parent_id)).collect();
    let (accounts, next_token) = page(own, input.next_token.as_deref(), input.max_results)?;
    let accounts = accounts.iter().map(|a| shape(tx.snapshot(), &org, a)).collect();
    Ok(ListAccountsForParentResponse { accounts: Some(accounts), next_token })
}

/// <https://docs.aws.amazon.com/organizations/latest/APIReference/API_MoveAccount.html>
pub(crate) fn move_account(tx: &mut Tx<'_>, input: MoveAccountRequest) -> Result<(), Fault> {
    let org = organization(tx)?;
    let mut account = find(tx, &input.account_id)?;
    target::parent(tx, &org, &input.source_parent_id, "SourceParentNotFoundException")?;
    target::parent(tx, &org, &input.destination_parent_id, "DestinationParentNotFoundException")?;
    if account.parent.as_ref() != Some(&input.source_parent_id) {
        return Err(Fault::client("AccountNotFoundException", "The account is not in the source parent."));
    }
    if input.source_parent_id == input.destination_parent_id {
        return Err(Fault::client("DuplicateAccountException", "The account is already in the destination."));
    }
    account.parent = Some(input.destination_parent_id);
    tx.put(account)
}
