//! Tags, resource policies, the setting of point-in-time recovery, limits and endpoints.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::{Fault, Timestamp, Tx};

use crate::create;
use crate::shapes::*;
use crate::table::{self, Table};

fn by_arn(tx: &Tx<'_>, arn: &str) -> Result<Table, Fault> {
    let missing = || {
        Fault::client(
            "ResourceNotFoundException",
            format!("Requested resource not found: ResourcArn: {arn} not found"),
        )
    };
    tx.find_arn::<Table>(arn).filter(|t| t.region == tx.region).cloned().ok_or_else(missing)
}

pub(crate) fn tag_resource(tx: &mut Tx<'_>, input: TagResourceInput) -> Result<(), Fault> {
    let mut table = by_arn(tx, &input.resource_arn)?;
    table.tags.extend(create::tags(Some(input.tags))?);
    if table.tags.len() > 50 {
        return Err(Fault::validation("Tag count exceeds the limit of 50"));
    }
    tx.put(table)
}

pub(crate) fn untag_resource(tx: &mut Tx<'_>, input: UntagResourceInput) -> Result<(), Fault> {
    let mut table = by_arn(tx, &input.resource_arn)?;
    table.tags.retain(|key, _| !input.tag_keys.contains(key));
    tx.put(table)
}

/// Tags of one answer.
const PAGE: usize = 10;

pub(crate) fn list_tags_of_resource(
    tx: &mut Tx<'_>,
    input: ListTagsOfResourceInput,
) -> Result<ListTagsOfResourceOutput, Fault> {
    let table = by_arn(tx, &input.resource_arn)?;
    let invalid = || Fault::validation("Invalid NextToken");
    let after = match &input.next_token {
        None => None,
        Some(token) => {
            let token = STANDARD.decode(token).map_err(|_| invalid())?;
            Some(String::from_utf8(token).map_err(|_| invalid())?)
        }
    };
    let behind = |key: &String| after.as_ref().is_none_or(|a| key > a);
    let mut tags: Vec<Tag> = table
        .tags
        .iter()
        .filter(|(key, _)| behind(key))
        .take(PAGE + 1)
        .map(|(key, value)| Tag { key: key.clone(), value: value.clone() })
        .collect();
    let more = tags.len() > PAGE;
    tags.truncate(PAGE);
    let next_token = if more { tags.last().map(|t| STANDARD.encode(&t.key)) } else { None };
    Ok(ListTagsOfResourceOutput { tags: Some(tags), next_token })
}

fn no_policy(arn: &str) -> Fault {
    Fault::client(
        "PolicyNotFoundException",
        format!("Resource-based policy not found for the provided ResourceArn: {arn}"),
    )
}

/// Refuses a change of another policy than the caller thinks.
fn expected(table: &Table, revision: Option<&str>) -> Result<(), Fault> {
    let current = table.policy_revision.as_deref();
    match revision {
        None => Ok(()),
        Some("NO_POLICY") if current.is_none() => Ok(()),
        Some(revision) if current == Some(revision) => Ok(()),
        Some(_) => Err(no_policy(&table.arn())),
    }
}

/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutResourcePolicy.html>
pub(crate) fn put_resource_policy(
    tx: &mut Tx<'_>,
    input: PutResourcePolicyInput,
) -> Result<PutResourcePolicyOutput, Fault> {
    let mut table = by_arn(tx, &input.resource_arn)?;
    expected(&table, input.expected_revision_id.as_deref())?;
    let policy = create::policy(tx, Some(input.policy))?;
    if table.policy != policy {
        table.policy_revision = Some(tx.uuid());
    }
    table.policy = policy;
    let revision_id = table.policy_revision.clone();
    tx.put(table)?;
    Ok(PutResourcePolicyOutput { revision_id })
}

