//! Time-based one-time passwords (RFC 6238): SHA-1, six digits, thirty seconds, one step of
//! tolerance to either side of the device's clock. A code that has been used is never good again,
//! and five wrong ones in a row close the door for a while.

use model::Timestamp;
use ring::hmac;
use serde::{Deserialize, Serialize};

const STEP: i64 = 30;
const DIGITS: u32 = 1_000_000;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// How far a device's clock may be off when it is put in step, in steps to either side.
const RESYNC: i64 = 20;
/// Wrong codes in a row that are borne.
const TRIES: u32 = 5;
/// How long nothing is taken after that, in seconds.
const CLOSED: i64 = 60;

/// What is remembered of a device's codes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Used {
    /// The step of the last code that was taken.
    pub(crate) last: i64,
    /// Steps by which the device's clock is ahead.
    pub(crate) drift: i64,
    /// Wrong codes since.
    pub(crate) wrong: u32,
    pub(crate) wrong_at: Timestamp,
}

impl Used {
    /// Takes a code, at most once.
    pub(crate) fn take(&mut self, secret: &[u8], code: &str, now: Timestamp) -> bool {
        if self.wrong >= TRIES && now < self.wrong_at.plus_seconds(CLOSED) {
            return false;
        }
        let current = now.seconds().div_euclid(STEP) + self.drift;
        let right = (current - 1..=current + 1).find(|step| is(secret, *step, code));
        self.judge(right.filter(|step| *step > self.last), now)
    }

    /// Takes two codes that follow each other, and the device's time from them.
    pub(crate) fn synchronize(&mut self, secret: &[u8], codes: [&str; 2], now: Timestamp) -> bool {
        if self.wrong >= TRIES && now < self.wrong_at.plus_seconds(CLOSED) {
            return false;
        }
        let current = now.seconds().div_euclid(STEP);
        let [first, second] = codes;
        let steps = current - RESYNC..=current + RESYNC;
        let right = steps
            .min_by_key(|step| {
                (!(is(secret, *step, first) && is(secret, *step + 1, second)), (step - current).abs())
            })
            .filter(|step| is(secret, *step, first) && is(secret, *step + 1, second))
            .map(|step| step + 1)
            .filter(|step| *step > self.last);
        if let Some(step) = right {
            // One step behind or ahead is borne anyway.
            self.drift = if (step - current).abs() <= 1 { 0 } else { step - current };
        }
        self.judge(right, now)
    }

    fn judge(&mut self, right: Option<i64>, now: Timestamp) -> bool {
        match right {
            Some(step) => {
                (self.last, self.wrong) = (step, 0);
                true
            }
            None => {
                let again = now >= self.wrong_at.plus_seconds(CLOSED);
                self.wrong = if again { 1 } else { self.wrong.saturating_add(1) };
                self.wrong_at = now;
                false
            }
        }
    }
}

fn is(secret: &[u8], step: i64, code: &str) -> bool {
    let right = format!("{:06}", at(secret, step));
    // Every digit is looked at, whichever is wrong.
    let differing = right.bytes().zip(code.bytes()).fold(0, |differing, (a, b)| differing | (a ^ b));
    code.len() == right.len() && differing == 0
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

/// RFC 4648. The length is a multiple of five, so nothing is padded.
pub(crate) fn base32(bytes: &[u8]) -> String {
    let (mut text, mut held, mut bits) = (String::new(), 0_u32, 0_u32);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let digit = usize::try_from((held >> bits) & 31).unwrap_or_default();
            text.extend(BASE32.get(digit).map(|d| char::from(*d)));
        }
    }
    text
}

/// Two codes in a row that a device with this seed (in base32) shows now.
pub(crate) fn pair(seed: &[u8], now: Timestamp) -> [String; 2] {
    let secret = of_base32(seed);
    let current = now.seconds().div_euclid(STEP);
    [current - 1, current].map(|step| format!("{:06}", at(&secret, step)))
}

fn of_base32(text: &[u8]) -> Vec<u8> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u64, 0_u32);
    for digit in text.iter().filter_map(|c| BASE32.iter().position(|d| d == c)) {
        held = (held << 5) | u64::try_from(digit).unwrap_or_default();
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.extend(u8::try_from((held >> bits) & 0xff));
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &[u8] = b"12345678901234567890";

    fn code(seconds: i64) -> String {
        format!("{:06}", at(SECRET, seconds / STEP))
    }

    /// RFC 6238, appendix B, the last six of eight digits.
    #[test]
    fn the_standard_codes() {
        for (time, code) in [(59, 287_082), (1_111_111_109, 81_804), (20_000_000_000, 353_130)] {
            assert_eq!(at(SECRET, time / STEP), code, "{time}");
        }
        assert_eq!(base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let shown = pair(base32(SECRET).as_bytes(), Timestamp::from_seconds(59));
        assert_eq!(shown, [code(0), code(59)]);
    }

    #[test]
    fn a_code_is_good_once_and_guessing_closes_the_door() {
        let mut used = Used::default();
        let mut take = |code: &str, time: i64| used.take(SECRET, code, Timestamp::from_seconds(time));
        assert!(!take(&code(3000), 3061), "two steps late");
        assert!(take(&code(3000), 3031), "one step late");
        assert!(!take(&code(3000), 3032), "used");
        assert!(take(&code(3030), 3032));
        for _ in 0..5 {
            assert!(!take("000000", 3060));
        }
        assert!(!take(&code(3060), 3070), "right, but too many were wrong");
        assert!(take(&code(3120), 3130), "after a minute");
    }

    #[test]
    fn two_codes_in_a_row_tell_the_devices_time() {
        let now = Timestamp::from_seconds(30_000);
        let mut used = Used::default();
        let (one, two) = (code(30_300), code(30_330));
        assert!(!used.take(SECRET, &one, now));
        assert!(!used.synchronize(SECRET, [&two, &one], now), "not in their order");
        assert!(used.synchronize(SECRET, [&one, &two], now));
        assert!(used.take(SECRET, &code(30_360), Timestamp::from_seconds(30_030)));
    }
}
