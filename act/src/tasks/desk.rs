//! The desk on loopback where containers get their role's credentials and learn about themselves.
//! Each container has a path of its own that cannot be guessed, and for credentials a token besides.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use model::estate::ecs::Task;
use model::plane::Plane;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;

use super::{metadata, role};

pub(crate) struct Desk {
    plane: Arc<Plane>,
    address: SocketAddr,
    visitors: RwLock<BTreeMap<String, Arc<Visitor>>>,
}

/// A container that may ask.
struct Visitor {
    token: String,
    task: Task,
    container: String,
}

/// What a container has to know to ask. Secret.
#[derive(Clone)]
pub(crate) struct Pass {
    path: String,
    pub(crate) token: String,
    address: SocketAddr,
}

impl Pass {
    pub(crate) fn credentials(&self) -> String {
        format!("http://{}/v2/credentials/{}", self.address, self.path)
    }

    pub(crate) fn metadata(&self) -> String {
        format!("http://{}/v4/{}", self.address, self.path)
    }
}

impl Desk {
    pub(crate) async fn open(plane: Arc<Plane>) -> std::io::Result<Arc<Desk>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let desk = Arc::new(Desk { plane, address: listener.local_addr()?, visitors: RwLock::default() });
        tokio::spawn(serve(Arc::downgrade(&desk), listener));
        Ok(desk)
    }

    fn secret(&self) -> String {
        let mut bytes = [0; 32];
        self.plane.estate.random(&mut bytes);
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }

    pub(crate) fn admit(&self, task: &Task, container: &str) -> Pass {
        let pass = Pass { path: self.secret(), token: self.secret(), address: self.address };
        let visitor =
            Visitor { token: pass.token.clone(), task: task.clone(), container: container.to_owned() };
        let mut visitors = self.visitors.write().unwrap_or_else(PoisonError::into_inner);
        visitors.insert(pass.path.clone(), Arc::new(visitor));
        pass
    }

    /// Nothing more for any container of the task.
    pub(crate) fn dismiss(&self, task: &Task) {
        let mut visitors = self.visitors.write().unwrap_or_else(PoisonError::into_inner);
        visitors.retain(|_, v| v.task.id != task.id || v.task.account != task.account);
    }

    fn visitor(&self, path: &str) -> Option<Arc<Visitor>> {
        self.visitors.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
    }

    async fn answer(&self, request: &Request<Incoming>) -> (StatusCode, Json) {
        let nothing =
            (StatusCode::NOT_FOUND, json!({"code": "NotFound", "message": "there is nothing here"}));
        if request.method() != Method::GET {
            return nothing;
        }
        let mut parts = request.uri().path().trim_matches('/').splitn(3, '/');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("v2"), Some("credentials"), Some(path)) => match self.visitor(path) {
                Some(visitor) => self.credentials(&visitor, request).await,
                None => nothing,
            },
            (Some("v4"), Some(path), what) => {
                let found = self.visitor(path).and_then(|v| match what {
                    None => metadata::container(&self.plane, &v.task.arn(), &v.container),
                    Some("task" | "taskWithTags") => metadata::task(&self.plane, &v.task.arn()),
                    Some(_) => None,
                });
                found.map_or(nothing, |json| (StatusCode::OK, json))
            }
            _ => nothing,
        }
    }

    async fn credentials(&self, visitor: &Visitor, request: &Request<Incoming>) -> (StatusCode, Json) {
        let given = request.headers().get(header::AUTHORIZATION).map_or(&b""[..], |h| h.as_bytes());
        if !same(given, visitor.token.as_bytes()) {
            return (
                StatusCode::FORBIDDEN,
                json!({"code": "InvalidToken", "message": "the authorization token is not this container's"}),
            );
        }
        let Some(role) = &visitor.task.task_role else {
            return (StatusCode::NOT_FOUND, json!({"code": "NoTaskRole", "message": "the task has no role"}));
        };
        match role::assume(&self.plane, &visitor.task, role).await {
            Ok((_, credentials)) => (
                StatusCode::OK,
                json!({
                    "RoleArn": role,
                    "AccessKeyId": credentials.access_key,
                    "SecretAccessKey": credentials.secret,
                    "Token": credentials.token,
                    "Expiration": credentials.expires.to_rfc3339(),
                }),
            ),
            Err(fault) => {
                let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::FORBIDDEN);
                (status, json!({"code": fault.code, "message": fault.message}))
            }
        }
    }
}

/// Takes as long for any two texts of a length.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differing, (x, y)| differing | (x ^ y)) == 0
}

/// Until the desk is gone.
async fn serve(desk: std::sync::Weak<Desk>, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            continue;
        };
        let Some(desk) = desk.upgrade() else { return };
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let desk = Arc::clone(&desk);
                async move {
                    let (status, body) = desk.answer(&request).await;
                    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
                    *answer.status_mut() = status;
                    let json = header::HeaderValue::from_static("application/json");
                    answer.headers_mut().insert(header::CONTENT_TYPE, json);
                    Ok::<_, Infallible>(answer)
                }
            });
            let mut server = hyper::server::conn::http1::Builder::new();
            server.timer(TokioTimer::new()).header_read_timeout(std::time::Duration::from_secs(10));
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
