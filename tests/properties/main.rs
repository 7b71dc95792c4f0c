//! What holds whatever happens: the books of a target against a naive model of them, and the schedule.

mod model;
mod numbers;
mod schedule;
mod statistics;
