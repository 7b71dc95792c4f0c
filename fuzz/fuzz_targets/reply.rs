#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| meshping_fuzz::checks::reply::check(bytes));
