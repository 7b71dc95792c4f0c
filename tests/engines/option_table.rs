//! Every option of the table on every engine and for every kind of address, on the wire.
//!
//! A new row of the table does not compile here before it has a case.

use crate::daemon::Daemon;
use crate::kind::{
    Counters, EngineKind, NATIVE_DATAGRAM, NATIVE_RAW, PORTABLE_DATAGRAM, PORTABLE_RAW, add, list,
};
use crate::sim::log::HostLog;
use crate::sim::network::{SECOND, add_second_device, ip};
use crate::sim::packet::Look;
use crate::sim::responder::Responder;
use crate::sim::{Network, at, code, in_namespace};
use meshping::target::{Family, OptionKey};
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// A kind of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    V4,
    V6,
    /// With a zone.
    LinkLocal,
    /// Link-local without a zone: the option `interface` names it.
    Unzoned,
}

const PLACES: [Place; 4] = [Place::V4, Place::V6, Place::LinkLocal, Place::Unzoned];

/// What requests with an option have to be like.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    /// Answered, all of them with this look.
    Look(Look),
    /// The same, on the second device.
    LookOnSecond(Look),
    /// Answered, with this time between them.
    Spaced(Duration),
    /// Sent, and answered too late.
    Lost,
    /// None is sent; each is an error.
    Refused,
}

struct Case {
    key: OptionKey,
    host: IpAddr,
    address: String,
    options: Value,
    expected: Expected,
}

impl Place {
    fn family(self) -> Family {
        if self == Self::V4 { Family::V4 } else { Family::V6 }
    }

    /// Number `number` of the hosts that behave so.
    fn host(self, code: u8, parameter: u8, number: u8) -> IpAddr {
        match (self, at(self.family(), code, parameter, number)) {
            (Self::V4 | Self::V6, host) => host,
            (_, IpAddr::V6(v6)) => {
                let [.., c, p, n] = v6.segments();
                let number = if self == Self::Unzoned { n + 0x100 } else { n };
                IpAddr::from([0xfe80, 0, 0, 0, 0, c, p, number])
            }
            (_, IpAddr::V4(_)) => panic!("link-local addresses are IPv6"),
        }
    }

    /// Address number `number` of our own.
    fn ours(self, number: u8) -> IpAddr {
        match self {
            Self::V4 | Self::V6 => at(self.family(), code::SILENT, 0, number),
            Self::LinkLocal | Self::Unzoned => IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, number.into()]),
        }
    }

    fn usual(self) -> Look {
        Look { source: self.ours(1), traffic_class: 0, ttl: 64, dont_fragment: true, size: 56 }
    }
}

/// What the table promises for this option, engine and address; docs/engines.md has the exceptions.
fn case(kind: EngineKind, place: Place, key: OptionKey) -> Case {
    let (usual, host) = (place.usual(), place.host(code::DELAY_MS, 0, key as u8 + 1));
    let late = place.host(code::DELAY_10_MS, 20, 1);
    let native = |look| if kind.is_native() { Expected::Look(look) } else { Expected::Refused };
    let (options, expected) = match key {
        OptionKey::Interval => (json!({"itv": 0.25}), Expected::Spaced(Duration::from_millis(250))),
        OptionKey::Timeout => (json!({"timeout": 0.1}), Expected::Lost),
        OptionKey::Size => (json!({"size": 301}), Expected::Look(Look { size: 301, ..usual })),
        OptionKey::Dscp => (json!({"dscp": "EF"}), native(Look { traffic_class: 184, ..usual })),
        OptionKey::Ttl => (json!({"ttl": 3}), native(Look { ttl: 3, ..usual })),
        OptionKey::Source => {
            let source = place.ours(2);
            let able = kind.is_raw() || place == Place::V4;
            let expected = if able { native(Look { source, ..usual }) } else { Expected::Refused };
            (json!({"source": source}), expected)
        }
        OptionKey::Interface => match place {
            Place::V4 | Place::V6 if kind.is_native() => {
                let look = Look { source: place.ours(3), ..usual };
                (json!({"interface": SECOND}), Expected::LookOnSecond(look))
            }
            Place::V4 | Place::V6 => (json!({"interface": SECOND}), Expected::Refused),
            Place::LinkLocal | Place::Unzoned => (json!({"interface": "sim0"}), Expected::Look(usual)),
        },
        OptionKey::DontFragment => {
            let dont_fragment = place != Place::V4;
            (json!({"dont_fragment": false}), native(Look { dont_fragment, ..usual }))
        }
        // What it does to names is decided before an engine gets the address.
        OptionKey::Family => {
            (json!({"family": place.family().as_str().to_lowercase()}), Expected::Look(usual))
        }
    };
    let host = if expected == Expected::Lost { late } else { host };
    let mut case = Case { key, host, address: host.to_string(), options, expected };
    match place {
        Place::V4 | Place::V6 => {}
        Place::LinkLocal => case.address.push_str("%sim0"),
        Place::Unzoned => case.options["interface"] = json!("sim0"),
    }
    case
}

