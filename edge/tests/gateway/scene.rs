//! An estate with the gateway served on a real socket, a load balancer's listener behind it,
//! and a user pool that signs tokens.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use edge::ca::OnDemand;
use edge::gateway;
use edge::host::{self, Part};
use edge::listen;
use harness::{ACCOUNT, REGION, World};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use model::estate::cognito::{PublicKey, TokenIssuer};
use model::estate::ec2::{Peer, SecurityGroup, SecurityGroupRule, Subnet};
use model::estate::elb::{Listener, LoadBalancer};
use model::event::{Enforced, EventBody};
use model::graph::Change;
use model::plane::{Book, Plane};
use model::{AccountId, Caller, Host as _, Node, Tags, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use serde_json::{Value as Json, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Used by these tests only; made for them.
const KEY: &[u8] = include_bytes!("test-key.der");
pub(crate) const POOL: &str = "us-east-1_TestPool1";
pub(crate) const NAME: &str = "orders.internal.example.com";

/// What the upstream saw of a request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }

    /// `401 {"message":"Unauthorized"} UnauthorizedException`.
    pub(crate) fn line(&self) -> String {
        let error = self.header("x-amzn-errortype").map(|e| format!(" {e}")).unwrap_or_default();
        format!("{} {}{error}", self.status, String::from_utf8_lossy(&self.body))
    }
}

/// One request of a client.
#[derive(Clone, Default)]
pub(crate) struct Ask<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: Vec<(&'a str, String)>,
    pub(crate) body: Bytes,
}

pub(crate) fn get(path: &str) -> Ask<'_> {
    Ask { method: "GET", path, ..Ask::default() }
}

impl<'a> Ask<'a> {
    pub(crate) fn with(mut self, name: &'a str, value: impl Into<String>) -> Ask<'a> {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn token(self, token: &str) -> Ask<'a> {
        self.with("authorization", format!("Bearer {token}"))
    }
}

type Mode = Arc<Mutex<&'static str>>;

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) admin: Caller,
    pub(crate) plane: Arc<Plane>,
    pub(crate) address: SocketAddr,
    pub(crate) balancer: String,
    pub(crate) listener: String,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
    /// How the upstream behaves: `ok`, `slow`, `long`.
    pub(crate) mode: Mode,
    runtime: tokio::runtime::Runtime,
    _stop: watch::Sender<bool>,
}

pub(crate) fn account() -> AccountId {
    AccountId::parse(ACCOUNT).expect("an account")
}

fn put<N: Node>(node: N) -> Change {
    Change::Put(Arc::new(node))
}

impl Scene {
    pub(crate) fn new() -> Scene {
        let world = World::new(vec![
            &service_apigateway::SERVICE,
            &service_apigatewayv2::SERVICE,
            &service_logs::SERVICE,
        ]);
        let admin = world.admin();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let plane = Arc::new(Plane {
            estate: Arc::clone(&world.estate) as Arc<dyn model::plane::Calls>,
            book: Book::default(),
            data: std::env::temp_dir(),
            root_pem: world.estate.root_certificate().to_owned(),
        });
        let (stop, stopped) = watch::channel(false);
        let gateway = serve_gateway(&runtime, &plane, stopped.clone());
        let (seen, mode): (Arc<Mutex<Vec<Seen>>>, Mode) = (Arc::default(), Arc::new(Mutex::new("ok")));
        let upstream = serve_upstream(&runtime, &world, stopped, (&seen, &mode));
        let (balancer, listener) = network(&world);
        plane.book.set_socket(&listener, Some(upstream));
        Scene { world, admin, plane, address: gateway, balancer, listener, seen, mode, runtime, _stop: stop }
    }

    /// Calls an operation of the management APIs; failing fails the test.
    pub(crate) fn call(&self, service: &str, operation: &str, input: Json) -> Json {
        let answer = self.world.call(&self.admin, service, operation, input);
        answer.unwrap_or_else(|fault| panic!("{operation}: {fault}"))
    }

    pub(crate) fn rest(&self, operation: &str, input: Json) -> Json {
        self.call("apigateway", operation, input)
    }

    pub(crate) fn http(&self, operation: &str, input: Json) -> Json {
        self.call("apigatewayv2", operation, input)
    }

