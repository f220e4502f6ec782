//! Sends a request to a target and brings the answer back. A request goes to a second target only
//! if it changes nothing, has no body, and the first could not be reached.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::header::SET_COOKIE;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use model::estate::elb::Forward;
use model::plane::Plane;
use serde_json::json;

use super::body::{self, Stream, Watched};
use super::choice::{self, Chosen, Facts};
use super::client::{Address, Failure};
use super::fleet::{Group, Target};
use super::serve::Served;
use super::{header, page};
use crate::listen::Answer;

/// What is to be forwarded, and how.
pub(super) struct Forwarding<'a> {
    pub(super) to: &'a Forward,
    pub(super) priority: &'a str,
    /// The client's connection, if it asks for another protocol.
    pub(super) upgrade: Option<OnUpgrade>,
    pub(super) patience: Duration,
}

/// Where an address of the group's network really listens; `None` if nothing is there.
pub(super) fn socket(plane: &Plane, group: &Group, target: &Target, port: u16) -> Option<SocketAddr> {
    let at = plane.book.host(&group.node.vpc, target.address()?)?;
    Some(SocketAddr::new(at, port))
}

/// Counts a request for as long as it lives.
struct Outstanding(Arc<Target>);

impl Outstanding {
    fn of(target: &Arc<Target>) -> Outstanding {
        target.outstanding.fetch_add(1, Ordering::Relaxed);
        Outstanding(Arc::clone(target))
    }
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        self.0.outstanding.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(super) async fn answer(
    served: &Served<'_>,
    forwarding: Forwarding<'_>,
    request: Request<Stream>,
) -> Answer {
    served.exchange.executed("forward");
    let again = repeatable(&request);
    let secure = served.client.secure;
    let facts = Facts { plane: served.plane(), headers: request.headers(), secure, but: None };
    let Some(chosen) = choice::choose(served.fleet, forwarding.to, &facts) else {
        return served.refused(503, "the target group has no target that may be asked");
    };
    let first = match sent(served, &forwarding, &chosen, request).await {
        Ok(response) => return back(served, forwarding, chosen, response),
        Err(failure) => failure,
    };
    if let (Failure::Unsent { .. }, Some(request)) = (&first, again) {
        let but = Some(&chosen.target);
        let facts = Facts { plane: served.plane(), headers: request.headers(), secure, but };
        let other = choice::choose(served.fleet, forwarding.to, &facts);
        if let Some(other) = other.filter(|o| !Arc::ptr_eq(&o.target, &chosen.target)) {
            return match sent(served, &forwarding, &other, request).await {
                Ok(response) => back(served, forwarding, other, response),
                Err(failure) => failed(served, &failure),
            };
        }
    }
    failed(served, &first)
}

/// A copy of a request that changes nothing and has no body.
fn repeatable(request: &Request<Stream>) -> Option<Request<Stream>> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !safe || !request.body().is_end_stream() {
        return None;
    }
    let mut copy = Request::new(body::empty());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    Some(copy)
}

fn failed(served: &Served<'_>, failure: &Failure) -> Answer {
    match failure {
        Failure::Unsent { late: true, why, .. } => {
            served.refused(504, &format!("the target cannot be reached: {why}"))
        }
        Failure::Unsent { why, .. } => served.refused(502, &format!("the target cannot be reached: {why}")),
        Failure::Lost(why) if why == LATE => served.refused(504, why),
        Failure::Lost(why) => served.refused(502, &format!("the target gave no proper answer: {why}")),
    }
}

const LATE: &str = "the target did not answer before the idle timeout";

async fn sent(
    served: &Served<'_>,
    forwarding: &Forwarding<'_>,
    chosen: &Chosen,
    request: Request<Stream>,
) -> Result<Response<Incoming>, Failure> {
    let (group, target) = (&chosen.group, &chosen.target);
    served.exchange.target(&group.arn, &target.name());
    let facts = json!({
        "listener": served.front.arn,
        "rule": forwarding.priority,
        "targetGroup": group.arn,
        "target": target.name(),
        "method": request.method().as_str(),
        "path": request.uri().path(),
    });
    let unsent = |why: &str| Failure::Unsent { request: None, late: false, why: why.to_owned() };
    if !served.decided("forward", true, &format!("rule {}", forwarding.priority), facts) {
        return Err(unsent("the decision cannot be recorded, so nothing is sent"));
    }
    let socket = socket(served.plane(), group, target, target.port);
    let socket = socket.ok_or_else(|| unsent("nothing is at its address"))?;
    let request =
        to_target(served, forwarding, request).ok_or_else(|| unsent("the request cannot be passed on"))?;
    let _held = Outstanding::of(target);
    let at = Address { socket, tls: group.node.protocol == "HTTPS" };
    let mut gone = target.gone.subscribe();
    let waiting = tokio::time::timeout(forwarding.patience, served.balancers.client.send(at, request));
    tokio::select! {
        // The connection's own timeout of ten seconds may come first, and tells more.
        answer = waiting => answer.unwrap_or_else(|_| Err(Failure::Lost(LATE.to_owned()))),
        _ = gone.wait_for(|gone| *gone) => Err(Failure::Lost("the target was deregistered".to_owned())),
    }
}

