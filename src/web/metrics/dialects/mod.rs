//! Dialects: the names of other exporters for our measurements (`?dialect=…`). Requests are counted by our rules in all.

mod meshping2017;
mod own;
mod ping_exporter;
mod smokeping_prober;

use super::family::MetricFamily;
use super::labels::LabelPairs;
use crate::actors::supervisor::TargetRef;

/// The exporter whose names and labels a scrape has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// meshping.
    #[default]
    Own,
    /// meshping of 2017.
    Meshping2017,
    /// smokeping_prober.
    SmokepingProber,
    /// ping_exporter.
    PingExporter,
}

impl Dialect {
    /// What can be asked for by name: everything but our own, which needs none.
    pub const FOREIGN: [(&str, Self); 3] = [
        ("meshping2017", Self::Meshping2017),
        ("smokeping_prober", Self::SmokepingProber),
        ("ping_exporter", Self::PingExporter),
    ];

    /// The dialect of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::FOREIGN.iter().find(|(known, _)| *known == name).map(|(_, dialect)| *dialect)
    }

    /// The names that can be asked for.
    pub fn names() -> String {
        Self::FOREIGN.map(|(name, _)| name).join(", ")
    }

    /// The families of the targets.
    pub fn families(self) -> &'static [MetricFamily] {
        match self {
            Self::Own => &own::FAMILIES,
            Self::Meshping2017 => &meshping2017::FAMILIES,
            Self::SmokepingProber => &smokeping_prober::FAMILIES,
            Self::PingExporter => &ping_exporter::FAMILIES,
        }
    }

    /// The labels of the series of a target.
    pub fn labels(self, target: &TargetRef) -> LabelPairs {
        match self {
            Self::Own => own::labels(target),
            Self::Meshping2017 => meshping2017::labels(target),
            Self::SmokepingProber => smokeping_prober::labels(target),
            Self::PingExporter => ping_exporter::labels(target),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_family_is_described_once() {
        for dialect in Dialect::FOREIGN.map(|(_, dialect)| dialect).into_iter().chain([Dialect::Own]) {
            let mut names = HashSet::new();
            for family in dialect.families() {
                assert!(names.insert(family.name), "twice: {}", family.name);
                assert!(family.help.ends_with('.') && !family.help.contains(['\n', '\\']), "{}", family.name);
            }
        }
    }
}
