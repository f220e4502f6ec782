//! Decisions over all requests at once: which ways lead from the internet to a database,
//! and what stands on them. Pure: no files, no clock.
//!
//! A template is read with the values its parameters have. What is not known is taken at its worst,
//! and network rules of the sending side (egress, routes) are not counted as a protection; so a
//! theorem that holds here holds for what is modelled, and `Estate::not_modelled` names the rest.

mod estate;
mod gateway;
mod glob;
mod graph;
mod network;
mod paths;
pub mod policy;
pub mod rights;
mod terraform;

pub use estate::{Estate, Item, Lack};
pub use graph::{Graph, Guard, Point};
pub use paths::{Path, Verdict, verify};
pub use terraform::is_plan;
