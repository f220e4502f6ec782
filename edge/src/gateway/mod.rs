//! The data plane of API Gateway: REST and HTTP APIs.
//!
//! Serves what was deployed, never the working copy. Refuses what it cannot decide; what it
//! cannot record does not happen. Never forwards what only the gateway may say: `x-amzn-*`,
//! `x-forwarded-*`, `forwarded`, and credentials of the AWS APIs.

mod body;
mod call;
mod context;
mod forward;
mod http_api;
mod link;
mod log;
mod path;
mod rest;
mod signature;
mod throttle;
mod token;
mod tree;
mod upstream;

use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use model::Snapshot;
use model::estate::apigateway::{HttpApi, RestApi, api_name};
use model::plane::Plane;
use serde_json::json;

use crate::listen::{Answer, Connection};
use crate::plain;

/// A request for an API, found by its host name or by the path `/_aws/execute-api/API/...`.
pub struct Call {
    pub api: String,
    /// The path within the API, stage included, raw.
    pub path: String,
}

pub async fn answer(
    plane: Arc<Plane>,
    connection: Connection,
    request: Request<Incoming>,
    call: Call,
) -> Answer {
    let snapshot: Arc<Snapshot> = plane.estate.snapshot();
    let name = api_name(&call.api);
    if let Some(api) = snapshot.find_named::<RestApi>(&name) {
        let scope = (&api.account, api.region.as_str());
        let call = call::Call::new(plane, Arc::clone(&snapshot), connection, request, call, scope);
        return rest::answer(call, api).await;
    }
    if let Some(api) = snapshot.find_named::<HttpApi>(&name) {
        let scope = (&api.account, api.region.as_str());
        let call = call::Call::new(plane, Arc::clone(&snapshot), connection, request, call, scope);
        return http_api::answer(call, api).await;
    }
    // In AWS such a name would not even resolve.
    plain::json(403, &json!({"message": "Forbidden"}))
}
