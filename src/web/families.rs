//! The families of the targets: how each is called, what it means, and how to read it from a snapshot.

use super::packed::{Packed, Place};
use super::samples::Samples;
use super::snapshot::Snapshot;
use crate::measure::{ErrorClass, Histogram, Outage};
use std::time::Duration;

/// One family of the targets.
pub struct Family {
    /// Its name, with unit and `_total`.
    pub name: &'static str,
    /// What it means.
    pub help: &'static str,
    /// How its samples look.
    pub kind: Kind,
}

/// How the samples of a family look, and how they are read.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A count of things that happened.
    Counter(fn(&Snapshot) -> u64),
    /// The counter of errors, by class.
    Errors,
    /// A number, if there is one yet.
    Gauge(fn(&Snapshot) -> Option<u64>),
    /// A time in microseconds, if there is one yet; written in seconds.
    Seconds(fn(&Snapshot) -> Option<u64>),
    /// A time, if there is one yet; written in seconds, to the nanosecond.
    Duration(fn(&Snapshot) -> Option<Duration>),
    /// The round-trip times.
    Histogram,
}

impl Kind {
    /// What the exposition format calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter(_) | Self::Errors => "counter",
            Self::Gauge(_) | Self::Seconds(_) | Self::Duration(_) => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Family {
    /// Writes the two lines above the samples.
    pub fn write_head(&self, into: &mut Samples) {
        into.head(self.name, self.help, self.kind.as_str());
    }

    /// Keeps what there is to write of one target.
    pub fn pack(&self, target: &Snapshot, into: &mut Packed) {
        match self.kind {
            Kind::Counter(read) => into.push(read(target)),
            Kind::Errors => pack_errors(target, into),
            Kind::Histogram => pack_histogram(target, into),
            Kind::Gauge(read) | Kind::Seconds(read) => into.push_option(read(target)),
            Kind::Duration(read) => into.push_option(read(target).map(nanos)),
        }
    }

    /// Writes the samples of one target from what was kept of it.
    pub fn write(&self, labels: &[u8], from: &Packed, at: &mut Place, into: &mut Samples) {
        match self.kind {
            Kind::Counter(_) => into.number(self.name, labels, "", from.take(at)),
            Kind::Errors => write_errors(self.name, labels, from, at, into),
            Kind::Histogram => write_histogram(labels, from, at, into),
            Kind::Gauge(_) => {
                if let Some(number) = from.take_option(at) {
                    into.number(self.name, labels, "", number);
                }
            }
            Kind::Seconds(_) => {
                if let Some(micros) = from.take_option(at) {
                    into.seconds(self.name, labels, micros);
                }
            }
            Kind::Duration(_) => {
                if let Some(nanos) = from.take_option(at) {
                    into.nanos(self.name, labels, nanos);
                }
            }
        }
    }
}

/// A class appears with its first error, the most usual one is there from the beginning.
fn pack_errors(target: &Snapshot, into: &mut Packed) {
    let errors = ErrorClass::ALL.iter().zip(target.totals.errors.iter()).enumerate();
    let shown = errors.filter(|(_, (class, count))| **count > 0 || **class == ErrorClass::HostUnreachable);
    into.push(shown.clone().count() as u64);
    for (index, (_, count)) in shown {
        into.push(index as u64);
        into.push(*count);
    }
}

fn write_errors(name: &str, labels: &[u8], from: &Packed, at: &mut Place, into: &mut Samples) {
    for _ in 0..from.take(at) {
        let class = usize::try_from(from.take(at)).ok().and_then(|index| ErrorClass::ALL.get(index));
        into.number(name, labels, class.map_or("", |class| class_label(*class)), from.take(at));
    }
}

const fn class_label(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::NetUnreachable => ",class=\"net_unreachable\"",
        ErrorClass::HostUnreachable => ",class=\"host_unreachable\"",
        ErrorClass::ProtocolUnreachable => ",class=\"protocol_unreachable\"",
        ErrorClass::PortUnreachable => ",class=\"port_unreachable\"",
        ErrorClass::FragNeeded => ",class=\"frag_needed\"",
        ErrorClass::SourceRouteFailed => ",class=\"source_route_failed\"",
        ErrorClass::AdminProhibited => ",class=\"admin_prohibited\"",
        ErrorClass::BeyondScope => ",class=\"beyond_scope\"",
        ErrorClass::TtlExceeded => ",class=\"ttl_exceeded\"",
        ErrorClass::ReassemblyTimeout => ",class=\"reassembly_timeout\"",
        ErrorClass::ParameterProblem => ",class=\"parameter_problem\"",
        ErrorClass::Send => ",class=\"send\"",
        ErrorClass::Other => ",class=\"other\"",
    }
}

