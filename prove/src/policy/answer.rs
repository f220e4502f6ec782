//! What a check says.

use super::counterexample::Counterexample;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// There is no such request.
    Pass,
    /// There is one.
    Fail { counterexample: Box<Counterexample>, reasons: Vec<Reason> },
    /// Not known, which is not a pass.
    Unknown { reason: String },
}

/// A statement to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Which of the policies that were asked about, counted from 0.
    pub policy: usize,
    /// Which of its statements, counted from 0 as in the API's `statementIndex`.
    pub statement: usize,
    pub sid: Option<String>,
    pub description: String,
}

impl Answer {
    /// `PASS` or `FAIL`, as the API says it. What is unknown has no result.
    pub fn result(&self) -> Option<&'static str> {
        match self {
            Answer::Pass => Some("PASS"),
            Answer::Fail { .. } => Some("FAIL"),
            Answer::Unknown { .. } => None,
        }
    }
}
