//! The gateway from the outside: APIs made through the management calls, requests over real
//! sockets, a TLS upstream. Each control lets the right thing through, refuses the wrong one,
//! and still refuses when what it leans on is gone.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "tests: what fails here fails the test"
)]

mod http_api;
mod rest;
mod scene;
