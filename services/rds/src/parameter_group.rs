//! DB parameter groups, and how what they say comes into effect.

use model::estate::rds::{DbInstance, DbParameterGroup};
use model::{Fault, Tags, Tx};

use crate::fault::{combination, invalid, no_parameter_group};
use crate::name::{identifier, page, tags};
use crate::parameter;
use crate::shapes::*;
use crate::version::is_family;

pub(crate) fn find(tx: &Tx<'_>, name: &str) -> Result<DbParameterGroup, Fault> {
    let name = name.to_ascii_lowercase();
    tx.find::<DbParameterGroup>(&name).cloned().ok_or_else(|| no_parameter_group(&name))
}

/// The group that is asked for, or the family's default one, which exists once it is used.
pub(crate) fn choose(tx: &mut Tx<'_>, asked: Option<&str>, family: &str) -> Result<DbParameterGroup, Fault> {
    let default = format!("default.{family}");
    let name = asked.unwrap_or(&default).to_ascii_lowercase();
    if name == default && tx.find::<DbParameterGroup>(&name).is_none() {
        tx.put(DbParameterGroup {
            account: tx.account.clone(),
            region: tx.region.clone(),
            name: name.clone(),
            family: family.to_owned(),
            description: format!("Default parameter group for {family}"),
            parameters: Default::default(),
            tags: Tags::new(),
        })?;
    }
    let group = find(tx, &name)?;
    match group.family == family {
        true => Ok(group),
        false => Err(combination(format!(
            "The parameter group {name} with DBParameterGroupFamily {} can't be used for this instance. Please use a parameter group with DBParameterGroupFamily {family}",
            group.family
        ))),
    }
}

