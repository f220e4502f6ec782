//! How much work one question may cost. Hostile policies end in an honest "unknown", never in
//! a long wait: steps are counted, not time, so that the answer is the same everywhere.

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The budget is used up.
    Spent,
    /// Something in the policies has no exact model.
    Unsupported(String),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    steps: u64,
}

/// About a second of work.
const STEPS: u64 = 25_000_000;

/// Positions that one search for a text may keep: some tens of megabytes.
pub(crate) const KEPT: usize = 6_000_000;

impl Default for Budget {
    fn default() -> Budget {
        Budget { steps: STEPS }
    }
}

impl Budget {
    /// A twentieth of the usual work.
    pub(crate) fn small() -> Budget {
        Budget { steps: STEPS / 20 }
    }

    /// A part of it, where many questions are asked at once.
    pub(crate) fn part(self, of: u64) -> Budget {
        Budget { steps: self.steps / of.max(1) }
    }

    pub(crate) fn spend(&mut self, steps: usize) -> Result<(), Stop> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        self.steps = self.steps.checked_sub(steps).ok_or(Stop::Spent)?;
        Ok(())
    }
}
