//! Who is asking? Listeners, TLS, signatures and the data planes.

pub mod ca;
pub mod listen;
