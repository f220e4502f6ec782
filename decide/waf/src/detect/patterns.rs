//! Pattern files: one expression a line, `#` for remarks, without regard to case.

use regex::bytes::{Regex, RegexBuilder};

/// `None` where an expression is not valid; a test sees to it that all are.
pub(super) fn read(text: &str) -> Option<Regex> {
    let lines: Vec<&str> =
        text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with("# ")).collect();
    let joined = format!("(?:{})", lines.join(")|(?:"));
    let mut builder = RegexBuilder::new(&joined);
    builder.case_insensitive(true).unicode(false).size_limit(8 << 20).dfa_size_limit(8 << 20).build().ok()
}
