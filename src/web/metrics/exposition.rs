//! The exposition of all targets, family by family, in pieces: what is not read yet is not written yet.
//!
//! Until then it is held packed, a column for each family: a tenth of a kilobyte a target, of three kilobytes of text.

use super::dialects::Dialect;
use super::snapshot::Snapshot;
use super::varint::{Cursor, PackedSnapshots};
use super::writer::SampleWriter;
use actix_web::web::Bytes;

/// Size of a piece in bytes: it stays in the processor's cache until it is sent.
const PIECE: usize = 64 * 1024;

/// Room for what a piece grows by its last target, mostly: with the longest names it grows by more, and is moved once.
const LONGEST: usize = 16 * 1024;

/// Snapshots of targets, to be written family by family.
pub struct Columns {
    dialect: Dialect,
    labels: PackedSnapshots,
    /// What each family of the dialect has to write of the targets.
    families: Vec<PackedSnapshots>,
}

impl Columns {
    /// No targets yet; their families will be those of the dialect.
    pub fn new(dialect: Dialect) -> Self {
        let families = dialect.families().iter().map(|_| PackedSnapshots::default()).collect();
        Self { dialect, labels: PackedSnapshots::default(), families }
    }

    /// Takes in a target, whose labels are of the same dialect.
    pub fn push(&mut self, target: &Snapshot) {
        self.labels.push_text(target.labels.as_str());
        for (family, column) in self.dialect.families().iter().zip(&mut self.families) {
            family.pack(target, column);
        }
    }
}

/// The families of the targets as text, from snapshots that are all taken already.
pub struct Exposition {
    columns: Columns,
    /// Index of the next family.
    family: usize,
    /// Whether the lines above its samples are written.
    has_head: bool,
    /// Where in its column and in the labels its next target is.
    place: (Cursor, Cursor),
    /// What comes after the last family.
    rest: Option<Bytes>,
}

impl Exposition {
    /// The exposition of these targets, with `rest` behind it.
    pub fn new(columns: Columns, rest: Bytes) -> Self {
        Self { columns, family: 0, has_head: false, place: Default::default(), rest: Some(rest) }
    }

    /// Writes on until the piece is full or the family ends.
    fn write(&mut self, piece: &mut SampleWriter) {
        let definition = &self.columns.dialect.families()[self.family];
        let column = &mut self.columns.families[self.family];
        let (at, label) = &mut self.place;
        // Not told by the place: the head may fill a piece before the first target is written.
        if !self.has_head {
            definition.write_head(piece);
            self.has_head = true;
        }
        while piece.len() < PIECE && !self.columns.labels.ends(*label) {
            let labels = self.columns.labels.take_text(label);
            definition.write(labels, column, at, piece);
        }
        if self.columns.labels.ends(*label) {
            *column = PackedSnapshots::default();
            (self.family, self.has_head, self.place) = (self.family + 1, false, Default::default());
        }
    }
}

impl Iterator for Exposition {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut piece = SampleWriter::with_capacity(PIECE + LONGEST);
        while piece.len() < PIECE && self.family < self.columns.families.len() {
            self.write(&mut piece);
        }
        if piece.is_empty() { self.rest.take().filter(|rest| !rest.is_empty()) } else { Some(piece.into()) }
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
    fn wherever_a_piece_ends_each_family_has_one_head() {
        // More than two pieces of small families: at some number of targets a head is the last thing in a piece.
        for targets in 700..1300 {
            let pieces: Vec<Bytes> = Exposition::new(columns(targets), Bytes::new()).take(4).collect();
            let text = String::from_utf8(pieces.concat()).unwrap();
            let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE ")).collect();
            let expected =
                Dialect::Own.families().iter().map(|it| format!("# TYPE {} {}", it.name, it.kind.as_str()));
            assert_eq!(heads, expected.take(heads.len()).collect::<Vec<_>>(), "{targets} targets");
            assert_eq!(text.matches("# HELP ").count(), heads.len(), "{targets} targets");
        }
    }
}
