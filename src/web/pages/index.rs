//! The page at `/`: version, links and the table of targets. It loads no resources and runs no scripts.

use crate::actors::ask_all::ask_all;
use crate::actors::pinger::Query;
use crate::actors::supervisor::{EntryQuery, EntryState, GetEntries, GetTargets, TargetPage, TargetRef};
use crate::build_info::{REVISION, VERSION};
use crate::format::escape::{Escaped, Medium};
use crate::format::table::Row;
use crate::format::time::iso_8601;
use crate::measure::PeriodStats;
use crate::resolve::LookupVerdict;
use crate::web::context::WebState;
use crate::web::respond::{ask, no_answer};
use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::Data;
use std::fmt;
use std::time::UNIX_EPOCH;

/// Maximum number of rows: browsers are slow with tables of a hundred thousand.
const MAX_ROWS: usize = 1000;

/// The Content-Security-Policy of every response. The hash is that of [`STYLE`].
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'sha256-KgXkKqXtHi/0od+0XNhYA3lHQw0MZqraGrbnQyPM+qw='; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:80em;padding:0 1em}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:.1em .7em;text-align:right}\
th{border-bottom:1px solid}th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}\
tr:hover td{background:#8882}";

/// Heading and meaning of each column; the second is shown when the pointer rests on the first.
const COLUMNS: [(&str, &str); 13] = [
    ("Target", "Address that is pinged"),
    ("Name", "Names that the target was added with, the first one first"),
    ("Sent", "Echo requests sent"),
    ("Replies", "Requests answered in time"),
    ("Errors", "Requests answered by an ICMP error, or refused by our own routing"),
    ("Out of date", "First replies that arrived after a newer request had been sent"),
    ("Loss", "Share of lost requests and errors in the settled requests"),
    ("Error share", "Share of errors in the settled requests"),
    ("Out-of-date share", "Share of out-of-date replies in replies and errors"),
    ("Average ms", "Average round-trip time in milliseconds"),
    ("Minimum ms", "Smallest round-trip time in milliseconds"),
    ("Maximum ms", "Largest round-trip time in milliseconds"),
    ("Last ms", "Round-trip time of the latest reply in milliseconds"),
];

/// Shown instead of a time while there are no replies.
const UNKNOWN: &str = "–";

/// Answers with the page, or with 503 when the supervisor or a pinger does not answer in time.
pub(crate) async fn show(state: Data<WebState>) -> HttpResponse {
    let request = GetTargets { limit: Some(MAX_ROWS), ..GetTargets::default() };
    let time_limit = state.limits.answer_timeout;
    let Some(TargetPage { targets: members, total }) = ask(&state.sources.targets, request, time_limit).await
    else {
        return no_answer();
    };
    let answers = tokio::time::timeout(time_limit, ask_all(members, Query::<PeriodStats>::new)).await;
    let Ok(answers) = answers else { return no_answer() };
    let Some(names) = ask(&state.sources.entries, GetEntries(EntryQuery::names()), time_limit).await else {
        return no_answer();
    };
    let row = |(target, stats): &(TargetRef, PeriodStats)| (names_of(target), Row::new(&target.key, stats));
    let rows = answers.iter().map(row).collect();
    let unresolved = names.into_iter().filter(|name| name.entry.targets == 0).collect();
    let page = IndexPage { rows, unresolved, total };
    HttpResponse::Ok().insert_header(ContentType::html()).body(page.to_string())
}

fn names_of(target: &TargetRef) -> String {
    if target.names.is_empty() { target.name.to_string() } else { target.names.join(", ") }
}

struct IndexPage {
    /// Names and statistics of each target on the page.
    rows: Vec<(String, Row)>,
    /// DNS names without a target.
    unresolved: Vec<EntryState>,
    /// Number of all targets.
    total: usize,
}

impl fmt::Display for IndexPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let targets = if self.total == 1 { "target" } else { "targets" };
        write!(f, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")?;
        write!(f, "<meta name=\"viewport\" content=\"width=device-width\">\n<title>meshping</title>\n")?;
        write!(f, "<style>{STYLE}</style>\n</head>\n<body>\n<h1>meshping</h1>\n")?;
        writeln!(f, "<p>Version {VERSION}, revision {REVISION}. {} {targets}.</p>", self.total)?;
        writeln!(f, "<p><a href=\"/metrics\">Metrics</a> for Prometheus, ")?;
        writeln!(f, "<a href=\"/-/healthy\">healthy</a>, <a href=\"/-/ready\">ready</a>.</p>")?;
        self.table(f)?;
        let more = self.total.saturating_sub(self.rows.len());
        if more > 0 {
            writeln!(f, "<p>And {more} more.</p>")?;
        }
        self.names(f)?;
        f.write_str("</body>\n</html>\n")
    }
}

impl IndexPage {
    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<table>\n<thead><tr>")?;
        COLUMNS
            .iter()
            .try_for_each(|(heading, meaning)| write!(f, "<th title=\"{meaning}\">{heading}</th>"))?;
        f.write_str("</tr></thead>\n<tbody>\n")?;
        self.rows.iter().try_for_each(|(name, row)| line(f, name, row))?;
        f.write_str("</tbody>\n</table>\n")
    }
}

