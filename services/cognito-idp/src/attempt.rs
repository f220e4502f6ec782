//! How often one may try. Failures are counted although the call fails (`Tx::fail_keeping`).
//!
//! Sign-in: from the fifth failure on, a lockout of `2^(n-5)` seconds, up to fifteen minutes;
//! fifteen quiet minutes or a success end it. Codes: a few requests and a few guesses an hour.
//! <https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html>

use model::{Fault, Timestamp};
use serde::{Deserialize, Serialize};

use crate::fault::{limit_exceeded, not_authorized};

const QUIET: i64 = 15 * 60;
const HOUR: i64 = 3600;
/// Wrong codes, for one purpose, in one hour.
const GUESSES: u32 = 5;
/// Codes sent, for one purpose, in one hour.
const CODES: u32 = 10;

/// Failed sign-ins, by password or by second factor.
#[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Failures {
    count: u32,
    last: Option<Timestamp>,
    locked_until: Option<Timestamp>,
}

impl Failures {
    /// May the user try at all, now?
    pub(crate) fn allow(&self, now: Timestamp) -> Result<(), Fault> {
        match self.locked_until {
            Some(until) if until > now => Err(not_authorized("Password attempts exceeded")),
            _ => Ok(()),
        }
    }

    pub(crate) fn failed(&mut self, now: Timestamp) {
        // The quiet begins when the lockout ends.
        if self.locked_until.or(self.last).is_some_and(|since| now >= since.plus_seconds(QUIET)) {
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.last = Some(now);
        let lockout =
            self.count.checked_sub(5).map(|n| 1_i64.checked_shl(n.min(10)).unwrap_or(QUIET).min(QUIET));
        self.locked_until = lockout.map(|seconds| now.plus_seconds(seconds));
    }

    pub(crate) fn succeeded(&mut self) {
        *self = Failures::default();
    }
}

/// Codes of one purpose.
#[derive(Clone, Default, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attempts {
    since: Timestamp,
    sent: u32,
    wrong: u32,
}

impl Attempts {
    fn refreshed(&mut self, now: Timestamp) {
        if now >= self.since.plus_seconds(HOUR) {
            *self = Attempts { since: now, ..Attempts::default() };
        }
    }

    pub(crate) fn send(&mut self, now: Timestamp) -> Result<(), Fault> {
        self.refreshed(now);
        if self.sent >= CODES {
            return Err(limit_exceeded());
        }
        self.sent += 1;
        Ok(())
    }

    /// May a code be tried?
    pub(crate) fn allow(&mut self, now: Timestamp) -> Result<(), Fault> {
        self.refreshed(now);
        if self.wrong >= GUESSES { Err(limit_exceeded()) } else { Ok(()) }
    }

    pub(crate) fn wrong(&mut self) {
        self.wrong += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lockouts_double_up_to_fifteen_minutes() {
        let mut failures = Failures::default();
        let mut now = Timestamp::from_seconds(1_000_000);
        let mut lockouts = Vec::new();
        for _ in 0..17 {
            assert!(failures.allow(now).is_ok());
            failures.failed(now);
            let until = failures.locked_until.unwrap_or(now);
            lockouts.push(until.seconds() - now.seconds());
            if until > now {
                assert!(failures.allow(Timestamp(until.0 - 1)).is_err());
            }
            now = until;
        }
        assert_eq!(lockouts, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
        failures.failed(now.plus_seconds(2 * QUIET));
        assert!(
            failures.allow(now.plus_seconds(2 * QUIET)).is_ok(),
            "a quiet quarter of an hour begins anew"
        );
    }
}
