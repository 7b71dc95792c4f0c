//! The file of `--targets`: one `TARGET[/INTERVAL] [NAME]` on each line.
//!
//! A `#` at the beginning of a line, or after white space, begins a comment.

use crate::target::{TargetError, TargetSpec};
use std::io::{self, BufRead, Read};

/// Maximum length of a line, in bytes; a target with the longest name takes a tenth of it.
const MAX_LINE: usize = 4096;

/// Reads the targets of a file, at most `limit`, so that an endless file does not fill the memory.
///
/// # Errors
/// [`TargetsFileError`] names the line.
pub(super) fn read(mut file: impl BufRead, limit: usize) -> Result<Vec<TargetSpec>, TargetsFileError> {
    let mut targets = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let at = |error| TargetsFileError { line: number, error };
        let bound = u64::try_from(MAX_LINE).unwrap_or(u64::MAX) + 1;
        let length = file.by_ref().take(bound).read_until(b'\n', &mut line).map_err(|e| at(e.into()))?;
        if length == 0 {
            break;
        }
        if let Some(target) = target(&line, number == 1).map_err(at)? {
            targets.push(target);
        }
        if targets.len() > limit {
            return Err(at(LineError::TooMany(limit)));
        }
    }
    Ok(targets)
}

/// The target of one line; `None` for a line that is empty or a comment.
fn target(line: &[u8], first: bool) -> Result<Option<TargetSpec>, LineError> {
    if line.len() > MAX_LINE {
        return Err(LineError::LongLine);
    }
    let line = std::str::from_utf8(line).map_err(|_| LineError::NotUtf8)?;
    let line = if first { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
    let line = without_comment(line).trim_ascii();
    if line.is_empty() {
        return Ok(None);
    }
    let (target, name) = line.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((line, ""));
    let line_error = |error| LineError::Target { target: target.into(), error };
    let spec: TargetSpec = target.parse().map_err(line_error)?;
    let name = name.trim_ascii();
    if name.is_empty() { Ok(Some(spec)) } else { spec.with_name(name).map(Some).map_err(line_error) }
}

fn without_comment(line: &str) -> &str {
    let begins_comment = |&(at, _): &(usize, &str)| {
        line[..at].chars().next_back().is_none_or(|before| before.is_ascii_whitespace())
    };
    line.match_indices('#').find(begins_comment).map_or(line, |(at, _)| &line[..at])
}

/// A line that is wrong.
#[derive(Debug, thiserror::Error)]
#[error("{line}: {error}")]
pub(super) struct TargetsFileError {
    /// Number of the line, from 1.
    pub line: usize,
    /// The problem.
    pub error: LineError,
}

/// A problem of a line.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    /// The file can't be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The line is not text.
    #[error("not UTF-8; save the file as UTF-8")]
    NotUtf8,
    /// The line is too long.
    #[error("longer than {MAX_LINE} bytes; write one TARGET[/INTERVAL] [NAME] on each line")]
    LongLine,
    /// The line does not begin with a target.
    #[error("{:?}: {error}", cut(.target))]
    Target {
        /// The text before the name.
        target: Box<str>,
        /// The problem with it.
        error: TargetError,
    },
    /// The file has too many targets.
    #[error("more than {0} targets; raise --max-targets if they are meant")]
    TooMany(usize),
}

fn cut(target: &str) -> String {
    target.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &[u8]) -> Vec<(String, String)> {
        let targets = read(text, 100).unwrap();
        targets.iter().map(|spec| (spec.host.to_string(), spec.name.to_string())).collect()
    }

    #[test]
    fn a_line_is_a_target_and_the_rest_of_it_the_name() {
        type Named = &'static [(&'static str, &'static str)];
        let cases: [(&[u8], Named); 8] = [
            (b"", &[]),
            (b"\n  \n# 127.0.0.1\n \t# more\r\n", &[]),
            (b"127.0.0.1", &[("127.0.0.1", "127.0.0.1")]),
            (b"127.0.0.1\tthe  machine itself \r\n", &[("127.0.0.1", "the  machine itself")]),
            (b"127.0.0.1/5 port#3 # near the door\n", &[("127.0.0.1", "port#3")]),
            (b"127.0.0.1 # nameless\n::1", &[("127.0.0.1", "127.0.0.1"), ("::1", "::1")]),
            ("\u{feff}example.net Gerät\u{1b}[31m\n".as_bytes(), &[("example.net", "Gerät\u{1b}[31m")]),
            (b"[2001:db8::1]/5 six", &[("2001:db8::1", "six")]),
        ];
        for (text, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|&(h, n)| (h.to_owned(), n.to_owned())).collect();
            assert_eq!(names(text), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn an_error_names_its_line() {
        let long = [b"127.0.0.1 ".as_slice(), &[b'x'; 254]].concat();
        let endless = vec![0_u8; 100_000];
        let cases: [(&[u8], &str); 6] = [
            (b"127.0.0.1\n\n0.0.0.0\n", "3: \"0.0.0.0\": 0.0.0.0 is the unspecified address"),
            (b"# ok\n127.0.0.1 \xff\n", "2: not UTF-8"),
            (b"host/5s x", "1: \"host/5s\": interval \"5s\" is not usable"),
            (&long, "1: \"127.0.0.1\": a name has at most 253 bytes, this one has 254"),
            (&endless, "1: longer than 4096 bytes"),
            (b"\x1b[2Jx\n", "1: \"\\u{1b}[2Jx\": not an IP address"),
        ];
        for (text, expected) in cases {
            let error = read(text, 100).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn a_file_without_end_does_not_fill_the_memory() {
        let endless = io::BufReader::new(io::repeat(b'#'));
        assert!(read(endless, 100).is_err());
        let many = b"127.0.0.1\n".repeat(101);
        let error = read(&many[..], 100).unwrap_err().to_string();
        assert!(error.starts_with("101: more than 100 targets"), "{error}");
    }
}
