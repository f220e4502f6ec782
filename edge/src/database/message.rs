//! PostgreSQL's messages (frontend/backend protocol 3), as far as a login needs them.
//! Lengths are checked before anything is read into memory; nothing is read ahead, so
//! that no byte that came before a TLS handshake is taken for one that came within it.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

/// A connection, with TLS or without.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;
const CANCEL: u32 = 80_877_102;
/// PostgreSQL's own limit for the first packet.
const FIRST_PACKET: usize = 10_000;
/// Longer messages than this come in no login. (A token with a session token has a few thousand bytes.)
pub(super) const LOGIN_MESSAGE: usize = 65_536;

/// What a client opens with.
pub(super) enum Opening {
    Tls,
    Gss,
    /// The key of the session whose statement is to be cancelled.
    Cancel(Vec<u8>),
    Startup(Startup),
}

/// The startup packet. Each parameter appears once: what the front judges is what the engine gets.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Startup {
    pub(super) version: u32,
    pub(super) parameters: Vec<(String, String)>,
}

pub(super) fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

pub(super) async fn opening(stream: &mut (impl AsyncRead + Unpin + ?Sized)) -> io::Result<Opening> {
    let length = stream.read_u32().await?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if !(8..=FIRST_PACKET).contains(&length) {
        return Err(malformed("invalid length of startup packet"));
    }
    let code = stream.read_u32().await?;
    let mut body = vec![0; length - 8];
    stream.read_exact(&mut body).await?;
    Ok(match code {
        SSL if body.is_empty() => Opening::Tls,
        GSS if body.is_empty() => Opening::Gss,
        CANCEL if (8..=260).contains(&body.len()) => Opening::Cancel(body),
        version if version >> 16 == 3 => Opening::Startup(Startup::read(version, &body)?),
        _ => return Err(malformed("unsupported frontend protocol")),
    })
}

impl Startup {
    fn read(version: u32, body: &[u8]) -> io::Result<Startup> {
        let bad = || malformed("invalid startup packet layout");
        let body = body.strip_suffix(&[0]).ok_or_else(bad)?;
        let mut words = body.split(|b| *b == 0);
        let mut parameters: Vec<(String, String)> = Vec::new();
        loop {
            // An empty name ends the list.
            let name = words.next().ok_or_else(bad)?;
            if name.is_empty() {
                break;
            }
            let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| bad());
            let (name, value) = (text(name)?, text(words.next().ok_or_else(bad)?)?);
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err(malformed("a startup parameter is given twice"));
            }
            parameters.push((name, value));
        }
        match words.next() {
            None => Ok(Startup { version, parameters }),
            Some(_) => Err(bad()),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut body = self.version.to_be_bytes().to_vec();
        for (name, value) in &self.parameters {
            for word in [name, value] {
                body.extend_from_slice(word.as_bytes());
                body.push(0);
            }
        }
        body.push(0);
        with_length(&body)
    }
}

pub(super) fn cancel(key: &[u8]) -> Vec<u8> {
    with_length(&[CANCEL.to_be_bytes().as_slice(), key].concat())
}

fn with_length(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [length.to_be_bytes().as_slice(), body].concat()
}

/// A message after the startup packet.
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) body: Vec<u8>,
}

/// The next message, of at most `limit` bytes.
pub(super) async fn message(
    stream: &mut (impl AsyncRead + Unpin + ?Sized),
    limit: usize,
) -> io::Result<Message> {
    let kind = stream.read_u8().await?;
    let length = usize::try_from(stream.read_u32().await?).unwrap_or(usize::MAX);
    if length < 4 || length > limit {
        return Err(malformed("invalid message length"));
    }
    let mut body = vec![0; length - 4];
    stream.read_exact(&mut body).await?;
    Ok(Message { kind, body })
}

impl Message {
    pub(super) fn new(kind: u8, body: Vec<u8>) -> Message {
        Message { kind, body }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.kind];
        bytes.extend(with_length(&self.body));
        bytes
    }

    /// The number that an `Authentication...` message begins with.
    pub(super) fn authentication(&self) -> Option<u32> {
        let code: [u8; 4] = self.body.get(..4)?.try_into().ok()?;
        (self.kind == b'R').then(|| u32::from_be_bytes(code))
    }

    /// A field of an error: `C` the code, `M` the message.
    pub(super) fn field(&self, which: u8) -> Option<String> {
        let mut fields = self.body.split(|b| *b == 0);
        let field = fields.find(|f| f.first() == Some(&which))?;
        Some(String::from_utf8_lossy(field.get(1..)?).into_owned())
    }
}

pub(super) mod authentication {
    pub(in crate::database) const OK: u32 = 0;
    pub(in crate::database) const CLEARTEXT: u32 = 3;
    pub(in crate::database) const SASL: u32 = 10;
    pub(in crate::database) const SASL_CONTINUE: u32 = 11;
    pub(in crate::database) const SASL_FINAL: u32 = 12;
}

/// A refusal as the client's library shows it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fatal {
    /// The SQLSTATE.
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Fatal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Fatal {
        Fatal { code, message: message.into() }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let fields = format!("SFATAL\0VFATAL\0C{}\0M{}\0\0", self.code, self.message.replace('\0', ""));
        Message::new(b'E', fields.into_bytes()).bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8]) -> io::Result<Opening> {
        opening(&mut &*bytes).await
    }

    fn packet(code: u32, body: &[u8]) -> Vec<u8> {
        with_length(&[code.to_be_bytes().as_slice(), body].concat())
    }

    #[tokio::test]
    async fn a_startup_packet_reads_back() {
        let startup = Startup {
            version: 196_608,
            parameters: vec![("user".into(), "app".into()), ("options".into(), String::new())],
        };
        let Ok(Opening::Startup(read)) = read(&startup.bytes()).await else { panic!("no startup packet") };
        assert_eq!(read, startup);
    }

    #[tokio::test]
    async fn hostile_packets_are_refused() {
        let long = vec![b'a'; 20_000];
        for bytes in [
            vec![0, 0, 0, 7, 0, 3, 0, 0],
            packet(196_608, b"user\0app"),
            packet(196_608, b"user\0app\0"),
            packet(196_608, b"user\0app\0user\0boss\0\0"),
            packet(196_608, b"user\0app\0\0rest\0\0"),
            packet(196_608, b"user\0\xff\0\0"),
            packet(196_608, &long),
            packet(131_072, b"user\0app\0\0"),
            packet(SSL, b"stuffed"),
            packet(CANCEL, b"1"),
            vec![0xff; 64],
            vec![],
        ] {
            assert!(read(&bytes).await.is_err(), "{bytes:?}");
        }
        assert!(message(&mut [b'p', 0, 0, 0, 3].as_slice(), 100).await.is_err());
        assert!(message(&mut [b'p', 0, 1, 0, 0].as_slice(), 100).await.is_err());
    }
}
