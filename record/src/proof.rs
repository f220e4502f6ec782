//! A proof that one entry is in the log, to be checked without the log.

use crate::frame::{Hash, Header, leaf, node, root};

/// The way from an entry to the hash of its batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    pub seq: u64,
    header: Header,
    /// Sibling hashes from the leaf up, and whether each stands to the left.
    path: Vec<(bool, Hash)>,
}

impl Proof {
    pub(crate) fn new(header: Header, seq: u64, leaves: Vec<Hash>) -> Option<Proof> {
        let mut at = usize::try_from(seq.checked_sub(header.first_seq)?).ok()?;
        let (mut level, mut path) = (leaves, Vec::new());
        while level.len() > 1 {
            let sibling = at ^ 1;
            if let Some(hash) = level.get(sibling) {
                path.push((sibling < at, *hash));
            }
            level = level.chunks(2).map(|pair| root(pair.to_vec())).collect();
            at /= 2;
        }
        Some(Proof { seq, header, path })
    }

    /// Whether this entry is in the batch with this hash.
    pub fn check(&self, kind: u8, bytes: &[u8], batch: &Hash) -> bool {
        let reached = self.path.iter().fold(leaf(kind, bytes), |hash, (left, sibling)| match left {
            true => node(sibling, &hash),
            false => node(&hash, sibling),
        });
        reached == self.header.root && self.header.hash() == *batch
    }
}
