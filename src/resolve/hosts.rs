//! Addresses of names in `/etc/hosts`. Pure.

use std::collections::HashMap;
use std::net::IpAddr;

/// Static names and their addresses.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hosts(HashMap<String, Vec<IpAddr>>);

impl Hosts {
    /// Reads `ADDRESS NAME…` lines; ignores other lines, as the system's resolver does.
    pub(super) fn parse(text: &[u8]) -> Self {
        let mut hosts = Self::default();
        for line in String::from_utf8_lossy(text).lines() {
            hosts.add_line(line);
        }
        hosts
    }

    fn add_line(&mut self, line: &str) {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let Some(Ok(address)) = words.next().map(|word| word.trim_start_matches('\u{feff}').parse()) else {
            return;
        };
        for name in words {
            let addresses = self.0.entry(key(name)).or_default();
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
    }

    /// The addresses of a name; empty if the file does not contain it. The search list does not apply.
    pub(super) fn get(&self, name: &str) -> &[IpAddr] {
        self.0.get(&key(name)).map(Vec::as_slice).unwrap_or_default()
    }
}

/// A name without the dot of the root, in lower case: neither distinguishes names (RFC 4343).
fn key(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_addresses_of_all_its_lines() {
        let text = b"\xef\xbb\xbf127.0.0.1\tlocalhost\n# 192.0.2.9 router\n192.0.2.1 Router.lan router # here\n\
            2001:db8::1 router\n192.0.2.1 router\nnonsense router\n192.0.2.7\n\xff\xfe router\n192.0.2.2 my_host";
        let hosts = Hosts::parse(text);
        let cases: [(&str, &[&str]); 6] = [
            ("localhost", &["127.0.0.1"]),
            ("router", &["192.0.2.1", "2001:db8::1"]),
            ("ROUTER.LAN.", &["192.0.2.1"]),
            ("my_host", &["192.0.2.2"]),
            ("nonsense", &[]),
            ("lan", &[]),
        ];
        for (name, expected) in cases {
            let expected: Vec<IpAddr> = expected.iter().map(|text| text.parse().unwrap()).collect();
            assert_eq!(hosts.get(name), expected, "{name}");
        }
    }
}
