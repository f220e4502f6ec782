//! Trails: where the events of an account are to be delivered, and which of them.

use model::estate::iam::Organization;
use model::{AccountId, Fault, Members, Tags, Timestamp, Tx, Value};
use serde::{Deserialize, Serialize};

use crate::shapes::*;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) account: AccountId,
    /// The home region.
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) bucket: String,
    pub(crate) prefix: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) multi_region: bool,
    pub(crate) organization: bool,
    pub(crate) global_events: bool,
    pub(crate) selectors: Vec<Selector>,
    pub(crate) logging: bool,
    pub(crate) started: Option<Timestamp>,
    pub(crate) stopped: Option<Timestamp>,
    /// Events of the log up to this entry are delivered, or were not wanted.
    pub(crate) delivered: u64,
    pub(crate) delivery: Option<Timestamp>,
    pub(crate) delivery_error: Option<String>,
    pub(crate) tags: Tags,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Selector {
    /// `ReadOnly`, `WriteOnly` or `All`.
    pub(crate) read_write: String,
    pub(crate) management: bool,
    pub(crate) excluded: Vec<String>,
    /// ARNs, or beginnings of ARNs, by type: `AWS::S3::Object`, `AWS::DynamoDB::Table`.
    pub(crate) data: Vec<(String, Vec<String>)>,
}

impl Default for Selector {
    fn default() -> Selector {
        Selector { read_write: "All".to_owned(), management: true, excluded: Vec::new(), data: Vec::new() }
    }
}

impl Stored {
    pub(crate) fn arn(&self) -> String {
        model::ids::arn("cloudtrail", &self.region, &self.account, &format!("trail/{}", self.name))
    }
}

model::regional_node!(Stored, "AWS::CloudTrail::Trail", name);

/// The trail of this name or ARN.
pub(crate) fn find(tx: &Tx<'_>, name: &str) -> Result<Stored, Fault> {
    let found = if name.starts_with("arn:") { tx.find_arn::<Stored>(name) } else { tx.find::<Stored>(name) };
    found.filter(|t| t.account == tx.account).cloned().ok_or_else(|| {
        Fault::client("TrailNotFoundException", format!("Unknown trail: {name} for the user: {}", tx.account))
    })
}

fn valid_name(name: &str) -> Result<(), Fault> {
    let good = (3..=128).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        && name.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    match good {
        true => Ok(()),
        false => Err(Fault::client(
            "InvalidTrailNameException",
            "Trail name must be 3 to 128 letters, digits, periods, underscores or dashes, and begin with a letter or digit",
        )),
    }
}

/// What is not served is refused, never forgotten.
fn unserved(name: &str, given: bool) -> Result<(), Fault> {
    match given {
        false => Ok(()),
        true => Err(Fault::client(
            "UnsupportedOperationException",
            format!("{name} is not served by this runtime"),
        )),
    }
}

/// CloudTrail must be able to write where the trail points.
fn writable(tx: &mut Tx<'_>, trail: &Stored) -> Result<(), Fault> {
    let mut input = Members::default();
    input.push("Bucket", trail.bucket.as_str());
    let service = crate::deliver::service(trail);
    if tx.snapshot().by_arn(&format!("arn:aws:s3:::{}", trail.bucket)).is_none() {
        let message = format!("S3 bucket {} does not exist!", trail.bucket);
        return Err(Fault::client("S3BucketDoesNotExistException", message));
    }
    let got: Result<Value, Fault> = tx.call_as(service, None, "s3", "GetBucketAcl", Value::Map(input));
    match got {
        // What the policy says of writing shows at the delivery; AWS, too, asks for the bucket's ACL first.
        Err(fault) if fault.code.starts_with("AccessDenied") => Err(Fault::client(
            "InsufficientS3BucketPolicyException",
            format!("Incorrect S3 bucket policy is detected for bucket: {}", trail.bucket),
        )),
        Err(fault) => Err(fault),
        Ok(_) => Ok(()),
    }
}

