//! Labels of a target, which its series in the metrics bear.

use std::fmt::Write;

/// Labels of a target, sorted by name; values may be any text, and every output escapes them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Labels(Box<[(Box<str>, Box<str>)]>);

impl Labels {
    /// Maximum number of labels of a target.
    pub const MAX_COUNT: usize = 16;
    /// Maximum length of a name, in bytes.
    pub const MAX_NAME_LENGTH: usize = 64;
    /// Maximum length of a value, in bytes.
    pub const MAX_VALUE_LENGTH: usize = 256;
    /// Names that the exposition in meshping's own dialect uses itself; it leaves out a target's label of such a name.
    pub const RESERVED: [&str; 5] = ["name", "target", "class", "le", "quantile"];

    /// Labels from names and values. As in Prometheus, an empty value is the same as no label.
    ///
    /// # Errors
    /// [`LabelError`] for names that are not allowed or occur twice, and beyond the limits.
    pub fn new<N, V>(pairs: impl IntoIterator<Item = (N, V)>) -> Result<Self, LabelError>
    where
        N: Into<Box<str>>,
        V: Into<Box<str>>,
    {
        let mut labels = Vec::new();
        for (name, value) in pairs {
            let (name, value): (Box<str>, Box<str>) = (name.into(), value.into());
            check(&name, &value)?;
            labels.push((name, value));
        }
        labels.sort();
        if let Some(pair) = labels.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(LabelError::Twice(pair[0].0.clone()));
        }
        labels.retain(|(_, value)| !value.is_empty());
        if labels.len() > Self::MAX_COUNT {
            return Err(LabelError::TooMany(labels.len()));
        }
        Ok(Self(labels.into()))
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Name and value of each label, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

fn check(name: &str, value: &str) -> Result<(), LabelError> {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    let follows = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let valid = name.starts_with(starts) && name.chars().all(follows) && !name.starts_with("__");
    if !valid || name.len() > Labels::MAX_NAME_LENGTH {
        return Err(LabelError::Name(cut(name)));
    }
    if value.len() > Labels::MAX_VALUE_LENGTH {
        return Err(LabelError::LongValue(name.into(), value.len()));
    }
    Ok(())
}

/// The name, escaped and cut to the maximum length.
fn cut(name: &str) -> Box<str> {
    let mut shown = String::new();
    for c in name.chars().take(Labels::MAX_NAME_LENGTH) {
        // Writing to a string does not fail.
        let _ = write!(shown, "{}", c.escape_debug());
    }
    shown.into()
}

/// Why labels are not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// A name that Prometheus does not accept.
    #[error(
        "\"{0}\" can't be a label: its name has letters, digits and _, begins with no digit and not with __, \
         and has at most {max} bytes",
        max = Labels::MAX_NAME_LENGTH
    )]
    Name(Box<str>),
    /// A value that is too long.
    #[error("the value of the label {0} has {1} bytes, the maximum is {max}", max = Labels::MAX_VALUE_LENGTH)]
    LongValue(Box<str>, usize),
    /// A name that occurs twice.
    #[error("the label {0} occurs twice")]
    Twice(Box<str>),
    /// Too many labels.
    #[error("{0} labels are too many, a target has at most {max}", max = Labels::MAX_COUNT)]
    TooMany(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_an_empty_value_is_none() {
        let labels = Labels::new([("site", "B\"\n"), ("rack", "7"), ("room", "")]).unwrap();
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("rack", "7"), ("site", "B\"\n")]);
        assert!(Labels::new([("room", "")]).unwrap().is_empty());
    }

    #[test]
    fn labels_that_only_a_dialect_reserves_are_allowed() {
        for name in Labels::RESERVED {
            let labels = Labels::new([(name, "x"), ("site", "b")]).unwrap();
            assert!(labels.iter().any(|label| label == (name, "x")), "{name}");
        }
    }

    #[test]
    fn what_can_not_be_a_label_is_refused_with_a_reason() {
        let long = "x".repeat(257);
        let cases = [
            (vec![("", "x")], "can't be a label"),
            (vec![("7th", "x")], "can't be a label"),
            (vec![("a-b\n", "x")], "\"a-b\\n\" can't be a label"),
            (vec![("__meta", "x")], "can't be a label"),
            (vec![(&long, "x")], "at most 64 bytes"),
            (vec![("site", &long)], "has 257 bytes, the maximum is 256"),
            (vec![("site", "a"), ("site", "b")], "occurs twice"),
        ];
        for (pairs, reason) in cases {
            let error = Labels::new(pairs.clone()).unwrap_err().to_string();
            assert!(error.contains(reason), "{pairs:?}: {error}");
        }
        let many = (0..17).map(|number| (format!("l{number}"), "x"));
        assert_eq!(Labels::new(many), Err(LabelError::TooMany(17)));
    }
}
