//! Prefix lists: those that accounts keep, and those that AWS keeps.

use model::estate::ec2::{
    AWS_PREFIX_LISTS, Destination, Peer, PrefixEntry, PrefixList, RouteTable, SecurityGroup,
};
use model::{AccountId, Fault, IntoValue as _, Tags, Tx, Value};

use crate::listing::{Listed, Listing, one};
use crate::shapes::{
    self, AddPrefixListEntry, CreateManagedPrefixListRequest, CreateManagedPrefixListResult,
    DeleteManagedPrefixListRequest, DeleteManagedPrefixListResult, ManagedPrefixList,
    ModifyManagedPrefixListRequest, ModifyManagedPrefixListResult, PrefixListAssociation, PrefixListEntry,
    RestoreManagedPrefixListVersionRequest, RestoreManagedPrefixListVersionResult,
};
use crate::{block, fault, kind, shared, tag};

/// AWS's lists, in the form of those that accounts keep.
fn kept(tx: &Tx<'_>) -> Vec<PrefixList> {
    let of = |list: &model::estate::ec2::AwsPrefixList| PrefixList {
        account: AccountId::none(),
        region: tx.region.clone(),
        id: list.id.to_owned(),
        name: format!("com.amazonaws.{}.{}", tx.region, list.service),
        family: "IPv4".to_owned(),
        max_entries: 0,
        version: 1,
        entries: vec![PrefixEntry { cidr: list.cidr.to_owned(), description: None }],
        history: Vec::new(),
        tags: Tags::new(),
    };
    AWS_PREFIX_LISTS.iter().map(of).collect()
}

fn is_kept(list: &PrefixList) -> bool {
    list.account == AccountId::none()
}

fn owner(list: &PrefixList) -> String {
    if is_kept(list) { "AWS".to_owned() } else { list.account.to_string() }
}

/// AWS's own, as `DescribePrefixLists` shows them.
pub(crate) static KEPT: Listing<PrefixList> = Listing {
    prefix: "pl",
    ids: "PrefixListIds",
    shown: "PrefixLists",
    all: kept,
    filters: &[("prefix-list-id", |_, l| one(&l.id)), ("prefix-list-name", |_, l| one(&l.name))],
    show: |_, list| {
        shapes::PrefixList {
            cidrs: Some(list.entries.iter().map(|e| e.cidr.clone()).collect()),
            prefix_list_id: Some(list.id.clone()),
            prefix_list_name: Some(list.name.clone()),
        }
        .into_value()
    },
};

pub(crate) static MANAGED: Listing<PrefixList> = Listing {
    prefix: "pl",
    ids: "PrefixListIds",
    shown: "PrefixLists",
    all: |tx| {
        let lists = shared::seen::<PrefixList>(tx, "ec2:DescribeManagedPrefixLists");
        kept(tx).into_iter().chain(lists).collect()
    },
    filters: &[
        ("owner-id", |_, l| one(&owner(l))),
        ("prefix-list-id", |_, l| one(&l.id)),
        ("prefix-list-name", |_, l| one(&l.name)),
    ],
    show: |_, list| shown(list, "create-complete").into_value(),
};

fn shown(list: &PrefixList, state: &str) -> ManagedPrefixList {
    let aws = is_kept(list);
    let arn = match aws {
        true => format!("arn:aws:ec2:{}:aws:prefix-list/{}", list.region, list.id),
        false => list.arn(),
    };
    let state = if list.version > 1 && state == "create-complete" { "modify-complete" } else { state };
    ManagedPrefixList {
        prefix_list_id: Some(list.id.clone()),
        address_family: Some(list.family.clone()),
        state: Some(state.to_owned()),
        prefix_list_arn: Some(arn),
        prefix_list_name: Some(list.name.clone()),
        max_entries: (!aws).then_some(list.max_entries),
        version: (!aws).then_some(list.version),
        tags: tag::shown(&list.tags),
        owner_id: Some(owner(list)),
        ..ManagedPrefixList::default()
    }
}

pub(crate) fn must_exist(tx: &Tx<'_>, id: &str) -> Result<(), Fault> {
    any(tx, id).map(|_| ())
}

/// A list of the account's, or one that another account shares with it.
pub(crate) fn usable(tx: &Tx<'_>, id: &str) -> Option<PrefixList> {
    shared::find::<PrefixList>(tx, id)
}

/// A list that the account can name, or one of AWS's.
fn any(tx: &Tx<'_>, id: &str) -> Result<PrefixList, Fault> {
    let found = usable(tx, id).or_else(|| kept(tx).into_iter().find(|l| l.id == id));
    found.ok_or_else(|| kind::missing("pl", id))
}

fn find(tx: &Tx<'_>, id: &str) -> Result<PrefixList, Fault> {
    let list = any(tx, id)?;
    match is_kept(&list) {
        true => Err(Fault::client("OperationNotPermitted", "You cannot modify an AWS-managed prefix list")),
        false if list.account != tx.account => Err(kind::missing("pl", id)),
        false => Ok(list),
    }
}

