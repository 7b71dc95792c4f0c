//! The counter of errors, with a sample for each class.

use crate::measure::ErrorClass;
use crate::web::metrics::snapshot::Snapshot;
use crate::web::metrics::varint::{Cursor, PackedSnapshots};
use crate::web::metrics::writer::SampleWriter;
use std::sync::LazyLock;

/// Packs the counts. A class appears with its first error; the most frequent one is always present.
pub(super) fn pack(target: &Snapshot, into: &mut PackedSnapshots) {
    let errors = ErrorClass::ALL.iter().zip(target.totals.errors.iter()).enumerate();
    let shown = errors.filter(|(_, (class, count))| **count > 0 || **class == ErrorClass::HostUnreachable);
    into.push(shown.clone().count() as u64);
    for (index, (_, count)) in shown {
        into.push(index as u64);
        into.push(*count);
    }
}

/// Writes the packed counts.
pub(super) fn write(
    name: &str,
    labels: &[u8],
    from: &PackedSnapshots,
    at: &mut Cursor,
    into: &mut SampleWriter,
) {
    for _ in 0..from.take(at) {
        let label = usize::try_from(from.take(at)).ok().and_then(|index| CLASS_LABELS.get(index));
        into.number(name, labels, label.map_or("", String::as_str), from.take(at));
    }
}

/// The label of each class, after a comma, in the order of the counts.
static CLASS_LABELS: LazyLock<Vec<String>> =
    LazyLock::new(|| ErrorClass::ALL.iter().map(|class| format!(",class=\"{}\"", class.as_str())).collect());
