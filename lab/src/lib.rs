//! Conformance, simulation, benchmarks.
