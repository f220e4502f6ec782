//! The data plane of API Gateway: REST and HTTP APIs.

use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
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
    _plane: Arc<Plane>,
    _connection: Connection,
    _request: Request<Incoming>,
    _call: Call,
) -> Answer {
    plain::json(404, &json!({"message": "Not Found"}))
}
