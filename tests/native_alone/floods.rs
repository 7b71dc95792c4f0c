//! Floods of packets that nobody asked for: they take nothing but processor time.

use crate::daemon::Daemon;
use crate::run::{Counts, Outcome};
use crate::sim::packet::{checksum, datagram};
use crate::sim::{Network, at, code, in_namespace};
use crate::switches;
use meshping::target::Family::V4;
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// "Host unreachable" about an echo request to `host` that nobody sent.
fn forged_error(host: IpAddr) -> Vec<u8> {
    let request = datagram(LOCALHOST, host, 64, vec![8, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef]);
    let mut error = [&[3, 1, 0, 0, 0, 0, 0, 0], request.as_slice()].concat();
    let sum = checksum(&error, LOCALHOST, LOCALHOST);
    error[2..4].copy_from_slice(&sum.to_be_bytes());
    error
}

/// Sends the message to this host, 50 times in 0.3 ms at most, until `stop`. Returns how often.
fn flood(message: &[u8], stop: &AtomicBool) -> u64 {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).expect("we are root here");
    let to = SocketAddr::new(LOCALHOST, 0).into();
    let mut sent = 0;
    while !stop.load(Ordering::Relaxed) {
        for _ in 0..50 {
            socket.send_to(message, &to).expect("loopback is up");
            sent += 1;
        }
        thread::sleep(Duration::from_micros(300));
    }
    sent
}

/// Pings some hosts under a flood of errors about one of them; returns how many errors there were.
fn measure_under_flood(network: &Network, daemon: &Daemon) -> u64 {
    let hosts: Vec<IpAddr> = (1..=20).map(|number| at(V4, code::DELAY_MS, 2, number)).collect();
    let message = forged_error(hosts[0]);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let flood = scope.spawn(|| flood(&message, &stop));
        let outcomes = daemon.measure(network, &hosts, 0.02, 100);
        stop.store(true, Ordering::Relaxed);
        for Outcome { host, row, log } in outcomes {
            // So many errors may well fill our buffer for a moment.
            let recv = log.requests.len() as u64 - row.void;
            let expected = Counts { recv, void: row.void, outd: row.outd, ..Counts::default() };
            Outcome { host, row, log }.expect(expected);
            let mean = row.sum / recv as f64;
            assert!(mean < 0.01, "{host}: a mean of {mean} s instead of 2 ms: {row:?}");
        }
        flood.join().expect("it does not panic")
    })
}

#[test]
fn a_flood_of_errors_about_nothing_delays_no_reply_and_is_read_in_large_pieces() {
    let _alone = crate::alone();
    in_namespace(|network| {
        let daemon = Daemon::start(&["-t", "1"]);
        let before = switches(daemon.pid());
        let errors = measure_under_flood(network, &daemon);
        let switches = switches(daemon.pid()) - before;
        println!("{errors} errors, {switches} context switches");
        assert!(errors > 20_000, "that was no flood: {errors}");
        assert!(switches < errors / 10, "{switches} context switches for {errors} errors");
    });
}
