//! The hash-chained log, the store over it, sealed blobs, and the keys at rest.
//!
//! The log is the write-ahead log and the source of truth: what is in it and
//! synced is what happened. The store is a cache of its commits: a table in
//! memory over a checkpoint on disk, made again from the log after a crash.
//! This crate knows bytes, not what they mean.

mod blobs;
mod folder;
mod frame;
mod keyring;
mod log;
mod proof;
mod reader;
mod segment;
mod store;
mod verify;
mod writes;

pub use blobs::{BlobWriter, Blobs};
pub use folder::Folder;
pub use frame::{Entry, Hash, Logged};
pub use keyring::{Keyring, Sealed};
pub use log::{Log, LogError, Options, Recovery, Ticket, Watch};
pub use proof::Proof;
pub use reader::Reader;
pub use store::{Store, StoreError};
pub use verify::{Verified, VerifyError, verify};
pub use writes::{Write, decode_writes, encode_writes};
