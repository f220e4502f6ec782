//! The client's side of SCRAM-SHA-256 (RFC 5802, RFC 7677), by which the runtime's own
//! role proves itself to an engine, and the engine to it.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac, pbkdf2};

/// A conversation that the client has opened.
pub(super) struct Conversation {
    nonce: String,
    first: String,
}

/// What the server must say at last.
pub(super) struct Expected(Vec<u8>);

impl Conversation {
    pub(super) fn begin(random: &[u8]) -> Conversation {
        let nonce = STANDARD.encode(random);
        let first = format!("n=,r={nonce}");
        Conversation { nonce, first }
    }

    /// Without channel binding: the way to the engine is a socket that no one else can enter.
    pub(super) fn first(&self) -> String {
        format!("n,,{}", self.first)
    }

    /// The client's proof for the server's challenge; `None` if that is none.
    pub(super) fn answer(&self, challenge: &str, password: &str) -> Option<(String, Expected)> {
        let mut parts = challenge.split(',');
        let nonce = parts.next()?.strip_prefix("r=")?;
        let salt = STANDARD.decode(parts.next()?.strip_prefix("s=")?).ok()?;
        let iterations: u32 = parts.next()?.strip_prefix("i=")?.parse().ok()?;
        let ours = nonce.starts_with(&self.nonce) && nonce.len() > self.nonce.len();
        if !ours || !(4096..=1_000_000).contains(&iterations) {
            return None;
        }
        let mut salted = [0; digest::SHA256_OUTPUT_LEN];
        let algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
        pbkdf2::derive(algorithm, NonZeroU32::new(iterations)?, &salt, password.as_bytes(), &mut salted);
        let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
        let client = sign(&salted, b"Client Key");
        let stored = digest::digest(&digest::SHA256, client.as_ref());
        let last = format!("c=biws,r={nonce}");
        let said = format!("{},{challenge},{last}", self.first);
        let signature = sign(stored.as_ref(), said.as_bytes());
        let proof: Vec<u8> =
            client.as_ref().iter().zip(signature.as_ref()).map(|(key, sign)| key ^ sign).collect();
        let server = sign(sign(&salted, b"Server Key").as_ref(), said.as_bytes());
        Some((format!("{last},p={}", STANDARD.encode(proof)), Expected(server.as_ref().to_vec())))
    }
}

impl Expected {
    /// Whether the server knows the password's verifier, too.
    pub(super) fn holds(&self, last: &str) -> bool {
        let given = last.strip_prefix("v=").and_then(|v| STANDARD.decode(v).ok());
        given.is_some_and(|given| given == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677.
    #[test]
    fn the_known_conversation() {
        let conversation = Conversation {
            nonce: "rOprNGfwEbeRWgbNEkqO".to_owned(),
            first: "n=user,r=rOprNGfwEbeRWgbNEkqO".to_owned(),
        };
        let challenge =
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (answer, expected) = conversation.answer(challenge, "pencil").unwrap();
        assert!(answer.ends_with("p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
        assert!(expected.holds("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(!expected.holds("v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert!(conversation.answer("r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "pencil").is_none());
        assert!(conversation.answer("r=rOprNGfwEbeRWgbNEkqOx,s=W22Z,i=1", "pencil").is_none());
    }
}
