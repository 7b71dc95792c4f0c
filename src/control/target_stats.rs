//! The statistics of one target, and how they become a list.

use crate::actors::pinger::Report;
use crate::actors::supervisor::TargetRef;
use crate::measure::PeriodStats;
use crate::protocol::{ListReply, ListedTarget};

/// The statistics of one target at one moment.
pub(super) struct TargetStats {
    pub(super) member: TargetRef,
    pub(super) summary: PeriodStats,
    /// With detail only.
    pub(super) report: Option<Box<Report>>,
}

/// Encodes a list of these targets; `view` returns the statistics to write for each.
pub(super) fn encode<'a>(
    targets: impl Iterator<Item = &'a TargetStats>,
    view: impl Fn(&PeriodStats) -> PeriodStats,
) -> ListReply {
    let mut reply = ListReply::default();
    for TargetStats { member, summary, report } in targets {
        let (key, name, names, interval) = (&member.key, &*member.name, &member.names[..], member.interval);
        let detail = report.as_deref().map(|report| (&report.detail, report.wall));
        let answered_by = report.as_deref().and_then(|report| report.answered_by);
        let (summary, overrides) = (view(summary), member.overrides.as_deref());
        reply.push(&ListedTarget { key, name, names, interval, summary, detail, answered_by, overrides });
    }
    reply
}
