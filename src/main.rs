//! meshping.

fn main() {}
