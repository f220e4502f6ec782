//! `countersign outbox`: the messages that went to people. Asks the running runtime, over TLS with
//! the CA of the data folder and the token that only its owner can read.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde::{Deserialize, Serialize};

use super::up::Output;
use super::{Ready, default_data};
use crate::pages::TOKEN_FILE;

#[derive(Args)]
pub(crate) struct Outbox {
    /// The data folder [default: ~/.countersign]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Only messages to this address
    #[arg(long)]
    to: Option<String>,
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// A message as the outbox page gives it.
#[derive(Serialize, Deserialize)]
struct Message {
    /// Milliseconds since 1970.
    time: model::Timestamp,
    to: String,
    subject: String,
    body: String,
    /// Why the mail server has not taken it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undelivered: Option<String>,
}

const PATIENCE: Duration = Duration::from_secs(10);

impl Outbox {
    pub(crate) fn run(self) -> Result<(), String> {
        let data = self.data.unwrap_or_else(default_data);
        let ready = Ready::read(&data)?;
        let body = page(&data, &ready, "/_countersign/outbox")?;
        let messages: Vec<Message> =
            serde_json::from_slice(&body).map_err(|e| format!("the outbox cannot be read: {e}"))?;
        let wanted = messages.into_iter().filter(|m| self.to.as_ref().is_none_or(|to| *to == m.to));
        match self.output {
            Output::Json => {
                let all: Vec<Message> = wanted.collect();
                println!("{}", serde_json::to_string(&all).map_err(|e| e.to_string())?);
            }
            Output::Text => wanted.for_each(|m| {
                println!("{}  to {}  {}\n    {}", m.time.to_rfc3339_seconds(), m.to, m.subject, m.body);
                if let Some(why) = m.undelivered {
                    println!("    not delivered: {why}");
                }
            }),
        }
        Ok(())
    }
}

/// The body of one of the runtime's own pages.
pub(super) fn page(data: &Path, ready: &Ready, path: &str) -> Result<Vec<u8>, String> {
    let file = data.join(TOKEN_FILE);
    let token = std::fs::read_to_string(&file).map_err(|e| format!("`{}`: {e}", file.display()))?;
    let address = ready.endpoint.trim_start_matches("https://");
    let failed = |e: std::io::Error| format!("`{}` does not answer: {e}", ready.endpoint);
    let socket = TcpStream::connect(address).map_err(failed)?;
    socket.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).to_owned();
    let name = ServerName::try_from(host).map_err(|e| e.to_string())?;
    let client = ClientConnection::new(trusting(&ready.ca)?, name).map_err(|e| e.to_string())?;
    let mut stream = StreamOwned::new(client, socket);
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).map_err(failed)?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // The other end may close without TLS's own farewell; the length is checked below.
        Err(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => return Err(failed(e)),
        _ => {}
    }
    body(&answer)
}

/// Trusts the runtime's CA, and no other.
fn trusting(ca: &Path) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    let told = |e: &dyn std::fmt::Display| format!("`{}`: {e}", ca.display());
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|e| told(&e))? {
        roots.add(certificate.map_err(|e| told(&e))?).map_err(|e| told(&e))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// The whole body of a good answer.
fn body(answer: &[u8]) -> Result<Vec<u8>, String> {
    let broken = || "the answer of the runtime is cut short".to_owned();
    let end = answer.windows(4).position(|w| w == b"\r\n\r\n").ok_or_else(broken)?;
    let (head, body) = answer.split_at(end);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let status = lines.next().and_then(|l| l.split(' ').nth(1)).unwrap_or_default().to_owned();
    if status != "200" {
        return Err(format!("the runtime answers with status {status}; is the data folder its own?"));
    }
    let length = lines.find_map(|l| {
        let (name, value) = l.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let body = body.get(4..).unwrap_or_default();
    if length != Some(body.len()) { Err(broken()) } else { Ok(body.to_vec()) }
}
