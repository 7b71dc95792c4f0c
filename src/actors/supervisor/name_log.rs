//! Logs how the addresses of DNS names change, a limited number of lines a minute.

use crate::target::{Address, HostName};
use std::time::Duration;
use tokio::time::Instant;
use tracing::info;

/// How the addresses of a name change.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct AddressDifference {
    gained: Vec<Address>,
    lost: Vec<Address>,
}

impl AddressDifference {
    pub(super) fn new(before: &[Address], after: &[Address]) -> Self {
        let only_in = |these: &[Address], those: &[Address]| {
            these.iter().filter(|address| !those.contains(address)).copied().collect()
        };
        Self { gained: only_in(after, before), lost: only_in(before, after) }
    }

    const fn is_empty(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty()
    }
}

/// Lines of the present minute.
#[derive(Debug, Default)]
pub(super) struct NameLog {
    minute: Option<Instant>,
    lines: u32,
    suppressed: u64,
}

/// Maximum number of lines a minute; a start with ten thousand names would write as many.
const MAX_LINES: u32 = 100;

/// Maximum number of addresses in a line.
const MAX_ADDRESSES: usize = 8;

impl NameLog {
    pub(super) fn log(&mut self, name: &HostName, difference: &AddressDifference) {
        if difference.is_empty() {
            return;
        }
        let now = Instant::now();
        if self.minute.is_none_or(|began| now - began >= Duration::from_secs(60)) {
            if self.suppressed > 0 {
                info!(changes = self.suppressed, "further names have gained or lost addresses");
            }
            *self = Self { minute: Some(now), lines: 0, suppressed: 0 };
        }
        if self.lines >= MAX_LINES {
            self.suppressed += 1;
            return;
        }
        self.lines += 1;
        let AddressDifference { gained, lost } = difference;
        info!(name = ?name.as_str(), gained = text(gained), lost = text(lost), "the addresses of the name have changed");
    }
}

fn text(addresses: &[Address]) -> String {
    let mut texts: Vec<String> = addresses.iter().take(MAX_ADDRESSES).map(Address::to_string).collect();
    if addresses.len() > MAX_ADDRESSES {
        texts.push(format!("and {} more", addresses.len() - MAX_ADDRESSES));
    }
    texts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<Address> {
        texts.iter().map(|text| text.parse().expect("an address")).collect()
    }

    #[test]
    fn a_difference_has_what_is_new_and_what_has_gone() {
        let (before, after) = (addresses(&["10.0.0.1", "::1"]), addresses(&["10.0.0.2", "::1"]));
        let difference = AddressDifference::new(&before, &after);
        assert_eq!(
            (text(&difference.gained), text(&difference.lost)),
            ("10.0.0.2".into(), "10.0.0.1".into())
        );
        assert!(AddressDifference::new(&after, &after).is_empty());
        let many = addresses(&["10.0.0.1"; 10]);
        assert!(text(&many).ends_with(" 10.0.0.1 and 2 more"));
    }

    #[tokio::test(start_paused = true)]
    async fn lines_are_limited_in_each_minute() {
        let mut log = NameLog::default();
        let name: HostName = "a.test".parse().expect("a name");
        let change = AddressDifference::new(&[], &addresses(&["10.0.0.1"]));
        let nothing = AddressDifference::new(&[], &[]);
        for _ in 0..MAX_LINES + 7 {
            log.log(&name, &change);
            log.log(&name, &nothing);
        }
        assert_eq!((log.lines, log.suppressed), (MAX_LINES, 7));
        tokio::time::advance(Duration::from_secs(60)).await;
        log.log(&name, &change);
        assert_eq!((log.lines, log.suppressed), (1, 0));
    }
}
