//! The search list: the full names that a name may stand for, and how their answers combine. Pure.

use super::FamilyAnswer;

/// The full names that a name may stand for, without the dot of the root, in the order in which to try them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidates {
    /// The full names.
    pub names: Vec<String>,
    /// Whether the first of them is the name itself.
    pub as_is_first: bool,
}

impl Candidates {
    /// A name with at least `ndots` dots is tried unchanged first, otherwise last (resolv.conf(5)). Names that end in a dot
    /// and special names (RFC 6761, RFC 7686) are not combined with the search list.
    pub(super) fn of(name: &str, search: &[String], ndots: usize, no_tld_query: bool) -> Self {
        let bare = name.strip_suffix('.').unwrap_or(name);
        let as_is_first = bare.len() < name.len() || is_special(bare) || dots(bare) >= ndots;
        let mut names = Vec::with_capacity(search.len() + 1);
        if as_is_first {
            names.push(bare.to_owned());
        }
        if bare.len() == name.len() && !is_special(bare) {
            names.extend(search.iter().map(|domain| format!("{bare}.{domain}")));
        }
        // `no-tld-query` of resolv.conf(5).
        let is_left_out = no_tld_query && dots(bare) == 0 && !names.is_empty();
        if !as_is_first && !is_left_out {
            names.push(bare.to_owned());
        }
        Self { names, as_is_first }
    }

    /// The combined answer of one family when no candidate has an address.
    ///
    /// `answers` has an answer for each candidate that was looked up. "Exists without an address" overrides "does not
    /// exist". A failure overrides both, because it must not count as "has no address"; but failures of search domains
    /// do not matter once the name itself has an answer.
    pub(super) fn verdict(&self, answers: &[FamilyAnswer]) -> FamilyAnswer {
        let decisive = if self.as_is_first { &answers[..answers.len().min(1)] } else { answers };
        if answers.contains(&FamilyAnswer::Silent) || answers.is_empty() {
            return FamilyAnswer::Silent;
        }
        for failure in [FamilyAnswer::Failed, FamilyAnswer::EndlessAliases] {
            if decisive.contains(&failure) {
                return failure;
            }
        }
        let no_data = answers.iter().find(|answer| matches!(answer, FamilyAnswer::NoData(_)));
        no_data.or(answers.first()).cloned().unwrap_or(FamilyAnswer::Silent)
    }
}

fn dots(name: &str) -> usize {
    name.bytes().filter(|&byte| byte == b'.').count()
}

/// What a special name stands for, without a question to a name server (RFC 6761, RFC 7686).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SpecialName {
    /// The loopback address.
    Localhost,
    /// Nothing.
    Nonexistent,
}

impl SpecialName {
    /// The meaning of a name without the dot of the root; `None` for an ordinary one.
    pub(super) fn of(name: &str) -> Option<Self> {
        let top = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        match top.as_str() {
            "localhost" => Some(Self::Localhost),
            "invalid" | "onion" => Some(Self::Nonexistent),
            _ => None,
        }
    }
}

fn is_special(name: &str) -> bool {
    SpecialName::of(name).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_search_list_applies_by_the_rules_of_resolv_conf() {
        let search = ["lan".to_owned(), "example.org".to_owned()];
        let cases: [(&str, usize, &[&str]); 9] = [
            ("router", 1, &["router.lan", "router.example.org", "router"]),
            ("router.", 1, &["router"]),
            ("router", 0, &["router", "router.lan", "router.example.org"]),
            ("a.b", 1, &["a.b", "a.b.lan", "a.b.example.org"]),
            ("a.b", 2, &["a.b.lan", "a.b.example.org", "a.b"]),
            ("localhost", 1, &["localhost"]),
            ("my.LocalHost", 5, &["my.LocalHost"]),
            ("a.invalid", 1, &["a.invalid"]),
            ("a.onion", 2, &["a.onion"]),
        ];
        for (name, ndots, expected) in cases {
            assert_eq!(Candidates::of(name, &search, ndots, false).names, expected, "{name} {ndots}");
        }
    }

    #[test]
    fn a_name_without_dots_is_not_tried_unchanged_with_no_tld_query() {
        let search = ["lan".to_owned()];
        let names = |name, ndots| Candidates::of(name, &search, ndots, true).names;
        assert_eq!(names("router", 1), ["router.lan"]);
        assert_eq!(names("a.b", 2), ["a.b.lan", "a.b"]);
        assert_eq!(names("router.", 1), ["router"]);
        assert_eq!(Candidates::of("router", &[], 1, true).names, ["router"], "nothing else is left");
    }

    #[test]
    fn the_answers_of_all_candidates_are_combined() {
        let ttl = Duration::from_secs(7);
        let (none, data, failed, silent) = (
            FamilyAnswer::NoName(ttl),
            FamilyAnswer::NoData(ttl),
            FamilyAnswer::Failed,
            FamilyAnswer::Silent,
        );
        let cases = [
            (false, vec![&none, &none], &none),
            (false, vec![&none, &data, &none], &data),
            (false, vec![&failed, &none], &failed),
            (false, vec![&data, &failed], &failed),
            (false, vec![&none, &silent], &silent),
            (false, vec![], &silent),
            (true, vec![&none, &failed], &none),
            (true, vec![&data, &none], &data),
            (true, vec![&none, &data, &failed], &data),
            (true, vec![&failed, &none], &failed),
            (true, vec![&none, &silent], &silent),
        ];
        for (as_is_first, answers, expected) in cases {
            let candidates = Candidates { names: Vec::new(), as_is_first };
            let answers: Vec<FamilyAnswer> = answers.into_iter().cloned().collect();
            assert_eq!(&candidates.verdict(&answers), expected, "{as_is_first} {answers:?}");
        }
    }
}