fn named(name: &str) -> Result<String, Fault> {
    match name.is_empty() || name.chars().count() > 255 || name.starts_with("com.amazonaws") {
        true => Err(fault::bad_value(
            name,
            "PrefixListName",
            "It may have up to 255 characters and cannot start with com.amazonaws.",
        )),
        false => Ok(name.to_owned()),
    }
}

/// Entries are of the list's family, each block once; a known block gets the new description.
fn add(list: &mut PrefixList, given: Vec<AddPrefixListEntry>) -> Result<(), Fault> {
    let mut seen: Vec<String> = Vec::new();
    for entry in given {
        let cidr = match list.family.as_str() {
            "IPv6" => block::v6(&entry.cidr, "Cidr")?.to_string(),
            _ => block::v4(&entry.cidr, "Cidr")?.to_string(),
        };
        if seen.contains(&cidr) {
            return Err(fault::value(format!("The CIDR {cidr} appears more than once in the request")));
        }
        seen.push(cidr.clone());
        let entry = PrefixEntry { cidr, description: entry.description.filter(|d| !d.is_empty()) };
        match list.entries.iter_mut().find(|e| e.cidr == entry.cidr) {
            Some(old) => *old = entry,
            None => list.entries.push(entry),
        }
    }
    let count = i64::try_from(list.entries.len()).unwrap_or(i64::MAX);
    match count > list.max_entries {
        true => Err(Fault::client(
            "PrefixListMaxEntriesExceeded",
            format!(
                "You've reached the maximum number of entries for the prefix list: {}.",
                list.max_entries
            ),
        )),
        false => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateManagedPrefixList.html>
pub(crate) fn create_list(
    tx: &mut Tx<'_>,
    input: CreateManagedPrefixListRequest,
) -> Result<CreateManagedPrefixListResult, Fault> {
    if !["IPv4", "IPv6"].contains(&input.address_family.as_str()) {
        return Err(fault::bad_value(&input.address_family, "AddressFamily", "It must be IPv4 or IPv6."));
    }
    if !(1..=1000).contains(&input.max_entries) {
        return Err(fault::bad_value(&input.max_entries.to_string(), "MaxEntries", "It must be 1 to 1000."));
    }
    let mut list = PrefixList {
        account: tx.account.clone(),
        region: tx.region.clone(),
        id: kind::new_id(tx, "pl"),
        name: named(&input.prefix_list_name)?,
        family: input.address_family,
        max_entries: input.max_entries,
        version: 1,
        entries: Vec::new(),
        history: Vec::new(),
        tags: tag::given(tx, input.tag_specifications, "prefix-list")?,
    };
    add(&mut list, input.entries.unwrap_or_default())?;
    tx.put(list.clone())?;
    Ok(CreateManagedPrefixListResult { prefix_list: Some(shown(&list, "create-in-progress")) })
}

fn stale() -> Fault {
    let message =
        "The prefix list has the incorrect version number. Please get the latest version and try again.";
    Fault::client("PrefixListVersionMismatch", message)
}

/// The entries that were go into the list's history.
fn next_version(list: &mut PrefixList) {
    list.history.push((list.version, list.entries.clone()));
    list.version = list.version.saturating_add(1);
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyManagedPrefixList.html>
pub(crate) fn modify_list(
    tx: &mut Tx<'_>,
    input: ModifyManagedPrefixListRequest,
) -> Result<ModifyManagedPrefixListResult, Fault> {
    let mut list = find(tx, &input.prefix_list_id)?;
    fault::refuse(&[(
        "IpamPrefixListResolverSyncEnabled",
        input.ipam_prefix_list_resolver_sync_enabled.is_some(),
    )])?;
    if input.current_version.is_some_and(|v| v != list.version) {
        return Err(stale());
    }
    let (more, less) = (input.add_entries.unwrap_or_default(), input.remove_entries.unwrap_or_default());
    let entries = !more.is_empty() || !less.is_empty();
    if entries && input.current_version.is_none() {
        return Err(fault::absent("CurrentVersion"));
    }
    if entries && input.max_entries.is_some() {
        return Err(fault::combination(
            "You cannot modify the entries of a prefix list and modify the size of a prefix list at the same time.",
        ));
    }
    if let Some(name) = input.prefix_list_name {
        list.name = named(&name)?;
    }
    if let Some(max) = input.max_entries {
        let used = i64::try_from(list.entries.len()).unwrap_or(i64::MAX);
        if !(1..=1000).contains(&max) || max < used {
            let why = format!("It must be 1 to 1000, and no less than the {used} entries that there are.");
            return Err(fault::bad_value(&max.to_string(), "MaxEntries", &why));
        }
        list.max_entries = max;
    }
    if entries {
        next_version(&mut list);
        for gone in less {
            let cidr = block::any(&gone.cidr, "Cidr")?.to_string();
            let missing = || fault::value(format!("The prefix list has no entry {cidr}"));
            let at = list.entries.iter().position(|e| e.cidr == cidr).ok_or_else(missing)?;
            list.entries.remove(at);
        }
        add(&mut list, more)?;
    }
    tx.put(list.clone())?;
    Ok(ModifyManagedPrefixListResult { prefix_list: Some(shown(&list, "modify-in-progress")) })
}

/// The entries of an earlier version become those of a new one.
pub(crate) fn restore_version(
    tx: &mut Tx<'_>,
    input: RestoreManagedPrefixListVersionRequest,
) -> Result<RestoreManagedPrefixListVersionResult, Fault> {
    let mut list = find(tx, &input.prefix_list_id)?;
    if input.current_version != list.version {
        return Err(stale());
    }
    let old = list.history.iter().find(|(v, _)| *v == input.previous_version).map(|(_, e)| e.clone());
    let entries = old.ok_or_else(|| {
        let why = "The prefix list has no such version.";
        fault::bad_value(&input.previous_version.to_string(), "PreviousVersion", why)
    })?;
    next_version(&mut list);
    list.entries = entries;
    tx.put(list.clone())?;
    Ok(RestoreManagedPrefixListVersionResult { prefix_list: Some(shown(&list, "restore-in-progress")) })
}

/// What names a list: routes and rules, of whatever account; each with its account.
fn users(tx: &Tx<'_>, id: &str) -> Vec<(String, String)> {
    let routed = |t: &&RouteTable| {
        t.routes.iter().any(|r| matches!(&r.destination, Destination::PrefixList(l) if l == id))
    };
    let ruled = |g: &&SecurityGroup| {
        g.ingress.iter().chain(&g.egress).any(|r| matches!(&r.peer, Peer::PrefixList(l) if l == id))
    };
    let snapshot = tx.snapshot();
    let tables = snapshot.all::<RouteTable>().filter(routed).map(|t| (t.id.clone(), t.account.to_string()));
    let groups = snapshot.all::<SecurityGroup>().filter(ruled);
    tables.chain(groups.map(|g| (g.id.clone(), g.account.to_string()))).collect()
}

pub(crate) fn delete_list(
    tx: &mut Tx<'_>,
    input: DeleteManagedPrefixListRequest,
) -> Result<DeleteManagedPrefixListResult, Fault> {
    let list = find(tx, &input.prefix_list_id)?;
    let users = users(tx, &list.id);
    if !users.is_empty() {
        let names: Vec<String> = users.into_iter().map(|(id, _)| id).collect();
        let message = format!("The prefix list {} is in use by {}", list.id, names.join(", "));
        return Err(fault::dependency(message));
    }
    tx.remove(&list)?;
    Ok(DeleteManagedPrefixListResult { prefix_list: Some(shown(&list, "delete-in-progress")) })
}

/// An entry, or a resource that names the list.
#[derive(Clone)]
struct Row(String, Option<String>);

impl Listed for Row {
    fn id(&self) -> &str {
        &self.0
    }
    fn tags(&self) -> Option<&Tags> {
        None
    }
}

pub(crate) fn get_entries(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    static LIST: Listing<Row> = Listing {
        prefix: "",
        ids: "",
        shown: "Entries",
        all: |_| Vec::new(),
        filters: &[],
        show: |_, row| PrefixListEntry { cidr: Some(row.0.clone()), description: row.1.clone() }.into_value(),
    };
    let list = any(tx, input.text("PrefixListId").unwrap_or_default())?;
    let version = input.get("TargetVersion").and_then(Value::as_i64).filter(|v| *v != list.version);
    let entries = match version {
        None => list.entries,
        Some(version) => {
            let old = list.history.into_iter().find(|(v, _)| *v == version).map(|(_, e)| e);
            old.ok_or_else(|| {
                let why = "The prefix list has no such version.";
                fault::bad_value(&version.to_string(), "TargetVersion", why)
            })?
        }
    };
    LIST.among(tx, &input, entries.into_iter().map(|e| Row(e.cidr, e.description)).collect())
}

pub(crate) fn get_associations(tx: &mut Tx<'_>, input: Value) -> Result<Value, Fault> {
    static LIST: Listing<Row> = Listing {
        prefix: "",
        ids: "",
        shown: "PrefixListAssociations",
        all: |_| Vec::new(),
        filters: &[],
        show: |_, row| {
            PrefixListAssociation { resource_id: Some(row.0.clone()), resource_owner: row.1.clone() }
                .into_value()
        },
    };
    let list = any(tx, input.text("PrefixListId").unwrap_or_default())?;
    let rows = users(tx, &list.id).into_iter().map(|(id, owner)| Row(id, Some(owner))).collect();
    LIST.among(tx, &input, rows)
}
