//! Log groups: what is kept together, for how long, and under which key.

use model::{AccountId, Effect, Fault, Node, PolicyText, Tags, Timestamp, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::key::{self, DataKey};
use crate::shapes::*;
use crate::{policy, purge, stream, tags};

/// The days that events may be kept.
const RETENTION: &[i64] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) account: AccountId,
    pub(crate) region: String,
    pub(crate) name: String,
    /// Tells this group's records from those of an earlier one of the same name; hexadecimal.
    pub(crate) uid: String,
    pub(crate) created: Timestamp,
    /// Days.
    pub(crate) retention: Option<i64>,
    /// The ARN of the KMS key for what comes in from now on.
    pub(crate) kms_key: Option<String>,
    /// Every data key that events of this group were sealed under; events name theirs by its place here.
    pub(crate) data_keys: Vec<DataKey>,
    pub(crate) protected: bool,
    pub(crate) tags: Tags,
    /// The statements of the account's resource policies, for services only.
    pub(crate) policy: Option<PolicyText>,
}

impl Group {
    /// Without the `:*` that `arn` has in answers.
    pub(crate) fn arn(&self) -> String {
        arn(&self.region, &self.account, &self.name)
    }

    pub(crate) fn uid(&self) -> Vec<u8> {
        self.uid.as_bytes().to_vec()
    }

    /// Events before this time are no longer there, whether they were removed yet or not.
    pub(crate) fn horizon(&self, now: Timestamp) -> i64 {
        self.retention.map_or(0, |days| now.plus_seconds(-days * 86_400).0.max(0))
    }
}