    pub(crate) fn link(&self) -> String {
        let link = self.http(
            "CreateVpcLink",
            json!({"Name": "link", "SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-link"]}),
        );
        link["VpcLinkId"].as_str().expect("an id").to_owned()
    }

    /// Asks the gateway for a path of an API.
    pub(crate) fn ask(&self, api: &str, ask: Ask<'_>) -> Reply {
        self.runtime.block_on(async {
            let stream = TcpStream::connect(self.address).await.expect("the gateway listens");
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
            tokio::spawn(connection);
            let mut request = Request::builder()
                .method(ask.method)
                .uri(ask.path)
                .header("host", format!("{api}.execute-api.{REGION}.amazonaws.com"));
            for (name, value) in &ask.headers {
                request = request.header(*name, value);
            }
            let request = request.body(Full::new(ask.body)).expect("a request");
            let response = sender.send_request(request).await.expect("an answer");
            let (parts, body) = response.into_parts();
            let body = body.collect().await.expect("a body").to_bytes();
            Reply { status: parts.status.as_u16(), headers: parts.headers, body }
        })
    }

    /// What the upstream saw since the last look.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().expect("no panic elsewhere"))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.plane.estate.now()
    }

    pub(crate) fn change(&self, changes: Vec<Change>) {
        self.world.change(changes);
    }

    /// The verdicts of the enforcement points, oldest first.
    pub(crate) fn verdicts(&self) -> Vec<Enforced> {
        // Verdicts of the data plane are on the disk a moment later.
        std::thread::sleep(std::time::Duration::from_millis(200));
        let mut found = Vec::new();
        let _ = self.world.estate.events(&mut |_, event| {
            if let EventBody::Enforced(enforced) = event.body {
                found.push(*enforced);
            }
            true
        });
        found.reverse();
        found
    }

    /// A token of the pool with these claims on top of good ones; `null` takes a claim away.
    pub(crate) fn token(&self, claims: Json) -> String {
        self.signed(&json!({"alg": "RS256", "kid": "k1"}), claims)
    }

    pub(crate) fn signed(&self, header: &Json, claims: Json) -> String {
        let unsigned = self.unsigned(header, claims);
        let pair = RsaKeyPair::from_pkcs8(KEY).expect("a key");
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), unsigned.as_bytes(), &mut signature)
            .expect("a signature");
        format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    pub(crate) fn unsigned(&self, header: &Json, claims: Json) -> String {
        let now = self.now().seconds();
        let mut all = json!({
            "iss": issuer().issuer(), "sub": "u-1", "token_use": "id", "aud": "client-1", "iat": now - 10, "exp": now + 300,
        });
        if let (Json::Object(all), Json::Object(more)) = (&mut all, claims) {
            all.extend(more);
            all.retain(|_, v| !v.is_null());
        }
        let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
        format!("{}.{}", part(header), part(&all))
    }

    pub(crate) fn public_key(&self) -> Vec<u8> {
        let issuer = issuer();
        URL_SAFE_NO_PAD.decode(&issuer.keys[0].n).expect("base64")
    }
}

pub(crate) fn issuer() -> TokenIssuer {
    let pair = RsaKeyPair::from_pkcs8(KEY).expect("a key");
    let key = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    TokenIssuer {
        account: account(),
        region: REGION.to_owned(),
        pool: POOL.to_owned(),
        keys: vec![PublicKey { kid: "k1".to_owned(), n: text(&key.n), e: text(&key.e) }],
    }
}

pub(crate) fn group(
    id: &str,
    ingress: Vec<SecurityGroupRule>,
    egress: Vec<SecurityGroupRule>,
) -> SecurityGroup {
    SecurityGroup {
        account: account(),
        region: REGION.to_owned(),
        id: id.to_owned(),
        name: id.to_owned(),
        description: String::new(),
        vpc: "vpc-1".to_owned(),
        ingress,
        egress,
        tags: Tags::new(),
    }
}

pub(crate) fn rule(port: i64, peer: &str) -> SecurityGroupRule {
    SecurityGroupRule {
        id: "sgr-1".to_owned(),
        protocol: "tcp".to_owned(),
        from_port: Some(port),
        to_port: Some(port),
        peer: Peer::Group { id: peer.to_owned(), account: None },
        description: None,
        tags: Tags::new(),
    }
}