fn organization(tx: &Tx<'_>, wanted: bool) -> Result<(), Fault> {
    let manages = tx.snapshot().all::<Organization>().next().is_some_and(|o| o.account == tx.account);
    match wanted && !manages {
        false => Ok(()),
        true => Err(Fault::client(
            "NotOrganizationMasterAccountException",
            "only the management account can make a trail for the organization",
        )),
    }
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html>
pub(crate) fn create_trail(tx: &mut Tx<'_>, input: CreateTrailRequest) -> Result<CreateTrailResponse, Fault> {
    valid_name(&input.name)?;
    unserved("an SNS topic", input.sns_topic_name.is_some())?;
    unserved("delivery to CloudWatch Logs", input.cloud_watch_logs_log_group_arn.is_some())?;
    unserved("log file validation", input.enable_log_file_validation == Some(true))?;
    if tx.find::<Stored>(&input.name).is_some() {
        return Err(Fault::client(
            "TrailAlreadyExistsException",
            format!("Trail {} already exists for customer: {}", input.name, tx.account),
        ));
    }
    let trail = Stored {
        account: tx.account.clone(),
        region: tx.region.clone(),
        name: input.name,
        bucket: input.s3_bucket_name,
        prefix: input.s3_key_prefix.filter(|p| !p.is_empty()),
        key: input.kms_key_id,
        multi_region: input.is_multi_region_trail == Some(true),
        organization: input.is_organization_trail == Some(true),
        global_events: input.include_global_service_events != Some(false),
        selectors: vec![Selector::default()],
        logging: false,
        started: None,
        stopped: None,
        delivered: 0,
        delivery: None,
        delivery_error: None,
        tags: input.tags_list.unwrap_or_default().into_iter().map(pair).collect(),
    };
    organization(tx, trail.organization)?;
    writable(tx, &trail)?;
    let shown = shape(&trail);
    tx.put(trail)?;
    Ok(CreateTrailResponse {
        name: shown.name,
        s3_bucket_name: shown.s3_bucket_name,
        s3_key_prefix: shown.s3_key_prefix,
        include_global_service_events: shown.include_global_service_events,
        is_multi_region_trail: shown.is_multi_region_trail,
        trail_arn: shown.trail_arn,
        log_file_validation_enabled: Some(false),
        kms_key_id: shown.kms_key_id,
        is_organization_trail: shown.is_organization_trail,
        ..CreateTrailResponse::default()
    })
}

fn pair(tag: Tag) -> (String, String) {
    (tag.key, tag.value.unwrap_or_default())
}

fn shape(trail: &Stored) -> Trail {
    Trail {
        name: Some(trail.name.clone()),
        s3_bucket_name: Some(trail.bucket.clone()),
        s3_key_prefix: trail.prefix.clone(),
        include_global_service_events: Some(trail.global_events),
        is_multi_region_trail: Some(trail.multi_region),
        home_region: Some(trail.region.clone()),
        trail_arn: Some(trail.arn()),
        log_file_validation_enabled: Some(false),
        kms_key_id: trail.key.clone(),
        has_custom_event_selectors: Some(trail.selectors != [Selector::default()]),
        has_insight_selectors: Some(false),
        is_organization_trail: Some(trail.organization),
        ..Trail::default()
    }
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_UpdateTrail.html>
pub(crate) fn update_trail(tx: &mut Tx<'_>, input: UpdateTrailRequest) -> Result<UpdateTrailResponse, Fault> {
    unserved("an SNS topic", input.sns_topic_name.is_some())?;
    unserved("delivery to CloudWatch Logs", input.cloud_watch_logs_log_group_arn.is_some())?;
    unserved("log file validation", input.enable_log_file_validation == Some(true))?;
    let mut trail = find(tx, &input.name)?;
    trail.bucket = input.s3_bucket_name.unwrap_or(trail.bucket);
    if let Some(prefix) = input.s3_key_prefix {
        trail.prefix = Some(prefix).filter(|p| !p.is_empty());
    }
    if let Some(key) = input.kms_key_id {
        trail.key = Some(key).filter(|k| !k.is_empty());
    }
    trail.multi_region = input.is_multi_region_trail.unwrap_or(trail.multi_region);
    trail.global_events = input.include_global_service_events.unwrap_or(trail.global_events);
    trail.organization = input.is_organization_trail.unwrap_or(trail.organization);
    organization(tx, trail.organization)?;
    writable(tx, &trail)?;
    let shown = shape(&trail);
    tx.put(trail)?;
    Ok(UpdateTrailResponse {
        name: shown.name,
        s3_bucket_name: shown.s3_bucket_name,
        s3_key_prefix: shown.s3_key_prefix,
        include_global_service_events: shown.include_global_service_events,
        is_multi_region_trail: shown.is_multi_region_trail,
        trail_arn: shown.trail_arn,
        log_file_validation_enabled: Some(false),
        kms_key_id: shown.kms_key_id,
        is_organization_trail: shown.is_organization_trail,
        ..UpdateTrailResponse::default()
    })
}

pub(crate) fn delete_trail(tx: &mut Tx<'_>, input: DeleteTrailRequest) -> Result<DeleteTrailResponse, Fault> {
    let trail = find(tx, &input.name)?;
    tx.remove(&trail)?;
    Ok(DeleteTrailResponse::default())
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_DescribeTrails.html>
pub(crate) fn describe_trails(
    tx: &mut Tx<'_>,
    input: DescribeTrailsRequest,
) -> Result<DescribeTrailsResponse, Fault> {
    let named = input.trail_name_list.unwrap_or_default();
    let shadows = input.include_shadow_trails != Some(false);
    let all = tx.snapshot().all::<Stored>().filter(|t| t.account == tx.account);
    let here = all.filter(|t| t.region == tx.region || (shadows && t.multi_region));
    let wanted = here.filter(|t| named.is_empty() || named.iter().any(|n| *n == t.name || *n == t.arn()));
    Ok(DescribeTrailsResponse { trail_list: Some(wanted.map(shape).collect()) })
}

pub(crate) fn get_trail(tx: &mut Tx<'_>, input: GetTrailRequest) -> Result<GetTrailResponse, Fault> {
    Ok(GetTrailResponse { trail: Some(shape(&find(tx, &input.name)?)) })
}

pub(crate) fn list_trails(tx: &mut Tx<'_>, _: ListTrailsRequest) -> Result<ListTrailsResponse, Fault> {
    let all = tx.snapshot().all::<Stored>().filter(|t| t.account == tx.account);
    let trails = all.map(|t| TrailInfo {
        trail_arn: Some(t.arn()),
        name: Some(t.name.clone()),
        home_region: Some(t.region.clone()),
    });
    Ok(ListTrailsResponse { trails: Some(trails.collect()), next_token: None })
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_GetTrailStatus.html>
pub(crate) fn get_trail_status(
    tx: &mut Tx<'_>,
    input: GetTrailStatusRequest,
) -> Result<GetTrailStatusResponse, Fault> {
    let trail = find(tx, &input.name)?;
    let text = |time: Option<Timestamp>| time.map(Timestamp::to_rfc3339_seconds);
    Ok(GetTrailStatusResponse {
        is_logging: Some(trail.logging),
        latest_delivery_error: trail.delivery_error,
        latest_delivery_time: trail.delivery,
        start_logging_time: trail.started,
        stop_logging_time: trail.stopped,
        time_logging_started: text(trail.started),
        time_logging_stopped: text(trail.stopped),
        ..GetTrailStatusResponse::default()
    })
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_StartLogging.html>
pub(crate) fn start_logging(
    tx: &mut Tx<'_>,
    input: StartLoggingRequest,
) -> Result<StartLoggingResponse, Fault> {
    let mut trail = find(tx, &input.name)?;
    if !trail.logging {
        trail.logging = true;
        trail.started = Some(tx.now);
        trail.delivered = crate::deliver::newest(tx)?;
        tx.put(trail)?;
    }
    Ok(StartLoggingResponse::default())
}

pub(crate) fn stop_logging(tx: &mut Tx<'_>, input: StopLoggingRequest) -> Result<StopLoggingResponse, Fault> {
    let mut trail = find(tx, &input.name)?;
    trail.logging = false;
    trail.stopped = Some(tx.now);
    tx.put(trail)?;
    Ok(StopLoggingResponse::default())
}

/// <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html>
pub(crate) fn put_event_selectors(
    tx: &mut Tx<'_>,
    input: PutEventSelectorsRequest,
) -> Result<PutEventSelectorsResponse, Fault> {
    unserved("an advanced event selector", input.advanced_event_selectors.is_some())?;
    let given = input.event_selectors.unwrap_or_default();
    let invalid = |message: &str| Fault::client("InvalidEventSelectorsException", message);
    if !(1..=5).contains(&given.len()) {
        return Err(invalid("a trail has one to five event selectors"));
    }
    let mut trail = find(tx, &input.trail_name)?;
    trail.selectors = given
        .iter()
        .map(|s| {
            let data = s.data_resources.iter().flatten().map(|d| {
                let kind = d.r#type.clone().unwrap_or_default();
                match kind.as_str() {
                    "AWS::S3::Object" | "AWS::DynamoDB::Table" => {
                        Ok((kind, d.values.clone().unwrap_or_default()))
                    }
                    _ => Err(invalid(
                        "the type of a data resource must be AWS::S3::Object or AWS::DynamoDB::Table here",
                    )),
                }
            });
            Ok(Selector {
                read_write: s.read_write_type.clone().unwrap_or_else(|| "All".to_owned()),
                management: s.include_management_events != Some(false),
                excluded: s.exclude_management_event_sources.clone().unwrap_or_default(),
                data: data.collect::<Result<_, Fault>>()?,
            })
        })
        .collect::<Result<_, Fault>>()?;
    let arn = trail.arn();
    tx.put(trail)?;
    Ok(PutEventSelectorsResponse { trail_arn: Some(arn), event_selectors: Some(given), ..Default::default() })
}

pub(crate) fn get_event_selectors(
    tx: &mut Tx<'_>,
    input: GetEventSelectorsRequest,
) -> Result<GetEventSelectorsResponse, Fault> {
    let trail = find(tx, &input.trail_name)?;
    let shown = trail.selectors.iter().map(|s| EventSelector {
        read_write_type: Some(s.read_write.clone()),
        include_management_events: Some(s.management),
        data_resources: Some(
            s.data
                .iter()
                .map(|(kind, values)| DataResource {
                    r#type: Some(kind.clone()),
                    values: Some(values.clone()),
                })
                .collect(),
        ),
        exclude_management_event_sources: Some(s.excluded.clone()),
    });
    Ok(GetEventSelectorsResponse {
        trail_arn: Some(trail.arn()),
        event_selectors: Some(shown.collect()),
        ..GetEventSelectorsResponse::default()
    })
}

pub(crate) fn add_tags(tx: &mut Tx<'_>, input: AddTagsRequest) -> Result<AddTagsResponse, Fault> {
    let mut trail = find(tx, &input.resource_id)?;
    trail.tags.extend(input.tags_list.into_iter().map(pair));
    tx.put(trail)?;
    Ok(AddTagsResponse::default())
}

pub(crate) fn remove_tags(tx: &mut Tx<'_>, input: RemoveTagsRequest) -> Result<RemoveTagsResponse, Fault> {
    let mut trail = find(tx, &input.resource_id)?;
    for tag in input.tags_list {
        trail.tags.remove(&tag.key);
    }
    tx.put(trail)?;
    Ok(RemoveTagsResponse::default())
}

pub(crate) fn list_tags(tx: &mut Tx<'_>, input: ListTagsRequest) -> Result<ListTagsResponse, Fault> {
    let list = input.resource_id_list.iter().map(|id| {
        let trail = find(tx, id)?;
        let tags = trail.tags.iter().map(|(k, v)| Tag { key: k.clone(), value: Some(v.clone()) });
        Ok(ResourceTag { resource_id: Some(id.clone()), tags_list: Some(tags.collect()) })
    });
    Ok(ListTagsResponse { resource_tag_list: Some(list.collect::<Result<_, Fault>>()?), next_token: None })
}
