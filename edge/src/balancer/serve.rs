//! One request: what it looks like, what the web ACL says, which rule it falls under, what is done
//! with it. What is decided is recorded before it is done; what cannot be recorded is not done.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, LOCATION};
use http::{HeaderValue, Method, Request};
use hyper::body::Incoming;
use model::estate::elb::{Action, FixedResponse, Redirect};
use model::event::Enforced;
use model::plane::{Journey, Plane};
use serde_json::json;

use super::body::{self, Broken, Start, Stream};
use super::fleet::{Fleet, Front};
use super::forward::{self, Forwarding};
use super::log::Exchange;
use super::{Balancers, header, page, redirect, rule};
use crate::listen::Answer;
use crate::plain;
use crate::waf::{self, Verdict};

/// Longer request lines are refused with 414.
const LINE: usize = 16 * 1024;

/// Who asks, and over what.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) peer: SocketAddr,
    pub(super) secure: bool,
    /// What is known of the handshake, where the listener made it itself.
    pub(super) tls: Option<Arc<Handshake>>,
    /// It came to the port that is shared by everything.
    pub(super) shared: bool,
}

/// What came of a TLS handshake.
#[derive(Debug)]
pub(super) struct Handshake {
    /// e.g. `TLSv1.3`.
    pub(super) version: String,
    /// In OpenSSL's form.
    pub(super) cipher: String,
    pub(super) server_name: Option<String>,
    /// The ARN of the certificate that was shown.
    pub(super) certificate: Option<String>,
    /// Headers that tell the target who the client proved to be.
    pub(super) identity: Vec<(&'static str, String)>,
}

/// One request with all that is known of it.
pub(super) struct Served<'a> {
    pub(super) balancers: &'a Arc<Balancers>,
    pub(super) fleet: &'a Fleet,
    pub(super) front: &'a Arc<Front>,
    pub(super) client: &'a Client,
    pub(super) journey: Journey,
    pub(super) exchange: Exchange,
}

impl Served<'_> {
    pub(super) fn plane(&self) -> &Plane {
        &self.balancers.plane
    }

    /// Records a decision; `false` if it cannot be, and then nothing may be done.
    pub(super) fn decided(
        &self,
        action: &str,
        allowed: bool,
        reason: &str,
        facts: serde_json::Value,
    ) -> bool {
        let enforced = Enforced {
            point: "load-balancer".to_owned(),
            resource: self.front.balancer.arn(),
            subject: self.client.peer.ip().to_string(),
            action: action.to_owned(),
            allowed,
            reason: reason.to_owned(),
            layers: Vec::new(),
            facts,
        };
        self.plane().enforced(&self.journey, enforced).is_ok()
    }

    /// Refuses: recorded, then answered with a page.
    pub(super) fn refused(&self, status: u16, reason: &str) -> Answer {
        self.exchange.error(reason);
        let facts = json!({"listener": self.front.arn, "status": status, "rule": self.exchange.rule()});
        match self.decided("refuse", false, reason, facts) {
            true => page::error(status),
            false => page::error(503),
        }
    }
}

/// Answers one request that came to a listener.
pub(super) async fn answer(
    balancers: &Arc<Balancers>,
    front: &Arc<Front>,
    client: &Client,
    request: Request<Incoming>,
) -> Answer {
    let plane = &balancers.plane;
    let fleet = balancers.fleet();
    let journey = Journey {
        request: plane.uuid(),
        trace: header::root(request.headers()).unwrap_or_else(|| plane.trace()),
        account: front.balancer.account.clone(),
        region: front.balancer.region.clone(),
    };
    let exchange = Exchange::begin(balancers, front, client, &request, &journey.trace);
    let served = Served { balancers, fleet: &fleet, front, client, journey, exchange };
    let mut answer = judged(&served, request).await;
    header::to_client(front, answer.headers_mut());
    served.exchange.answered(answer)
}

async fn judged(served: &Served<'_>, request: Request<Incoming>) -> Answer {
    let front = served.front;
    if let Some((status, reason)) = unacceptable(front, &request) {
        return served.refused(status, reason);
    }
    let (mut parts, incoming) = request.into_parts();
    // HTTP/2 names the host in the URI.
    if let (None, Some(authority)) = (parts.headers.get(HOST), parts.uri.authority())
        && let Ok(value) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.insert(HOST, value);
    }
    if front.is_on("routing.http.drop_invalid_header_fields.enabled") {
        for name in header::invalid(&parts.headers) {
            parts.headers.remove(name);
        }
    }
    let upgrade = parts.extensions.remove::<hyper::upgrade::OnUpgrade>();
    let patience = front.seconds("idle_timeout.timeout_seconds", 60);
    let (start, body) = match body::start(incoming, waf::BODY_AT_BALANCER, patience).await {
        Ok(read) => read,
        Err(Broken::Late) => return served.refused(408, "the client sent no data before the idle timeout"),
        Err(Broken::Lost) => return served.refused(400, "the request's body is malformed or was cut off"),
    };
    let mut request = Request::from_parts(parts, body);
    match inspected(served, &request, &start) {
        Verdict::Pass { headers } => add(&mut request, headers),
        Verdict::Block { status, headers, body } => return blocked(served, status, &headers, body),
    }
    routed(served, request, upgrade, patience).await
}

