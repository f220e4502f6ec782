//! When access keys and principals were used, read from the record of calls: nothing is written
//! when a call is made, so a call costs nothing more and no use can be missed.
//!
//! A call that was denied is a use as well: "the data includes all attempts to access an AWS API".

use std::collections::BTreeMap;

use model::estate::iam::AccessKey;
use model::event::{Call, Event, EventBody};
use model::{Fault, Timestamp, Tx};

use crate::shapes::{AccessKeyLastUsed, GetAccessKeyLastUsedRequest, GetAccessKeyLastUsedResponse};

/// Seconds that are looked back: 400 days, as AWS keeps them.
const TRACKED: i64 = 400 * 86_400;

/// The folder of a service here, its prefix in actions, and what AWS calls it. Services that are not
/// listed go by the name they sign with.
const SERVICES: &[(&str, &str, &str)] = &[
    ("accessanalyzer", "access-analyzer", "AWS IAM Access Analyzer"),
    ("acm", "acm", "AWS Certificate Manager"),
    ("acm-pca", "acm-pca", "AWS Private Certificate Authority"),
    ("apigateway", "apigateway", "Amazon API Gateway Management"),
    ("apigatewayv2", "apigateway", "Amazon API Gateway Management"),
    ("cloudformation", "cloudformation", "AWS CloudFormation"),
    ("cloudtrail", "cloudtrail", "AWS CloudTrail"),
    ("cloudwatch", "cloudwatch", "Amazon CloudWatch"),
    ("cognito-identity", "cognito-identity", "Amazon Cognito Identity"),
    ("cognito-idp", "cognito-idp", "Amazon Cognito User Pools"),
    ("config", "config", "AWS Config"),
    ("dynamodb", "dynamodb", "Amazon DynamoDB"),
    ("ec2", "ec2", "Amazon EC2"),
    ("ecr", "ecr", "Amazon Elastic Container Registry"),
    ("ecs", "ecs", "Amazon Elastic Container Service"),
    ("elasticache", "elasticache", "Amazon ElastiCache"),
    ("elbv2", "elasticloadbalancing", "AWS Elastic Load Balancing V2"),
    ("events", "events", "Amazon EventBridge"),
    ("guardduty", "guardduty", "Amazon GuardDuty"),
    ("iam", "iam", "AWS Identity and Access Management"),
    ("kms", "kms", "AWS Key Management Service"),
    ("lambda", "lambda", "AWS Lambda"),
    ("logs", "logs", "Amazon CloudWatch Logs"),
    ("organizations", "organizations", "AWS Organizations"),
    ("rds", "rds", "Amazon RDS"),
    ("s3", "s3", "Amazon S3"),
    ("secretsmanager", "secretsmanager", "AWS Secrets Manager"),
    ("securityhub", "securityhub", "AWS Security Hub"),
    ("servicediscovery", "servicediscovery", "AWS Cloud Map"),
    ("sns", "sns", "Amazon SNS"),
    ("sqs", "sqs", "Amazon SQS"),
    ("ssm", "ssm", "AWS Systems Manager"),
    ("sts", "sts", "AWS Security Token Service"),
    ("wafv2", "wafv2", "AWS WAF V2"),
];

/// A service's prefix in actions, and its name.
pub(crate) fn namespace(tx: &Tx<'_>, folder: &str) -> (String, String) {
    if let Some((_, prefix, name)) = SERVICES.iter().find(|(known, ..)| *known == folder) {
        return ((*prefix).to_owned(), (*name).to_owned());
    }
    let served = tx.host().registry().service(folder);
    let known = served.map(|s| (s.api.signing_name.to_owned(), s.api.service_id.to_owned()));
    known.unwrap_or_else(|| (folder.to_owned(), folder.to_owned()))
}

/// Every service that is served, by its prefix in actions.
pub(crate) fn namespaces(tx: &Tx<'_>) -> BTreeMap<String, String> {
    tx.host().registry().services.iter().map(|served| namespace(tx, served.service.name)).collect()
}

/// The calls between two times, newest first, until `take` says stop.
pub(crate) fn calls(
    tx: &Tx<'_>,
    since: Timestamp,
    until: Timestamp,
    take: &mut dyn FnMut(&Event, &Call) -> bool,
) -> Result<(), Fault> {
    let since = since.max(tx.now.plus_seconds(-TRACKED));
    tx.host().events(&mut |_, event| {
        if event.time < since {
            return false;
        }
        match &event.body {
            EventBody::Call(call) if event.time <= until => take(&event, call),
            _ => true,
        }
    })
}

/// The last use of an access key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Used {
    pub(crate) at: Timestamp,
    pub(crate) region: String,
    pub(crate) service: String,
}

/// The last use of each of these keys; nothing for one that was never used. `since` must be no later than
/// the making of the oldest.
pub(crate) fn of_keys(
    tx: &Tx<'_>,
    mut wanted: Vec<String>,
    since: Timestamp,
    until: Timestamp,
) -> Result<BTreeMap<String, Used>, Fault> {
    let mut found = BTreeMap::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    calls(tx, since, until, &mut |event, call| {
        let key = call.caller.access_key.as_ref();
        if let Some(at) = wanted.iter().position(|id| Some(id) == key) {
            let used = Used {
                at: event.time,
                region: event.region.clone(),
                service: namespace(tx, &call.service).0,
            };
            found.insert(wanted.swap_remove(at), used);
        }
        !wanted.is_empty()
    })?;
    Ok(found)
}

/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html>
pub(crate) fn get_access_key_last_used(
    tx: &mut Tx<'_>,
    input: GetAccessKeyLastUsedRequest,
) -> Result<GetAccessKeyLastUsedResponse, Fault> {
    let id = input.access_key_id;
    let missing = || Fault::new("NoSuchEntity", 404, format!("The Access Key with id {id} cannot be found."));
    let key = tx.find_global::<AccessKey>(&id).cloned().ok_or_else(missing)?;
    let used = of_keys(tx, vec![id], key.created, tx.now)?.into_values().next();
    let never = || "N/A".to_owned();
    let access_key_last_used = AccessKeyLastUsed {
        last_used_date: used.as_ref().map(|used| used.at),
        service_name: used.as_ref().map_or_else(never, |used| used.service.clone()),
        region: used.map_or_else(never, |used| used.region),
    };
    Ok(GetAccessKeyLastUsedResponse { user_name: key.user, access_key_last_used: Some(access_key_last_used) })
}
