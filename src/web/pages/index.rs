//! The page for people: what runs, and the table. It loads nothing and runs nothing.

use crate::actors::ask_all::ask_all;
use crate::actors::pinger::GetSummary;
use crate::actors::supervisor::{GetTargets, TargetPage, TargetRef};
use crate::build_info::{REVISION, VERSION};
use crate::format::escape::shown;
use crate::format::table::Row;
use crate::measure::PeriodStats;
use crate::web::context::WebState;
use crate::web::respond::{ask, no_answer};
use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use actix_web::web::Data;
use std::fmt::{self, Write};

/// So many rows, and no more: a browser is no place for a hundred thousand.
const MAX_ROWS: usize = 1000;

/// The Content-Security-Policy of everything that is served. The hash is that of [`STYLE`].
pub(crate) const POLICY: &str = "default-src 'none'; style-src 'sha256-KgXkKqXtHi/0od+0XNhYA3lHQw0MZqraGrbnQyPM+qw='; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:80em;padding:0 1em}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{padding:.1em .7em;text-align:right}\
th{border-bottom:1px solid}th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}\
tr:hover td{background:#8882}";

const COLUMNS: [&str; 13] = [
    "Target", "Name", "Sent", "Recv", "Errs", "Outd", "Loss", "Err", "Outd", "Avg ms", "Min ms", "Max ms",
    "Last ms",
];

/// The page.
pub(crate) async fn show(state: Data<WebState>) -> HttpResponse {
    let question = GetTargets { limit: Some(MAX_ROWS), ..GetTargets::default() };
    let patience = state.limits.answer;
    let Some(TargetPage { members, total }) = ask(&state.sources.roster, question, patience).await else {
        return no_answer();
    };
    let answers = tokio::time::timeout(patience, ask_all(members, || GetSummary)).await;
    let Ok(answers) = answers else { return no_answer() };
    let row = |(member, books): &(TargetRef, PeriodStats)| {
        (member.name.to_string(), Row::new(&member.address, books))
    };
    let rows = answers.iter().map(row).collect();
    HttpResponse::Ok().insert_header(ContentType::html()).body(IndexPage { rows, total }.to_string())
}

struct IndexPage {
    /// Names and books of the targets that are shown.
    rows: Vec<(String, Row)>,
    /// How many there are in all.
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
        f.write_str("</body>\n</html>\n")
    }
}

impl IndexPage {
    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<table>\n<thead><tr>")?;
        COLUMNS.iter().try_for_each(|column| write!(f, "<th>{column}</th>"))?;
        f.write_str("</tr></thead>\n<tbody>\n")?;
        self.rows.iter().try_for_each(|(name, row)| line(f, name, row))?;
        f.write_str("</tbody>\n</table>\n")
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, row: &Row) -> fmt::Result {
    write!(f, "<tr><td>{}</td><td>{}</td>", EscapedHtml(&row.address), EscapedHtml(name))?;
    for number in [row.sent, row.replies, row.errors, row.out_of_date] {
        write!(f, "<td>{number}</td>")?;
    }
    for percentage in [row.loss_percent(), row.error_percent(), row.out_of_date_percent()] {
        write!(f, "<td>{percentage:.2}%</td>")?;
    }
    for millis in row.millis() {
        write!(f, "<td>{millis:.2}</td>")?;
    }
    f.write_str("</tr>\n")
}

/// Text for HTML: markup becomes text, and what could turn the direction of writing is shown.
struct EscapedHtml<'a>(&'a str);

impl fmt::Display for EscapedHtml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in shown(self.0).chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_names_are_text_and_nothing_else() {
        let cases = [
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("\"' onmouseover='x", "&quot;&#39; onmouseover=&#39;x"),
            ("&lt;", "&amp;lt;"),
            ("\u{0}\u{1b}\n\u{202e}", "\\u{0}\\u{1b}\\n\\u{202e}"),
        ];
        for (text, expected) in cases {
            assert_eq!(EscapedHtml(text).to_string(), expected, "{text:?}");
        }
    }

    #[test]
    fn the_page_says_how_many_targets_it_leaves_out() {
        let rows = vec![("a name".to_owned(), Row { address: "10.0.0.1".into(), ..Row::default() })];
        let page = |total| IndexPage { rows: rows.clone(), total }.to_string();
        assert!(page(1).contains("1 target.") && !page(1).contains(" more."), "{}", page(1));
        assert!(page(1001).contains("1001 targets.") && page(1001).contains("And 1000 more."));
        assert!(page(1).contains("<td>10.0.0.1</td><td>a name</td><td>0</td>"));
    }
}
