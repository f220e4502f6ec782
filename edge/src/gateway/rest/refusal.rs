//! The gateway's own answers: which there are, and how each looks unless the API changes it.
//! Follows "Gateway response types for API Gateway".

use bytes::Bytes;
use model::Fault;
use model::estate::apigateway::RESPONSE_TYPES;

use super::routes::Table;
use crate::gateway::call::Call;
use crate::gateway::forward;
use crate::listen::Answer;
use crate::plain;

/// Why a request does not go on.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The gateway response.
    pub(super) kind: &'static str,
    /// `x-amzn-errortype`.
    pub(super) error: &'static str,
    /// What the client is told; `None` shows as `null`.
    pub(super) message: Option<String>,
    /// What the log is told.
    pub(super) reason: String,
    pub(super) status: u16,
    /// A whole answer of the web ACL's own.
    pub(super) custom: Option<Box<Custom>>,
}

#[derive(Debug)]
pub(super) struct Custom {
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

/// Response type, error type, message.
const TABLE: &[(&str, &str, &str)] = &[
    ("ACCESS_DENIED", "AccessDeniedException", "User is not authorized to access this resource"),
    ("API_CONFIGURATION_ERROR", "InternalServerErrorException", "Internal server error"),
    ("AUTHORIZER_FAILURE", "AuthorizerFailureException", "Internal server error"),
    ("BAD_REQUEST_BODY", "BadRequestException", "Invalid request body"),
    ("BAD_REQUEST_PARAMETERS", "BadRequestException", "Bad Request"),
    ("INTEGRATION_FAILURE", "InternalServerErrorException", "Network error communicating with endpoint"),
    ("INTEGRATION_TIMEOUT", "InternalServerErrorException", "Endpoint request timed out"),
    ("INVALID_API_KEY", "ForbiddenException", "Forbidden"),
    ("MISSING_AUTHENTICATION_TOKEN", "MissingAuthenticationTokenException", "Missing Authentication Token"),
    ("QUOTA_EXCEEDED", "LimitExceededException", "Limit Exceeded"),
    ("REQUEST_TOO_LARGE", "RequestTooLargeException", "Request Entity Too Large"),
    ("THROTTLED", "TooManyRequestsException", "Too Many Requests"),
    ("UNAUTHORIZED", "UnauthorizedException", "Unauthorized"),
    ("UNSUPPORTED_MEDIA_TYPE", "BadRequestException", "Unsupported Media Type"),
    ("WAF_FILTERED", "ForbiddenException", "Forbidden"),
];

impl Refusal {
    pub(super) fn new(kind: &'static str, reason: impl Into<String>) -> Refusal {
        let row = TABLE.iter().find(|(k, _, _)| *k == kind);
        let (_, error, message) =
            row.copied().unwrap_or((kind, "InternalServerErrorException", "Internal server error"));
        let status = RESPONSE_TYPES.iter().find(|(k, _)| *k == kind).and_then(|(_, status)| *status);
        Refusal {
            kind,
            error,
            message: Some(message.to_owned()),
            reason: reason.into(),
            status: status.unwrap_or(500),
            custom: None,
        }
    }

    /// The same with another message.
    pub(super) fn saying(self, message: impl Into<String>) -> Refusal {
        Refusal { message: Some(message.into()), ..self }
    }

    /// The authorizer cannot be asked.
    pub(super) fn no_authorizer(reason: impl Into<String>) -> Refusal {
        Refusal {
            error: "AuthorizerConfigurationException",
            message: None,
            ..Refusal::new("AUTHORIZER_CONFIGURATION_ERROR", reason)
        }
    }

    /// The way to the integration is not there.
    pub(super) fn unavailable(reason: impl Into<String>) -> Refusal {
        let refusal = Refusal::new("INTEGRATION_FAILURE", reason).saying("Service Unavailable");
        Refusal { error: "ServiceUnavailableException", status: 503, ..refusal }
    }

    /// Before any stage is known.
    pub(super) fn forbidden(reason: impl Into<String>) -> Refusal {
        Refusal { status: 403, ..Refusal::new("INVALID_API_KEY", reason) }
    }
}

/// What cannot be recorded does not happen.
impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Refusal {
        Refusal::new("API_CONFIGURATION_ERROR", fault.to_string())
    }
}

/// The answer for a refusal, as the API wants it to look.
pub(super) fn answer(call: &mut Call, table: Option<&Table>, refusal: &Refusal) -> Answer {
    if let Some(custom) = &refusal.custom {
        let mut answer = plain::whole(refusal.status, "text/html", custom.body.clone());
        for (name, value) in &custom.headers {
            forward::set(answer.headers_mut(), name, value);
        }
        return answer;
    }
    let message = refusal.message.clone().map_or(serde_json::Value::Null, serde_json::Value::String);
    call.context.set("error.message", refusal.message.clone().unwrap_or_default());
    call.context.set("error.messageString", message.to_string());
    call.context.set("error.responseType", refusal.kind);
    let all = if refusal.status < 500 { "DEFAULT_4XX" } else { "DEFAULT_5XX" };
    let own = table.and_then(|t| t.responses.get(refusal.kind).or_else(|| t.responses.get(all)));
    let template = own.and_then(|r| r.response_templates.get("application/json"));
    let body = match template {
        // Denials by a policy spell their message with a capital.
        None if refusal.kind == "ACCESS_DENIED" => format!("{{\"Message\":{message}}}"),
        None => format!("{{\"message\":{message}}}"),
        Some(template) => call.context.render(template, |name, value| match name {
            "context.error.messageString" => message.to_string(),
            _ => in_json(&value.unwrap_or_default()),
        }),
    };
    let status =
        own.and_then(|r| r.status_code.as_ref()).and_then(|s| s.parse().ok()).unwrap_or(refusal.status);
    let mut answer = plain::whole(status, "application/json", body);
    forward::set(answer.headers_mut(), "x-amzn-errortype", refusal.error);
    for (target, source) in own.into_iter().flat_map(|r| &r.response_parameters) {
        if let Some(name) = target.strip_prefix("gatewayresponse.header.")
            && let Some(value) = super::mapping::value(call, source)
        {
            forward::set(answer.headers_mut(), name, &value);
        }
    }
    answer
}

/// Text inside a JSON string.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::String(text.to_owned()).to_string();
    quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')).unwrap_or_default().to_owned()
}
