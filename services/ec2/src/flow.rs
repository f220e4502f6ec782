//! Flow logs: wishes that are kept. Nothing is delivered as long as packets are not captured,
//! and every description says so.

use model::estate::ec2::{FlowLog, NetworkInterface, Subnet, TransitAttachment, TransitGateway, Vpc};
use model::{Arn, Fault, IntoValue as _, Tx};

use crate::listing::{Listing, one, own, some};
use crate::shapes::{
    self, CreateFlowLogsRequest, CreateFlowLogsResult, DeleteFlowLogsRequest, DeleteFlowLogsResult,
};
use crate::{endpoint, fault, kind, tag, vpc};

const FORMAT: &str = "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}";
const UNDELIVERED: &str = "Not delivered: this runtime does not capture packets yet";

pub(crate) static LOGS: Listing<FlowLog> = Listing {
    prefix: "fl",
    ids: "FlowLogIds",
    shown: "FlowLogs",
    all: own,
    filters: &[
        ("deliver-log-status", |_, _| one("FAILED")),
        ("log-destination-type", |_, l| one(&l.destination_type)),
        ("flow-log-id", |_, l| one(&l.id)),
        ("log-group-name", |_, l| some(l.log_group.as_ref())),
        ("resource-id", |_, l| one(&l.resource)),
        ("traffic-type", |_, l| one(&l.traffic)),
    ],
    show: |_, log| shown(log).into_value(),
};

fn shown(log: &FlowLog) -> shapes::FlowLog {
    shapes::FlowLog {
        creation_time: Some(log.created),
        deliver_logs_error_message: Some(UNDELIVERED.to_owned()),
        deliver_logs_permission_arn: log.role.clone(),
        deliver_logs_status: Some("FAILED".to_owned()),
        flow_log_id: Some(log.id.clone()),
        flow_log_status: Some("ACTIVE".to_owned()),
        log_group_name: log.log_group.clone(),
        resource_id: Some(log.resource.clone()),
        traffic_type: Some(log.traffic.clone()),
        log_destination_type: Some(log.destination_type.clone()),
        log_destination: log.destination.clone(),
        log_format: Some(log.format.clone()),
        tags: tag::shown(&log.tags),
        max_aggregation_interval: Some(log.interval),
        ..shapes::FlowLog::default()
    }
}

fn must_exist(tx: &Tx<'_>, kind: &str, id: &str) -> Result<(), Fault> {
    match kind {
        "VPC" => kind::find::<Vpc>(tx, "vpc", id).map(|_| ()),
        "Subnet" => kind::find::<Subnet>(tx, "subnet", id).map(|_| ()),
        "NetworkInterface" => kind::find::<NetworkInterface>(tx, "eni", id).map(|_| ()),
        "TransitGateway" => kind::find::<TransitGateway>(tx, "tgw", id).map(|_| ()),
        "TransitGatewayAttachment" => kind::find::<TransitAttachment>(tx, "tgw-attach", id).map(|_| ()),
        other => Err(fault::bad_value(other, "ResourceType", "It is not served by this runtime.")),
    }
}

