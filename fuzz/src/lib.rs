//! The checks that the fuzz targets call; `tests/properties` has them, and runs them on stable Rust too.

#[path = "../../tests/properties/fuzz/mod.rs"]
pub mod checks;
