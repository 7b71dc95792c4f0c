//! Numbers and texts in few bytes: most of what a scrape holds until it is written are small numbers.

use crate::measure::varint::{push_number, split_number};

/// Numbers and texts, one behind the other, as variable-length numbers.
#[derive(Debug, Default)]
pub struct PackedSnapshots(Vec<u8>);

/// Reads them in the order in which they were pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor(usize);

impl PackedSnapshots {
    /// Appends a number.
    pub fn push(&mut self, number: u64) {
        push_number(&mut self.0, number);
    }

    /// Appends a number that may be missing.
    pub fn push_option(&mut self, number: Option<u64>) {
        self.push(u64::from(number.is_some()));
        if let Some(number) = number {
            self.push(number);
        }
    }

    /// Appends a text.
    pub fn push_text(&mut self, text: &str) {
        self.push(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Whether there is nothing behind that place.
    pub fn ends(&self, place: Cursor) -> bool {
        place.0 >= self.0.len()
    }

    /// The number at a place, which moves on; 0 behind the end.
    pub fn take(&self, place: &mut Cursor) -> u64 {
        let behind = self.0.get(place.0..).and_then(split_number);
        let (number, rest) = behind.unwrap_or_default();
        place.0 = self.0.len() - rest.len();
        number
    }

    /// The number at a place, if it is not missing there.
    pub fn take_option(&self, place: &mut Cursor) -> Option<u64> {
        (self.take(place) > 0).then(|| self.take(place))
    }

    /// The bytes of the text at a place, which moves on.
    pub fn take_text(&self, place: &mut Cursor) -> &[u8] {
        let length = usize::try_from(self.take(place)).unwrap_or(0);
        let text = self.0.get(place.0..place.0 + length).unwrap_or_default();
        place.0 += length;
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_read_in_the_same_order() {
        let numbers = [0, 1, 127, 128, 300, 1 << 35, u64::MAX, 5];
        let mut packed = PackedSnapshots::default();
        for number in numbers {
            packed.push(number);
            packed.push_text(&number.to_string());
            packed.push_option((number > 127).then_some(number));
        }
        let mut place = Cursor::default();
        for number in numbers {
            assert_eq!(packed.take(&mut place), number);
            assert_eq!(packed.take_text(&mut place), number.to_string().as_bytes());
            assert_eq!(packed.take_option(&mut place), (number > 127).then_some(number));
        }
        assert!(packed.ends(place));
        assert_eq!((packed.take(&mut place), packed.take_text(&mut place)), (0, &b""[..]));
    }
}
