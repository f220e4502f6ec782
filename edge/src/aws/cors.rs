//! Pages of any origin may call Cognito, as in AWS: it is what signs their users in. No other API
//! lets a page read its answers, and no page may send a signature.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ORIGIN,
};
use http::{HeaderMap, HeaderValue, Method};

use crate::listen::Answer;
use crate::plain;

const HEADERS: [&str; 5] =
    ["content-type", "x-amz-target", "x-amz-user-agent", "amz-sdk-invocation-id", "amz-sdk-request"];

/// The answer to a browser that asks whether a page may make a JSON call.
pub(super) fn preflight(method: &Method, headers: &HeaderMap) -> Option<Answer> {
    let asked = headers.get(ACCESS_CONTROL_REQUEST_HEADERS)?.to_str().ok()?.to_ascii_lowercase();
    let json_call = asked.split(',').any(|h| h.trim() == "x-amz-target");
    if *method != Method::OPTIONS || !headers.contains_key(ORIGIN) || !json_call {
        return None;
    }
    let mut answer = plain::whole(200, "text/plain", "");
    let allowed = answer.headers_mut();
    allowed.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    allowed.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
    if let Ok(headers) = HeaderValue::from_str(&HEADERS.join(",")) {
        allowed.insert(ACCESS_CONTROL_ALLOW_HEADERS, headers);
    }
    allowed.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    Some(answer)
}

/// Lets the page that asked read the answer, if the API is one that pages call.
pub(super) fn readable(api: &str, mut answer: Answer) -> Answer {
    if api == "cognito-idp" || api == "cognito-identity" {
        let headers = answer.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("x-amzn-requestid,x-amzn-errortype,x-amzn-errormessage,date"),
        );
    }
    answer
}
