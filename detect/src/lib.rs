//! Detectors: pure folds over events. The same events give the same findings, live or over
//! history. A detector reads no clock: time is the events' own.

mod denials;

use model::event::{Event, Finding};

/// Folds events into findings.
pub trait Detector: Send {
    fn name(&self) -> &'static str;
    /// What this event, after those before it, gives cause to report. A finding that is given
    /// again under the same id takes the place of the one before.
    fn see(&mut self, event: &Event) -> Vec<Reported>;
}

/// A finding, and in which account and region it was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    pub account: String,
    pub region: String,
    pub finding: Finding,
}

/// Every detector of this program.
pub struct Engine {
    detectors: Vec<Box<dyn Detector>>,
}

impl Default for Engine {
    fn default() -> Engine {
        Engine { detectors: vec![Box::new(denials::RepeatedDenials::default())] }
    }
}

impl Engine {
    /// How far back events matter to any detector, in seconds.
    pub const WINDOW: i64 = denials::WINDOW;

    /// Whether any detector wants to see such an event. The others need not be shown.
    pub fn wants(event: &Event) -> bool {
        denials::wants(event)
    }

    pub fn see(&mut self, event: &Event) -> Vec<Reported> {
        self.detectors.iter_mut().flat_map(|d| d.see(event)).collect()
    }
}
