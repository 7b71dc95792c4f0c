//! The counter of errors: a sample for each class.

use crate::measure::ErrorClass;
use crate::web::metrics::snapshot::Snapshot;
use crate::web::metrics::varint::{Cursor, PackedSnapshots};
use crate::web::metrics::writer::SampleWriter;

/// Keeps the counts. A class appears with its first error, the most usual one is there from the beginning.
pub(super) fn pack(target: &Snapshot, into: &mut PackedSnapshots) {
    let errors = ErrorClass::ALL.iter().zip(target.totals.errors.iter()).enumerate();
    let shown = errors.filter(|(_, (class, count))| **count > 0 || **class == ErrorClass::HostUnreachable);
    into.push(shown.clone().count() as u64);
    for (index, (_, count)) in shown {
        into.push(index as u64);
        into.push(*count);
    }
}

/// Writes what was kept.
pub(super) fn write(
    name: &str,
    labels: &[u8],
    from: &PackedSnapshots,
    at: &mut Cursor,
    into: &mut SampleWriter,
) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_called_as_the_measuring_calls_them() {
        for &class in ErrorClass::ALL {
            assert_eq!(class_label(class), format!(",class=\"{}\"", class.as_str()));
        }
    }
}
