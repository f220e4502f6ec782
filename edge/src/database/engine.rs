//! Connections to an engine, over its socket.

use std::io;

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;

use super::home::{ADMINISTRATOR, Home};
use super::message::{LOGIN_MESSAGE, Message, Startup, authentication, malformed, message};
use super::scram::Conversation;

/// A session of the runtime's own role.
pub struct Administrator {
    stream: UnixStream,
}

/// Rows as text.
pub type Rows = Vec<Vec<Option<String>>>;

/// Answers to the runtime's own questions are short.
const ANSWER: usize = 1 << 20;
const PROTOCOL: u32 = 196_608;

#[derive(Debug)]
pub enum EngineError {
    /// It does not answer.
    Away(io::Error),
    /// It says no: SQLSTATE and message.
    Refused(String, String),
}

impl From<io::Error> for EngineError {
    fn from(error: io::Error) -> EngineError {
        EngineError::Away(error)
    }
}

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EngineError::Away(error) => write!(f, "the engine does not answer: {error}"),
            EngineError::Refused(code, message) => write!(f, "{message} ({code})"),
        }
    }
}

fn refused(message: &Message) -> EngineError {
    EngineError::Refused(message.field(b'C').unwrap_or_default(), message.field(b'M').unwrap_or_default())
}

/// Opens a session with this startup packet; the engine's answer is the caller's to read.
pub(super) async fn connect(home: &Home, startup: &Startup) -> io::Result<UnixStream> {
    let mut stream = UnixStream::connect(home.socket()).await?;
    stream.write_all(&startup.bytes()).await?;
    Ok(stream)
}

impl Administrator {
    /// `random` must be fresh.
    pub async fn connect(
        home: &Home,
        password: &str,
        database: &str,
        random: [u8; 18],
    ) -> Result<Administrator, EngineError> {
        let parameter = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let startup = Startup {
            version: PROTOCOL,
            parameters: vec![
                parameter("user", ADMINISTRATOR),
                parameter("database", database),
                parameter("application_name", "countersign"),
                // Nobody else's functions stand in for PostgreSQL's own.
                parameter("options", "-c search_path=pg_catalog -c statement_timeout=30000"),
            ],
        };
        let mut stream = connect(home, &startup).await?;
        prove(&mut stream, password, random).await?;
        loop {
            let next = message(&mut stream, LOGIN_MESSAGE).await?;
            match next.kind {
                b'Z' => return Ok(Administrator { stream }),
                b'E' => return Err(refused(&next)),
                _ => {}
            }
        }
    }

    /// Runs statements; gives the rows of all.
    pub async fn query(&mut self, sql: &str) -> Result<Rows, EngineError> {
        let body = [sql.as_bytes(), b"\0"].concat();
        self.stream.write_all(&Message::new(b'Q', body).bytes()).await?;
        let (mut rows, mut error) = (Rows::new(), None);
        loop {
            let next = message(&mut self.stream, ANSWER).await?;
            match next.kind {
                b'D' => rows.push(row(&next.body).ok_or_else(|| malformed("a row cannot be read"))?),
                b'E' => error = Some(refused(&next)),
                b'Z' => return error.map_or(Ok(rows), Err),
                _ => {}
            }
        }
    }
}

/// Both sides prove that they know the password. An engine that asks for no proof is none of ours.
async fn prove(stream: &mut UnixStream, password: &str, random: [u8; 18]) -> Result<(), EngineError> {
    let conversation = Conversation::begin(&random);
    let mut expected = None;
    loop {
        let next = message(stream, LOGIN_MESSAGE).await?;
        let bad = || EngineError::Away(malformed("the engine does not prove itself"));
        if next.kind == b'E' {
            return Err(refused(&next));
        }
        let text = || next.body.get(4..).and_then(|b| std::str::from_utf8(b).ok()).ok_or_else(bad);
        match (next.authentication(), &expected) {
            (Some(authentication::SASL), None) => {
                let first = conversation.first();
                let length = u32::try_from(first.len()).unwrap_or(u32::MAX).to_be_bytes();
                let body = [b"SCRAM-SHA-256\0".as_slice(), &length, first.as_bytes()].concat();
                stream.write_all(&Message::new(b'p', body).bytes()).await?;
            }
            (Some(authentication::SASL_CONTINUE), None) => {
                let (answer, holds) = conversation.answer(text()?, password).ok_or_else(bad)?;
                stream.write_all(&Message::new(b'p', answer.into_bytes()).bytes()).await?;
                expected = Some((holds, false));
            }
            (Some(authentication::SASL_FINAL), Some((holds, false))) if holds.holds(text()?) => {
                expected = expected.map(|(holds, _)| (holds, true));
            }
            (Some(authentication::OK), Some((_, true))) => return Ok(()),
            _ => return Err(bad()),
        }
    }
}

/// The columns of a `DataRow`.
fn row(body: &[u8]) -> Option<Vec<Option<String>>> {
    let (count, mut rest) = body.split_first_chunk::<2>()?;
    let mut columns = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let (length, after) = rest.split_first_chunk::<4>()?;
        rest = after;
        match i32::from_be_bytes(*length) {
            -1 => columns.push(None),
            length => {
                let (value, after) = rest.split_at_checked(usize::try_from(length).ok()?)?;
                columns.push(Some(String::from_utf8_lossy(value).into_owned()));
                rest = after;
            }
        }
    }
    Some(columns)
}
