//! Where items lie: the keys of their records, made so that the order of bytes is the order
//! of sort keys.
//!
//! `table 16 | index 2 | spot 16 | sort key | (in an index) the item's own spot and sort key`.
//! The spot is a keyed hash of the partition key: it spreads partitions evenly over segments,
//! and the store does not tell whose items these are. Sort keys stand in clear: they have an order to keep.

use ring::hmac;

use crate::attribute::Attr;
use crate::schema::Key;

/// The store's table of items and index entries.
pub(crate) const ITEMS: &str = "dynamodb/items";
/// The number of the table itself among its indexes.
pub(crate) const BASE: u16 = 0;
/// The bytes before the spot.
const HEAD: usize = 18;
const SPOT: usize = 16;

/// A table's id as bytes: the UUID's.
pub(crate) fn table(id: &str) -> [u8; 16] {
    u128::from_str_radix(&id.replace('-', ""), 16).unwrap_or_default().to_be_bytes()
}

/// Bytes that compare as sort keys do; none is the beginning of another.
fn ordered(value: &Attr, out: &mut Vec<u8>) {
    match value {
        Attr::N(number) => number.key(out),
        Attr::S(text) => escaped(text.as_bytes(), out),
        Attr::B(bytes) => escaped(bytes, out),
        _ => {}
    }
    if matches!(value, Attr::S(_) | Attr::B(_)) {
        out.extend([0, 0]);
    }
}

/// A zero byte is followed by 255, so that the end, two zeros, comes before all that goes on.
fn escaped(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        out.push(*byte);
        if *byte == 0 {
            out.push(255);
        }
    }
}

/// Makes places in one table.
pub(crate) struct Places {
    pub(crate) table: [u8; 16],
    pub(crate) key: hmac::Key,
}

impl Places {
    pub(crate) fn index(&self, index: u16) -> Vec<u8> {
        let mut place = Vec::with_capacity(64);
        place.extend(self.table);
        place.extend(index.to_be_bytes());
        place
    }

    /// The beginning of the places of one partition.
    pub(crate) fn partition(&self, index: u16, hash: &Attr) -> Vec<u8> {
        let mut place = self.index(index);
        self.spot(hash, &mut place);
        place
    }

    fn spot(&self, hash: &Attr, place: &mut Vec<u8>) {
        let mut context = hmac::Context::with_key(&self.key);
        match hash {
            Attr::S(text) => context.update(text.as_bytes()),
            Attr::B(bytes) => context.update(bytes),
            Attr::N(number) => {
                let mut key = Vec::with_capacity(19);
                number.key(&mut key);
                context.update(&key);
            }
            _ => {}
        }
        place.extend(context.sign().as_ref().iter().take(SPOT));
    }

    /// An item's place in the table itself.
    pub(crate) fn item(&self, key: Key<'_>) -> Vec<u8> {
        let mut place = self.partition(BASE, key.hash);
        if let Some(range) = key.range {
            ordered(range, &mut place);
        }
        place
    }

    /// An item's place in an index: its key there, and, as that need not be unique, its own.
    pub(crate) fn entry(&self, index: u16, key: Key<'_>, own: &[u8]) -> Vec<u8> {
        let mut place = self.partition(index, key.hash);
        if let Some(range) = key.range {
            ordered(range, &mut place);
        }
        place.extend(own.get(HEAD..).unwrap_or_default());
        place
    }

    /// The bounds of one of `total` segments of an index.
    pub(crate) fn segment(&self, index: u16, segment: u32, total: u32) -> (Vec<u8>, Vec<u8>) {
        let bound = |n: u32| (u64::from(n) << 32) / u64::from(total.max(1));
        let mut from = self.index(index);
        from.extend(u32::try_from(bound(segment)).unwrap_or(u32::MAX).to_be_bytes());
        let mut to = self.index(index);
        match u32::try_from(bound(segment + 1)) {
            Ok(end) => to.extend(end.to_be_bytes()),
            Err(_) => to = after(&to),
        }
        (from, to)
    }
}

/// The beginning of sort keys that begin so.
pub(crate) fn with_prefix(partition: &[u8], prefix: &Attr) -> Vec<u8> {
    let mut place = partition.to_vec();
    match prefix {
        Attr::S(text) => escaped(text.as_bytes(), &mut place),
        Attr::B(bytes) => escaped(bytes, &mut place),
        _ => {}
    }
    place
}

pub(crate) fn with_range(partition: &[u8], range: &Attr) -> Vec<u8> {
    let mut place = partition.to_vec();
    ordered(range, &mut place);
    place
}

/// The first place behind all that begin so.
pub(crate) fn after(prefix: &[u8]) -> Vec<u8> {
    let mut next = prefix.to_vec();
    while let Some(last) = next.pop() {
        if let Some(more) = last.checked_add(1) {
            next.push(more);
            return next;
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places() -> Places {
        Places { table: [7; 16], key: hmac::Key::new(hmac::HMAC_SHA256, b"k") }
    }

    fn key(bytes: &[u8]) -> Vec<u8> {
        with_range(b"", &Attr::B(bytes.to_vec().into()))
    }

    proptest! {
        #[test]
        fn sort_keys_keep_their_order(a in proptest::collection::vec(0..3_u8, 0..6), b in proptest::collection::vec(0..3_u8, 0..6)) {
            prop_assert_eq!(key(&a).cmp(&key(&b)), a.cmp(&b));
            prop_assert!(a == b || !key(&a).starts_with(&key(&b)));
            // A prefix bounds exactly what begins with it.
            let from = with_prefix(b"p", &Attr::B(a.clone().into()));
            let within = [b"p".as_slice(), &key(&b)].concat();
            // Where the prefix ends in a zero byte its escape is part of the bound, as it is of the key.
            prop_assert_eq!(within >= from && within < after(&from), b.starts_with(&a));
        }

        #[test]
        fn segments_share_out_everything(total in 1..40_u32, text in "[a-z]{1,8}") {
            let places = places();
            let value = Attr::S(text);
            let place = places.item(Key { hash: &value, range: None });
            let found = (0..total).filter(|s| { let (from, to) = places.segment(BASE, *s, total); from <= place && place < to });
            prop_assert_eq!(found.count(), 1);
        }
    }

    #[test]
    fn places_behind_a_prefix() {
        assert_eq!(after(b"ab"), b"ac");
        assert_eq!(after(&[1, 255, 255]), [2]);
        assert_eq!(table("01234567-89ab-4def-8123-456789abcdef")[..2], [0x01, 0x23]);
    }
}
