//! The pages that a load balancer answers with itself.

use http::StatusCode;
use http::header::SERVER;

use crate::listen::Answer;
use crate::plain;

/// What the balancer calls itself in its own answers.
pub(super) const NAME: &str = "awselb/2.0";

fn title(status: u16) -> &'static str {
    match status {
        405 => "Not Allowed",
        408 => "Request Time-out",
        414 => "Request-URI Too Large",
        504 => "Gateway Time-out",
        503 => "Service Temporarily Unavailable",
        other => StatusCode::from_u16(other).ok().and_then(|s| s.canonical_reason()).unwrap_or_default(),
    }
}

/// An error page.
pub(super) fn error(status: u16) -> Answer {
    let title = format!("{status} {}", title(status));
    let title = title.trim_end();
    let body = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    );
    signed(plain::whole(status, "text/html", body))
}

/// An answer of the balancer's own.
pub(super) fn signed(mut answer: Answer) -> Answer {
    answer.headers_mut().insert(SERVER, http::HeaderValue::from_static(NAME));
    answer
}
