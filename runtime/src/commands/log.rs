//! `countersign verify-log`: checks the whole hash chain without the runtime.

use std::path::PathBuf;

use clap::Args;

use super::default_data;

#[derive(Args)]
pub(crate) struct VerifyLog {
    /// The data folder [default: ~/.countersign]
    #[arg(long)]
    data: Option<PathBuf>,
}

impl VerifyLog {
    pub(crate) fn run(self) -> Result<(), String> {
        let data = self.data.unwrap_or_else(default_data);
        let verified = record::verify(&data, |_, _| {}).map_err(|e| format!("the log is not intact: {e}"))?;
        let hash = hex::encode(verified.last_hash);
        println!("intact: {} entries in {} batches, last hash {hash}", verified.entries, verified.batches);
        Ok(())
    }
}