/// Where the log should go: the destination and the log group.
fn destination(
    tx: &Tx<'_>,
    input: &CreateFlowLogsRequest,
    kind: &str,
) -> Result<(Option<String>, Option<String>), Fault> {
    match kind {
        "cloud-watch-logs" => {
            if input.deliver_logs_permission_arn.is_none() {
                return Err(Fault::client("MissingParameter", "DeliverLogsPermissionArn can't be empty"));
            }
            let of_arn = |arn: &String| {
                let (_, name) = arn.split_once(":log-group:")?;
                Some(name.trim_end_matches(":*").to_owned())
            };
            match (&input.log_group_name, &input.log_destination) {
                (Some(name), None) => Ok((None, Some(name.clone()))),
                (None, Some(arn)) => match of_arn(arn) {
                    Some(name) => Ok((Some(arn.clone()), Some(name))),
                    None => Err(fault::bad_value(arn, "LogDestination", "It is not the ARN of a log group.")),
                },
                _ => Err(fault::combination("Please provide exactly one of LogGroupName and LogDestination")),
            }
        }
        "s3" => {
            let arn = input.log_destination.clone().ok_or_else(|| fault::absent("LogDestination"))?;
            let bucket = Arn::parse(&arn).filter(|a| a.service == "s3");
            let bucket = bucket.and_then(|a| a.resource.split('/').next());
            let found = bucket.is_some_and(|b| tx.snapshot().by_arn(&format!("arn:aws:s3:::{b}")).is_some());
            if input.deliver_logs_permission_arn.is_some() {
                let message = "DeliverLogsPermissionArn is not applicable for s3 delivery";
                return Err(fault::combination(message));
            }
            match found {
                true => Ok((Some(arn), None)),
                false => Err(fault::value(format!("LogDestination: {arn} does not exist."))),
            }
        }
        other => Err(Fault::client(
            "UnsupportedOperation",
            format!("Delivery of flow logs to {other} is not served by this runtime"),
        )),
    }
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html>
pub(crate) fn create_flow_logs(
    tx: &mut Tx<'_>,
    input: CreateFlowLogsRequest,
) -> Result<CreateFlowLogsResult, Fault> {
    fault::refuse(&[
        ("DeliverCrossAccountRole", input.deliver_cross_account_role.is_some()),
        ("DestinationOptions", input.destination_options.is_some()),
    ])?;
    let kind = input.log_destination_type.clone().unwrap_or_else(|| "cloud-watch-logs".to_owned());
    let (destination, log_group) = destination(tx, &input, &kind)?;
    let transit = input.resource_type.starts_with("Transit");
    let traffic = match (&input.traffic_type, transit) {
        (Some(traffic), _) => traffic.clone(),
        (None, true) => "ALL".to_owned(),
        (None, false) => return Err(fault::absent("TrafficType")),
    };
    let interval = input.max_aggregation_interval.unwrap_or(if transit { 60 } else { 600 });
    if interval != 60 && (interval != 600 || transit) {
        let why = "It must be 60 or 600, and 60 for transit gateways.";
        return Err(fault::bad_value(&interval.to_string(), "MaxAggregationInterval", why));
    }
    let tags = tag::given(tx, input.tag_specifications, "vpc-flow-log")?;
    let mut made = Vec::new();
    for resource in input.resource_ids {
        must_exist(tx, &input.resource_type, &resource)?;
        let log = FlowLog {
            account: tx.account.clone(),
            region: tx.region.clone(),
            id: kind::new_id(tx, "fl"),
            resource,
            traffic: traffic.clone(),
            destination_type: kind.clone(),
            destination: destination.clone(),
            log_group: log_group.clone(),
            role: input.deliver_logs_permission_arn.clone(),
            format: input.log_format.clone().unwrap_or_else(|| FORMAT.to_owned()),
            interval,
            created: tx.now,
            tags: tags.clone(),
        };
        let same = |l: &FlowLog| {
            (&l.resource, &l.traffic, &l.destination, &l.log_group)
                == (&log.resource, &log.traffic, &log.destination, &log.log_group)
        };
        if tx.list::<FlowLog>().any(same) {
            return Err(Fault::client(
                "FlowLogAlreadyExists",
                "Error. There is an existing Flow Log with the same configuration and log destination.",
            ));
        }
        made.push(log.id.clone());
        tx.put(log)?;
    }
    Ok(CreateFlowLogsResult {
        client_token: input.client_token,
        flow_log_ids: Some(made),
        unsuccessful: Some(Vec::new()),
    })
}

pub(crate) fn delete_flow_logs(
    tx: &mut Tx<'_>,
    input: DeleteFlowLogsRequest,
) -> Result<DeleteFlowLogsResult, Fault> {
    let mut unsuccessful = Vec::new();
    for id in input.flow_log_ids {
        match kind::find::<FlowLog>(tx, "fl", &id) {
            Ok(log) => tx.remove(&log)?,
            Err(fault) => unsuccessful.push(endpoint::failed(id, fault)),
        }
    }
    Ok(DeleteFlowLogsResult { unsuccessful: Some(unsuccessful) })
}

/// What is gone is watched no longer.
pub(crate) fn leave(tx: &mut Tx<'_>, resource: &str) -> Result<(), Fault> {
    vpc::remove_where::<FlowLog>(tx, |l| l.resource == resource)
}
