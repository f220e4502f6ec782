//! `countersign trace` and `countersign explain`: the log, read by people. Both read
//! the files of the data folder and need no running runtime.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use model::event::Event;

use super::default_data;
use crate::explanation;

/// The kind of log entry that holds an event.
const EVENT: u8 = 1;

#[derive(Args)]
pub(crate) struct Trace {
    /// The data folder [default: ~/.countersign]
    #[arg(long)]
    data: Option<PathBuf>,
    /// Begin with what is in the log already, and stop at its end
    #[arg(long)]
    all: bool,
}

#[derive(Args)]
pub(crate) struct Explain {
    /// The request id that the client was given
    id: String,
    /// The data folder [default: ~/.countersign]
    #[arg(long)]
    data: Option<PathBuf>,
}

fn events(reader: &mut record::Reader) -> Result<Vec<Event>, String> {
    let entries = reader.poll().map_err(|e| e.to_string())?;
    let events = entries.into_iter().filter(|e| e.kind == EVENT);
    events
        .map(|e| serde_json::from_slice(&e.bytes).map_err(|error| format!("event {}: {error}", e.seq)))
        .collect()
}

impl Trace {
    pub(crate) fn run(self) -> Result<(), String> {
        let mut reader = record::Reader::open(&self.data.unwrap_or_else(default_data));
        if !self.all {
            reader.skip().map_err(|e| e.to_string())?;
        }
        loop {
            for event in events(&mut reader)? {
                println!("{}", explanation::line(&event));
            }
            if self.all {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Explain {
    pub(crate) fn run(self) -> Result<(), String> {
        let mut reader = record::Reader::open(&self.data.unwrap_or_else(default_data));
        let own: Vec<Event> =
            events(&mut reader)?.into_iter().filter(|e| e.request.starts_with(&self.id)).collect();
        if own.is_empty() {
            return Err(format!("no request `{}` is in the log", self.id));
        }
        for line in own.iter().flat_map(explanation::full) {
            println!("{line}");
        }
        Ok(())
    }
}
