//! Finds the statements of a long policy that may apply to a request.
//!
//! A statement is filed under the literal that its resources, or else its actions, begin
//! with. A request's prefixes are hashed in one pass and looked up at the lengths in use.
//! What is found may not match; what is not found cannot.

use crate::pattern::Pattern;
use crate::policy::{Scope, Statement};

/// Policies of up to this many statements are read in order.
const SHORT: usize = 8;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    /// Statements that every request must consider.
    always: Vec<usize>,
    resources: Prefixes,
    /// In lower case.
    actions: Prefixes,
}

impl Index {
    pub(crate) fn of(statements: &[Statement]) -> Index {
        let mut index = Index::default();
        if statements.len() <= SHORT {
            index.always = (0..statements.len()).collect();
            return index;
        }
        for (at, statement) in statements.iter().enumerate() {
            if let Some(prefixes) = resource_prefixes(statement) {
                prefixes.iter().for_each(|p| index.resources.add(p.as_bytes(), at));
            } else if let Some(prefixes) = action_prefixes(statement) {
                prefixes.iter().for_each(|p| index.actions.add(p.to_ascii_lowercase().as_bytes(), at));
            } else {
                index.always.push(at);
            }
        }
        index.resources.finish();
        index.actions.finish();
        index
    }

    pub(crate) fn candidates(&self, action: &str, resource: &str, mut visit: impl FnMut(usize)) {
        self.always.iter().copied().for_each(&mut visit);
        self.resources.of(resource.bytes(), &mut visit);
        self.actions.of(action.bytes().map(|b| b.to_ascii_lowercase()), &mut visit);
    }
}

fn resource_prefixes(statement: &Statement) -> Option<Vec<String>> {
    let Some(Scope::Only(names)) = &statement.resources else { return None };
    let prefixes = names.iter().map(|n| n.prefix().map(|(head, tail)| format!("{head}{tail}")));
    prefixes.collect::<Option<Vec<_>>>().filter(|p| !p.is_empty())
}

fn action_prefixes(statement: &Statement) -> Option<Vec<&str>> {
    let Scope::Only(actions) = &statement.actions else { return None };
    let prefixes: Vec<&str> = actions.iter().map(Pattern::prefix).collect();
    prefixes.iter().all(|p| !p.is_empty()).then_some(prefixes)
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Prefixes {
    /// In use, ascending.
    lengths: Vec<usize>,
    /// The hash of a prefix and the statement filed under it, ascending.
    filed: Vec<(u64, usize)>,
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
}

impl Prefixes {
    fn add(&mut self, prefix: &[u8], at: usize) {
        self.lengths.push(prefix.len());
        self.filed.push((prefix.iter().fold(SEED, |h, b| step(h, *b)), at));
    }

    fn finish(&mut self) {
        self.lengths.sort_unstable();
        self.lengths.dedup();
        self.filed.sort_unstable();
        self.filed.dedup();
    }

    fn of(&self, text: impl Iterator<Item = u8>, visit: &mut impl FnMut(usize)) {
        let mut lengths = self.lengths.iter().copied();
        let Some(mut wanted) = lengths.next() else { return };
        let mut hash = SEED;
        for (at, byte) in text.enumerate() {
            hash = step(hash, byte);
            if at + 1 == wanted {
                let from = self.filed.partition_point(|(h, _)| *h < hash);
                let found = self.filed.iter().skip(from).take_while(|(h, _)| *h == hash);
                found.for_each(|(_, statement)| visit(*statement));
                match lengths.next() {
                    Some(next) => wanted = next,
                    None => return,
                }
            }
        }
    }
}
