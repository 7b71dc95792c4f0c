//! The JSON of replies: compact, exact decimal numbers, one datagram at most.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::ser::Formatter;
use std::io;
use std::time::Duration;

/// Maximum size of a reply in bytes: the payload of a UDP datagram over IPv4.
pub const MAX_REPLY: usize = 65_507;

/// A number with nine decimal places, as a count of billionths; most are seconds.
///
/// `ReplyFormatter` writes it exactly, with a decimal point and without trailing zeros (`0.0`, `0.0201`). It is read
/// from every JSON number; a negative one becomes 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Decimal(u128);

impl Decimal {
    /// A number of millionths, or microseconds.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros as u128 * 1_000)
    }

    /// The nearest decimal; 0 for negative numbers.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, which is meant")]
    pub fn from_f64(number: f64) -> Self {
        // Multiplied as a whole, a number of more than eight digits would lose the last decimal places.
        Self(number.trunc() as u128 * BILLION + (number.fract() * BILLION as f64).round() as u128)
    }

    /// The nearest floating-point number.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / BILLION as f64
    }

    /// That many seconds; saturates.
    pub fn as_duration(self) -> Duration {
        u64::try_from(self.0).map_or(Duration::MAX, Duration::from_nanos)
    }
}

impl From<Duration> for Decimal {
    fn from(duration: Duration) -> Self {
        Self(duration.as_nanos())
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u128(self.0)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::from_f64)
    }
}

/// Writes a decimal as a whole number where it is one: `1`, `0.25`.
pub(super) fn whole_or_decimal<S: Serializer>(number: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    match u64::try_from(number.0 / BILLION) {
        Ok(whole) if number.0.is_multiple_of(BILLION) => serializer.serialize_u64(whole),
        _ => number.serialize(serializer),
    }
}

const BILLION: u128 = 1_000_000_000;

/// The compact format of `serde_json`, in which a `u128` stands for a [`Decimal`].
#[derive(Debug, Clone, Copy)]
pub(super) struct ReplyFormatter;

impl Formatter for ReplyFormatter {
    fn write_u128<W: ?Sized + io::Write>(&mut self, writer: &mut W, billionths: u128) -> io::Result<()> {
        // A 64-bit division is several times as fast, and nearly every number fits.
        let (whole, mut fraction) = match u64::try_from(billionths) {
            Ok(billionths) => (billionths / 1_000_000_000, billionths % 1_000_000_000),
            Err(_) => (
                u64::try_from(billionths / BILLION).unwrap_or(u64::MAX),
                u64::try_from(billionths % BILLION).unwrap_or(0),
            ),
        };
        writer.write_all(itoa::Buffer::new().format(whole).as_bytes())?;
        let mut text = *b".000000000";
        let mut length = 2;
        for index in (1..text.len()).rev() {
            let digit = u8::try_from(fraction % 10).unwrap_or(0);
            text[index] += digit;
            fraction /= 10;
            if digit > 0 && length == 2 {
                length = index + 1;
            }
        }
        writer.write_all(&text[..length.max(2)])
    }
}

/// The format of status replies: one space after each colon and comma.
#[derive(Debug, Clone, Copy)]
struct SpacedFormatter;

impl Formatter for SpacedFormatter {
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

/// Appends a value in compact JSON.
pub(super) fn append(json: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    // Neither a vector nor the types of this module refuse anything.
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(json, ReplyFormatter));
}

/// Returns a value as JSON with one space after each colon and comma.
pub(super) fn spaced(value: &impl Serialize) -> Vec<u8> {
    let mut json = Vec::new();
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(&mut json, SpacedFormatter));
    json
}

pub(super) fn write_string(text: &mut String, string: &str) {
    // A string always has a JSON form.
    text.push_str(&serde_json::to_string(string).unwrap_or_default());
}

pub(super) fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = std::fmt::Write::write_fmt(text, arguments);
}

/// A member that JSON has as a string: written by `Display`, read by `FromStr`.
pub(super) mod as_text {
    use super::{Deserialize, Deserializer, Serializer, de_error};
    use std::fmt::Display;
    use std::str::FromStr;

    pub(in crate::protocol) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in crate::protocol) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(de_error::<D, _>)
    }
}

fn de_error<'de, D: Deserializer<'de>, E: std::fmt::Display>(error: E) -> D::Error {
    D::Error::custom(error)
}

/// Whether a flag is off, so that the request leaves it out.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(super) const fn is_off(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(value: &impl Serialize) -> String {
        let mut json = Vec::new();
        append(&mut json, value);
        String::from_utf8(json).expect("UTF-8")
    }

    #[test]
    fn decimals_are_exact_and_have_a_point() {
        let cases = [
            (Decimal::default(), "0.0"),
            (Decimal::from_micros(1), "0.000001"),
            (Decimal::from_micros(20_100), "0.0201"),
            (Decimal::from_micros(3_000_000), "3.0"),
            (Decimal::from_micros(u64::MAX), "18446744073709.551615"),
            (Decimal::from(Duration::from_nanos(100_000_000_001)), "100.000000001"),
            (Decimal::from_f64(-1.5), "0.0"),
            (Decimal::from_f64(1_700_000_090.25), "1700000090.25"),
        ];
        for (number, expected) in cases {
            assert_eq!(written(&number), expected);
        }
    }

    proptest! {
        #[test]
        fn decimals_come_back_as_they_were(micros in 0_u64..1 << 50) {
            let text = written(&Decimal::from_micros(micros));
            prop_assert!(text.contains('.') && (text.ends_with(".0") || !text.ends_with('0')), "{}", text);
            let seconds: f64 = text.parse().expect("a number");
            prop_assert!(((seconds * 1e6).round() - micros as f64).abs() < 0.5);
            if micros < 1 << 42 {
                let read: Decimal = serde_json::from_str(&text).expect("a number");
                prop_assert_eq!(read, Decimal::from_micros(micros));
            }
        }
    }
}