impl Node for Group {
    const KIND: &'static str = "AWS::Logs::LogGroup";
    fn account(&self) -> &AccountId {
        &self.account
    }
    fn region(&self) -> &str {
        &self.region
    }
    fn local_id(&self) -> &str {
        &self.name
    }
    fn arn(&self) -> Option<String> {
        Some(Group::arn(self))
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn policy(&self) -> Option<&PolicyText> {
        self.policy.as_ref()
    }
}

pub(crate) fn arn(region: &str, account: &AccountId, name: &str) -> String {
    model::ids::arn("logs", region, account, &format!("log-group:{name}"))
}

pub(crate) fn invalid(message: impl Into<String>) -> Fault {
    Fault::client("InvalidParameterException", message)
}

pub(crate) fn missing() -> Fault {
    Fault::client("ResourceNotFoundException", "The specified log group does not exist.")
}

pub(crate) fn find(tx: &Tx<'_>, name: &str) -> Result<Group, Fault> {
    tx.find::<Group>(name).cloned().ok_or_else(missing)
}

/// The name in a group's identifier: a name, or an ARN with or without its `:*`.
pub(crate) fn name_of(identifier: &str) -> &str {
    match identifier.split_once(":log-group:") {
        Some((_, name)) => name.split(':').next().unwrap_or(name),
        None => identifier,
    }
}

/// The group of a request that names it in one of two ways.
pub(crate) fn named(tx: &Tx<'_>, name: Option<&str>, identifier: Option<&str>) -> Result<Group, Fault> {
    match (name, identifier) {
        (Some(name), None) => find(tx, name),
        (None, Some(identifier)) => {
            let group = find(tx, name_of(identifier))?;
            match identifier.starts_with("arn:") && identifier.trim_end_matches(":*") != group.arn() {
                true => Err(missing()),
                false => Ok(group),
            }
        }
        (Some(_), Some(_)) => {
            Err(invalid("LogGroupName and LogGroupIdentifier cannot be specified together."))
        }
        (None, None) => Err(invalid("Either LogGroupName or LogGroupIdentifier must be specified.")),
    }
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>
pub(crate) fn create_log_group(tx: &mut Tx<'_>, input: CreateLogGroupRequest) -> Result<(), Fault> {
    if tx.find::<Group>(&input.log_group_name).is_some() {
        return Err(Fault::client(
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ));
    }
    if input.log_group_class.as_deref().is_some_and(|class| class != "STANDARD") {
        return Err(invalid("log groups of a class other than STANDARD are not served by this runtime"));
    }
    let mut group = Group {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name: input.log_group_name,
        uid: hex(&tx.random::<8>()),
        created: tx.now,
        retention: None,
        kms_key: None,
        data_keys: Vec::new(),
        protected: input.deletion_protection_enabled == Some(true),
        tags: tags::checked(input.tags.unwrap_or_default())?,
        policy: None,
    };
    group.policy = policy::merged(tx);
    if let Some(id) = &input.kms_key_id {
        key::associate(tx, &mut group, id)?;
    }
    tx.put(group)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    hex::encode(bytes)
}

pub(crate) fn delete_log_group(tx: &mut Tx<'_>, input: DeleteLogGroupRequest) -> Result<(), Fault> {
    let group = find(tx, &input.log_group_name)?;
    if group.protected {
        return Err(Fault::validation(
            "The log group has deletion protection enabled. Disable it to delete the log group.",
        ));
    }
    tx.remove(&group)?;
    tx.effect(Effect::Unschedule { id: purge::expiry_id(&group) })?;
    tx.effect(Effect::Schedule {
        id: format!("logs/purge/{}", group.uid),
        at: tx.now,
        service: "logs".to_owned(),
        job: "PurgeGroup".to_owned(),
        payload: json!({"group": group.uid}),
    })
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html>
pub(crate) fn describe_log_groups(
    tx: &mut Tx<'_>,
    input: DescribeLogGroupsRequest,
) -> Result<DescribeLogGroupsResponse, Fault> {
    let (prefix, pattern) = (input.log_group_name_prefix, input.log_group_name_pattern);
    if prefix.is_some() && pattern.is_some() {
        return Err(invalid("LogGroupNamePrefix and LogGroupNamePattern cannot be specified together."));
    }
    let own = |id: &String| id != tx.account.as_str();
    if input.include_linked_accounts == Some(true)
        || input.account_identifiers.as_ref().is_some_and(|ids| ids.iter().any(own))
    {
        return Err(invalid("log groups of linked accounts are not served by this runtime"));
    }
    let pattern = pattern.map(|p| p.to_ascii_lowercase());
    let identifiers = input.log_group_identifiers.unwrap_or_default();
    let wanted = |group: &&Group| {
        prefix.as_ref().is_none_or(|p| group.name.starts_with(p.as_str()))
            && pattern.as_ref().is_none_or(|p| group.name.to_ascii_lowercase().contains(p.as_str()))
            && (identifiers.is_empty() || identifiers.iter().any(|id| name_of(id) == group.name))
            && input.log_group_class.as_deref().is_none_or(|class| class == "STANDARD")
    };
    let after = input.next_token.as_deref().map(untoken).transpose()?;
    let limit = input.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(50);
    let mut found: Vec<Group> = tx
        .list::<Group>()
        .filter(wanted)
        .filter(|g| after.as_ref().is_none_or(|a| g.name > *a))
        .take(limit + 1)
        .cloned()
        .collect();
    let more = found.len() > limit;
    found.truncate(limit);
    let next_token = found.last().filter(|_| more).map(|g| token(&g.name));
    let shown = found.iter().map(|g| shape(tx, g)).collect::<Result<_, _>>()?;
    Ok(DescribeLogGroupsResponse { log_groups: Some(shown), next_token })
}

fn shape(tx: &Tx<'_>, group: &Group) -> Result<LogGroup, Fault> {
    let stored = stream::all(tx, group)?.iter().map(|s| s.bytes).sum();
    Ok(LogGroup {
        log_group_name: Some(group.name.clone()),
        creation_time: Some(group.created.0),
        retention_in_days: group.retention,
        metric_filter_count: Some(0),
        arn: Some(format!("{}:*", group.arn())),
        stored_bytes: Some(stored),
        kms_key_id: group.kms_key.clone(),
        log_group_class: Some("STANDARD".to_owned()),
        log_group_arn: Some(group.arn()),
        deletion_protection_enabled: Some(group.protected),
        ..LogGroup::default()
    })
}

/// A page's token is the last thing shown.
pub(crate) fn token(last: &str) -> String {
    hex(last.as_bytes())
}

pub(crate) fn untoken(token: &str) -> Result<String, Fault> {
    let wrong = || invalid("The specified nextToken is invalid.");
    let digits: Vec<u8> = token
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<_>>()
        .ok_or_else(wrong)?;
    let bytes = digits.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect();
    String::from_utf8(bytes).map_err(|_| wrong())
}

pub(crate) fn put_retention_policy(tx: &mut Tx<'_>, input: PutRetentionPolicyRequest) -> Result<(), Fault> {
    if !RETENTION.contains(&input.retention_in_days) {
        let days: Vec<String> = RETENTION.iter().map(ToString::to_string).collect();
        return Err(invalid(format!(
            "1 validation error detected: Value at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
            days.join(", ")
        )));
    }
    let mut group = find(tx, &input.log_group_name)?;
    group.retention = Some(input.retention_in_days);
    purge::schedule(tx, &group)?;
    tx.put(group)
}

pub(crate) fn delete_retention_policy(
    tx: &mut Tx<'_>,
    input: DeleteRetentionPolicyRequest,
) -> Result<(), Fault> {
    let mut group = find(tx, &input.log_group_name)?;
    group.retention = None;
    tx.effect(Effect::Unschedule { id: purge::expiry_id(&group) })?;
    tx.put(group)
}

pub(crate) fn put_log_group_deletion_protection(
    tx: &mut Tx<'_>,
    input: PutLogGroupDeletionProtectionRequest,
) -> Result<(), Fault> {
    let mut group = named(tx, None, Some(&input.log_group_identifier))?;
    group.protected = input.deletion_protection_enabled;
    tx.put(group)
}