/// What each bucket has more than the one before it, and the sum: nearly all of these are small.
fn pack_histogram(target: &Snapshot, into: &mut Packed) {
    let mut before = 0;
    for count in target.buckets.into_iter().chain([target.totals.replies]) {
        into.push(count.saturating_sub(before));
        before = count;
    }
    into.push(target.totals.rtt.sum);
}

fn write_histogram(labels: &[u8], from: &Packed, at: &mut Place, into: &mut Samples) {
    let mut replies = 0;
    let buckets = BOUNDS.iter().map(|bound| {
        replies += from.take(at);
        (*bound, replies)
    });
    into.buckets("meshping_rtt_seconds_bucket", labels, buckets);
    into.seconds("meshping_rtt_seconds_sum", labels, from.take(at));
    into.number("meshping_rtt_seconds_count", labels, "", replies);
}

/// 2^k for k = -15 … 3, written as Go and so the rest of the Prometheus world does; and no bound.
const BOUNDS: [&str; Histogram::BUCKETS + 1] = [
    ",le=\"3.0517578125e-05\"",
    ",le=\"6.103515625e-05\"",
    ",le=\"0.0001220703125\"",
    ",le=\"0.000244140625\"",
    ",le=\"0.00048828125\"",
    ",le=\"0.0009765625\"",
    ",le=\"0.001953125\"",
    ",le=\"0.00390625\"",
    ",le=\"0.0078125\"",
    ",le=\"0.015625\"",
    ",le=\"0.03125\"",
    ",le=\"0.0625\"",
    ",le=\"0.125\"",
    ",le=\"0.25\"",
    ",le=\"0.5\"",
    ",le=\"1\"",
    ",le=\"2\"",
    ",le=\"4\"",
    ",le=\"8\"",
    ",le=\"+Inf\"",
];

