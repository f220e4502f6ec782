//! Who is asking? Listeners, TLS, signatures and the data planes.

pub mod aws;
pub mod balancer;
pub mod ca;
pub mod chunked;
pub mod database;
pub mod gateway;
pub mod host;
pub mod listen;
pub mod login;
pub mod oidc;
pub mod plain;
pub mod sigv4;
pub mod waf;