impl Case {
    /// What is still missing, or is wrong.
    fn fault(&self, counters: Counters, first: &HostLog, second: &HostLog) -> Option<String> {
        let (wanted, other) = if matches!(self.expected, Expected::LookOnSecond(_)) {
            (second, first)
        } else {
            (first, second)
        };
        let mut looks = wanted.requests.iter().map(|request| request.look);
        let Counters { sent, recv, errs, lost, .. } = counters;
        let right = other.requests.is_empty()
            && match self.expected {
                Expected::Look(look) | Expected::LookOnSecond(look) => {
                    recv >= 10 && (errs, lost) == (0, 0) && looks.all(|seen| seen == look)
                }
                Expected::Spaced(gap) => {
                    // The first ones come sooner.
                    let at: Vec<Instant> = wanted.requests.iter().skip(2).map(|request| request.at).collect();
                    let mean = |at: &[Instant]| {
                        (at[at.len() - 1] - at[0]) / u32::try_from(at.len() - 1).unwrap_or(1)
                    };
                    recv >= 10 && at.len() > 7 && mean(&at).abs_diff(gap) < gap / 5
                }
                Expected::Lost => recv == 0 && lost >= 5 && errs == 0 && wanted.requests.len() as u64 >= lost,
                Expected::Refused => errs >= 5 && errs == sent && wanted.requests.is_empty(),
            };
        let last = wanted.requests.last().map(|request| request.look);
        (!right).then(|| {
            let Self { key, address, options, expected, .. } = self;
            format!("{key}: {address} with {options}: {expected:?}, but {counters:?}, last {last:?}")
        })
    }
}

fn faults(daemon: &Daemon, cases: &[Case], network: &Network, second: &Responder) -> Vec<String> {
    let rows = list(daemon);
    let fault = |case: &Case| {
        let counters = Counters::of(&rows, &case.address);
        case.fault(counters, &network.responder.host(case.host), &second.host(case.host))
    };
    cases.iter().filter_map(fault).collect()
}

fn check(network: &Network, kind: EngineKind) {
    ip("address add 10.0.0.2/32 dev sim0");
    // Deprecated, or the system would choose them by itself.
    ip("address add fd77::2/128 dev sim0 nodad preferred_lft 0");
    ip("address add fe80::2/128 dev sim0 nodad preferred_lft 0");
    let second = add_second_device();
    let daemon = kind.start("2");
    let of_place = |place| OptionKey::ALL.into_iter().map(move |key| case(kind, place, key));
    let cases: Vec<Case> = PLACES.into_iter().flat_map(of_place).collect();
    for Case { address, options, .. } in &cases {
        add(&daemon, address, 0.1, options);
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut faults_left = faults(&daemon, &cases, network, &second);
    while !faults_left.is_empty() {
        assert!(Instant::now() < deadline, "{kind:?}:\n{}", faults_left.join("\n"));
        std::thread::sleep(Duration::from_millis(20));
        faults_left = faults(&daemon, &cases, network, &second);
    }
}

#[test]
fn every_option_holds_for_every_address_on_native_raw_sockets() {
    in_namespace(|network| check(network, NATIVE_RAW));
}

#[test]
fn every_option_holds_for_every_address_on_native_datagram_sockets() {
    in_namespace(|network| check(network, NATIVE_DATAGRAM));
}

#[test]
fn every_option_holds_for_every_address_on_portable_raw_sockets() {
    in_namespace(|network| check(network, PORTABLE_RAW));
}

#[test]
fn every_option_holds_for_every_address_on_portable_datagram_sockets() {
    in_namespace(|network| check(network, PORTABLE_DATAGRAM));
}
