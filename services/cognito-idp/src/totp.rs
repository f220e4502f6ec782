//! Time-based one-time passwords (RFC 6238): SHA-1, six digits, thirty seconds, one step of
//! tolerance to either side. A code that has been used is never good again.

use model::{Fault, Timestamp, Tx};
use ring::hmac;
use serde::{Deserialize, Serialize};

const STEP: i64 = 30;
const SECRET: usize = 32;
const DIGITS: u32 = 1_000_000;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A user's software token.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Totp {
    /// Hexadecimal.
    secret: String,
    pub(crate) verified: bool,
    /// The step of the last code that was taken.
    last: i64,
}

/// What came of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    Right,
    Wrong,
    /// It would be right, had it not been used.
    Used,
}

impl Totp {
    pub(crate) fn new(tx: &Tx<'_>) -> Totp {
        Totp { secret: hex::encode(tx.random::<SECRET>()), verified: false, last: i64::MIN }
    }

    fn bytes(&self) -> Result<Vec<u8>, Fault> {
        hex::decode(&self.secret).map_err(|_| Fault::internal("a software token's secret cannot be read"))
    }

    /// The secret as authenticator apps take it.
    pub(crate) fn secret_code(&self) -> Result<String, Fault> {
        Ok(base32(&self.bytes()?))
    }

    /// Takes a code, at most once.
    pub(crate) fn take(&mut self, code: &str, now: Timestamp) -> Result<Checked, Fault> {
        let secret = self.bytes()?;
        let current = now.seconds().div_euclid(STEP);
        let right = (current - 1..=current + 1)
            .find(|step| crate::srp::same(format!("{:06}", at(&secret, *step)).as_bytes(), code.as_bytes()));
        Ok(match right {
            None => Checked::Wrong,
            Some(step) if step <= self.last => Checked::Used,
            Some(step) => {
                self.last = step;
                Checked::Right
            }
        })
    }
}

/// HOTP (RFC 4226) of one step.
fn at(secret: &[u8], step: i64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or_default() & 0xf);
    let word = tag.get(offset..offset + 4).unwrap_or_default();
    let number = word.iter().fold(0_u32, |n, byte| (n << 8) | u32::from(*byte));
    (number & 0x7fff_ffff) % DIGITS
}

/// RFC 4648, without padding.
fn base32(bytes: &[u8]) -> String {
    let (mut text, mut held, mut bits) = (String::new(), 0_u32, 0_u32);
    for byte in
        bytes.iter().copied().chain(std::iter::repeat_n(0, usize::from(!bytes.len().is_multiple_of(5))))
    {
        held = (held << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let digit = usize::try_from((held >> bits) & 31).unwrap_or_default();
            text.extend(BASE32.get(digit).map(|d| char::from(*d)));
        }
    }
    let whole = (bytes.len() * 8).div_ceil(5);
    text.truncate(whole);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, the last six of eight digits.
    #[test]
    fn the_standard_codes() {
        let secret = b"12345678901234567890";
        for (time, code) in [
            (59, 287_082),
            (1_111_111_109, 81_804),
            (1_111_111_111, 50_471),
            (1_234_567_890, 5_924),
            (20_000_000_000, 353_130),
        ] {
            assert_eq!(at(secret, time / STEP), code, "{time}");
        }
        assert_eq!(base32(secret), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
        assert_eq!(base32(&[255; 32]).len(), 52);
    }

    #[test]
    fn a_code_is_good_once_and_for_three_steps() {
        let mut totp = Totp { secret: hex::encode(b"12345678901234567890"), verified: true, last: i64::MIN };
        let code = |time: i64| format!("{:06}", at(b"12345678901234567890", time / STEP));
        let mut take = |code: &str, time: i64| totp.take(code, Timestamp::from_seconds(time)).unwrap();
        assert_eq!(take(&code(3000), 3061), Checked::Wrong, "two steps late");
        assert_eq!(take(&code(3060), 3000), Checked::Wrong, "two steps early");
        assert_eq!(take("000000", 3000), Checked::Wrong);
        assert_eq!(take(&code(3000), 3031), Checked::Right, "one step late");
        assert_eq!(take(&code(3000), 3032), Checked::Used);
        assert_eq!(take(&code(2970), 3000), Checked::Used, "older than the one used");
        assert_eq!(take(&code(3030), 3032), Checked::Right);
    }
}
