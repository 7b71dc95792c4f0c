use super::*;
use std::fs;

/// A directory with files; `$` in words and in files stands for it.
struct TestDirectory(tempfile::TempDir);

impl TestDirectory {
    fn with(files: &[(&str, &str)]) -> Self {
        let directory = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            directory.write(name, text);
        }
        directory
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text.replace('$', &self.path())).unwrap();
    }

    fn path(&self) -> String {
        self.0.path().display().to_string()
    }

    fn start(&self, line: &str) -> Result<(Loader, LoadedConfig), String> {
        let words = line.replace('$', &self.path());
        let words = std::iter::once("meshping").chain(words.split_whitespace()).map(OsString::from);
        Loader::start(words, |_| Ok(())).map_err(|exit| exit.to_string().replace(&self.path(), "$"))
    }
}

fn targets(loaded_config: &LoadedConfig) -> Vec<String> {
    let text = |spec: &TargetSpec| {
        let interval = spec.options.interval.map(|interval| format!("/{}", interval.seconds()));
        format!("{}{}", spec.name, interval.unwrap_or_default())
    };
    loaded_config.config.targets.iter().map(text).collect()
}

#[test]
fn the_command_line_overrides_the_file_and_all_targets_are_pinged() {
    let directory = TestDirectory::with(&[
        (
            "m.toml",
            "interval = 5\ntimeout = 2\nfamily = \"ipv4\"\ntarget_files = \"*.json\"\n[[target]]\nhost = \"10.0.0.1\"\n",
        ),
        ("list", "10.0.0.2/3 two\n"),
        ("a.json", r#"[{"targets": ["10.0.0.3"]}]"#),
        ("b.json", r#"[{"targets": ["10.0.0.3/7", "10.0.0.4"]}]"#),
    ]);
    let (_, loaded_config) =
        directory.start("-t 3 -6 --config $/m.toml --targets $/list 10.0.0.9/2 10.0.0.1/4").unwrap();
    let config = &loaded_config.config;
    assert_eq!((config.interval.seconds(), config.timeout.get().as_secs()), (5.0, 3));
    assert!(config.families.v6 && !config.families.v4);
    assert_eq!(targets(&loaded_config), ["10.0.0.1/4", "two/3", "10.0.0.3/7", "10.0.0.4", "10.0.0.9/2"]);
    assert_eq!(loaded_config.repeated, 2);
}

#[test]
fn a_failed_start_reports_one_problem_and_the_check_reports_all() {
    let directory = TestDirectory::with(&[
        ("m.toml", "intervall = 5\ntimeout = 0\n"),
        ("good.toml", ""),
        ("b.json", "["),
    ]);
    let error = directory.start("--config $/m.toml").unwrap_err();
    assert!(error.starts_with("$/m.toml:1: unknown key") && error.contains("and 1 more"), "{error}");
    assert!(!error.contains('\n'), "{error}");
    let all = directory.start("--config $/m.toml --config.check").unwrap_err();
    assert_eq!(all.lines().count(), 2, "{all}");
    let good = directory.start("--config $/good.toml --config.check 10.0.0.1").unwrap_err();
    assert!(good.ends_with("the configuration is good, with 1 target\n"), "{good}");
    let broken = directory.start("--target-files $/*.json --config.check").unwrap_err();
    assert!(broken.starts_with("$/b.json: EOF"), "{broken}");
    let missing = directory.start("--config $/nowhere").unwrap_err();
    assert!(missing.starts_with("$/nowhere: can't be read: "), "{missing}");
    let many = directory.start("--config $/good.toml --max-targets 1 10.0.0.1 10.0.0.2").unwrap_err();
    assert!(many.starts_with("$/good.toml: 2 targets are more than 1"), "{many}");
}

#[test]
fn a_target_file_that_breaks_keeps_its_last_good_content_and_one_that_goes_does_not() {
    let directory = TestDirectory::with(&[
        ("a.json", r#"[{"targets": ["10.0.0.1"]}]"#),
        ("b.json", r#"[{"targets": ["10.0.0.2"]}]"#),
    ]);
    let (mut loader, loaded_config) = directory.start("--target-files $/*.json").unwrap();
    assert_eq!(targets(&loaded_config), ["10.0.0.1", "10.0.0.2"]);
    for half in ["", r#"[{"targets": ["10.0."#, r#"[{"targets": ["0.0.0.0"]}]"#] {
        directory.write("a.json", half);
        let loaded_config = loader.load().unwrap();
        assert_eq!(
            (targets(&loaded_config), loaded_config.broken.len()),
            (vec!["10.0.0.1".into(), "10.0.0.2".into()], 1)
        );
    }
    directory.write("a.json", r#"[{"targets": ["10.0.0.3"]}]"#);
    fs::remove_file(directory.0.path().join("b.json")).unwrap();
    let loaded_config = loader.load().unwrap();
    assert_eq!((targets(&loaded_config), loaded_config.broken.len()), (vec!["10.0.0.3".to_owned()], 0));
}

#[test]
fn a_wrong_entry_of_a_target_file_costs_no_other_target() {
    let group = |hosts: &str, label: &str| {
        format!(r#"{{"targets": [{hosts}], "labels": {{"__meshping_name": "n", "{label}": "5"}}}}"#)
    };
    let (good, bad) = (group("\"10.0.0.1\"", "site"), group("\"10.0.0.2\", \"10.0.0.3\"", "si-te"));
    let directory = TestDirectory::with(&[
        ("a.json", &format!("[{good}, {bad}]")),
        ("b.json", r#"[{"targets": ["10.0.0.4"], "labels": {"name": "x", "le": "1"}}]"#),
    ]);
    let (mut loader, first) = directory.start("--target-files $/*.json").unwrap();
    assert_eq!(
        (targets(&first), first.broken_files(), first.incomplete),
        (vec!["n".into(), "10.0.0.4".into()], 1, true)
    );
    let problem = first.broken[0].to_string();
    assert!(problem.contains("a.json: group 2: \"si-te\" can't be a label"), "{problem}");
    assert_eq!(first.reserved_labels.len(), 2);
    let text = "the label name of \"10.0.0.4\" is left out of meshping's own metrics, which use that name";
    assert_eq!(first.reserved_labels[0], text);

    directory.write("a.json", &format!("[{good}, {}]", bad.replace("si-te", "site")));
    let mended = loader.load().unwrap();
    assert_eq!((targets(&mended).len(), mended.broken_files(), mended.incomplete), (4, 0, false));
    // Broken again, the group keeps its targets, and the others follow the file.
    let new = group("\"10.0.0.9\"", "site");
    directory.write("a.json", &format!("[{new}, {bad}, {bad}]"));
    let again = loader.load().unwrap();
    let hosts: Vec<String> = again.config.targets.iter().map(|it| it.host.to_string()).collect();
    assert_eq!(hosts, ["10.0.0.9", "10.0.0.2", "10.0.0.3", "10.0.0.4"]);
    assert_eq!((again.broken.len(), again.broken_files(), again.incomplete), (2, 1, false));
}

#[test]
fn at_most_twenty_wrong_entries_of_a_file_are_listed() {
    let bad = vec![r#"{"targets": ["0.0.0.0"]}"#; 30].join(", ");
    let directory = TestDirectory::with(&[("a.json", &format!(r#"[{{"targets": ["::1"]}}, {bad}]"#))]);
    let (_, loaded_config) = directory.start("--target-files $/*.json").unwrap();
    assert_eq!((loaded_config.broken.len(), loaded_config.broken_files()), (21, 1));
    assert_eq!(loaded_config.broken[20].text, "10 more entries can't be used");
}

#[test]
fn a_pipe_among_the_target_files_is_reported_and_does_not_block() {
    let directory = TestDirectory::with(&[("a.json", r#"[{"targets": ["10.0.0.1"]}]"#)]);
    let made = std::process::Command::new("mkfifo").arg(directory.0.path().join("b.json")).status().unwrap();
    assert!(made.success());
    let (_, loaded_config) = directory.start("--target-files $/*.json").unwrap();
    assert_eq!((targets(&loaded_config), loaded_config.broken.len()), (vec!["10.0.0.1".to_owned()], 1));
    assert!(
        loaded_config.broken[0].text.contains("it is not a regular file") && loaded_config.incomplete,
        "{:?}",
        loaded_config.broken
    );
}

#[test]
fn paths_are_absolute() {
    let (_, loaded_config) = TestDirectory::with(&[]).start("--target-files somewhere/*.json").unwrap();
    assert!(loaded_config.watched.paths.iter().all(|file| file.is_absolute()), "{:?}", loaded_config.watched);
}

/// Whether the permissions of files do not concern this user.
fn reads_everything(path: &std::path::Path) -> bool {
    fs::read_dir(path).is_ok()
}

#[test]
fn what_can_not_be_read_keeps_its_last_good_content() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let directory = TestDirectory::with(&[]);
    let at = |name: &str| directory.0.path().join(name);
    fs::create_dir(at("d")).unwrap();
    directory.write("d/a.json", r#"[{"targets": ["10.0.0.1"]}]"#);
    directory.write("far.json", r#"[{"targets": ["10.0.0.2"]}]"#);
    symlink(at("far.json"), at("d/b.json")).unwrap();
    let (mut loader, first) = directory.start("--target-files $/d/*.json").unwrap();
    assert_eq!((targets(&first), first.broken.len()), (vec!["10.0.0.1".into(), "10.0.0.2".into()], 0));

    fs::rename(at("far.json"), at("away")).unwrap();
    let dangling = loader.load().unwrap();
    assert_eq!((targets(&dangling).len(), dangling.broken.len(), dangling.incomplete), (2, 1, true));
    assert!(dangling.broken[0].to_string().contains("d/b.json: can't be read: the target of the link"));
    fs::rename(at("away"), at("far.json")).unwrap();

    fs::rename(at("d"), at("other")).unwrap();
    symlink("d", at("d")).unwrap();
    let looping = loader.load().unwrap();
    assert_eq!((targets(&looping).len(), looping.watched.unreadable.len()), (2, 1), "{:?}", looping.broken);
    fs::remove_file(at("d")).unwrap();
    fs::rename(at("other"), at("d")).unwrap();
    assert_eq!(loader.load().unwrap().broken, []);

    fs::set_permissions(at("d"), fs::Permissions::from_mode(0o000)).unwrap();
    if !reads_everything(&at("d")) {
        let closed = loader.load().unwrap();
        assert_eq!((targets(&closed).len(), closed.broken.len(), closed.incomplete), (2, 1, true));
    }
    fs::set_permissions(at("d"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::remove_dir_all(at("d")).unwrap();
    let gone = loader.load().unwrap();
    assert_eq!(
        (targets(&gone).len(), gone.broken.len(), gone.incomplete),
        (0, 0, false),
        "a missing directory is known"
    );
}

#[test]
fn equal_options_are_shared() {
    let group = |host: &str| format!("{{\"targets\": [\"{host}\"], \"labels\": {{\"site\": \"b\"}}}}");
    let text = format!("[{}, {}]", group("10.0.0.1"), group("10.0.0.2"));
    let (_, loaded_config) =
        TestDirectory::with(&[("a.json", &text)]).start("--target-files $/a.json").unwrap();
    let options = |index: usize| loaded_config.config.targets[index].options.overrides.clone().unwrap();
    assert!(std::sync::Arc::ptr_eq(&options(0), &options(1)));
}

#[test]
fn the_hash_covers_the_content_of_files() {
    let directory = TestDirectory::with(&[("m.toml", "interval = 5")]);
    let (mut loader, first) = directory.start("--config $/m.toml").unwrap();
    assert_eq!(loader.load().unwrap().hash, first.hash);
    directory.write("m.toml", "interval = 6");
    assert_ne!(loader.load().unwrap().hash, first.hash);
    assert!(first.hash < 1 << 48);
}

#[test]
fn a_configuration_that_can_not_be_read_leaves_the_loader_as_it_was() {
    let directory =
        TestDirectory::with(&[("m.toml", "interval = 5"), ("a.json", r#"[{"targets": ["10.0.0.1"]}]"#)]);
    let (mut loader, _) = directory.start("--config $/m.toml --target-files $/a.json").unwrap();
    directory.write("m.toml", "interval = ");
    directory.write("a.json", "[");
    assert!(loader.load().is_err());
    directory.write("m.toml", "interval = 5");
    assert_eq!(targets(&loader.load().unwrap()), ["10.0.0.1"]);
}
