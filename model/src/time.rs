//! Points in time. Nothing here reads a clock: the runtime owns the only one.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub fn from_seconds(seconds: i64) -> Timestamp {
        Timestamp(seconds.saturating_mul(1000))
    }

    /// Whole seconds, rounded down.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    fn date(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// `2026-11-23T19:13:15Z`, with milliseconds only where there are any.
    pub fn to_rfc3339(self) -> String {
        self.date().format(&Rfc3339).unwrap_or_default()
    }

    /// `2026-11-23T19:13:15Z`, without a fraction.
    pub fn to_rfc3339_seconds(self) -> String {
        Timestamp::from_seconds(self.seconds()).to_rfc3339()
    }

    /// `Mon, 23 Nov 2026 19:13:15 GMT`, as HTTP headers carry it (RFC 9110).
    pub fn to_http_date(self) -> String {
        let text = Timestamp::from_seconds(self.seconds()).date().format(&Rfc2822).unwrap_or_default();
        text.replace("+0000", "GMT")
    }

    /// `20261123T191315Z`, as SigV4 carries it.
    pub fn to_basic(self) -> String {
        self.to_rfc3339_seconds().replace(['-', ':'], "")
    }

    pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
        let date = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(date.unix_timestamp_nanos() / 1_000_000).ok().map(Timestamp)
    }

    pub fn parse_http_date(text: &str) -> Option<Timestamp> {
        let date = OffsetDateTime::parse(&text.replace("GMT", "+0000"), &Rfc2822).ok()?;
        Some(Timestamp::from_seconds(date.unix_timestamp()))
    }

    /// `20261123T191315Z`.
    pub fn parse_basic(text: &str) -> Option<Timestamp> {
        let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
        if date.len() != 8 || clock.len() != 6 || !date.is_ascii() || !clock.is_ascii() {
            return None;
        }
        let (y, md) = date.split_at(4);
        let (mo, d) = md.split_at(2);
        let (h, ms) = clock.split_at(2);
        let (mi, s) = ms.split_at(2);
        Timestamp::parse_rfc3339(&format!("{y}-{mo}-{d}T{h}:{mi}:{s}Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn formats_read_back() {
        let t = Timestamp(1_795_461_195_123);
        assert_eq!(Timestamp::parse_rfc3339(&t.to_rfc3339()), Some(t));
        let s = Timestamp::from_seconds(t.seconds());
        assert_eq!(Timestamp::parse_basic(&t.to_basic()), Some(s));
        assert_eq!(Timestamp::parse_http_date(&t.to_http_date()), Some(s));
        assert_eq!(Timestamp::from_seconds(0).to_http_date(), "Thu, 01 Jan 1970 00:00:00 GMT");
    }
}
