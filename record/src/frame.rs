//! The bytes of a batch: what one group commit writes.
//!
//! ```text
//! header: magic 4 | first seq 8 | count 4 | payload length 4 | previous hash 32 | root 32 | crc32 4
//! payload: (length 4 | kind 1 | bytes) for each entry
//! ```
//! Numbers are little-endian. The hash of a batch is the SHA-256 of its header, which holds
//! the hash of the one before and the Merkle root of its entries (RFC 6962 hashing).

use bytes::Bytes;
use ring::digest::{Context, SHA256};

pub type Hash = [u8; 32];

pub(crate) const MAGIC: &[u8; 4] = b"CSB1";
pub(crate) const HEADER: usize = 88;
/// A batch is cut before it grows past this; one entry alone may be larger.
pub(crate) const BATCH_BYTES: usize = 8 << 20;
/// No entry may be longer: a length beyond it is damage, not data.
pub(crate) const ENTRY_BYTES: usize = 64 << 20;

/// What is to be appended.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub kind: u8,
    pub bytes: Bytes,
}

/// An entry as read back.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    pub seq: u64,
    pub kind: u8,
    pub bytes: Bytes,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) first_seq: u64,
    pub(crate) count: u32,
    pub(crate) payload: u32,
    pub(crate) previous: Hash,
    pub(crate) root: Hash,
}

pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

pub(crate) fn leaf(kind: u8, bytes: &[u8]) -> Hash {
    sha256(&[&[0, kind], bytes])
}

pub(crate) fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The Merkle root of leaves; of one leaf, the leaf. A last odd node rises unchanged.
pub(crate) fn root(mut level: Vec<Hash>) -> Hash {
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => node(left, right),
                [last] => *last,
                _ => [0; 32],
            })
            .collect();
    }
    level.first().copied().unwrap_or_default()
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let mut out = [0; HEADER];
        let mut at = 0;
        let mut put = |bytes: &[u8]| {
            for (to, from) in out.iter_mut().skip(at).zip(bytes) {
                *to = *from;
            }
            at += bytes.len();
        };
        put(MAGIC);
        put(&self.first_seq.to_le_bytes());
        put(&self.count.to_le_bytes());
        put(&self.payload.to_le_bytes());
        put(&self.previous);
        put(&self.root);
        let (covered, sum) = out.split_at_mut(HEADER - 4);
        sum.copy_from_slice(&crc32fast::hash(covered).to_le_bytes());
        out
    }

    /// `None` unless the bytes begin with a whole, undamaged header.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Header> {
        let bytes = bytes.get(..HEADER)?;
        let (covered, sum) = bytes.split_at_checked(HEADER - 4)?;
        if !covered.starts_with(MAGIC) || crc32fast::hash(covered).to_le_bytes() != sum {
            return None;
        }
        Some(Header {
            first_seq: u64::from_le_bytes(covered.get(4..12)?.try_into().ok()?),
            count: u32::from_le_bytes(covered.get(12..16)?.try_into().ok()?),
            payload: u32::from_le_bytes(covered.get(16..20)?.try_into().ok()?),
            previous: covered.get(20..52)?.try_into().ok()?,
            root: covered.get(52..84)?.try_into().ok()?,
        })
    }

    pub(crate) fn hash(&self) -> Hash {
        sha256(&[&self.encode()])
    }
}

/// The bytes of a batch, and its hash.
pub(crate) fn encode(first_seq: u64, previous: Hash, entries: &[Entry]) -> (Vec<u8>, Hash) {
    let payload: usize = entries.iter().map(|e| 5 + e.bytes.len()).sum();
    let leaves = entries.iter().map(|e| leaf(e.kind, &e.bytes)).collect();
    let header = Header {
        first_seq,
        count: u32::try_from(entries.len()).unwrap_or(u32::MAX),
        payload: u32::try_from(payload).unwrap_or(u32::MAX),
        previous,
        root: root(leaves),
    };
    let mut out = Vec::with_capacity(HEADER + payload);
    out.extend_from_slice(&header.encode());
    for entry in entries {
        out.extend_from_slice(&u32::try_from(entry.bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.push(entry.kind);
        out.extend_from_slice(&entry.bytes);
    }
    (out, header.hash())
}

/// The entries of a batch, if they are the ones that its header vouches for.
pub(crate) fn entries(header: &Header, payload: &Bytes) -> Option<Vec<Logged>> {
    let mut found = Vec::with_capacity(header.count.min(65_536) as usize);
    let mut at = 0;
    for seq in (header.first_seq..).take(header.count as usize) {
        let length = u32::from_le_bytes(payload.get(at..at + 4)?.try_into().ok()?) as usize;
        let kind = *payload.get(at + 4)?;
        let (from, to) = (at + 5, (at + 5).checked_add(length)?);
        if length > ENTRY_BYTES || to > payload.len() {
            return None;
        }
        found.push(Logged { seq, kind, bytes: payload.slice(from..to) });
        at = to;
    }
    let leaves = found.iter().map(|e| leaf(e.kind, &e.bytes)).collect();
    (at == payload.len() && root(leaves) == header.root).then_some(found)
}
