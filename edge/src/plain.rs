//! Answers that the data planes make themselves.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};

use crate::listen::Answer;

/// A whole answer of one content type.
pub fn whole(status: u16, content_type: &str, body: impl Into<Bytes>) -> Answer {
    let mut answer = hyper::Response::new(Full::new(body.into()).map_err(|never| match never {}).boxed());
    *answer.status_mut() =
        http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    if let Ok(value) = http::HeaderValue::from_str(content_type) {
        answer.headers_mut().insert(http::header::CONTENT_TYPE, value);
    }
    answer
}

pub fn json(status: u16, body: &serde_json::Value) -> Answer {
    whole(status, "application/json", body.to_string())
}
