//! Token buckets: so many requests per second, so many at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use model::Timestamp;

/// Buckets by what they limit: a method, a key.
#[derive(Default)]
pub(super) struct Buckets(Mutex<HashMap<String, Bucket>>);

struct Bucket {
    tokens: f64,
    at: Timestamp,
}

/// `rate` per second, `burst` at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit {
    pub(super) rate: f64,
    pub(super) burst: f64,
}

impl Limit {
    #[allow(clippy::cast_precision_loss, reason = "bursts are small numbers")]
    pub(super) fn new(rate: Option<f64>, burst: Option<i64>) -> Option<Limit> {
        match (rate, burst) {
            (None, None) => None,
            (rate, burst) => {
                Some(Limit { rate: rate.unwrap_or(10_000.0), burst: burst.map_or(5000.0, |b| b as f64) })
            }
        }
    }
}

impl Buckets {
    /// Takes one request out of a bucket, if there is one left.
    pub(super) fn take(&self, name: &str, limit: Limit, now: Timestamp) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(name.to_owned()).or_insert(Bucket { tokens: limit.burst, at: now });
        #[allow(clippy::cast_precision_loss, reason = "milliseconds between two requests")]
        let elapsed = (now.0 - bucket.at.0).max(0) as f64 / 1000.0;
        bucket.tokens = (bucket.tokens + elapsed * limit.rate).min(limit.burst);
        bucket.at = now;
        if bucket.tokens < 1.0 {
            return false;
        }
        bucket.tokens -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_and_fills() {
        let buckets = Buckets::default();
        let limit = Limit { rate: 2.0, burst: 3.0 };
        let take = |millis: i64| buckets.take("m", limit, Timestamp(millis));
        assert_eq!([0, 0, 0, 0].map(take), [true, true, true, false]);
        assert_eq!(
            [500, 500, 10_000, 10_000, 10_000, 10_000].map(take),
            [true, false, true, true, true, false]
        );
        assert!(!buckets.take("closed", Limit { rate: 0.0, burst: 0.0 }, Timestamp(0)));
    }
}
