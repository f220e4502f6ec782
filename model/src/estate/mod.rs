//! The nodes that more than one part reads: what `decide` judges by, what the
//! edge routes by, what `act` runs. A node that only its own service reads
//! lives in that service's folder.

pub mod credentials;
pub mod iam;