fn shown(group: &DbParameterGroup) -> DBParameterGroup {
    DBParameterGroup {
        db_parameter_group_name: Some(group.name.clone()),
        db_parameter_group_family: Some(group.family.clone()),
        description: Some(group.description.clone()),
        db_parameter_group_arn: Some(group.arn()),
    }
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBParameterGroup.html>
pub(crate) fn create_db_parameter_group(
    tx: &mut Tx<'_>,
    input: CreateDBParameterGroupMessage,
) -> Result<CreateDBParameterGroupResult, Fault> {
    let name = identifier("DBParameterGroupName", &input.db_parameter_group_name, 255)?;
    if !is_family(&input.db_parameter_group_family) {
        return Err(invalid(format!(
            "ParameterGroupFamily {} is not a valid parameter group family",
            input.db_parameter_group_family
        )));
    }
    if tx.find::<DbParameterGroup>(&name).is_some() {
        return Err(Fault::client(
            "DBParameterGroupAlreadyExists",
            format!("Parameter group {name} already exists"),
        ));
    }
    let group = DbParameterGroup {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name,
        family: input.db_parameter_group_family,
        description: input.description,
        parameters: Default::default(),
        tags: tags(input.tags),
    };
    let answer = shown(&group);
    tx.put(group)?;
    Ok(CreateDBParameterGroupResult { db_parameter_group: Some(answer) })
}

pub(crate) fn describe_db_parameter_groups(
    tx: &mut Tx<'_>,
    input: DescribeDBParameterGroupsMessage,
) -> Result<DBParameterGroupsMessage, Fault> {
    let found = match &input.db_parameter_group_name {
        Some(name) => vec![shown(&find(tx, name)?)],
        None => tx.list::<DbParameterGroup>().map(shown).collect(),
    };
    let name = |g: &DBParameterGroup| g.db_parameter_group_name.clone().unwrap_or_default();
    let (groups, marker) = page(found, name, input.marker.as_deref(), input.max_records)?;
    Ok(DBParameterGroupsMessage { marker, db_parameter_groups: Some(groups) })
}

/// A group that belongs to its account: the default ones cannot be changed.
fn own(tx: &Tx<'_>, name: &str) -> Result<DbParameterGroup, Fault> {
    let group = find(tx, name)?;
    match group.name.starts_with("default.") {
        true => Err(invalid(format!(
            "The parameter group {} is a default one and cannot be changed.",
            group.name
        ))),
        false => Ok(group),
    }
}

/// The name of a parameter that is to change, and whether at once.
fn change(given: &Parameter) -> Result<(parameter::Known, bool), Fault> {
    let name = given.parameter_name.as_deref().unwrap_or_default();
    let known = parameter::find(name)?;
    let at_once = match given.apply_method.as_deref() {
        Some("immediate") => true,
        Some("pending-reboot") => false,
        other => {
            return Err(invalid(format!("Invalid apply method: {}", other.unwrap_or("none"))));
        }
    };
    match at_once && !known.dynamic {
        true => Err(combination(format!(
            "cannot use immediate apply method for static parameter: {}",
            known.name
        ))),
        false => Ok((known, at_once)),
    }
}

/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBParameterGroup.html>
pub(crate) fn modify_db_parameter_group(
    tx: &mut Tx<'_>,
    input: ModifyDBParameterGroupMessage,
) -> Result<DBParameterGroupNameMessage, Fault> {
    let mut group = own(tx, &input.db_parameter_group_name)?;
    if input.parameters.is_empty() || input.parameters.len() > 20 {
        return Err(invalid("A request must have from 1 to 20 parameters."));
    }
    let mut at_once = Vec::new();
    for given in &input.parameters {
        let (known, immediate) = change(given)?;
        let value = given.parameter_value.as_deref().unwrap_or_default();
        known.check(value)?;
        group.parameters.insert(known.name.to_owned(), value.to_owned());
        if immediate {
            at_once.push(known.name);
        }
    }
    let name = group.name.clone();
    apply(tx, &group, &at_once)?;
    tx.put(group)?;
    Ok(DBParameterGroupNameMessage { db_parameter_group_name: Some(name) })
}

pub(crate) fn reset_db_parameter_group(
    tx: &mut Tx<'_>,
    input: ResetDBParameterGroupMessage,
) -> Result<DBParameterGroupNameMessage, Fault> {
    let mut group = own(tx, &input.db_parameter_group_name)?;
    let listed = input.parameters.unwrap_or_default();
    let mut at_once = Vec::new();
    if input.reset_all_parameters == Some(true) || listed.is_empty() {
        let gone = std::mem::take(&mut group.parameters);
        at_once =
            parameter::all().filter(|k| k.dynamic && gone.contains_key(k.name)).map(|k| k.name).collect();
    }
    for given in &listed {
        let (known, immediate) = change(given)?;
        group.parameters.remove(known.name);
        if immediate {
            at_once.push(known.name);
        }
    }
    let name = group.name.clone();
    apply(tx, &group, &at_once)?;
    tx.put(group)?;
    Ok(DBParameterGroupNameMessage { db_parameter_group_name: Some(name) })
}

/// Brings parameters that may change at once into effect; the rest waits for a reboot.
fn apply(tx: &mut Tx<'_>, group: &DbParameterGroup, at_once: &[&str]) -> Result<(), Fault> {
    let users: Vec<DbInstance> =
        tx.list::<DbInstance>().filter(|i| i.parameter_group == group.name).cloned().collect();
    for mut instance in users {
        for name in at_once {
            match group.parameters.get(*name) {
                Some(value) => instance.parameters.insert((*name).to_owned(), value.clone()),
                None => instance.parameters.remove(*name),
            };
        }
        instance.pending_reboot = instance.parameters != group.parameters;
        instance.generation += 1;
        tx.put(instance)?;
    }
    Ok(())
}

pub(crate) fn delete_db_parameter_group(
    tx: &mut Tx<'_>,
    input: DeleteDBParameterGroupMessage,
) -> Result<(), Fault> {
    let group = find(tx, &input.db_parameter_group_name)?;
    let state = |message: &str| Fault::client("InvalidDBParameterGroupState", message);
    if group.name.starts_with("default.") {
        return Err(state("Default DBParameterGroup cannot be deleted."));
    }
    if tx.list::<DbInstance>().any(|i| i.parameter_group == group.name && i.status != "deleting") {
        return Err(state(
            "One or more database instances are still members of this parameter group, so the group cannot be deleted.",
        ));
    }
    tx.remove(&group)
}

pub(crate) fn describe_db_parameters(
    tx: &mut Tx<'_>,
    input: DescribeDBParametersMessage,
) -> Result<DBParameterGroupDetails, Fault> {
    let group = find(tx, &input.db_parameter_group_name)?;
    let shown = |known: parameter::Known| {
        let set = group.parameters.get(known.name).cloned();
        let source = if set.is_some() { "user" } else { "engine-default" };
        Parameter {
            parameter_value: set
                .or_else(|| (known.name == model::estate::rds::FORCE_SSL).then(|| "1".to_owned())),
            source: Some(source.to_owned()),
            parameter_name: Some(known.name.to_owned()),
            apply_type: Some(if known.dynamic { "dynamic" } else { "static" }.to_owned()),
            data_type: Some(known.data_type().to_owned()),
            allowed_values: (!known.allowed.is_empty()).then(|| known.allowed.to_owned()),
            is_modifiable: Some(true),
            apply_method: Some("pending-reboot".to_owned()),
            ..Parameter::default()
        }
    };
    let wanted = |p: &Parameter| input.source.is_none() || p.source == input.source;
    let found: Vec<Parameter> = parameter::all().map(shown).filter(wanted).collect();
    let name = |p: &Parameter| p.parameter_name.clone().unwrap_or_default();
    let (parameters, marker) = page(found, name, input.marker.as_deref(), input.max_records)?;
    Ok(DBParameterGroupDetails { parameters: Some(parameters), marker })
}