/// A round-trip time, once there has been a reply.
fn rtt(target: &Snapshot, micros: u64) -> Option<u64> {
    (target.totals.replies > 0).then_some(micros)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The outage under way.
fn outage(target: &Snapshot) -> Option<Outage> {
    target.totals.outages.current()
}

/// A time that is zero without an outage, once a request has been answered or not.
fn of_outages(target: &Snapshot, duration: Option<Duration>) -> Option<Duration> {
    target.totals.summary().is_decided().then(|| duration.unwrap_or_default())
}

fn outage_so_far(target: &Snapshot) -> Option<Duration> {
    of_outages(target, outage(target).map(|outage| target.wall.now().since(outage.since)))
}

fn longest_outage(target: &Snapshot) -> Option<Duration> {
    let longest = target.totals.outages.longest().with(outage(target), target.wall.now());
    of_outages(target, longest.map(|past| past.duration()))
}

fn outage_start(target: &Snapshot) -> Option<u64> {
    let unix = outage(target).map(|outage| target.wall.unix(outage.since))?;
    u64::try_from(unix.as_micros()).ok()
}

/// All of them. In every scrape, for every target: requests = replies + errors + lost + void + pending.
pub static FAMILIES: [Family; 21] = [
    Family {
        name: "meshping_requests_total",
        help: "Echo requests sent.",
        kind: Kind::Counter(|target| target.totals.requests()),
    },
    Family {
        name: "meshping_replies_total",
        help: "Requests answered in time, each once.",
        kind: Kind::Counter(|target| target.totals.replies),
    },
    Family {
        name: "meshping_errors_total",
        help: "Requests answered by an ICMP error, or refused by our own routing at sending.",
        kind: Kind::Errors,
    },
    Family {
        name: "meshping_lost_total",
        help: "Requests that nothing had answered at their timeout.",
        kind: Kind::Counter(|target| target.totals.lost),
    },
    Family {
        name: "meshping_void_requests_total",
        help: "Requests that timed out while our own receive buffer dropped packets: nobody knows.",
        kind: Kind::Counter(|target| target.totals.void),
    },
    Family {
        name: "meshping_pending_requests",
        help: "Requests sent and not settled yet.",
        kind: Kind::Gauge(|target| Some(target.totals.pending)),
    },
    Family {
        name: "meshping_late_total",
        help: "First replies that came after the timeout or after an error.",
        kind: Kind::Counter(|target| target.totals.late),
    },
    Family {
        name: "meshping_duplicates_total",
        help: "Further replies to a request that had one.",
        kind: Kind::Counter(|target| target.totals.duplicates),
    },
    Family {
        name: "meshping_outdated_total",
        help: "First replies that came after a newer request had been sent.",
        kind: Kind::Counter(|target| target.totals.outdated),
    },
    Family {
        name: "meshping_skipped_requests_total",
        help: "Points of the grid at which nothing was sent because we were late or short of buffers.",
        kind: Kind::Counter(|target| target.totals.skipped),
    },
    Family {
        name: "meshping_rtt_seconds",
        help: "Round-trip times of the requests answered in time.",
        kind: Kind::Histogram,
    },
    Family {
        name: "meshping_rtt_last_seconds",
        help: "Round-trip time of the latest reply in time.",
        kind: Kind::Seconds(|target| rtt(target, target.totals.rtt.last)),
    },
    Family {
        name: "meshping_rtt_min_seconds",
        help: "Smallest round-trip time since the target was added.",
        kind: Kind::Seconds(|target| rtt(target, target.totals.rtt.min)),
    },
    Family {
        name: "meshping_rtt_max_seconds",
        help: "Largest round-trip time since the target was added.",
        kind: Kind::Seconds(|target| rtt(target, target.totals.rtt.max)),
    },
    Family {
        name: "meshping_rtt_stddev_seconds",
        help: "Standard deviation of the round-trip times since the target was added.",
        kind: Kind::Duration(|target| target.totals.summary().stddev()),
    },
    Family {
        name: "meshping_rtt_jitter_seconds",
        help: "Interarrival jitter (RFC 3550) of the latest round-trip times.",
        kind: Kind::Duration(|target| target.totals.jitter()),
    },
    Family {
        name: "meshping_outage_seconds",
        help: "How long two or more requests in a row have had no answer; 0 without an outage.",
        kind: Kind::Duration(outage_so_far),
    },
    Family {
        name: "meshping_outage_start_time_seconds",
        help: "Unix time at which the first request of the present outage was sent; only during one.",
        kind: Kind::Seconds(outage_start),
    },
    Family {
        name: "meshping_longest_outage_seconds",
        help: "The longest outage since the target was added, the present one included; 0 without any.",
        kind: Kind::Duration(longest_outage),
    },
    Family {
        name: "meshping_interval_seconds",
        help: "Time between two requests.",
        kind: Kind::Seconds(|target| Some(target.interval)),
    },
    Family {
        name: "meshping_reply_ttl",
        help: "Time to live, or hop limit, of the latest reply.",
        kind: Kind::Gauge(|target| target.totals.reply_ttl.map(u64::from)),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_the_powers_of_two_of_the_histogram() {
        for (bound, octave) in BOUNDS.iter().zip(Histogram::OCTAVES) {
            let text = bound.strip_prefix(",le=\"").and_then(|rest| rest.strip_suffix('"')).unwrap();
            assert_eq!(text.parse(), Ok(f64::from(octave).exp2()), "{text}");
        }
    }

    #[test]
    fn classes_are_called_as_the_measuring_calls_them() {
        for class in ErrorClass::ALL {
            assert_eq!(class_label(class), format!(",class=\"{}\"", class.as_str()));
        }
    }

    #[test]
    fn families_follow_the_conventions() {
        for family in &FAMILIES {
            assert!(family.name.starts_with("meshping_"), "{}", family.name);
            assert_eq!(family.name.ends_with("_total"), family.kind.as_str() == "counter", "{}", family.name);
            assert!(family.help.ends_with('.') && !family.help.contains(['\n', '\\']), "{}", family.name);
        }
    }
}
