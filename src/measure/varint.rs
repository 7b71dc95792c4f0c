//! Variable-length numbers (LEB128): seven bits a byte, the lowest first, and the highest bit of all bytes but the last.

use std::time::Duration;

/// Appends a number.
pub(crate) fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number > SEVEN_BITS {
        bytes.push(number.to_le_bytes()[0] | MORE);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// Reads the number at the beginning; also returns the bytes behind it. `None` if it has no end, or more than 64 bits.
pub(crate) fn split_number(mut bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        bytes = rest;
        number |= (u64::from(byte) & SEVEN_BITS) << shift;
        if byte & MORE == 0 {
            return Some((number, bytes));
        }
    }
    None
}

const SEVEN_BITS: u64 = 0x7f;
const MORE: u8 = 0x80;

/// Writes numbers, in parts with tag and length.
pub(super) struct VarintWriter(Vec<u8>);

impl VarintWriter {
    /// A writer whose first byte is the version of the parts.
    pub(super) fn new(version: u8) -> Self {
        Self(vec![version])
    }

    pub(super) fn into_bytes(self) -> Box<[u8]> {
        self.0.into()
    }

    pub(super) fn number(&mut self, number: u64) {
        push_number(&mut self.0, number);
    }

    pub(super) fn micros(&mut self, duration: Duration) {
        self.number(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    pub(super) fn optional<T>(&mut self, tag: u64, value: Option<T>, write: impl FnOnce(T, &mut Self)) {
        if let Some(value) = value {
            self.part(tag, |out| write(value, out));
        }
    }

    pub(super) fn part(&mut self, tag: u64, write: impl FnOnce(&mut Self)) {
        let mut part = Self(Vec::new());
        write(&mut part);
        self.number(tag);
        self.number(part.0.len() as u64);
        self.0.extend(part.0);
    }
}

/// Reads what a [`VarintWriter`] has written.
pub(super) struct VarintReader<'a>(&'a [u8]);

impl<'a> VarintReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let (number, rest) = split_number(self.0)?;
        self.0 = rest;
        Some(number).filter(|number| *number < LIMIT)
    }

    pub(super) fn micros(&mut self) -> Option<Duration> {
        self.number().map(Duration::from_micros)
    }

    pub(super) fn numbers<const N: usize>(&mut self) -> Option<[u64; N]> {
        let mut numbers = [0; N];
        for number in &mut numbers {
            *number = self.number()?;
        }
        Some(numbers)
    }

    pub(super) fn part(&mut self) -> Option<VarintReader<'a>> {
        let length = usize::try_from(self.number()?).ok()?;
        let (part, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(VarintReader(part))
    }
}

/// 2^56 µs are two thousand years: a larger number is damaged, and sums of it would overflow.
const LIMIT: u64 = 1 << 56;
