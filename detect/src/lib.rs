//! Detectors: pure folds over events.
