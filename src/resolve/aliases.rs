//! Follows the aliases (CNAME) of a name through the records of one answer. Pure.
//!
//! Own code, because hickory-resolver gives up after eight aliases, and its error does not tell that from a name without
//! addresses. glibc follows any number of them within one answer.

use hickory_resolver::proto::rr::{DNSClass, Name, RData, Record, RecordType};
use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

/// Where the aliases of a name lead to within one answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AliasEnd {
    /// Addresses, and the shortest TTL of all records on the way: any of them may change first.
    Addresses(Vec<IpAddr>, Duration),
    /// A name without a record of the type in this answer, which may be the name itself.
    Name(Name),
    /// Back to a name that was on the way.
    Loop,
}

/// Follows a name through the records to its addresses of a type.
pub(super) fn follow(name: &Name, record_type: RecordType, records: &[Record]) -> AliasEnd {
    let of = |name: &Name, record_type| {
        let name = name.clone();
        let is_of = move |record: &&Record| {
            record.dns_class == DNSClass::IN && record.record_type() == record_type && record.name == name
        };
        records.iter().filter(is_of)
    };
    let (mut at, mut ttl, mut seen) = (name.clone(), u32::MAX, HashSet::new());
    loop {
        let found: Vec<&Record> = of(&at, record_type).collect();
        if !found.is_empty() {
            let ttl = found.iter().map(|record| record.ttl).fold(ttl, u32::min);
            let addresses = found.iter().filter_map(|record| record.data.ip_addr()).collect();
            return AliasEnd::Addresses(addresses, Duration::from_secs(ttl.into()));
        }
        let alias = of(&at, RecordType::CNAME).find_map(|record| match &record.data {
            RData::CNAME(target) => Some((target.0.clone(), record.ttl)),
            _ => None,
        });
        let Some((target, of_alias)) = alias else { return AliasEnd::Name(at) };
        if !seen.insert(at) {
            return AliasEnd::Loop;
        }
        (at, ttl) = (target, ttl.min(of_alias));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::proto::rr::rdata::CNAME;

    fn name(text: &str) -> Name {
        Name::from_ascii(text).expect("a name")
    }

    fn alias(from: &str, ttl: u32, to: &str) -> Record {
        Record::from_rdata(name(from), ttl, RData::CNAME(CNAME(name(to))))
    }

    fn address(of: &str, ttl: u32, text: &str) -> Record {
        let ip: IpAddr = text.parse().expect("an address");
        Record::from_rdata(name(of), ttl, RData::from(ip))
    }

    #[test]
    fn aliases_lead_to_addresses_in_any_order_and_number() {
        let mut records: Vec<Record> =
            (0..40).map(|at| alias(&format!("a{at}."), 100 + at, &format!("A{}.", at + 1))).collect();
        records.reverse();
        let end = |records: &[Record]| follow(&name("a0."), RecordType::A, records);
        assert_eq!(end(&records), AliasEnd::Name(name("A40.")));
        let other =
            [address("a40.", 7, "::1"), address("a39.", 7, "10.0.0.9"), address("other.", 1, "10.0.0.8")];
        records.extend(other.into_iter().take(1));
        assert_eq!(end(&records), AliasEnd::Name(name("A40.")), "of the other family");
        records.push(address("a40.", 200, "10.0.0.1"));
        records.push(address("a40.", 300, "10.0.0.2"));
        let found = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse().expect("an address"));
        assert_eq!(end(&records), AliasEnd::Addresses(found.to_vec(), Duration::from_secs(100)));
        assert_eq!(
            end(&[address("a0.", 5, "10.0.0.3")]),
            AliasEnd::Addresses(vec!["10.0.0.3".parse().expect("an address")], Duration::from_secs(5))
        );
        assert_eq!(end(&[address("b.", 5, "10.0.0.3")]), AliasEnd::Name(name("a0.")), "of another name");
    }

    #[test]
    fn aliases_that_lead_back_are_a_loop() {
        for records in [
            vec![alias("a0.", 1, "a0.")],
            vec![alias("a0.", 1, "b."), alias("b.", 1, "c."), alias("c.", 1, "b.")],
        ] {
            assert_eq!(follow(&name("a0."), RecordType::A, &records), AliasEnd::Loop);
        }
    }
}
