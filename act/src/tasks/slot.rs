//! A number for each task of this machine, from which its loopback address and its user come.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::sync::{Mutex, PoisonError};

use model::Host;

/// 127.64.0.0/10 has so many addresses.
const ADDRESSES: u32 = 1 << 22;
const FIRST: u32 = 0x7f40_0000;
/// Users that nobody else has, as far as this machine has so many; in a container there are fewer.
const USERS: u32 = 0x7000_0000;
const FEW_USERS: u32 = 20_000;

pub(crate) struct Slots {
    taken: Mutex<(BTreeSet<u32>, u32)>,
    privileged: bool,
    many_users: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slot {
    number: u32,
    pub(crate) address: Ipv4Addr,
    /// None where the runtime may not change users.
    pub(crate) user: Option<u32>,
}

impl Slots {
    /// Begins anywhere, so that two runtimes on a machine do not meet.
    pub(crate) fn new(host: &(impl Host + ?Sized)) -> Slots {
        let mut start = [0; 4];
        host.random(&mut start);
        let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        let users: u64 = map.lines().filter_map(|l| l.split_whitespace().nth(2)?.parse::<u64>().ok()).sum();
        Slots {
            taken: Mutex::new((BTreeSet::new(), u32::from_be_bytes(start) % ADDRESSES)),
            privileged: rustix::process::geteuid().is_root(),
            many_users: users > u64::from(USERS) + u64::from(ADDRESSES),
        }
    }

    pub(crate) fn take(&self) -> Option<Slot> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..ADDRESSES {
            let number = taken.1;
            taken.1 = (number + 1) % ADDRESSES;
            // The ends of a network of 256 look like its own address and its broadcast.
            if matches!(number % 256, 0 | 255) || !taken.0.insert(number) {
                continue;
            }
            let user = if self.many_users { USERS + number } else { FEW_USERS + number % FEW_USERS };
            return Some(Slot {
                number,
                address: Ipv4Addr::from(FIRST + number),
                user: self.privileged.then_some(user),
            });
        }
        None
    }

    pub(crate) fn give_back(&self, slot: Slot) {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).0.remove(&slot.number);
    }
}