impl IndexPage {
    /// The names that have no line in the table of targets.
    fn names(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.unresolved.is_empty() {
            return Ok(());
        }
        f.write_str("<h2>Names without an address</h2>\n<table>\n<thead><tr>")?;
        for heading in ["DNS name", "Name", "State", "Since (UTC)"] {
            write!(f, "<th>{heading}</th>")?;
        }
        f.write_str("</tr></thead>\n<tbody>\n")?;
        for EntryState { entry, lookups } in self.unresolved.iter().take(MAX_ROWS) {
            let since = lookups.and_then(|lookups| lookups.since.duration_since(UNIX_EPOCH).ok());
            let state = lookups.map_or("", |lookups| state(lookups.verdict));
            let since = since.map(iso_8601).unwrap_or_default();
            write!(f, "<tr><td>{}</td>", Escaped(Medium::Html, &entry.id.host.to_string()))?;
            write!(f, "<td>{}</td><td>{state}</td>", Escaped(Medium::Html, &entry.id.name))?;
            writeln!(f, "<td>{since}</td></tr>")?;
        }
        f.write_str("</tbody>\n</table>\n")?;
        match self.unresolved.len().saturating_sub(MAX_ROWS) {
            0 => Ok(()),
            more => writeln!(f, "<p>And {more} more.</p>"),
        }
    }
}

/// What the latest look-up of a name without a target has found.
const fn state(verdict: Option<LookupVerdict>) -> &'static str {
    match verdict {
        None => "waiting for the first answer",
        Some(LookupVerdict::Addresses) => "no address that is pinged",
        Some(LookupVerdict::NoName) => "does not exist",
        Some(LookupVerdict::NoAddress) => "has no address to ping",
        Some(LookupVerdict::ServersFail) => "the name servers fail",
        Some(LookupVerdict::EndlessAliases) => "its aliases lead nowhere",
        Some(LookupVerdict::Silent) => "no name server answers",
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, row: &Row) -> fmt::Result {
    write!(
        f,
        "<tr><td>{}</td><td>{}</td>",
        Escaped(Medium::Html, &row.address),
        Escaped(Medium::Html, name)
    )?;
    for number in [row.sent, row.replies, row.errors, row.out_of_date] {
        write!(f, "<td>{number}</td>")?;
    }
    for percentage in [row.loss_percent(), row.error_percent(), row.out_of_date_percent()] {
        write!(f, "<td>{percentage:.2}%</td>")?;
    }
    for millis in row.millis() {
        if row.replies == 0 {
            write!(f, "<td>{UNKNOWN}</td>")?;
        } else {
            write!(f, "<td>{millis:.2}</td>")?;
        }
    }
    f.write_str("</tr>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_states_the_number_of_targets_that_it_omits() {
        let rows = vec![("a name".to_owned(), Row { address: "10.0.0.1".into(), ..Row::default() })];
        let page = |total| IndexPage { rows: rows.clone(), total, unresolved: Vec::new() }.to_string();
        assert!(page(1).contains("1 target.") && !page(1).contains(" more."), "{}", page(1));
        assert!(page(1001).contains("1001 targets.") && page(1001).contains("And 1000 more."));
        assert!(page(1).contains("<td>10.0.0.1</td><td>a name</td><td>0</td>"));
    }

    #[test]
    fn every_column_has_a_heading_of_its_own_and_a_meaning() {
        let headings: std::collections::HashSet<&str> = COLUMNS.iter().map(|(heading, _)| *heading).collect();
        assert_eq!(headings.len(), COLUMNS.len());
        let page = IndexPage { rows: vec![("a".into(), Row::default())], total: 1, unresolved: Vec::new() }
            .to_string();
        assert_eq!(page.matches("<th title=\"").count(), COLUMNS.len());
        assert_eq!(page.matches("<td>").count(), COLUMNS.len());
    }

    #[test]
    fn times_are_unknown_until_there_is_a_reply() {
        let times = |row: Row| {
            let page =
                IndexPage { rows: vec![(String::new(), row)], total: 1, unresolved: Vec::new() }.to_string();
            let cells: Vec<String> =
                page.split("<td>").skip(10).map(|cell| cell.split('<').next().unwrap_or("").into()).collect();
            cells
        };
        assert_eq!(times(Row { sent: 9, lost: 9, ..Row::default() }), ["–"; 4]);
        let answered = Row { replies: 2, sum: 0.003, min: 0.001, max: 0.002, last: 0.002, ..Row::default() };
        assert_eq!(times(answered), ["1.50", "1.00", "2.00", "2.00"]);
    }

    #[test]
    fn names_cannot_add_markup() {
        let row = ("<b>\"'&\u{1b}".to_owned(), Row { address: "<i>".into(), ..Row::default() });
        let page = IndexPage { rows: vec![row], total: 1, unresolved: Vec::new() }.to_string();
        assert!(page.contains("<td>&lt;i&gt;</td><td>&lt;b&gt;&quot;&#39;&amp;\\u{1b}</td>"), "{page}");
    }
}
