//! Dialects: the names of other exporters for our measurements (`?dialect=…`). Requests are counted by our rules in all.

mod meshping2017;
mod own;
mod ping_exporter;
mod smokeping_prober;

use super::family::MetricFamily;
use super::labels::LabelPairs;
use crate::actors::supervisor::{Status, TargetRef};
use strum::{EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};

/// The exporter whose names and labels a scrape has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Dialect {
    /// meshping: the dialect of a query without one.
    #[default]
    #[strum(disabled)]
    Own,
    /// meshping of 2017.
    #[strum(serialize = "meshping2017")]
    Meshping2017,
    /// smokeping_prober.
    SmokepingProber,
    /// ping_exporter.
    PingExporter,
}

impl Dialect {
    /// The dialects that a query can select, separated by commas.
    pub fn names() -> String {
        Self::iter().map(<&str>::from).collect::<Vec<_>>().join(", ")
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

    /// The families of the exporter itself; those of our own dialect are in `daemon`.
    pub(super) fn exporter_families(self) -> &'static [ExporterFamily] {
        match self {
            Self::Own | Self::Meshping2017 => &[],
            Self::SmokepingProber => &smokeping_prober::EXPORTER_FAMILIES,
            Self::PingExporter => &ping_exporter::EXPORTER_FAMILIES,
        }
    }

    /// Whether its values cover a window of settled requests.
    pub fn has_window(self) -> bool {
        self == Self::PingExporter
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

/// A family with one sample that another exporter has about itself.
pub(super) struct ExporterFamily {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    /// Whether it is a counter; otherwise it is a gauge.
    pub(super) is_counter: bool,
    pub(super) labels: &'static [(&'static str, &'static str)],
    pub(super) value: fn(&Status) -> u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_dialect_but_our_own_has_a_name() {
        assert_eq!(Dialect::names(), "meshping2017, smokeping_prober, ping_exporter");
        for dialect in Dialect::iter() {
            assert_eq!(<&str>::from(dialect).parse(), Ok(dialect));
        }
        assert!("own".parse::<Dialect>().is_err() && "Own".parse::<Dialect>().is_err());
    }

    #[test]
    fn every_family_is_described_once() {
        for dialect in Dialect::iter().chain([Dialect::Own]) {
            let mut names = HashSet::new();
            for family in dialect.families() {
                assert!(names.insert(family.name), "twice: {}", family.name);
                assert!(family.help.ends_with('.') && !family.help.contains(['\n', '\\']), "{}", family.name);
            }
        }
    }
}
