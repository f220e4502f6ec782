//! `countersign policy test`: a user's own tests of policies, through the evaluator that decides
//! every request of the runtime, or, where a case is about all requests, through the prover.
//! Runs nothing and keeps nothing.

mod case;
mod check;
mod judge;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::cases::{self, Format};

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

impl Policy {
    pub(crate) fn run(self) -> ExitCode {
        let Policy::Test(test) = self;
        cases::run("countersign policy test", &test.files, test.output, judge::judge)
    }
}
