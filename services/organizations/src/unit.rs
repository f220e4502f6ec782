//! Organizational units, and the tree.

use model::estate::iam::{Account, Organization, OrganizationalUnit as Node};
use model::{AccountId, Fault, Snapshot, Tx};

use crate::shapes::*;
use crate::tag;
use crate::target::{Target, arn, full_access, organization, page, parent, path, readable};

fn shape(snapshot: &Snapshot, org: &Organization, unit: &Node) -> OrganizationalUnit {
    OrganizationalUnit {
        id: Some(unit.id.clone()),
        arn: Some(arn(org, "ou", &unit.id)),
        name: Some(unit.name.clone()),
        path: Some(path(snapshot, org, &unit.id)),
    }
}

pub(crate) fn find(tx: &Tx<'_>, id: &str) -> Result<Node, Fault> {
    let missing = || {
        Fault::client(
            "OrganizationalUnitNotFoundException",
            "You specified an organizational unit that doesn't exist.",
        )
    };
    tx.find_global::<Node>(id).cloned().ok_or_else(missing)
}

fn name_is_free(tx: &Tx<'_>, parent: &str, name: &str) -> Result<(), Fault> {
    match tx.list_global::<Node>().any(|u| u.parent == parent && u.name == name) {
        true => Err(Fault::client(
            "DuplicateOrganizationalUnitException",
            "An OU with the same name already exists.",
        )),
        false => Ok(()),
    }
}

pub(crate) fn create_organizational_unit(
    tx: &mut Tx<'_>,
    input: CreateOrganizationalUnitRequest,
) -> Result<CreateOrganizationalUnitResponse, Fault> {
    let org = organization(tx)?;
    parent(tx, &org, &input.parent_id, "ParentNotFoundException")?;
    name_is_free(tx, &input.parent_id, &input.name)?;
    let root = org.root.trim_start_matches("r-");
    let unit = Node {
        account: org.account.clone(),
        id: format!("ou-{root}-{}", tx.random_text(8, b"abcdefghijklmnopqrstuvwxyz0123456789")),
        name: input.name,
        parent: input.parent_id,
        policies: full_access(&org),
        tags: tag::checked(tx, input.tags)?,
    };
    tx.put(unit.clone())?;
    let shown = shape(tx.snapshot(), &org, &unit);
    Ok(CreateOrganizationalUnitResponse { organizational_unit: Some(shown) })
}

pub(crate) fn describe_organizational_unit(
    tx: &mut Tx<'_>,
    input: DescribeOrganizationalUnitRequest,
) -> Result<DescribeOrganizationalUnitResponse, Fault> {
    let org = readable(tx)?;
    Ok(DescribeOrganizationalUnitResponse {
        organizational_unit: Some(shape(tx.snapshot(), &org, &find(tx, &input.organizational_unit_id)?)),
    })
}

pub(crate) fn update_organizational_unit(
    tx: &mut Tx<'_>,
    input: UpdateOrganizationalUnitRequest,
) -> Result<UpdateOrganizationalUnitResponse, Fault> {
    let org = organization(tx)?;
    let mut unit = find(tx, &input.organizational_unit_id)?;
    if let Some(name) = input.name.filter(|n| *n != unit.name) {
        name_is_free(tx, &unit.parent, &name)?;
        unit.name = name;
    }
    let shown = shape(tx.snapshot(), &org, &unit);
    tx.put(unit)?;
    Ok(UpdateOrganizationalUnitResponse { organizational_unit: Some(shown) })
}

pub(crate) fn delete_organizational_unit(
    tx: &mut Tx<'_>,
    input: DeleteOrganizationalUnitRequest,
) -> Result<(), Fault> {
    organization(tx)?;
    let unit = find(tx, &input.organizational_unit_id)?;
    let units = tx.list_global::<Node>().any(|u| u.parent == unit.id);
    let accounts = tx.snapshot().all::<Account>().any(|a| a.parent.as_ref() == Some(&unit.id));
    match units || accounts {
        true => Err(Fault::client("OrganizationalUnitNotEmptyException", "The specified OU is not empty.")),
        false => tx.remove(&unit),
    }
}

pub(crate) fn list_organizational_units_for_parent(
    tx: &mut Tx<'_>,
    input: ListOrganizationalUnitsForParentRequest,
) -> Result<ListOrganizationalUnitsForParentResponse, Fault> {
    let org = readable(tx)?;
    parent(tx, &org, &input.parent_id, "ParentNotFoundException")?;
    let own = tx.list_global::<Node>().filter(|u| u.parent == input.parent_id).cloned().collect();
    let (units, next_token) = page(own, input.next_token.as_deref(), input.max_results)?;
    let units = units.iter().map(|u| shape(tx.snapshot(), &org, u)).collect();
    Ok(ListOrganizationalUnitsForParentResponse { organizational_units: Some(units), next_token })
}

pub(crate) fn list_parents(tx: &mut Tx<'_>, input: ListParentsRequest) -> Result<ListParentsResponse, Fault> {
    let org = readable(tx)?;
    let missing = || {
        Fault::client(
            "ChildNotFoundException",
            "We can't find an organizational unit or account with the ChildId that you specified.",
        )
    };
    let up = match Target::find(tx.snapshot(), &org, &input.child_id) {
        Some(Target::Unit(unit)) => unit.parent,
        Some(Target::Account(account)) => account.parent.ok_or_else(missing)?,
        _ => return Err(missing()),
    };
    let kind = if up == org.root { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
    Ok(ListParentsResponse {
        parents: Some(vec![Parent { id: Some(up), r#type: Some(kind.to_owned()) }]),
        next_token: None,
    })
}

pub(crate) fn list_children(
    tx: &mut Tx<'_>,
    input: ListChildrenRequest,
) -> Result<ListChildrenResponse, Fault> {
    let org = readable(tx)?;
    parent(tx, &org, &input.parent_id, "ParentNotFoundException")?;
    let child = |id: String| Child { id: Some(id), r#type: Some(input.child_type.clone()) };
    let own: Vec<Child> = match input.child_type.as_str() {
        "ORGANIZATIONAL_UNIT" => tx
            .list_global::<Node>()
            .filter(|u| u.parent == input.parent_id)
            .map(|u| child(u.id.clone()))
            .collect(),
        _ => {
            let accounts =
                tx.snapshot().all::<Account>().filter(|a| a.parent.as_ref() == Some(&input.parent_id));
            accounts.map(|a| child(AccountId::to_string(&a.account))).collect()
        }
    };
    let (children, next_token) = page(own, input.next_token.as_deref(), input.max_results)?;
    Ok(ListChildrenResponse { children: Some(children), next_token })
}
