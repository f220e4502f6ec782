//! The console's page, script and style. They hold nothing of the estate, so whoever asks gets
//! them; the script then asks for the rest with the token. No script but this one ever runs in it.

use edge::listen::Answer;
use edge::plain;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};

const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'";

/// `None` where `path` is none of these files.
pub(super) fn answer(path: &str) -> Option<Answer> {
    let (content_type, text) = match path {
        "" => return Some(redirect()),
        "/" => ("text/html; charset=utf-8", include_str!("../../console/index.html")),
        "/console.js" => ("text/javascript; charset=utf-8", include_str!("../../console/console.js")),
        "/console.css" => ("text/css; charset=utf-8", include_str!("../../console/console.css")),
        "/icon.svg" => ("image/svg+xml", include_str!("../../console/icon.svg")),
        _ => return None,
    };
    let mut answer = plain::whole(200, content_type, text);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Some(answer)
}

/// The page names its files relative to the folder.
fn redirect() -> Answer {
    let mut answer = plain::whole(308, "text/plain", "");
    answer.headers_mut().insert(LOCATION, HeaderValue::from_static("/_countersign/"));
    answer
}
