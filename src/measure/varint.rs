//! Numbers as bytes of seven bits each, in parts that say how long they are.

use std::time::Duration;

/// Puts numbers together: seven bits a byte, the last byte of each without its highest bit.
pub(super) struct VarintWriter(Vec<u8>);

impl VarintWriter {
    /// Begins with a byte that says which version of the parts follows.
    pub(super) fn new(version: u8) -> Self {
        Self(vec![version])
    }

    pub(super) fn into_bytes(self) -> Box<[u8]> {
        self.0.into()
    }

    pub(super) fn number(&mut self, mut number: u64) {
        while number > 0x7f {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
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

/// Takes numbers apart again.
pub(super) struct VarintReader<'a>(&'a [u8]);

impl<'a> VarintReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        // 2^56 µs are two thousand years: what is larger is damaged, and would overflow somewhere.
        for shift in (0..56).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
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
