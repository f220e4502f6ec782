//! Who is asking? Listeners, TLS, signatures and the data planes.

pub mod aws;
pub mod ca;
pub mod chunked;
pub mod door;
pub mod listen;
pub mod sigv4;
