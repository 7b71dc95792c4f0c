//! The result of `--config.check`.

use super::LoadedConfig;
use crate::config::early_exit::EarlyExit;
use std::os::unix::fs::MetadataExt;

/// Root reads every file, the service's user does not.
const ROOT_NOTE: &str =
    "note: checked as root; the user of the service may not be allowed to read all of these files\n";

/// Whether the process is root's. Its directory in /proc has the effective user.
fn runs_as_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

/// Maximum number of conflicts that `--config.check` lists.
const MAX_WARNINGS: usize = 100;

/// The result of `--config.check`, if all files can be read.
pub(super) fn result(loaded_config: &LoadedConfig, further: Result<(), String>) -> EarlyExit {
    let broken = loaded_config.broken.iter().map(ToString::to_string);
    let problems: Vec<String> = broken.chain(further.err()).collect();
    if !problems.is_empty() {
        return EarlyExit::Problems(problems);
    }
    let repeated = match loaded_config.repeated {
        0 => String::new(),
        repeated => format!(", {repeated} of them more than once"),
    };
    let targets = match loaded_config.config.target_count() {
        1 => "1 target".to_owned(),
        targets => format!("{targets} targets"),
    };
    let conflicts = &loaded_config.conflicts;
    let mut warnings: Vec<String> =
        conflicts.iter().take(MAX_WARNINGS).map(|conflict| format!("warning: {conflict}\n")).collect();
    if conflicts.len() > MAX_WARNINGS {
        warnings.push(format!("warning: and {} more\n", conflicts.len() - MAX_WARNINGS));
    }
    warnings.extend(loaded_config.reserved_labels.iter().map(|text| format!("warning: {text}\n")));
    let warnings = warnings.concat();
    let note = if loaded_config.watched.paths.is_empty() || !runs_as_root() { "" } else { ROOT_NOTE };
    EarlyExit::Asked(format!("{warnings}{note}the configuration is good, with {targets}{repeated}\n"))
}
