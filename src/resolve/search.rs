//! The search list: which full names a name may mean, and what their answers mean together. Pure.

use super::FamilyAnswer;

/// The full names, without the root's dot, that a name may mean, in the order in which they are to be tried.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidates {
    /// The full names.
    pub names: Vec<String>,
    /// The first of them is the name as it was written.
    pub as_is_first: bool,
}

impl Candidates {
    /// A name with at least `ndots` dots is tried as it is first, else last (resolv.conf(5)). A name that ends in
    /// a dot, and those that never leave this host (RFC 6761, RFC 7686), are not searched for.
    pub(super) fn of(name: &str, search: &[String], ndots: usize) -> Self {
        let bare = name.strip_suffix('.').unwrap_or(name);
        let as_is_first = bare.len() < name.len() || is_special(bare) || dots(bare) >= ndots;
        let mut names = Vec::with_capacity(search.len() + 1);
        if as_is_first {
            names.push(bare.to_owned());
        }
        if bare.len() == name.len() && !is_special(bare) {
            names.extend(search.iter().map(|domain| format!("{bare}.{domain}")));
        }
        if !as_is_first {
            names.push(bare.to_owned());
        }
        Self { names, as_is_first }
    }

    /// What it means for one family that none of the first candidates has an address.
    ///
    /// `story` holds an answer for each candidate that was asked for. That a name exists beats that another does
    /// not. That we do not know beats both, or a moment's failure would count as "it has no address"; except
    /// that when the name as it is was answered for, failing search domains do not matter.
    pub(super) fn verdict(&self, story: &[FamilyAnswer]) -> FamilyAnswer {
        let heard = |answer: &FamilyAnswer| story.contains(answer);
        let decisive = if self.as_is_first { &story[..story.len().min(1)] } else { story };
        if heard(&FamilyAnswer::Silent) || story.is_empty() {
            return FamilyAnswer::Silent;
        }
        if decisive.contains(&FamilyAnswer::Failed) {
            return FamilyAnswer::Failed;
        }
        let no_data = story.iter().find(|answer| matches!(answer, FamilyAnswer::NoData(_)));
        no_data.or(story.first()).cloned().unwrap_or(FamilyAnswer::Silent)
    }
}

fn dots(name: &str) -> usize {
    name.bytes().filter(|&byte| byte == b'.').count()
}

fn is_special(name: &str) -> bool {
    let top = name.rsplit('.').next().unwrap_or_default();
    ["localhost", "invalid", "onion"].iter().any(|special| top.eq_ignore_ascii_case(special))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_search_list_applies_as_resolv_conf_says() {
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
            assert_eq!(Candidates::of(name, &search, ndots).names, expected, "{name} {ndots}");
        }
    }

    #[test]
    fn the_answers_of_all_candidates_make_one() {
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
        for (as_is_first, story, expected) in cases {
            let candidates = Candidates { names: Vec::new(), as_is_first };
            let story: Vec<FamilyAnswer> = story.into_iter().cloned().collect();
            assert_eq!(&candidates.verdict(&story), expected, "{as_is_first} {story:?}");
        }
    }
}
