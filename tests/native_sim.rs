//! The simulated network does what its table says, each behaviour once, for both families. No meshping involved.

mod sim;

use meshping::target::Family;
use sim::behaviour::{Behaviour, byte, elsewhere, ourselves, router};
use sim::log::median;
use sim::network::{bring_up, take_down};
use sim::packet::{checksum, datagram, echo_reply};
use sim::ping::{Pinger, Received};
use sim::{FAMILIES, Network, at, code, in_namespace};
use std::net::IpAddr;
use std::time::Duration;

/// Sends one request and takes what comes back, until 100 ms pass without anything.
fn answers(to: IpAddr, family: Family) -> Vec<Received> {
    exchange(&Pinger::new(family, 0x1234), to, 1)
}

fn exchange(pinger: &Pinger, to: IpAddr, sequence: u16) -> Vec<Received> {
    pinger.send(to, sequence);
    std::iter::from_fn(|| pinger.receive(Duration::from_millis(100))).collect()
}

/// The type and code of each message.
fn kinds(received: &[Received]) -> Vec<(u8, u8)> {
    received.iter().map(|received| (received.icmp[0], received.icmp[1])).collect()
}

fn sequence(received: &Received) -> u16 {
    u16::from_be_bytes([received.icmp[6], received.icmp[7]])
}

/// What a request looks like as a reply.
fn right_reply(family: Family, from: IpAddr) -> Vec<u8> {
    let mut icmp = Pinger::new(family, 0x1234).request(from, 1);
    icmp[0] = echo_reply(family);
    icmp[2..4].fill(0);
    let sum = checksum(&icmp, from, ourselves(family));
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    icmp
}

#[test]
fn an_address_says_what_its_host_does() {
    for family in FAMILIES {
        let host = at(family, code::DELAY_MS, 200, 7);
        assert_eq!(Behaviour::of(host), Behaviour { code: code::DELAY_MS, parameter: 200 }, "{host}");
    }
    assert_eq!(at(Family::V4, code::COPIES, 3, 9).to_string(), "10.20.3.9");
    assert_eq!(at(Family::V6, code::COPIES, 3, 9).to_string(), "fd77::14:3:9");
}

#[test]
fn losses_are_exact_and_evenly_spread() {
    let cases = [
        ("every third", code::LOSS_EVERY, 3, "..x..x..x..x"),
        ("half", code::LOSS_PERCENT, 50, ".x.x.x.x.x.x"),
        ("all", code::LOSS_PERCENT, 100, "xxxxxxxxxxxx"),
        ("none", code::LOSS_PERCENT, 0, "............"),
        ("two on, two off", code::FLAPPING, 2, "..xx..xx..xx"),
    ];
    for (case, code, parameter, expected) in cases {
        let host = Behaviour { code, parameter };
        let seen: String = (0..12).map(|count| if host.loses(count) { 'x' } else { '.' }).collect();
        assert_eq!(seen, expected, "{case}");
    }
    let seven = Behaviour { code: code::LOSS_PERCENT, parameter: 7 };
    assert_eq!((0..1_000).filter(|&count| seven.loses(count)).count(), 70);
}

#[test]
fn a_reply_is_the_request_sent_back_and_takes_as_long_as_its_address_says() {
    in_namespace(|network| {
        for family in FAMILIES {
            let hosts = [(code::DELAY_MS, 0, 0), (code::DELAY_MS, 20, 20), (code::DELAY_10_MS, 25, 250)];
            for (code, parameter, millis) in hosts {
                let host = at(family, code, parameter, 1);
                let pinger = Pinger::new(family, 0x1234);
                let sent = pinger.send(host, 1);
                let reply = pinger.receive(Duration::from_secs(5)).expect("an answer");
                assert_eq!((reply.from, &reply.icmp), (host, &right_reply(family, host)));
                let held = network.responder.host(host).held()[0];
                assert!(held >= Duration::from_millis(millis), "{host}: held {held:?}");
                assert!(held <= reply.at - sent, "{host}: held {held:?}, longer than it took");
            }
        }
    });
}

#[test]
fn what_the_responder_says_it_held_is_what_a_pinger_sees() {
    in_namespace(|network| {
        for family in FAMILIES {
            let host = at(family, code::DELAY_MS, 20, 1);
            let pinger = Pinger::new(family, 7);
            let round_trips: Vec<Duration> = (0..40)
                .map(|sequence| {
                    let sent = pinger.send(host, sequence);
                    pinger.receive(Duration::from_secs(5)).expect("an answer").at - sent
                })
                .collect();
            let held = network.responder.host(host).held();
            let over = round_trips.iter().zip(&held).map(|(seen, held)| seen.saturating_sub(*held));
            let (over, held) = (median(over), median(held.iter().copied()));
            println!("{family:?}: held {held:?}, seen {over:?} more");
            assert!(over < Duration::from_millis(1), "{over:?} more than was held");
        }
    });
}

