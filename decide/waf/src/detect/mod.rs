//! Attacks told by their meaning: SQL injection and cross-site scripting. libinjection's
//! reading of the text first; patterns of our own for what it does not know.

mod patterns;
mod sqli;
mod xss;

pub(crate) use sqli::{Level, sqli};
pub(crate) use xss::xss;

/// A detector that fails on hostile input has met an attack: what cannot be judged does not pass.
fn or_attack(detector: impl FnOnce() -> bool + std::panic::UnwindSafe) -> bool {
    std::panic::catch_unwind(detector).unwrap_or(true)
}

/// Words, numbers and addresses of mail cannot be code.
fn harmless(text: &[u8]) -> bool {
    text.len() < 3 || text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'@'))
}
