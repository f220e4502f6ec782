//! The console's page, script and style. They hold nothing of the estate, so whoever asks gets
//! them; the script then asks for the rest with the token. No script but theirs ever runs in it.

use edge::listen::Answer;
use edge::plain;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, type, text.
const FILES: &[(&str, &str, &str)] = &[
    ("/", "text/html; charset=utf-8", include_str!("../../console/index.html")),
    ("/console.css", "text/css; charset=utf-8", include_str!("../../console/console.css")),
    ("/console.js", SCRIPT, include_str!("../../console/console.js")),
    ("/details.js", SCRIPT, include_str!("../../console/details.js")),
    ("/door.js", SCRIPT, include_str!("../../console/door.js")),
    ("/estate.js", SCRIPT, include_str!("../../console/estate.js")),
    ("/inventory.js", SCRIPT, include_str!("../../console/inventory.js")),
    ("/journey.js", SCRIPT, include_str!("../../console/journey.js")),
    ("/lines.js", SCRIPT, include_str!("../../console/lines.js")),
    ("/map.js", SCRIPT, include_str!("../../console/map.js")),
    ("/outbox.js", SCRIPT, include_str!("../../console/outbox.js")),
    ("/page.js", SCRIPT, include_str!("../../console/page.js")),
    ("/icon.svg", "image/svg+xml", include_str!("../../console/icon.svg")),
];

/// `None` where `path` is none of these files.
pub(super) fn answer(path: &str) -> Option<Answer> {
    if path.is_empty() {
        return Some(redirect());
    }
    let (_, content_type, text) = FILES.iter().find(|(name, ..)| *name == path)?;
    let mut answer = plain::whole(200, content_type, *text);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    Some(answer)
}

/// The page names its files relative to the folder.
fn redirect() -> Answer {
    let mut answer = plain::whole(308, "text/plain", "");
    answer.headers_mut().insert(LOCATION, HeaderValue::from_static("/_countersign/"));
    answer
}