#[test]
fn late_replies_come_late() {
    in_namespace(|network| {
        for family in FAMILIES {
            let host = at(family, code::DELAY_100_MS, 12, 1);
            let pinger = Pinger::new(family, 7);
            pinger.send(host, 1);
            assert!(pinger.receive(Duration::from_secs(1)).is_none());
            assert!(pinger.receive(Duration::from_secs(5)).is_some());
            assert!(network.responder.host(host).held()[0] >= Duration::from_millis(1_200));
        }
    });
}

#[test]
fn losses_are_counted_by_address() {
    in_namespace(|network| {
        for family in FAMILIES {
            let cases = [
                (code::LOSS_EVERY, 3, [true, true, false, true, true, false]),
                (code::LOSS_PERCENT, 50, [true, false, true, false, true, false]),
                (code::FLAPPING, 2, [true, true, false, false, true, true]),
                (code::SILENT, 7, [false; 6]),
            ];
            for (code, parameter, expected) in cases {
                let host = at(family, code, parameter, 1);
                let pinger = Pinger::new(family, 7);
                let answered = [1, 2, 3, 4, 5, 6].map(|sequence| {
                    pinger.send(host, sequence);
                    pinger.receive(Duration::from_millis(60)).is_some()
                });
                assert_eq!(answered, expected, "{host}");
                let log = network.responder.host(host);
                let sequences: Vec<u16> = log.requests.iter().map(|request| request.sequence).collect();
                assert_eq!(sequences, [1, 2, 3, 4, 5, 6], "{host}");
                assert_eq!(log.held().len(), expected.iter().filter(|&&answered| answered).count());
            }
        }
    });
}

#[test]
fn replies_are_multiplied_reordered_and_given_a_ttl() {
    in_namespace(|_| {
        for family in FAMILIES {
            let reply = (echo_reply(family), 0);
            assert_eq!(kinds(&answers(at(family, code::COPIES, 2, 1), family)), [reply; 3]);

            let pinger = Pinger::new(family, 7);
            let reordered = at(family, code::REORDERED, 0, 1);
            assert_eq!(exchange(&pinger, reordered, 1), []);
            let both: Vec<u16> = exchange(&pinger, reordered, 2).iter().map(sequence).collect();
            assert_eq!(both, [2, 1]);

            let low = answers(at(family, code::TTL, 9, 1), family);
            assert_eq!(kinds(&low), [reply]);
            assert!(low[0].ttl.is_none_or(|ttl| ttl == 9));
        }
    });
}

#[test]
fn routers_answer_with_errors_that_quote_the_request() {
    in_namespace(|_| {
        let cases = [
            (code::UNREACHABLE, 0, (3, 0), (1, 0)),
            (code::UNREACHABLE, 5, (3, 5), (1, 5)),
            (code::TIME_EXCEEDED, 1, (11, 1), (3, 1)),
            (code::PARAMETER_PROBLEM, 0, (12, 0), (4, 0)),
            (code::TOO_BIG, 0, (3, 4), (2, 0)),
        ];
        for (code, parameter, v4, v6) in cases {
            for (family, expected) in [(Family::V4, v4), (Family::V6, v6)] {
                let host = at(family, code, parameter, 1);
                let received = answers(host, family);
                assert_eq!(kinds(&received), [expected], "{host}");
                assert_eq!(received[0].from, router(family));
                let request = Pinger::new(family, 0x1234).request(host, 1);
                // The kernel fills in the checksum of IPv6 requests.
                assert!(received[0].icmp.ends_with(&request[4..]), "{host}: quotes something else");
            }
        }
    });
}

#[test]
fn errors_quote_little_or_with_options() {
    in_namespace(|_| {
        for (family, header, options) in [(Family::V4, 20, 12), (Family::V6, 40, 24)] {
            let eight = answers(at(family, code::QUOTES_EIGHT, 0, 1), family);
            assert_eq!(eight[0].icmp.len(), 8 + header + 8);
            assert!(eight[0].icmp.ends_with(&[0x12, 0x34, 0, 1]));

            let more = answers(at(family, code::QUOTES_OPTIONS, 0, 1), family);
            assert_eq!(more[0].icmp.len(), 8 + header + options + 64);

            let flipped = answers(at(family, code::ERROR_FLIPPED, byte::IDENT, 1), family);
            assert_eq!(flipped[0].icmp[8 + header + 4..][..2], [0x02, 0x34]);
        }
    });
}

