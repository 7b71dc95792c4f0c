//! Points in time and spans of it as people read them.

use std::time::Duration;

/// A time since 1970 as ISO 8601 has it, in UTC and whole seconds: `2026-11-23T00:27:18Z`.
pub fn iso_8601(since_1970: Duration) -> String {
    let seconds = since_1970.as_secs();
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A span with its two largest units: `350 ms`, `12.3 s`, `3 min 20 s`, `5 h 0 min`, `17 d 4 h`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let two = |large: u64, unit: &str, small: u64, subunit: &str| {
        format!("{} {unit} {} {subunit}", seconds / large, seconds % large / small)
    };
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{:.1} s", duration.as_millis() as f64 / 1e3),
        60..3_600 => two(60, "min", 1, "s"),
        3_600..86_400 => two(3_600, "h", 60, "min"),
        _ => two(86_400, "d", 3_600, "h"),
    }
}

/// Year, month and day of the Gregorian calendar, so many days after the first of 1970.
fn date(days: u64) -> (u64, u64, u64) {
    // Eras of 400 years have the same days. With years that begin in March the leap day is the last of its year.
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        // As `date -u` has them.
        let cases = [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_700_000_000, "2023-11-14T22:13:20Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(iso_8601(Duration::from_millis(seconds * 1_000 + 999)), expected);
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut before = date(0);
        for day in 1..200_000 {
            let (year, month, of_month) = date(day);
            let next_day = (year, month) == (before.0, before.1) && of_month == before.2 + 1;
            let next_month = (year, month, of_month) == (before.0, before.1 + 1, 1);
            let next_year = (year, month, of_month) == (before.0 + 1, 1, 1) && before.1 == 12;
            assert!(next_day || (next_month && before.2 >= 28) || next_year, "{before:?}, then day {day}");
            before = (year, month, of_month);
        }
        assert_eq!(before, (2517, 7, 31));
    }

    #[test]
    fn spans_have_two_units_at_most() {
        let cases = [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1.0 s"),
            (59_940, "59.9 s"),
            (60_000, "1 min 0 s"),
            (3_599_999, "59 min 59 s"),
            (18_000_000, "5 h 0 min"),
            (1_483_200_000, "17 d 4 h"),
        ];
        for (millis, expected) in cases {
            assert_eq!(span(Duration::from_millis(millis)), expected);
        }
    }
}
