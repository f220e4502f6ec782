//! Timestamps in the three forms that protocols use.

use model::Timestamp;
use model::api::TimeFormat;

pub(crate) fn write(time: Timestamp, format: TimeFormat) -> String {
    match format {
        TimeFormat::Iso8601 => time.to_rfc3339(),
        TimeFormat::Rfc822 => time.to_http_date(),
        TimeFormat::Unix => seconds(time).to_string(),
    }
}

/// Seconds, with a fraction where there is one.
#[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
pub(crate) fn seconds(time: Timestamp) -> f64 {
    time.0 as f64 / 1000.0
}

#[allow(clippy::cast_possible_truncation, reason = "a float outside the range saturates")]
pub(crate) fn from_seconds(seconds: f64) -> Option<Timestamp> {
    let millis = (seconds * 1000.0).round();
    (millis.is_finite() && millis.abs() < 9e15).then_some(Timestamp(millis as i64))
}

/// Any of the forms, since clients differ.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text)
        .or_else(|| Timestamp::parse_http_date(text))
        .or_else(|| text.parse().ok().and_then(from_seconds))
        .or_else(|| Timestamp::parse_basic(text))
        .or_else(|| Timestamp::parse_rfc3339(&format!("{text}Z")))
        .or_else(|| {
            (text.len() == 10).then(|| Timestamp::parse_rfc3339(&format!("{text}T00:00:00Z"))).flatten()
        })
}
