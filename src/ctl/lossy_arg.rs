//! Arguments that need not be UTF-8, such as names of DHCP clients.

use crate::target::MAX_NAME;
use clap::builder::{OsStringValueParser, TypedValueParser};
use std::ffi::OsString;

/// Accepts every argument as a name. DHCP clients also have names in Latin-1, and JSON is UTF-8: each invalid sequence
/// becomes U+FFFD. That is longer, so a name that no longer fits is cut at its end.
pub(super) fn lossy_arg() -> impl TypedValueParser<Value = String> {
    OsStringValueParser::new().map(readable)
}

fn readable(name: OsString) -> String {
    name.into_string().unwrap_or_else(|bytes| {
        let mut text = bytes.to_string_lossy().into_owned();
        while text.len() > MAX_NAME {
            text.pop();
        }
        text
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn every_name_can_be_sent_and_utf_8_is_left_alone() {
        let cases: [(&[u8], &str); 3] = [
            ("Müller\u{1b}".as_bytes(), "Müller\u{1b}"),
            (b"M\xfcller", "M\u{fffd}ller"),
            (b"-\xff\xfe", "-\u{fffd}\u{fffd}"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(readable(OsString::from_vec(bytes.to_vec())), expected);
        }
        let long = readable(OsString::from_vec(vec![0xff; 253]));
        assert!(long.len() <= MAX_NAME && long.chars().count() == 84, "{}", long.len());
        let refused = "x".repeat(MAX_NAME + 1);
        assert_eq!(readable(refused.clone().into()), refused);
    }
}
