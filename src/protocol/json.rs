//! How replies are written: compact JSON, exact decimals, one datagram at most.

use std::fmt::Write;

/// The largest reply, in bytes: what a UDP datagram over IPv4 holds.
pub const MAX_REPLY: usize = 65_507;

pub(super) fn write_seconds(text: &mut String, micros: u128) {
    write_fixed::<6>(text, micros);
}

/// So many 10^-DIGITS with a decimal point, exact, without trailing zeros.
pub(super) fn write_fixed<const DIGITS: u32>(text: &mut String, number: u128) {
    let (one, width) = (const { 10_u128.pow(DIGITS) }, DIGITS as usize);
    put(text, format_args!("{}.{:0width$}", number / one, number % one));
    while text.ends_with('0') && !text.ends_with(".0") {
        text.pop();
    }
}

pub(super) fn write_string(text: &mut String, string: &str) {
    // A string always has a JSON form.
    text.push_str(&serde_json::to_string(string).unwrap_or_default());
}

/// Writes a member with a whole number, with a comma before it.
pub(super) fn write_count(text: &mut String, member: &str, count: u64) {
    for part in [",\"", member, "\":", itoa::Buffer::new().format(count)] {
        text.push_str(part);
    }
}

pub(super) fn put(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // A string takes everything.
    let _ = text.write_fmt(arguments);
}

pub(super) fn separate(text: &mut String) {
    if text.len() > 1 {
        text.push(',');
    }
}

/// Ends an object; the reply as bytes.
pub(super) fn close(mut text: String) -> Vec<u8> {
    text.push('}');
    text.into_bytes()
}
