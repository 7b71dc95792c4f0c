//! The exposition of all targets, family by family, in pieces: what is not read yet is not written yet.

use super::families::FAMILIES;
use super::samples::Samples;
use super::snapshot::Snapshot;
use actix_web::web::Bytes;

/// Size of a piece in bytes; about half a millisecond's work.
const PIECE: usize = 256 * 1024;

/// More than a piece can grow by one target: 13 classes or 22 samples of a histogram, with a name of 253 bytes.
const LONGEST: usize = 16 * 1024;

/// The families of the targets as text, from snapshots that are all taken already.
pub struct Exposition {
    targets: Vec<Snapshot>,
    /// Index of the next family, and of its next target.
    next: (usize, usize),
    /// What comes after the last family.
    rest: Option<Bytes>,
}

impl Exposition {
    /// The exposition of these targets, with `rest` behind it.
    pub fn new(targets: Vec<Snapshot>, rest: Bytes) -> Self {
        Self { targets, next: (0, 0), rest: Some(rest) }
    }

    /// Writes on until the piece is full or the family ends.
    fn write(&mut self, piece: &mut Samples) {
        let (family, target) = self.next;
        let definition = &FAMILIES[family];
        if target == 0 {
            definition.write_head(piece);
        }
        let mut written = target;
        for snapshot in &self.targets[target..] {
            if piece.len() >= PIECE {
                break;
            }
            definition.write(snapshot, piece);
            written += 1;
        }
        self.next = if written == self.targets.len() { (family + 1, 0) } else { (family, written) };
    }
}

impl Iterator for Exposition {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let mut piece = Samples::with_capacity(PIECE + LONGEST);
        while piece.len() < PIECE && self.next.0 < FAMILIES.len() {
            self.write(&mut piece);
        }
        if piece.is_empty() { self.rest.take().filter(|rest| !rest.is_empty()) } else { Some(piece.into()) }
    }
}
