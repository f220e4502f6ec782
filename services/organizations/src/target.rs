//! What a policy can be attached to: the root, an organizational unit, an account.

use model::estate::iam::{
    Account, DelegatedAdministrator, Organization, OrganizationPolicy, OrganizationalUnit,
};
use model::{AccountId, Fault, Snapshot, Tx};

/// The organization, as its management account sees it. No other account may change it.
pub(crate) fn organization(tx: &Tx<'_>) -> Result<Organization, Fault> {
    let organization = any(tx.snapshot()).cloned().ok_or_else(not_in_use)?;
    match organization.account == tx.account {
        true => Ok(organization),
        false => Err(Fault::access_denied("You don't have permissions to access this resource.")),
    }
}

/// The organization for someone who only looks: the management account, or a member that administers
/// a service. What is looked at belongs to the management account.
pub(crate) fn readable(tx: &mut Tx<'_>) -> Result<Organization, Fault> {
    let administers = tx.snapshot().all::<DelegatedAdministrator>().any(|d| d.member == tx.account);
    if administers && let Some(account) = any(tx.snapshot()).map(|org| org.account.clone()) {
        tx.account = account;
    }
    organization(tx)
}

pub(crate) fn any(snapshot: &Snapshot) -> Option<&Organization> {
    snapshot.all::<Organization>().next()
}

pub(crate) fn not_in_use() -> Fault {
    Fault::client("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
}

/// A place in the tree.
#[derive(Clone)]
pub(crate) enum Target {
    Root(Organization),
    Unit(OrganizationalUnit),
    Account(Account),
}

impl Target {
    pub(crate) fn find(snapshot: &Snapshot, organization: &Organization, id: &str) -> Option<Target> {
        if id == organization.root {
            return Some(Target::Root(organization.clone()));
        }
        if let Some(unit) = snapshot.find::<OrganizationalUnit>(&organization.account, "", id) {
            return Some(Target::Unit(unit.clone()));
        }
        let account = AccountId::parse(id)?;
        let found = snapshot.find::<Account>(&account, "", id).filter(|a| a.parent.is_some());
        found.cloned().map(Target::Account)
    }

    pub(crate) fn policies(&self) -> &[String] {
        match self {
            Target::Root(root) => &root.policies,
            Target::Unit(unit) => &unit.policies,
            Target::Account(account) => &account.policies,
        }
    }

    pub(crate) fn with_policies(self, tx: &mut Tx<'_>, policies: Vec<String>) -> Result<(), Fault> {
        match self {
            Target::Root(root) => tx.put(Organization { policies, ..root }),
            Target::Unit(unit) => tx.put(OrganizationalUnit { policies, ..unit }),
            Target::Account(account) => tx.put(Account { policies, ..account }),
        }
    }

    /// Id, name, type.
    pub(crate) fn facts(&self) -> (String, String, &'static str) {
        match self {
            Target::Root(root) => (root.root.clone(), "Root".to_owned(), "ROOT"),
            Target::Unit(unit) => (unit.id.clone(), unit.name.clone(), "ORGANIZATIONAL_UNIT"),
            Target::Account(account) => (account.account.to_string(), account.name.clone(), "ACCOUNT"),
        }
    }
}

pub(crate) fn target(tx: &Tx<'_>, organization: &Organization, id: &str) -> Result<Target, Fault> {
    let missing = || Fault::client("TargetNotFoundException", "You specified a target that doesn't exist.");
    Target::find(tx.snapshot(), organization, id).ok_or_else(missing)
}

/// The root or a unit.
pub(crate) fn parent(
    tx: &Tx<'_>,
    organization: &Organization,
    id: &str,
    code: &'static str,
) -> Result<(), Fault> {
    match Target::find(tx.snapshot(), organization, id) {
        Some(Target::Root(_) | Target::Unit(_)) => Ok(()),
        _ => Err(Fault::client(code, "You specified a parent that doesn't exist.")),
    }
}

pub(crate) fn arn(organization: &Organization, kind: &str, id: &str) -> String {
    model::ids::arn("organizations", "", &organization.account, &format!("{kind}/{}/{id}", organization.id))
}

/// Where a root or a unit stands, as `aws:PrincipalOrgPaths` has it: `o-id/r-root/ou-a/ou-b/`.
pub(crate) fn path(snapshot: &Snapshot, organization: &Organization, id: &str) -> String {
    let mut steps = vec![id.to_owned()];
    while let Some(unit) = steps
        .last()
        .and_then(|id| snapshot.find::<OrganizationalUnit>(&organization.account, "", id))
        // A ring cannot be made; should there be one, this still ends.
        .filter(|unit| !steps.contains(&unit.parent))
    {
        steps.push(unit.parent.clone());
    }
    steps.reverse();
    format!("{}/{}/", organization.id, steps.join("/"))
}

/// The types of policies that bound what may be done; everything has one of each that is enabled.
pub(crate) const BOUNDS: [&str; 2] = ["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"];

/// What is attached to every new account, unit and root: for each enabled type the policy that allows all.
pub(crate) fn full_access(organization: &Organization) -> Vec<String> {
    let bounding = organization.policy_types.iter().filter(|kind| BOUNDS.contains(&kind.as_str()));
    bounding.map(|kind| OrganizationPolicy::full_access_id(kind).to_owned()).collect()
}

/// A page of a list; the token is the number of items before it.
pub(crate) fn page<T>(
    items: Vec<T>,
    token: Option<&str>,
    max: Option<i64>,
) -> Result<(Vec<T>, Option<String>), Fault> {
    let invalid = || Fault::client("InvalidInputException", "You provided an invalid NextToken.");
    let begin = token.map(|t| t.parse::<usize>().map_err(|_| invalid())).transpose()?.unwrap_or(0);
    let limit = max.and_then(|n| usize::try_from(n).ok()).unwrap_or(20).clamp(1, 20);
    let more = items.len() > begin + limit;
    Ok((items.into_iter().skip(begin).take(limit).collect(), more.then(|| (begin + limit).to_string())))
}
