//! What rate-based rules have counted: ten slots to a window, kept in memory.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, RwLock};

use decide_waf::{RateRule, Rates};
use model::Timestamp;

const SLOTS: usize = 10;
/// Keys kept of one rule.
const KEYS: usize = 50_000;

#[derive(Clone, Default)]
struct Window {
    slots: [u64; SLOTS],
    /// The number of the newest slot since the epoch.
    newest: i64,
}

impl Window {
    fn count(&mut self, slot: i64) -> u64 {
        self.turn(slot);
        let at = usize::try_from(slot.rem_euclid(10)).unwrap_or_default();
        if let Some(count) = self.slots.get_mut(at) {
            *count += 1;
        }
        self.total()
    }

    /// Empties the slots that lie between the newest and this one.
    fn turn(&mut self, slot: i64) {
        for passed in 1..=(slot - self.newest).clamp(0, 10) {
            let at = usize::try_from((self.newest + passed).rem_euclid(10)).unwrap_or_default();
            if let Some(count) = self.slots.get_mut(at) {
                *count = 0;
            }
        }
        if slot - self.newest > 10 {
            self.slots = [0; SLOTS];
        }
        self.newest = self.newest.max(slot);
    }

    fn total(&self) -> u64 {
        self.slots.iter().sum()
    }
}

#[derive(Default)]
struct Keys {
    windows: HashMap<Vec<u8>, Window>,
    swept: i64,
}

impl Keys {
    fn count(&mut self, key: &[u8], slot: i64, limit: u64) -> u64 {
        if slot - self.swept > 10 {
            self.windows.retain(|_, w| slot - w.newest < 10);
            self.swept = slot;
        }
        if self.windows.len() >= KEYS && !self.windows.contains_key(key) {
            // Who changes keys all the time is under the limit with each; those near it stay.
            self.windows.retain(|_, w| w.total() * 2 > limit);
            if self.windows.len() >= KEYS {
                return limit + 1;
            }
        }
        self.windows.entry(key.to_vec()).or_default().count(slot)
    }
}

static RULES: LazyLock<RwLock<HashMap<String, Arc<Mutex<Keys>>>>> = LazyLock::new(RwLock::default);

/// The counts at a moment.
pub(super) struct At {
    pub(super) now: Timestamp,
}

impl Rates for At {
    fn count(&self, rule: &RateRule, key: &[u8]) -> u64 {
        let known = RULES.read().unwrap_or_else(PoisonError::into_inner).get(&rule.id).cloned();
        let keys = known.unwrap_or_else(|| {
            let mut rules = RULES.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(rules.entry(rule.id.clone()).or_default())
        });
        let slot = self.now.seconds() / (i64::from(rule.window_seconds) / 10).max(1);
        keys.lock().unwrap_or_else(PoisonError::into_inner).count(key, slot, rule.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let mut keys = Keys::default();
        assert_eq!(keys.count(b"a", 100, 5), 1);
        assert_eq!(keys.count(b"a", 100, 5), 2);
        assert_eq!(keys.count(b"b", 101, 5), 1);
        assert_eq!(keys.count(b"a", 109, 5), 3);
        assert_eq!(keys.count(b"a", 110, 5), 2);
        assert_eq!(keys.count(b"a", 500, 5), 1);
    }

    #[test]
    fn keys_without_end_do_not_fill_the_memory() {
        let mut keys = Keys::default();
        for _ in 0..5 {
            keys.count(b"busy", 1, 5);
        }
        for n in 0..200_000u32 {
            keys.count(&n.to_be_bytes(), 1, 5);
        }
        assert!(keys.windows.len() <= KEYS);
        assert_eq!(keys.count(b"busy", 1, 5), 6);
    }
}
