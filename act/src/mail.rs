//! Hands messages to a mail server, where one is configured: RFC 5321 over TLS. Without TLS only to
//! this machine. The server's password is kept by the transport and never printed.

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::SmtpTransport;
use lettre::{Message, Transport as _};

/// `smtps://USER:PASSWORD@HOST:PORT`, or `smtp://...?tls=required` for STARTTLS.
pub const SERVER: &str = "COUNTERSIGN_SMTP";
/// The sender's address.
pub const FROM: &str = "COUNTERSIGN_SMTP_FROM";

pub struct Mailer {
    server: SmtpTransport,
    from: Mailbox,
}

impl Mailer {
    /// The mail server that the environment names, if it names one.
    pub fn configured() -> Result<Option<Mailer>, String> {
        let Ok(server) = std::env::var(SERVER) else { return Ok(None) };
        let from = std::env::var(FROM).unwrap_or_else(|_| "no-reply@countersign.localhost".to_owned());
        Mailer::new(&server, &from).map(Some)
    }

    fn new(server: &str, from: &str) -> Result<Mailer, String> {
        let sealed = server.starts_with("smtps://") || server.contains("tls=required");
        if !sealed && !on_this_machine(server) {
            return Err(format!(
                "`{SERVER}` names a mail server of another machine without TLS: use `smtps://` or `?tls=required`"
            ));
        }
        // An error could carry the URL, and with it the password.
        let server = SmtpTransport::from_url(server)
            .map_err(|_| format!("`{SERVER}` is not `smtps://USER:PASSWORD@HOST:PORT` or `smtp://...`"))?
            .build();
        let from = from.parse().map_err(|e| format!("`{FROM}`: `{from}` is no address: {e}"))?;
        Ok(Mailer { server, from })
    }

    /// Blocks until the server has taken the message or refused it.
    pub fn send(&self, to: &str, subject: &str, body: &str) -> Result<(), String> {
        let to = to.parse().map_err(|e| format!("`{to}` is no address: {e}"))?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(to)
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(body.to_owned())
            .map_err(|e| e.to_string())?;
        self.server.send(&message).map(|_| ()).map_err(|e| e.to_string())
    }
}

/// By its name in the URL: `localhost` or a loopback address.
fn on_this_machine(server: &str) -> bool {
    let rest = server.split_once("://").map_or(server, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::Mailer;

    #[test]
    fn other_machines_want_tls() {
        for (server, fine) in [
            ("smtp://127.0.0.1:2525", true),
            ("smtp://localhost", true),
            ("smtp://[::1]:25", true),
            ("smtp://u:p@127.0.0.1@mail.example.com:25", false),
            ("smtp://mail.example.com:587", false),
            ("smtp://127.0.0.1.example.com", false),
            ("smtps://u:p@mail.example.com:465", true),
            ("smtp://mail.example.com:587?tls=required", true),
            ("http://127.0.0.1", false),
        ] {
            assert_eq!(Mailer::new(server, "a@example.com").is_ok(), fine, "{server}");
        }
        let refused =
            Mailer::new("smtp://user:geheim@mail.example.com", "a@example.com").err().unwrap_or_default();
        assert!(!refused.contains("geheim"), "{refused}");
        assert!(Mailer::new("smtp://127.0.0.1", "nobody").is_err());
    }
}
