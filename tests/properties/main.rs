//! Properties that hold for every input: the statistics of a target against a naive model, the schedule, and the parsers.

mod fuzz;
mod fuzzed;
mod model;
mod numbers;
mod schedule;
mod statistics;