pub(crate) fn get_resource_policy(
    tx: &mut Tx<'_>,
    input: GetResourcePolicyInput,
) -> Result<GetResourcePolicyOutput, Fault> {
    let table = by_arn(tx, &input.resource_arn)?;
    let policy = table.policy.ok_or_else(|| no_policy(&input.resource_arn))?;
    Ok(GetResourcePolicyOutput { policy: Some(policy.text), revision_id: table.policy_revision })
}

pub(crate) fn delete_resource_policy(
    tx: &mut Tx<'_>,
    input: DeleteResourcePolicyInput,
) -> Result<DeleteResourcePolicyOutput, Fault> {
    let mut table = by_arn(tx, &input.resource_arn)?;
    expected(&table, input.expected_revision_id.as_deref())?;
    // Deleting what is not there is no error.
    let revision_id = table.policy_revision.take();
    table.policy = None;
    tx.put(table)?;
    Ok(DeleteResourcePolicyOutput { revision_id })
}

fn backed_up(tx: &Tx<'_>, name: &str) -> Result<Table, Fault> {
    table::find(tx, name)
        .map_err(|_| Fault::client("TableNotFoundException", format!("Table not found: {name}")))
}

fn backups(table: &Table, now: Timestamp) -> ContinuousBackupsDescription {
    let described = match table.recovery {
        None => PointInTimeRecoveryDescription {
            point_in_time_recovery_status: Some("DISABLED".to_owned()),
            ..PointInTimeRecoveryDescription::default()
        },
        Some(recovery) => PointInTimeRecoveryDescription {
            point_in_time_recovery_status: Some("ENABLED".to_owned()),
            recovery_period_in_days: Some(recovery.days),
            earliest_restorable_date_time: Some(recovery.since),
            latest_restorable_date_time: Some(now),
        },
    };
    ContinuousBackupsDescription {
        continuous_backups_status: "ENABLED".to_owned(),
        point_in_time_recovery_description: Some(described),
    }
}

/// Only the setting is kept: there is nothing to restore from.
pub(crate) fn update_continuous_backups(
    tx: &mut Tx<'_>,
    input: UpdateContinuousBackupsInput,
) -> Result<UpdateContinuousBackupsOutput, Fault> {
    let mut table = backed_up(tx, &input.table_name)?;
    let wanted = input.point_in_time_recovery_specification;
    table.recovery = wanted.point_in_time_recovery_enabled.then(|| table::Recovery {
        since: table.recovery.map_or(tx.now, |r| r.since),
        days: wanted.recovery_period_in_days.unwrap_or(35),
    });
    let description = backups(&table, tx.now);
    tx.put(table)?;
    Ok(UpdateContinuousBackupsOutput { continuous_backups_description: Some(description) })
}

pub(crate) fn describe_continuous_backups(
    tx: &mut Tx<'_>,
    input: DescribeContinuousBackupsInput,
) -> Result<DescribeContinuousBackupsOutput, Fault> {
    let table = backed_up(tx, &input.table_name)?;
    Ok(DescribeContinuousBackupsOutput { continuous_backups_description: Some(backups(&table, tx.now)) })
}

pub(crate) fn describe_limits(
    _tx: &mut Tx<'_>,
    _: DescribeLimitsInput,
) -> Result<DescribeLimitsOutput, Fault> {
    Ok(DescribeLimitsOutput {
        account_max_read_capacity_units: Some(80_000),
        account_max_write_capacity_units: Some(80_000),
        table_max_read_capacity_units: Some(40_000),
        table_max_write_capacity_units: Some(40_000),
    })
}

/// Where the caller has reached this API.
pub(crate) fn describe_endpoints(
    tx: &mut Tx<'_>,
    _: DescribeEndpointsRequest,
) -> Result<DescribeEndpointsResponse, Fault> {
    let host = tx.request().origin.host.clone();
    let fallback = || tx.settings().endpoint.rsplit('/').next().unwrap_or_default().to_owned();
    let address = if host.is_empty() { fallback() } else { host };
    Ok(DescribeEndpointsResponse { endpoints: vec![Endpoint { address, cache_period_in_minutes: 1440 }] })
}
