//! Decides whom an IAM authentication token proves: a request for
//! `HOST:PORT/?Action=connect&DBUser=USER`, presigned for the service `rds-db`, good for
//! fifteen minutes. It never decides what he may do.
//! <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html>

use http::{HeaderMap, HeaderValue, Method};
use model::Caller;
use model::plane::Calls;

use crate::aws::who;
use crate::sigv4::{self, Refusal, Rules, Signed, query_value};

/// Seconds that a token may be good for.
const LONGEST: i64 = 15 * 60;
/// Bytes; one with a session token has a few thousand.
const LARGEST: usize = 16 * 1024;

/// What a token must be for.
pub(super) struct Door<'a> {
    pub(super) port: u16,
    pub(super) region: &'a str,
    pub(super) user: &'a str,
}

/// Who made the token; else why it is no good, which is for the log and never for the client.
pub(super) fn caller(calls: &dyn Calls, token: &str, door: &Door<'_>) -> Result<Caller, String> {
    if token.len() > LARGEST || !token.is_ascii() {
        return Err("the password is no token".to_owned());
    }
    let (host, query) = token.split_once("/?").ok_or("the password is no token")?;
    let (name, port) = host.rsplit_once(':').ok_or("the token names no host and port")?;
    let here = name.eq_ignore_ascii_case("localhost") || name == "127.0.0.1";
    if !here || port != door.port.to_string() {
        return Err(format!("the token is for `{host}`, which is not this instance"));
    }
    if query_value(query, "Action").as_deref() != Some("connect") {
        return Err("the token is not for the action `connect`".to_owned());
    }
    if query_value(query, "DBUser").as_deref() != Some(door.user) {
        return Err("the token is for another database user".to_owned());
    }
    signer(calls, host, query, door).map_err(|refusal| match refusal {
        Problem::Refused(refusal) => format!("the token's signature: {}", refusal.reason()),
        Problem::Scope(why) => why,
    })
}

enum Problem {
    Refused(Refusal),
    Scope(String),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        Problem::Refused(refusal)
    }
}

fn signer(calls: &dyn Calls, host: &str, query: &str, door: &Door<'_>) -> Result<Caller, Problem> {
    let bad_host = |_| Problem::Scope("the token's host is not text".to_owned());
    let mut headers = HeaderMap::new();
    headers.insert(http::header::HOST, HeaderValue::from_str(host).map_err(bad_host)?);
    let signed = Signed { method: &Method::GET, path: "/", query, headers: &headers };
    let claim = sigv4::claim(signed)?.ok_or(Refusal::Missing)?;
    if !claim.expires.is_some_and(|seconds| (1..=LONGEST).contains(&seconds)) {
        return Err(Problem::Scope("the token would be good for longer than fifteen minutes".to_owned()));
    }
    if claim.region != door.region {
        return Err(Problem::Scope(format!("the token is for the region `{}`", claim.region)));
    }
    let identity = who::identify(calls, &claim)?;
    let rules = Rules { signing_name: "rds-db", s3: false, now: calls.now() };
    sigv4::verify(signed, &claim, &identity.secret, sigv4::EMPTY_SHA256, rules)?;
    Ok(identity.caller)
}