/// The request as the target gets it.
fn to_target(
    served: &Served<'_>,
    forwarding: &Forwarding<'_>,
    request: Request<Stream>,
) -> Option<Request<Stream>> {
    let (mut parts, body) = request.into_parts();
    let path =
        parts.uri.path_and_query().cloned().unwrap_or_else(|| http::uri::PathAndQuery::from_static("/"));
    parts.uri = Uri::builder().path_and_query(path).build().ok()?;
    parts.version = Version::HTTP_11;
    let upgrade = forwarding.upgrade.is_some() && parts.headers.contains_key(http::header::UPGRADE);
    header::without_hops(&mut parts.headers, upgrade);
    // The answer to it was given when the body was read.
    parts.headers.remove(http::header::EXPECT);
    if body.is_end_stream() && parts.headers.get(http::header::CONTENT_LENGTH).is_some_and(|l| l != "0") {
        return None;
    }
    header::to_target(served.plane(), served.front, served.client, &served.journey.trace, &mut parts.headers);
    let watched = Watched::new(body, forwarding.patience).counting(served.exchange.received());
    Some(Request::from_parts(parts, watched.boxed()))
}

/// The target's answer as the client gets it.
fn back(
    served: &Served<'_>,
    forwarding: Forwarding<'_>,
    chosen: Chosen,
    mut response: Response<Incoming>,
) -> Answer {
    let status = response.status();
    served.exchange.target_answered(status.as_u16());
    let facts = json!({
        "listener": served.front.arn,
        "rule": forwarding.priority,
        "target": chosen.target.name(),
        "status": status.as_u16(),
    });
    if !served.decided("answer", true, "the target answered", facts) {
        return page::error(503);
    }
    let ended = served.balancers.ended(&served.front.arn, served.client, &chosen.target);
    if status == StatusCode::SWITCHING_PROTOCOLS {
        let target = hyper::upgrade::on(&mut response);
        let Some(client) = forwarding.upgrade else {
            return served.refused(502, "the target switched protocols unasked");
        };
        let held = Outstanding::of(&chosen.target);
        let patience = forwarding.patience;
        tokio::spawn(async move {
            tokio::select! {
                () = joined(client, target, patience) => {}
                () = ended => {}
            }
            drop(held);
        });
        let (mut parts, _) = response.into_parts();
        header::without_hops(&mut parts.headers, true);
        return Response::from_parts(parts, body::empty());
    }
    let (mut parts, body) = response.into_parts();
    parts.version = Version::HTTP_11;
    header::without_hops(&mut parts.headers, false);
    for cookie in &chosen.cookies {
        if let Ok(value) = HeaderValue::from_str(cookie) {
            parts.headers.append(SET_COOKIE, value);
        }
    }
    let body = body.map_err(std::io::Error::other).boxed();
    let watched =
        Watched::new(body, forwarding.patience).until(ended).holding(Outstanding::of(&chosen.target));
    Response::from_parts(parts, watched.boxed())
}

/// Carries bytes both ways until one side ends, or nothing passes for too long.
async fn joined(client: OnUpgrade, target: OnUpgrade, patience: Duration) {
    let (Ok(client), Ok(target)) = tokio::join!(client, target) else { return };
    let (mut from_client, mut to_client) = tokio::io::split(TokioIo::new(client));
    let (mut from_target, mut to_target) = tokio::io::split(TokioIo::new(target));
    let (tick, mut ticks) = tokio::sync::watch::channel(());
    let up = carried(&mut from_client, &mut to_target, &tick);
    let down = carried(&mut from_target, &mut to_client, &tick);
    let idle = async { while let Ok(Ok(())) = tokio::time::timeout(patience, ticks.changed()).await {} };
    tokio::select! {
        () = up => {}
        () = down => {}
        () = idle => {}
    }
}

async fn carried(
    from: &mut (impl tokio::io::AsyncRead + Unpin),
    to: &mut (impl tokio::io::AsyncWrite + Unpin),
    tick: &tokio::sync::watch::Sender<()>,
) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        let Some(bytes) = buffer.get(..read) else { break };
        if to.write_all(bytes).await.is_err() || to.flush().await.is_err() {
            break;
        }
        tick.send_replace(());
    }
    let _ = to.shutdown().await;
}