/// A VPC with a load balancer behind its security group; the link's own group lets out to it.
fn network(world: &World) -> (String, String) {
    let subnet: Subnet = serde_json::from_value(json!({
        "account": ACCOUNT, "region": REGION, "id": "subnet-1", "vpc": "vpc-1", "cidr": "10.0.1.0/24", "ipv6_cidr": null,
        "zone": "us-east-1a", "map_public_ip": false, "default_for_zone": false, "tags": {},
    }))
    .expect("a subnet");
    let balancer: LoadBalancer = serde_json::from_value(json!({
        "account": ACCOUNT, "region": REGION, "name": "inner", "id": "0123456789abcdef", "kind": "application",
        "scheme": "internal", "dns_name": "internal-inner-1.us-east-1.elb.localhost", "vpc": "vpc-1",
        "subnets": ["subnet-1"], "security_groups": ["sg-alb"], "interfaces": [], "state": "active", "attributes": {},
        "created": 0, "tags": {},
    }))
    .expect("a load balancer");
    let arn = balancer.arn();
    let listener: Listener = serde_json::from_value(json!({
        "account": ACCOUNT, "region": REGION, "id": "inner/0123456789abcdef/fedcba9876543210", "load_balancer": arn,
        "port": 443, "protocol": "HTTPS", "certificates": [], "ssl_policy": null, "default_actions": [], "tags": {},
    }))
    .expect("a listener");
    let listener_arn = listener.arn();
    world.change(vec![
        put(subnet),
        put(group("sg-link", vec![], vec![rule(443, "sg-alb")])),
        put(group("sg-alb", vec![rule(443, "sg-link")], vec![])),
        put(balancer),
        put(listener),
        put(issuer()),
    ]);
    (arn, listener_arn)
}

fn serve_gateway(
    runtime: &tokio::runtime::Runtime,
    plane: &Arc<Plane>,
    stop: watch::Receiver<bool>,
) -> SocketAddr {
    let plane = Arc::clone(plane);
    let answer = move |connection: listen::Connection, request: Request<Incoming>| {
        let plane = Arc::clone(&plane);
        async move {
            let host =
                request.headers().get("host").and_then(|h| h.to_str().ok()).unwrap_or_default().to_owned();
            match host::part(&host, request.uri().path()) {
                Part::Gateway { api, path } => {
                    gateway::answer(plane, connection, request, gateway::Call { api, path }).await
                }
                other => panic!("not for the gateway: {other:?}"),
            }
        }
    };
    let resolver = listen::tls(Arc::new(rustls::server::ResolvesServerCertUsingSni::new())).expect("TLS");
    bind(runtime, resolver, stop, answer)
}

fn bind<S, F>(
    runtime: &tokio::runtime::Runtime,
    tls: rustls::ServerConfig,
    stop: watch::Receiver<bool>,
    answer: S,
) -> SocketAddr
where
    S: Fn(listen::Connection, Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = listen::Answer> + Send + 'static,
{
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(listen::serve(listener, Arc::new(tls), stop, answer));
        address
    })
}

/// A server with a certificate for [`NAME`] that tells back what it sees.
fn serve_upstream(
    runtime: &tokio::runtime::Runtime,
    world: &World,
    stop: watch::Receiver<bool>,
    (seen, mode): (&Arc<Mutex<Vec<Seen>>>, &Mode),
) -> SocketAddr {
    let estate = Arc::clone(&world.estate);
    let issue = move |_: &[String]| estate.certificate(&[NAME.to_owned()]);
    let resolver = OnDemand::new(issue, &[NAME.to_owned()]).expect("a certificate");
    let (seen, mode) = (Arc::clone(seen), Arc::clone(mode));
    let answer = move |_: listen::Connection, request: Request<Incoming>| {
        let (seen, mode) = (Arc::clone(&seen), Arc::clone(&mode));
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map(|b| b.to_bytes()).unwrap_or_default();
            let how = *mode.lock().expect("no panic elsewhere");
            let target = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
            seen.lock().expect("no panic elsewhere").push(Seen {
                method: parts.method.to_string(),
                target,
                headers: parts.headers,
                body,
            });
            if how == "slow" {
                tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            }
            let text = if how == "long" { "x".repeat((10 << 20) + 1) } else { "{\"ok\":true}".to_owned() };
            let body = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed();
            Response::builder()
                .header("content-type", "application/json")
                .header("server", "upstream")
                .header("access-control-allow-origin", "https://backend.example")
                .body(body)
                .expect("an answer")
        }
    };
    bind(runtime, listen::tls(Arc::new(resolver)).expect("TLS"), stop, answer)
}
