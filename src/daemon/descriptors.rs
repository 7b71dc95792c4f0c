//! Whether the process may open as many files as the daemon needs. Runtime and signal handlers panic if they can't be
//! created, so this is checked before anything is opened.

use crate::config::Config;
use rustix::process::{Resource, getrlimit, setrlimit};

/// The limit of open files is too low.
#[derive(Debug, thiserror::Error)]
#[error(
    "{max} open files are too few, this configuration needs {needed}: raise the limit (ulimit -n 1024, or LimitNOFILE= of \
     the service)"
)]
pub struct TooFewDescriptors {
    max: u64,
    needed: u64,
}

/// The numbers of the descriptors that the process was started with.
pub(super) struct InheritedDescriptors(Vec<u64>);

impl InheritedDescriptors {
    /// Must be called before the daemon opens anything.
    pub(super) fn read() -> Self {
        let directories = ["/proc/self/fd", "/dev/fd"];
        let Some(entries) = directories.iter().find_map(|directory| std::fs::read_dir(directory).ok()) else {
            return Self(STANDARD_STREAMS.to_vec());
        };
        let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        let mut numbers: Vec<u64> = entries.flatten().filter_map(number).collect();
        // The last to be opened was the directory.
        numbers.sort_unstable();
        numbers.pop();
        Self(numbers)
    }

    /// Raises the soft limit of open files if it is too low for this configuration and number of shards.
    ///
    /// # Errors
    /// [`TooFewDescriptors`], if the hard limit is too low as well.
    pub(super) fn ensure(&self, config: &Config, shards: u16) -> Result<(), TooFewDescriptors> {
        let needed = |max: u64| needed(config, shards) + self.below(max);
        let mut limit = getrlimit(Resource::Nofile);
        // None is no limit.
        if limit.current.is_some_and(|soft| soft < needed(soft)) {
            limit.current = limit.maximum;
            if let Err(error) = setrlimit(Resource::Nofile, limit) {
                tracing::debug!(%error, "can't raise the limit of open files");
            }
        }
        match getrlimit(Resource::Nofile).current {
            Some(max) if max < needed(max) => Err(TooFewDescriptors { max, needed: needed(max) }),
            _ => Ok(()),
        }
    }

    /// How many take a number below a limit: others were opened before it was set, and take nothing from it.
    fn below(&self, max: u64) -> u64 {
        self.0.iter().filter(|number| **number < max).count() as u64
    }
}

/// What the daemon opens itself, as counted in a running one, and what it needs to be of use.
fn needed(config: &Config, shards: u16) -> u64 {
    let state = if config.state.is_some() { STATE } else { 0 };
    OWN + PER_SHARD * u64::from(shards) + PER_LISTENER * config.web.len() as u64 + state + FOR_OTHERS
}

/// Runtime, signals, control socket, HTTP server, watched files, console.
const OWN: u64 = 24;
/// Runtime, timer and sockets.
const PER_SHARD: u64 = 8;
const PER_LISTENER: u64 = 2;
/// Two databases with their journals, locks, and the directory.
const STATE: u64 = 16;
/// Connections, look-ups, and files that are read.
const FOR_OTHERS: u64 = 16;

const STANDARD_STREAMS: [u64; 3] = [0, 1, 2];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::StateConfig;

    #[test]
    fn more_of_everything_needs_more() {
        let small = Config { web: Vec::new(), ..Config::default() };
        let state = Some(StateConfig { directory: "x".into(), history_days: 3 });
        let cases = [
            (needed(&small, 1), 48),
            (needed(&Config::default(), 1), 50),
            (needed(&Config { web: vec![Config::WEB; 3], ..Config::default() }, 1), 54),
            (needed(&Config { state, ..Config::default() }, 4), 90),
        ];
        for (needed, expected) in cases {
            assert_eq!(needed, expected);
        }
    }

    #[test]
    fn open_files_count_below_the_limit() {
        let inherited = InheritedDescriptors(vec![0, 1, 2, 7, 300]);
        for (max, expected) in [(0, 0), (3, 3), (8, 4), (300, 4), (301, 5)] {
            assert_eq!(inherited.below(max), expected, "{max}");
        }
        assert!(InheritedDescriptors::read().below(3) == 3, "the standard streams are open");
    }

    #[test]
    fn the_text_says_what_to_do() {
        let text = TooFewDescriptors { max: 20, needed: 53 }.to_string();
        assert!(["20", "53", "ulimit -n", "LimitNOFILE="].iter().all(|word| text.contains(word)), "{text}");
    }
}