/// What is refused whatever the rules say.
fn unacceptable(front: &Front, request: &Request<Incoming>) -> Option<(u16, &'static str)> {
    let strict = front.attribute("routing.http.desync_mitigation_mode") == "strictest";
    let headers = request.headers();
    let bodiless = matches!(*request.method(), Method::GET | Method::HEAD | Method::DELETE | Method::OPTIONS);
    let cases = [
        (matches!(*request.method(), Method::TRACE | Method::CONNECT), 405, "the method is not allowed"),
        (request.uri().to_string().len() > LINE, 414, "the request line is too long"),
        (headers.get_all(HOST).iter().count() > 1, 400, "the request names more than one host"),
        (
            request.uri().host().is_none()
                && !headers.contains_key(HOST)
                && request.version() == http::Version::HTTP_11,
            400,
            "the request names no host",
        ),
        (header::forwarded_too_often(headers), 463, "X-Forwarded-For has more than 30 addresses"),
        (
            strict && !header::invalid(headers).is_empty(),
            400,
            "a header field is not valid (desync mitigation)",
        ),
        (
            strict && bodiless && !hyper::body::Body::is_end_stream(request.body()),
            400,
            "a request of this method has a body (desync mitigation)",
        ),
    ];
    cases.into_iter().find(|(is, ..)| *is).map(|(_, status, reason)| (status, reason))
}

fn inspected(served: &Served<'_>, request: &Request<Stream>, start: &Start) -> Verdict {
    let http = waf::Http {
        method: request.method(),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        headers: request.headers(),
        body: &start.bytes,
        oversize: start.more,
        source_ip: served.client.peer.ip(),
    };
    waf::inspect(served.plane(), &served.journey, &served.front.balancer.arn(), &http)
}

fn add(request: &mut Request<Stream>, headers: Vec<(String, String)>) {
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse::<HeaderValue>()) {
            request.headers_mut().insert(name, value);
        }
    }
}

fn blocked(served: &Served<'_>, status: u16, headers: &[(String, String)], body: bytes::Bytes) -> Answer {
    served.exchange.executed("waf");
    let mut answer = served.refused(status, "the web ACL blocks the request");
    if answer.status().as_u16() != status {
        return answer;
    }
    if !body.is_empty() {
        answer = page::signed(plain::whole(status, "text/html", body));
    }
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (name.parse::<http::HeaderName>(), value.parse::<HeaderValue>()) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

/// The host of a request, without its port.
pub(super) fn host<B>(request: &Request<B>) -> &str {
    let given = request.headers().get(HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
    match given.rsplit_once(':') {
        Some((host, port)) if port.parse::<u16>().is_ok() => host,
        _ => given,
    }
}

async fn routed(
    served: &Served<'_>,
    request: Request<Stream>,
    upgrade: Option<hyper::upgrade::OnUpgrade>,
    patience: Duration,
) -> Answer {
    let front = served.front;
    let source: IpAddr = served.client.peer.ip();
    let seen = rule::Seen {
        method: request.method(),
        host: host(&request),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        headers: request.headers(),
        source,
    };
    let (priority, actions) = match rule::first(&front.rules, &seen) {
        Some((rule, actions)) => (rule.priority.to_string(), actions.to_vec()),
        None => ("default".to_owned(), front.default.clone()),
    };
    served.exchange.matched(&priority);
    match actions.first() {
        Some(Action::FixedResponse { answer }) => fixed(served, &priority, answer),
        Some(Action::Redirect { to }) => redirected(served, &priority, to, &request),
        Some(Action::Forward { to }) => {
            forward::answer(served, Forwarding { to, priority: &priority, upgrade, patience }, request).await
        }
        None => served.refused(500, "the actions of the rule cannot be read"),
    }
}

fn fixed(served: &Served<'_>, rule: &str, answer: &FixedResponse) -> Answer {
    served.exchange.executed("fixed-response");
    let facts = json!({"listener": served.front.arn, "rule": rule, "status": answer.status});
    if !served.decided("fixed-response", true, "the rule's fixed response", facts) {
        return page::error(503);
    }
    let content_type = answer.content_type.as_deref().unwrap_or("text/plain");
    let mut made = plain::whole(answer.status, content_type, answer.body.clone());
    if answer.content_type.is_none() {
        made.headers_mut().remove(http::header::CONTENT_TYPE);
    }
    page::signed(made)
}

fn redirected(served: &Served<'_>, rule: &str, to: &Redirect, request: &Request<Stream>) -> Answer {
    served.exchange.executed("redirect");
    let own = served.front.listener.port.to_string();
    let mut to = to.clone();
    // On the shared port the listeners of this load balancer have that port, too.
    let shared = request
        .headers()
        .get(HOST)
        .and_then(|h| h.to_str().ok()?.rsplit_once(':').map(|(_, p)| p.to_owned()));
    let shared = shared.filter(|p| served.client.shared && p.parse::<u16>().is_ok());
    if let Some(port) = &shared {
        let here = served.fleet.fronts.values().filter(|f| f.balancer.name == served.front.balancer.name);
        let ports: Vec<String> = here.map(|f| f.listener.port.to_string()).collect();
        if to.host == "#{host}" && ports.contains(&to.port) {
            to.port.clone_from(port);
        }
    }
    let from = redirect::From {
        protocol: if served.client.secure { "https" } else { "http" },
        host: host(request),
        port: shared.as_deref().unwrap_or(&own),
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
    };
    let location = redirect::location(&to, &from);
    served.exchange.redirect(&location);
    let facts = json!({"listener": served.front.arn, "rule": rule, "status": to.status});
    if !served.decided("redirect", true, "the rule's redirect", facts) {
        return page::error(503);
    }
    let mut answer = page::error(to.status);
    match HeaderValue::from_str(&location) {
        Ok(value) => answer.headers_mut().insert(LOCATION, value),
        Err(_) => return page::error(500),
    };
    answer
}
