//! What the log holds besides commits: decisions, outcomes, findings and the
//! verdicts of the enforcement points on a request's way.

use serde::{Deserialize, Serialize};

use crate::decision::{Layer, Request, Why};
use crate::identity::{Caller, Origin};
use crate::time::Timestamp;

/// One entry of the log, as every view of it (CloudTrail, traces, detectors) reads it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    pub time: Timestamp,
    /// The id of the request that this belongs to.
    pub request: String,
    pub trace: String,
    pub account: String,
    pub region: String,
    pub body: EventBody,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum EventBody {
    /// May the caller do this? The request's facts are in the `Asked` event before it.
    Decision { allowed: bool, why: Why },
    /// An API call: who asked for what, and what came of it. CloudTrail is a view of these.
    Call(Box<Call>),
    /// An enforcement point of the data plane decided: TLS, WAF, authorizer, gateway, load balancer, database.
    Enforced(Box<Enforced>),
    /// A detector found something.
    Finding(Box<Finding>),
    /// The runtime itself: started, stopped, a component died.
    Runtime { what: String },
}

/// One API call with its outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Call {
    pub caller: Caller,
    pub origin: Origin,
    pub service: String,
    pub operation: String,
    pub read_only: bool,
    /// Redacted.
    pub parameters: serde_json::Value,
    /// Redacted; only for calls that change something, as in CloudTrail.
    pub response: serde_json::Value,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    /// ARNs of the resources asked for.
    pub resources: Vec<String>,
    /// The service that made the call on the caller's behalf.
    pub invoked_by: Option<String>,
}

/// A verdict of the data plane.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Enforced {
    /// `tls`, `waf`, `authorizer`, `gateway`, `load-balancer`, `task`, `database`.
    pub point: String,
    /// The ARN of the enforcing resource.
    pub resource: String,
    pub subject: String,
    pub action: String,
    pub allowed: bool,
    pub reason: String,
    pub layers: Vec<Layer>,
    /// Facts for the views, e.g. the WAF or access log record. Never bodies or credentials.
    pub facts: serde_json::Value,
}

/// What a detector found; Security Hub is a view of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable for the same cause, so that it is reported once.
    pub id: String,
    pub detector: String,
    pub title: String,
    pub description: String,
    /// 0 to 100, as in the AWS Security Finding Format.
    pub severity: u8,
    pub types: Vec<String>,
    pub resources: Vec<String>,
    pub principal: Option<String>,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
    pub count: u64,
    /// Request ids of the events that led to it.
    pub evidence: Vec<String>,
}

/// What identities ask their pool for: data events, as the Cognito guide has it ("Amazon Cognito
/// logging in AWS CloudTrail").
const OF_IDENTITIES: [&str; 5] = [
    "GetCredentialsForIdentity",
    "GetId",
    "GetOpenIdToken",
    "GetOpenIdTokenForDeveloperIdentity",
    "UnlinkIdentity",
];

impl Call {
    /// Calls on single objects are data events; all others are management events.
    pub fn is_management(&self) -> bool {
        let object = self.service == "s3"
            && !self.operation.contains("Bucket")
            && !self.operation.contains("PublicAccessBlock");
        let item = self.service == "dynamodb" && self.operation.contains("Item");
        let identity = self.service == "cognito-identity" && OF_IDENTITIES.contains(&self.operation.as_str());
        !object && !item && !identity
    }
}

impl Event {
    pub fn new(request: &Request, body: EventBody) -> Event {
        Event {
            time: request.time,
            request: request.id.clone(),
            trace: request.trace.clone(),
            account: request.caller.account.to_string(),
            region: request.region.clone(),
            body,
        }
    }
}
