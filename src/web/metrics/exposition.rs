//! The exposition of all targets, family by family, written in chunks as the client reads them.
//!
//! Values are held packed, in a column for each family, until they are written: 100 bytes for a target instead of 3 KB of
//! text. For that memory the exposition is written by hand; the `prometheus` crate builds all of it at once.

use super::dialects::Dialect;
use super::snapshot::Snapshot;
use super::varint::{Cursor, PackedSnapshots};
use super::writer::SampleWriter;
use actix_web::web::Bytes;

/// Size of a chunk in bytes; small enough to stay in the processor's cache until it is sent.
const CHUNK_SIZE: usize = 64 * 1024;

/// Bytes by which a chunk usually exceeds [`CHUNK_SIZE`] with its last target. The longest names exceed it by more, which
/// costs one reallocation.
const CHUNK_HEADROOM: usize = 16 * 1024;

/// Packed values of targets, a column for each family.
pub struct Columns {
    dialect: Dialect,
    labels: PackedSnapshots,
    /// The values of the targets for each family of the dialect.
    families: Vec<PackedSnapshots>,
}

impl Columns {
    /// Columns for the families of a dialect, without targets.
    pub fn new(dialect: Dialect) -> Self {
        let families = dialect.families().iter().map(|_| PackedSnapshots::default()).collect();
        Self { dialect, labels: PackedSnapshots::default(), families }
    }

    /// Adds a target, whose labels are of the same dialect.
    pub fn push(&mut self, target: &Snapshot) {
        self.labels.push_text(target.labels.as_str());
        for (family, column) in self.dialect.families().iter().zip(&mut self.families) {
            family.pack(target, column);
        }
    }
}

/// Writes the families of the targets, from snapshots that are complete.
pub struct Exposition {
    columns: Columns,
    /// Index of the next family.
    family: usize,
    /// Whether its HELP and TYPE lines are written.
    has_head: bool,
    /// Its next target: positions in its column and in the labels.
    cursors: (Cursor, Cursor),
    /// Text after the last family.
    rest: Option<Bytes>,
}

impl Exposition {
    /// The exposition of these targets, followed by `rest`.
    pub fn new(columns: Columns, rest: Bytes) -> Self {
        Self { columns, family: 0, has_head: false, cursors: Default::default(), rest: Some(rest) }
    }

    /// Continues until the chunk is full or the family ends.
    fn write(&mut self, chunk: &mut SampleWriter) {
        let definition = &self.columns.dialect.families()[self.family];
        let column = &mut self.columns.families[self.family];
        let (at, label) = &mut self.cursors;
        // The cursors do not show this: the head may fill a chunk before the first target is written.
        if !self.has_head {
            definition.write_head(chunk);
            self.has_head = true;
        }
        while chunk.len() < CHUNK_SIZE && !self.columns.labels.ends(*label) {
            let labels = self.columns.labels.take_text(label);
            definition.write(labels, column, at, chunk);
        }
        if self.columns.labels.ends(*label) {
            *column = PackedSnapshots::default();
            (self.family, self.has_head, self.cursors) = (self.family + 1, false, Default::default());
        }
    }
}

impl Iterator for Exposition {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut chunk = SampleWriter::with_capacity(CHUNK_SIZE + CHUNK_HEADROOM);
        while chunk.len() < CHUNK_SIZE && self.family < self.columns.families.len() {
            self.write(&mut chunk);
        }
        if chunk.is_empty() { self.rest.take().filter(|rest| !rest.is_empty()) } else { Some(chunk.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{LifetimeStats, Timestamp, WallMapping};
    use crate::web::metrics::labels::LabelPairs;
    use std::time::Duration;

    fn columns(targets: usize) -> Columns {
        let totals = LifetimeStats { lost: 10, ..LifetimeStats::default() };
        let wall = WallMapping::new(Timestamp::EPOCH, Duration::ZERO);
        let labels = LabelPairs::default().with("name", "a").with("target", "10.0.0.10");
        let one = Snapshot { labels, interval: 1, totals, wall };
        let mut columns = Columns::new(Dialect::Own);
        (0..targets).for_each(|_| columns.push(&one));
        columns
    }

    #[test]
    fn each_family_has_one_head_wherever_a_chunk_ends() {
        // More than two chunks of small families: for some number of targets a head ends a chunk.
        for targets in 700..1300 {
            let chunks: Vec<Bytes> = Exposition::new(columns(targets), Bytes::new()).take(4).collect();
            let text = String::from_utf8(chunks.concat()).unwrap();
            let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE ")).collect();
            let expected =
                Dialect::Own.families().iter().map(|it| format!("# TYPE {} {}", it.name, it.kind.as_str()));
            assert_eq!(heads, expected.take(heads.len()).collect::<Vec<_>>(), "{targets} targets");
            assert_eq!(text.matches("# HELP ").count(), heads.len(), "{targets} targets");
        }
    }
}
