//! Decides whether a client becomes a user of the engine, and which way it proves itself:
//! members of `rds_iam` by a token that IAM allows, all others by their password, which the
//! engine checks. Says as little as PostgreSQL does to who is refused; the reason is in the log.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use model::decision::{Ask, Decision, Layer, Recorder, Request, Why, permit};
use model::estate::rds::DbInstance;
use model::event::{Call, Enforced, Event, EventBody};
use model::plane::Journey;
use model::{Caller, Fault, Origin, Snapshot};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use super::engine;
use super::front::Front;
use super::home::{self, ADMINISTRATOR};
use super::message::{
    Duplex, Fatal, LOGIN_MESSAGE, Message, Opening, Startup, authentication, cancel, message, opening,
};
use super::session::{Session, Standing};
use super::token::{self, Door};

/// A client has this long to log in.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// What marks a TLS handshake that comes without having been asked for.
const TLS_HANDSHAKE: u8 = 0x16;
const ALPN: &[u8] = b"postgresql";

type Client = Box<dyn Duplex>;

/// A client with its startup packet.
struct Knock {
    client: Client,
    startup: Startup,
    secure: bool,
    peer: SocketAddr,
    port: u16,
    journey: Journey,
}

/// One login, from the first byte on. `None`: there is no session, and the client knows.
pub(super) async fn attempt(
    front: &Arc<Front>,
    stream: TcpStream,
    peer: SocketAddr,
    port: u16,
) -> Option<Session> {
    let (mut client, startup, secure) = open(front, stream).await?;
    let startup = match startup {
        Ok(startup) => startup,
        Err(fatal) => {
            say(&mut client, &fatal).await;
            return None;
        }
    };
    let plane = &front.plane;
    let journey = Journey {
        request: plane.uuid(),
        trace: plane.trace(),
        account: front.account.clone(),
        region: front.region.clone(),
    };
    let mut knock = Knock { client, startup, secure, peer, port, journey };
    match judge(front, &mut knock).await {
        Ok((engine, standing)) => begin(front, knock, engine, standing).await,
        Err(Refused::Fatal(fatal)) => {
            say(&mut knock.client, &fatal).await;
            None
        }
        Err(Refused::Told) => None,
    }
}

async fn say(client: &mut Client, fatal: &Fatal) {
    let _ = client.write_all(&fatal.bytes()).await;
    let _ = client.shutdown().await;
}

/// Why there is no session.
enum Refused {
    Fatal(Fatal),
    /// The client has its answer, or is gone.
    Told,
}

impl From<Fatal> for Refused {
    fn from(fatal: Fatal) -> Refused {
        Refused::Fatal(fatal)
    }
}

impl From<std::io::Error> for Refused {
    fn from(_: std::io::Error) -> Refused {
        Refused::Told
    }
}

type Opened = (Client, Result<Startup, Fatal>, bool);

/// Encryption, then the startup packet. Cancel requests are carried out on the way.
async fn open(front: &Front, stream: TcpStream) -> Option<Opened> {
    let mut first = [0];
    stream.peek(&mut first).await.ok()?;
    if first == [TLS_HANDSHAKE] {
        let stream = front.tls.accept(stream).await.ok()?;
        if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
            return None;
        }
        return packet(front, Box::new(stream), true).await;
    }
    let mut stream = stream;
    // Either kind of encryption may be asked for once.
    for _ in 0..2 {
        match opening(&mut stream).await {
            Ok(Opening::Gss) => stream.write_all(b"N").await.ok()?,
            Ok(Opening::Tls) => {
                stream.write_all(b"S").await.ok()?;
                let stream = front.tls.accept(stream).await.ok()?;
                return packet(front, Box::new(stream), true).await;
            }
            other => return judge_packet(front, Box::new(stream), other, false).await,
        }
    }
    packet(front, Box::new(stream), false).await
}

async fn packet(front: &Front, mut client: Client, secure: bool) -> Option<Opened> {
    let opening = opening(&mut client).await;
    judge_packet(front, client, opening, secure).await
}

