//! What was read of one target, and how it becomes a list.

use crate::actors::pinger::Report;
use crate::actors::supervisor::TargetRef;
use crate::measure::PeriodStats;
use crate::protocol::{ListReply, ListedTarget};

/// The books of one target at one moment.
pub(super) struct TargetStats {
    pub(super) member: TargetRef,
    pub(super) summary: PeriodStats,
    /// With detail only.
    pub(super) report: Option<Box<Report>>,
}

/// The list of these targets, each with the summary that `view` makes of its own.
pub(super) fn encode<'a>(
    reads: impl Iterator<Item = &'a TargetStats>,
    view: impl Fn(&PeriodStats) -> PeriodStats,
) -> ListReply {
    let mut targets = ListReply::default();
    for TargetStats { member, summary, report } in reads {
        let (address, name, interval) = (member.address, &*member.name, member.interval);
        let detail = report.as_deref().map(|report| (&report.detail, report.wall));
        let overrides = member.overrides.as_deref();
        targets.push(&ListedTarget { address, name, interval, summary: view(summary), detail, overrides });
    }
    targets
}