#[test]
fn replies_and_messages_of_routers_come_together() {
    in_namespace(|_| {
        for family in FAMILIES {
            let v4 = family == Family::V4;
            let reply = (echo_reply(family), 0);
            let unreachable = if v4 { (3, 1) } else { (1, 3) };
            let redirect = if v4 { (5, 1) } else { (137, 0) };
            let cases = [
                (code::ERROR_THEN_REPLY, vec![unreachable, reply]),
                (code::REPLY_THEN_ERROR, vec![reply, unreachable]),
                (code::ERROR_LATE, vec![unreachable]),
                (code::REDIRECT, vec![redirect, reply]),
                (code::SOURCE_QUENCH, if v4 { vec![(4, 0), reply] } else { vec![reply] }),
            ];
            for (code, expected) in cases {
                let host = at(family, code, if code == code::ERROR_LATE { 0 } else { 20 }, 1);
                assert_eq!(kinds(&answers(host, family)), expected, "{host}");
            }
        }
    });
}

#[test]
fn replies_are_spoiled_with_the_checksum_right_or_wrong() {
    in_namespace(|_| {
        for family in FAMILIES {
            let source = ourselves(family);
            for byte in [byte::IDENT, byte::SEQUENCE, byte::INDEX, byte::TOKEN, byte::PATTERN] {
                let host = at(family, code::FLIPPED, byte, 1);
                let received = &answers(host, family)[0];
                let right = right_reply(family, host);
                let differing: Vec<usize> =
                    (0..64).filter(|&at| at / 2 != 1 && received.icmp[at] != right[at]).collect();
                assert_eq!(differing, [usize::from(byte)]);
                assert_eq!(checksum(&received.icmp, host, source), 0);
            }
            let both = answers(at(family, code::FLIPPED_THEN_RIGHT, byte::TOKEN, 1), family);
            assert_ne!(both[0].icmp, both[1].icmp);
            assert_eq!(both[1].icmp, right_reply(family, both[1].from));

            let host = at(family, code::BAD_CHECKSUM, 0, 1);
            let bad = answers(host, family);
            // The kernel drops those of IPv6 itself.
            assert_eq!(bad.len(), usize::from(family == Family::V4));
            assert!(bad.iter().all(|bad| checksum(&bad.icmp, host, source) != 0));
        }
    });
}

#[test]
fn replies_are_cut_lengthened_or_come_from_elsewhere() {
    in_namespace(|_| {
        for family in FAMILIES {
            for length in [8, 20, 63] {
                let cut = answers(at(family, code::CUT, length, 1), family);
                assert_eq!(cut[0].icmp.len(), usize::from(length));
            }
            assert_eq!(answers(at(family, code::LONGER, 4, 1), family)[0].icmp.len(), 68);
            let strange = answers(at(family, code::FROM_ELSEWHERE, 0, 1), family);
            assert_eq!(strange[0].from, elsewhere(family));
        }
    });
}

#[test]
fn a_test_can_inject_packets_and_take_the_interface_down() {
    in_namespace(|network| {
        for family in FAMILIES {
            let pinger = Pinger::new(family, 7);
            let host = at(family, code::SILENT, 1, 1);
            let message = vec![echo_reply(family), 0, 0, 0, 1, 2, 3, 4];
            network.responder.inject(datagram(host, ourselves(family), 9, message));
            assert_eq!(pinger.receive(Duration::from_secs(5)).expect("what was injected").from, host);
        }
        take_down();
        bring_up();
        for family in FAMILIES {
            assert_eq!(answers(at(family, code::DELAY_MS, 0, 1), family).len(), 1);
        }
    });
}

#[test]
fn twenty_thousand_requests_a_second_are_answered() {
    in_namespace(|network: &Network| {
        let pinger = Pinger::new(Family::V4, 7);
        let hosts: Vec<IpAddr> = (0..=255).map(|number| at(Family::V4, code::DELAY_MS, 5, number)).collect();
        let (start, count) = (std::time::Instant::now(), 40_000);
        for index in 0..count {
            pinger.send(hosts[index % hosts.len()], 1);
        }
        let replies = || hosts.iter().map(|host| network.responder.host(*host).held().len()).sum::<usize>();
        network.wait_until("all requests are answered", Duration::from_secs(20), |_| replies() == count);
        println!("{count} requests answered in {:?}", start.elapsed());
        let held = hosts.iter().flat_map(|host| network.responder.host(*host).held());
        println!("held {:?} at the median", median(held));
    });
}