async fn judge_packet(
    front: &Front,
    client: Client,
    opening: std::io::Result<Opening>,
    secure: bool,
) -> Option<Opened> {
    let protocol = |message: String| Fatal::new("08P01", message);
    let startup = match opening {
        Ok(Opening::Startup(startup)) => Ok(startup),
        Ok(Opening::Cancel(key)) => {
            pass_cancel(front, &key).await;
            return None;
        }
        Ok(Opening::Tls | Opening::Gss) => Err(protocol("encryption was negotiated already".to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Err(protocol(error.to_string())),
        Err(_) => return None,
    };
    Some((client, startup, secure))
}

/// Only sessions that this front let in can be told to cancel; nobody is told whether it was one.
async fn pass_cancel(front: &Front, key: &[u8]) {
    if !front.has_key(key) {
        return;
    }
    let Ok(mut engine) = UnixStream::connect(front.home.socket()).await else { return };
    let _ = engine.write_all(&cancel(key)).await;
    let _ = engine.read(&mut [0]).await;
}

/// What the client says that it is.
fn user(startup: &Startup) -> &str {
    startup.get("user").unwrap_or_default()
}

fn database(startup: &Startup) -> &str {
    startup.get("database").filter(|d| !d.is_empty()).unwrap_or_else(|| user(startup))
}

impl Knock {
    /// PostgreSQL's words for a client that its `pg_hba.conf` has no place for.
    fn outside(&self, start: &str) -> Fatal {
        let encryption = if self.secure { "SSL encryption" } else { "no encryption" };
        let (user, database) = (user(&self.startup), database(&self.startup));
        let host = self.peer.ip();
        Fatal::new(
            "28000",
            format!("{start} host \"{host}\", user \"{user}\", database \"{database}\", {encryption}"),
        )
    }

    fn verdict(&self, front: &Front, allowed: bool, reason: &str, layers: Vec<Layer>) -> Result<(), Fault> {
        let enforced = Enforced {
            point: "database".to_owned(),
            resource: front.arn.clone(),
            subject: user(&self.startup).to_owned(),
            action: "login".to_owned(),
            allowed,
            reason: reason.to_owned(),
            layers,
            facts: json!({
                "database": database(&self.startup),
                "client": self.peer.to_string(),
                "tls": self.secure,
            }),
        };
        front.plane.enforced(&self.journey, enforced)
    }

    /// Records a refusal, and gives it. (One that cannot be recorded is one all the same.)
    fn refuse(&self, front: &Front, fatal: Fatal, reason: &str) -> Refused {
        let _ = self.verdict(front, false, reason, Vec::new());
        Refused::Fatal(fatal)
    }
}

/// The engine's session for a client that may have one.
async fn judge(front: &Arc<Front>, knock: &mut Knock) -> Result<(UnixStream, Standing), Refused> {
    let snapshot = front.plane.estate.snapshot();
    let serving = front.instance(&snapshot).filter(|i| i.serves(&snapshot));
    let starting = || Fatal::new("57P03", "the database system is starting up");
    let instance =
        serving.ok_or_else(|| knock.refuse(front, starting(), "the instance is not available"))?.clone();
    if !knock.secure && instance.force_ssl() {
        return Err(knock.refuse(
            front,
            knock.outside("no pg_hba.conf entry for"),
            "rds.force_ssl: the login came without TLS",
        ));
    }
    let name = user(&knock.startup).to_owned();
    if name.is_empty() {
        let none = Fatal::new("28000", "no PostgreSQL user name specified in startup packet");
        return Err(knock.refuse(front, none, "no user"));
    }
    let reserved = name == ADMINISTRATOR || name.len() > 63 || database(&knock.startup) == ADMINISTRATOR;
    if reserved || knock.startup.get("replication").is_some_and(|r| r != "false") {
        let outside = knock.outside("pg_hba.conf rejects connection for");
        return Err(knock.refuse(
            front,
            outside,
            "the user, the database or replication is the service's own",
        ));
    }
    let role = match role(front, &name).await {
        Ok(role) => role,
        Err(error) => return Err(knock.refuse(front, starting(), &error.to_string())),
    };
    if role.superuser {
        let outside = knock.outside("pg_hba.conf rejects connection for");
        return Err(knock.refuse(front, outside, "superusers do not log in from outside"));
    }
    let by_password = name == instance.master_user && home::master_by_password(&instance.engine_version);
    match role.iam && instance.iam_authentication && !by_password {
        true => by_token(front, knock, &snapshot, &instance).await,
        false => by_word(front, knock, &snapshot).await,
    }
}

/// What the engine knows of a role.
struct Role {
    superuser: bool,
    iam: bool,
}

async fn role(front: &Front, name: &str) -> Result<Role, engine::EngineError> {
    // Hexadecimal, so that no name is taken for a part of the statement.
    let name = hex::encode(name);
    let rows = front
        .ask(&format!(
            "SELECT r.rolsuper, coalesce(pg_has_role(r.oid, i.oid, 'MEMBER'), false) \
             FROM pg_roles r LEFT JOIN pg_roles i ON i.rolname = 'rds_iam' \
             WHERE r.rolname = convert_from(decode('{name}', 'hex'), 'UTF8')"
        ))
        .await?;
    let is = |at: usize| rows.first().and_then(|r| r.get(at)).is_some_and(|v| v.as_deref() == Some("t"));
    Ok(Role { superuser: is(0), iam: is(1) })
}

/// A member of `rds_iam`: the token, then IAM, then the engine.
async fn by_token(
    front: &Arc<Front>,
    knock: &mut Knock,
    snapshot: &Snapshot,
    instance: &DbInstance,
) -> Result<(UnixStream, Standing), Refused> {
    if !knock.secure {
        let outside = knock.outside("pg_hba.conf rejects connection for");
        return Err(knock.refuse(front, outside, "a token is taken under TLS only"));
    }
    let ask = Message::new(b'R', authentication::CLEARTEXT.to_be_bytes().to_vec());
    knock.client.write_all(&ask.bytes()).await?;
    let answer = message(&mut knock.client, LOGIN_MESSAGE).await?;
    let name = user(&knock.startup).to_owned();
    let failed = || Fatal::new("28000", format!("PAM authentication failed for user \"{name}\""));
    let token = match (answer.kind, answer.body.strip_suffix(&[0]).map(std::str::from_utf8)) {
        (b'p', Some(Ok(token))) => token,
        _ => return Err(knock.refuse(front, failed(), "the password is no token")),
    };
    let door = Door { port: knock.port, region: &front.region, user: &name };
    let caller = match token::caller(&*front.plane.estate, token, &door) {
        Ok(caller) => caller,
        Err(reason) => return Err(knock.refuse(front, failed(), &reason)),
    };
    let request = Arc::new(question(front, knock, instance, caller));
    let decision = front.plane.estate.authorize(snapshot, &request);
    let why = match &decision {
        Decision::Allowed(why) | Decision::Denied(why) => why.clone(),
    };
    let log: &dyn Recorder = &*front.plane.estate;
    let permitted = permit(log, Arc::clone(&request), decision);
    let recorded = log.record(call(&request, &permitted.as_ref().map(|_| ()), &front.arn));
    let reason = permitted.as_ref().err().map(|fault| fault.message.clone()).unwrap_or_default();
    let allowed = permitted.is_ok() && recorded.is_ok();
    let noted = knock.verdict(front, allowed, &reason, layers(&why));
    if !allowed || noted.is_err() {
        return Err(failed().into());
    }
    let mut engine = engine::connect(&front.home, &knock.startup).await?;
    let (answer, before) = first_answer(&mut engine).await?;
    match answer.authentication() {
        Some(authentication::OK) => {}
        _ if answer.kind == b'E' => {
            knock.client.write_all(&answer.bytes()).await?;
            return Err(Refused::Told);
        }
        // The role's membership has changed since it was looked up.
        _ => {
            return Err(knock.refuse(
                front,
                failed(),
                "the engine does not take the role for a member of rds_iam",
            ));
        }
    }
    for message in before.iter().chain([&answer]) {
        knock.client.write_all(&message.bytes()).await?;
    }
    Ok((engine, Standing { version: snapshot.version, request: Some(request) }))
}

/// The engine's first word about authentication, and what it said before (of the protocol's version).
async fn first_answer(engine: &mut UnixStream) -> std::io::Result<(Message, Vec<Message>)> {
    let mut before = Vec::new();
    loop {
        let next = message(engine, LOGIN_MESSAGE).await?;
        match next.kind {
            b'v' | b'N' => before.push(next),
            _ => return Ok((next, before)),
        }
    }
}

fn layers(why: &Why) -> Vec<Layer> {
    why.asks.iter().flat_map(|ask| ask.layers.clone()).collect()
}

/// May this caller be this user of this database?
fn question(front: &Front, knock: &Knock, instance: &DbInstance, caller: Caller) -> Request {
    let name = user(&knock.startup);
    Request {
        id: knock.journey.request.clone(),
        trace: knock.journey.trace.clone(),
        time: front.plane.estate.now(),
        origin: Origin {
            source_ip: knock.peer.ip(),
            secure: knock.secure,
            user_agent: knock.startup.get("application_name").unwrap_or_default().to_owned(),
            vpc: None,
            vpc_endpoint: None,
            host: format!("localhost:{}", knock.port),
        },
        service: "rds-db",
        operation: "connect",
        region: front.region.clone(),
        read_only: false,
        parameters: json!({
            "dBInstanceIdentifier": instance.id,
            "dBUser": name,
            "dBName": database(&knock.startup),
        }),
        asks: vec![Ask::new("rds-db:connect", instance.user_arn(name))],
        via: Vec::new(),
        caller,
    }
}

/// The login as a call, beside all others in the record.
fn call(request: &Request, outcome: &Result<(), &Fault>, instance: &str) -> Event {
    let fault = outcome.as_ref().err();
    let resources = request.asks.iter().map(|a| a.resource.clone());
    Event::new(
        request,
        EventBody::Call(Box::new(Call {
            caller: request.caller.clone(),
            origin: request.origin.clone(),
            service: request.service.to_owned(),
            operation: request.operation.to_owned(),
            read_only: request.read_only,
            parameters: request.parameters.clone(),
            response: serde_json::Value::Null,
            error_code: fault.map(|f| f.code.to_string()),
            error_message: fault.map(|f| f.message.clone()),
            resources: resources.chain([instance.to_owned()]).collect(),
            invoked_by: None,
        })),
    )
}

/// A user with a password: SCRAM between the client and the engine, passed on word by word. The
/// engine offers no channel binding, for its own channel has no TLS; the client's has.
async fn by_word(
    front: &Arc<Front>,
    knock: &mut Knock,
    snapshot: &Snapshot,
) -> Result<(UnixStream, Standing), Refused> {
    let mut engine = match engine::connect(&front.home, &knock.startup).await {
        Ok(engine) => engine,
        Err(error) => {
            let starting = Fatal::new("57P03", "the database system is starting up");
            return Err(knock.refuse(front, starting, &format!("the engine does not answer: {error}")));
        }
    };
    let mut proved = false;
    loop {
        let next = message(&mut engine, LOGIN_MESSAGE).await?;
        match (next.kind, next.authentication()) {
            (b'E', _) => {
                let reason = next.field(b'M').unwrap_or_default();
                let _ = knock.verdict(front, false, &reason, Vec::new());
                knock.client.write_all(&next.bytes()).await?;
                let _ = knock.client.shutdown().await;
                return Err(Refused::Told);
            }
            (b'v' | b'N', _) => knock.client.write_all(&next.bytes()).await?,
            (_, Some(authentication::SASL | authentication::SASL_CONTINUE)) => {
                knock.client.write_all(&next.bytes()).await?;
                let answer = message(&mut knock.client, LOGIN_MESSAGE).await?;
                if answer.kind != b'p' {
                    return Err(Fatal::new("08P01", "expected an authentication response").into());
                }
                engine.write_all(&answer.bytes()).await?;
            }
            (_, Some(authentication::SASL_FINAL)) => {
                proved = true;
                knock.client.write_all(&next.bytes()).await?;
            }
            (_, Some(authentication::OK)) if proved => {
                if let Err(fault) = knock.verdict(front, true, "the engine took the password", Vec::new()) {
                    return Err(Fatal::new("57P03", fault.message).into());
                }
                knock.client.write_all(&next.bytes()).await?;
                return Ok((engine, Standing { version: snapshot.version, request: None }));
            }
            // The engine lets in or asks in a way that this front does not stand for.
            _ => {
                let failed = format!("password authentication failed for user \"{}\"", user(&knock.startup));
                return Err(knock.refuse(
                    front,
                    Fatal::new("28P01", failed),
                    "the engine asked for no proof",
                ));
            }
        }
    }
}

/// Passes on what the engine says until it is ready, and keeps the key that cancels.
async fn begin(front: &Front, knock: Knock, engine: UnixStream, standing: Standing) -> Option<Session> {
    let Knock { client, startup, journey, .. } = knock;
    let name = user(&startup).to_owned();
    let mut session = Session { client, engine, standing, journey, user: name, key: Vec::new() };
    loop {
        let next = message(&mut session.engine, LOGIN_MESSAGE).await.ok()?;
        if next.kind == b'K' {
            session.key.clone_from(&next.body);
            front.keep_key(next.body.clone());
        }
        let passed = session.client.write_all(&next.bytes()).await;
        if passed.is_err() || next.kind == b'E' {
            front.forget_key(&session.key);
            return None;
        }
        if next.kind == b'Z' {
            return Some(session);
        }
    }
}
