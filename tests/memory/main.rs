//! What targets cost: bytes while they are there, no allocation for a ping, nothing once they are gone.
#![allow(clippy::panic, reason = "this is test code: what goes wrong is to fail the test")]
#![allow(dead_code, reason = "the support files are shared with other test targets, which use more")]

mod counting;
mod fixture;
#[path = "../own_network/mod.rs"]
mod own_network;

use actix::prelude::*;
use fixture::{Fixture, resident_kib, until};
use meshping::actors::supervisor::RemoveTargets;
use own_network::inside;
use std::time::{Duration, Instant};

/// Tables that have grown for 10 000 targets stay so large, in bytes; the targets themselves have four times that.
const TABLES: usize = 4_000_000;
/// By then every table has grown, and the allocator has found its shape.
const SETTLED: usize = 30;
/// So much more the process may hold after all of them, for the allocator's mood: what is held is counted in every
/// round. It is still far less than 10 000 targets take, 16 MiB, of which 700 000 came and went meanwhile.
const SLACK_KIB: u64 = 8_192;

#[test]
fn a_ping_in_the_steady_state_allocates_nothing() {
    inside("a_ping_in_the_steady_state_allocates_nothing", "true", || {
        System::new().block_on(async {
            let fixture = Fixture::new();
            fixture.add(500, "0.1").await;
            // Requests are remembered for ten seconds; then their ring is as long as it gets.
            until(Duration::from_secs(60), async || fixture.replies().await >= 500 * 120).await;
            let (replies, allocations) = (fixture.replies().await, counting::allocations());
            tokio::time::sleep(Duration::from_secs(5)).await;
            let allocations = counting::allocations() - allocations;
            let replies = fixture.replies().await - replies;
            println!("{allocations} allocations for {replies} pings");
            assert!(replies > 10_000, "{replies} pings are too few");
            // The rest is for the wheel of slots, and for the first reply in a histogram's bin: the more other tests load
            // the machine, the more bins get one. One allocation in the code of each ping would be twenty times the limit.
            assert!(allocations * 20 < replies, "{allocations} allocations for {replies} pings");
        });
    });
}

#[test]
fn a_target_takes_less_than_1900_bytes() {
    inside("a_target_takes_less_than_1900_bytes", "true", || {
        System::new().block_on(async {
            let fixture = Fixture::new();
            let before = counting::live_bytes();
            fixture.add(20_000, "1").await;
            until(Duration::from_secs(60), async || fixture.replies().await >= 20_000 * 14).await;
            let bytes = (counting::live_bytes() - before) / 20_000;
            println!("{bytes} bytes for a target");
            // The allocator adds a twentieth to this: 2 KB is what it may take in all.
            assert!(bytes < 1_900, "{bytes} bytes for a target");
        });
    });
}

#[test]
fn ten_thousand_targets_added_and_removed_a_hundred_times_leave_nothing() {
    inside("ten_thousand_targets_added_and_removed_a_hundred_times_leave_nothing", "true", || {
        System::new().block_on(async {
            let fixture = Fixture::new();
            let (before, start) = (counting::live_bytes(), Instant::now());
            let mut settled = 0;
            for round in 1..=100 {
                fixture.add(10_000, "1").await;
                if round % 25 == 1 {
                    until(Duration::from_secs(20), async || fixture.replies().await >= 10_000).await;
                }
                let everything = RemoveTargets { name: Some(Fixture::NAME.into()), host: None };
                fixture.supervisor.send(everything).await.expect("it runs");
                let gone = async || counting::live_bytes() < before + TABLES;
                until(Duration::from_secs(20), gone).await;
                if round == SETTLED {
                    settled = resident_kib();
                }
            }
            let (bytes, resident) = (counting::live_bytes(), resident_kib());
            println!(
                "{settled} KiB after {SETTLED} rounds, {resident} after 100, {bytes} bytes; {:?}",
                start.elapsed()
            );
            assert!(resident < settled + SLACK_KIB, "{settled} KiB after {SETTLED} rounds became {resident}");
        });
    });
}
