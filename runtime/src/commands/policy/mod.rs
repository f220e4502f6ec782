//! `countersign policy test`: a user's own tests of policies, through the evaluator that decides
//! every request of the runtime, or, where a case is about all requests, through the prover.
//! Runs nothing and keeps nothing.

mod case;
mod check;
mod judge;
mod read;
mod report;

pub(crate) use report::escaped;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Subcommand)]
pub(crate) enum Policy {
    /// Decides each case of the files and compares the outcome with the one that is expected
    Test(Test),
}

#[derive(Args)]
pub(crate) struct Test {
    /// Cases: a JSON array, or JSON lines
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Junit,
}

impl Policy {
    /// 0 when every case passes, 1 when one does not, 2 when one cannot be decided or read.
    pub(crate) fn run(self) -> ExitCode {
        let Policy::Test(test) = self;
        let mut results = Vec::new();
        for path in &test.files {
            let file = path.display().to_string();
            match std::fs::read(path) {
                Ok(bytes) => results.extend(read::cases(&file, &bytes).into_iter().map(judge::judge)),
                Err(error) => results.push(case::Tested::unread(&file, 1, error.to_string())),
            }
        }
        match test.output {
            Format::Text => report::text(&results),
            Format::Json => println!("{}", report::json(&results)),
            Format::Junit => println!("{}", report::junit(&results)),
        }
        match report::Counts::of(&results) {
            report::Counts { unread: 1.., .. } => ExitCode::from(2),
            report::Counts { failed: 1.., .. } => ExitCode::FAILURE,
            report::Counts { .. } => ExitCode::SUCCESS,
        }
    }
}
