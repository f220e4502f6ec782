//! A user's own test cases in files: where each stands, what became of it, and the report.

mod read;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Deserialize;
use serde_json::Value as Json;

pub(crate) use report::escaped;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
    Junit,
}

/// Judges every case of the files and reports: 0 when each passes, 1 when one does not, 2 when one
/// cannot be decided or read. `suite` names the tests.
pub(crate) fn run(
    suite: &str,
    files: &[PathBuf],
    output: Format,
    mut judge: impl FnMut(Placed<'_>) -> Tested,
) -> ExitCode {
    let mut results = Vec::new();
    for path in files {
        let file = path.display().to_string();
        match std::fs::read(path) {
            Ok(bytes) => results.extend(read::cases(&file, &bytes).into_iter().map(&mut judge)),
            Err(error) => results.push(Tested::unread(&file, 1, error.to_string())),
        }
    }
    match output {
        Format::Text => report::text(&results),
        Format::Json => println!("{}", report::json(&results)),
        Format::Junit => println!("{}", report::junit(suite, &results)),
    }
    match report::Counts::of(&results) {
        report::Counts { unread: 1.., .. } => ExitCode::from(2),
        report::Counts { failed: 1.., .. } => ExitCode::FAILURE,
        report::Counts { .. } => ExitCode::SUCCESS,
    }
}

/// A case in its file.
pub(crate) struct Placed<'a> {
    pub(crate) file: &'a str,
    /// Where the case begins in it; counted from 1.
    pub(crate) line: u32,
    /// Its own text, or why it is none.
    pub(crate) text: Result<&'a str, String>,
}

impl Placed<'_> {
    /// The line of the file at which a part of it begins.
    pub(crate) fn line_of(&self, part: &str) -> u32 {
        let text = self.text.as_deref().unwrap_or_default();
        let at = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        self.line + line_at(text, at) - 1
    }
}

/// The line, counted from 1, of a byte.
pub(crate) fn line_at(text: &str, at: usize) -> u32 {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    u32::try_from(before.iter().filter(|b| **b == b'\n').count()).unwrap_or(u32::MAX).saturating_add(1)
}

/// What names a case, readable also where the rest is not.
#[derive(Default, Deserialize)]
pub(crate) struct Named {
    #[serde(default)]
    pub(crate) id: Json,
    #[serde(default)]
    pub(crate) check: Option<Json>,
}

impl Named {
    pub(crate) fn id(&self) -> String {
        match &self.id {
            Json::Null => String::new(),
            Json::String(id) => id.clone(),
            other => other.to_string(),
        }
    }
}

/// A case with its result.
pub(crate) struct Tested {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) id: String,
    pub(crate) result: Result<Decided, String>,
}

/// Outcomes in the words of the case.
pub(crate) struct Decided {
    pub(crate) expect: &'static str,
    pub(crate) outcome: &'static str,
    /// Only of a mismatch.
    pub(crate) explanation: Option<String>,
}

impl Tested {
    pub(crate) fn unread(file: &str, line: u32, why: String) -> Tested {
        Tested { file: file.to_owned(), line, id: String::new(), result: Err(why) }
    }
}
