//! The exposition of all targets, family by family, in pieces: what is not read yet is not written yet.
//!
//! Until then it is held packed, a column for each family: a tenth of a kilobyte a target, of three kilobytes of text.

use super::families::FAMILIES;
use super::packed::{Packed, Place};
use super::samples::Samples;
use super::snapshot::Snapshot;
use actix_web::web::Bytes;

/// Size of a piece in bytes: it stays in the processor's cache until it is sent.
const PIECE: usize = 64 * 1024;

/// More than a piece can grow by one target: 13 classes or 22 samples of a histogram, with a name of 253 bytes.
const LONGEST: usize = 16 * 1024;

/// Snapshots of targets, to be written family by family.
#[derive(Default)]
pub struct Columns {
    labels: Packed,
    /// What each family has to write of the targets.
    families: [Packed; FAMILIES.len()],
}

impl Columns {
    /// Takes in a target.
    pub fn push(&mut self, target: &Snapshot) {
        self.labels.push_text(&target.labels);
        for (family, column) in FAMILIES.iter().zip(&mut self.families) {
            family.pack(target, column);
        }
    }
}

impl FromIterator<Snapshot> for Columns {
    fn from_iter<T: IntoIterator<Item = Snapshot>>(targets: T) -> Self {
        let mut columns = Self::default();
        targets.into_iter().for_each(|target| columns.push(&target));
        columns
    }
}

/// The families of the targets as text, from snapshots that are all taken already.
pub struct Exposition {
    columns: Columns,
    /// Index of the next family.
    family: usize,
    /// Where in its column and in the labels its next target is.
    place: (Place, Place),
    /// What comes after the last family.
    rest: Option<Bytes>,
}

impl Exposition {
    /// The exposition of these targets, with `rest` behind it.
    pub fn new(columns: Columns, rest: Bytes) -> Self {
        Self { columns, family: 0, place: Default::default(), rest: Some(rest) }
    }

    /// Writes on until the piece is full or the family ends.
    fn write(&mut self, piece: &mut Samples) {
        let (definition, column) = (&FAMILIES[self.family], &mut self.columns.families[self.family]);
        let (at, label) = &mut self.place;
        if *label == Place::default() {
            definition.write_head(piece);
        }
        while piece.len() < PIECE && !self.columns.labels.ends(*label) {
            let labels = self.columns.labels.take_text(label);
            definition.write(labels, column, at, piece);
        }
        if self.columns.labels.ends(*label) {
            *column = Packed::default();
            (self.family, self.place) = (self.family + 1, Default::default());
        }
    }
}

impl Iterator for Exposition {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut piece = Samples::with_capacity(PIECE + LONGEST);
        while piece.len() < PIECE && self.family < FAMILIES.len() {
            self.write(&mut piece);
        }
        if piece.is_empty() { self.rest.take().filter(|rest| !rest.is_empty()) } else { Some(piece.into()) }
    }
}
