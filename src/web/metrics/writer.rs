//! Writes lines of the Prometheus text format; optimised, because an exposition can have millions of them.

use actix_web::web::Bytes;
use std::fmt;
use std::io::Write;

/// The lines written so far.
#[derive(Default)]
pub struct SampleWriter(Vec<u8>);

impl SampleWriter {
    /// An empty writer with capacity for this many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Size in bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The HELP and TYPE lines of a family.
    pub fn head(&mut self, name: &str, help: &str, kind: &str) {
        for part in ["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"] {
            self.0.extend_from_slice(part.as_bytes());
        }
    }

    /// A sample with an integer. `more` is another label after a comma, or empty.
    pub fn number(&mut self, name: &str, labels: &[u8], more: &str, value: u64) {
        self.labelled(name, labels, more);
        self.digits(value);
        self.0.push(b'\n');
    }

    /// A sample with a formatted number.
    pub fn formatted(&mut self, name: &str, labels: &[u8], value: fmt::Arguments<'_>) {
        self.labelled(name, labels, "");
        // Writing to a vector does not fail.
        let _ = self.0.write_fmt(value);
        self.0.push(b'\n');
    }

    /// A sample with a time in microseconds, written exactly in seconds.
    pub fn seconds(&mut self, name: &str, labels: &[u8], micros: u64) {
        self.decimal::<1_000_000>(name, labels, micros);
    }

    /// A sample with a time in nanoseconds, written exactly in seconds.
    pub fn nanos(&mut self, name: &str, labels: &[u8], nanos: u64) {
        self.decimal::<1_000_000_000>(name, labels, nanos);
    }

    /// A sample with a time in microseconds, written exactly in milliseconds.
    pub fn millis(&mut self, name: &str, labels: &[u8], micros: u64) {
        self.decimal::<1_000>(name, labels, micros);
    }

    /// A sample with `number / ONE`; `ONE` is a power of ten.
    fn decimal<const ONE: u64>(&mut self, name: &str, labels: &[u8], number: u64) {
        self.labelled(name, labels, "");
        self.digits(number / ONE);
        let fraction = number % ONE;
        if fraction > 0 {
            // Adding `ONE` keeps the leading zeros of the fraction; the decimal point replaces its digit.
            let point = self.0.len();
            self.digits(fraction + ONE);
            self.0[point] = b'.';
            let zeros = self.0.iter().rev().take_while(|&&digit| digit == b'0').count();
            self.0.truncate(self.0.len() - zeros);
        }
        self.0.push(b'\n');
    }

    /// The buckets of a histogram: a sample for each label `le` (after a comma) and count. Buckets are more than half of
    /// an exposition, so their common beginning is built once and copied.
    pub fn buckets<'a>(&mut self, name: &str, labels: &[u8], buckets: impl Iterator<Item = (&'a str, u64)>) {
        let start = self.0.len();
        self.begin(name, labels);
        let common = start..self.0.len();
        let mut digits = itoa::Buffer::new();
        let (mut latest, mut text) = (0, "0");
        for (index, (bound, count)) in buckets.enumerate() {
            if index > 0 {
                self.0.extend_from_within(common.clone());
            }
            if count != latest {
                (latest, text) = (count, digits.format(count));
            }
            self.0.extend_from_slice(bound.as_bytes());
            self.0.extend_from_slice(b"} ");
            self.0.extend_from_slice(text.as_bytes());
            self.0.push(b'\n');
        }
    }

    fn begin(&mut self, name: &str, labels: &[u8]) {
        self.0.extend_from_slice(name.as_bytes());
        self.0.push(b'{');
        self.0.extend_from_slice(labels);
    }

    fn labelled(&mut self, name: &str, labels: &[u8], more: &str) {
        self.begin(name, labels);
        self.0.extend_from_slice(more.as_bytes());
        self.0.extend_from_slice(b"} ");
    }

    fn digits(&mut self, value: u64) {
        self.0.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }
}

impl From<SampleWriter> for Bytes {
    fn from(samples: SampleWriter) -> Self {
        samples.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact_and_short() {
        let cases = [
            (0, "0"),
            (1, "0.000001"),
            (100, "0.0001"),
            (999_999, "0.999999"),
            (1_000_000, "1"),
            (1_500_000, "1.5"),
            (10_000_001, "10.000001"),
            (86_400_000_000, "86400"),
            (u64::MAX, "18446744073709.551615"),
        ];
        for (micros, expected) in cases {
            let mut samples = SampleWriter::default();
            samples.seconds("x_seconds", b"a=\"b\"", micros);
            assert_eq!(String::from_utf8(samples.0).unwrap(), format!("x_seconds{{a=\"b\"}} {expected}\n"));
        }
        let mut samples = SampleWriter::default();
        samples.nanos("x_seconds", b"", 1_000_000_020);
        assert_eq!(samples.0, b"x_seconds{} 1.00000002\n");
        let mut samples = SampleWriter::default();
        samples.millis("x", b"", 9_015_050);
        assert_eq!(samples.0, b"x{} 9015.05\n");
    }
}
