//! The options of a target as arguments of `meshpingctl add`, made from their table.

use super::CtlError;
use crate::target::{LabelError, Labels, OptionError, OptionKey, TargetOptions, ValueKind};
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use serde_json::{Map, Value};

/// The options of a target that the command line sets.
#[derive(Debug)]
pub(super) struct OptionArgs {
    pub(super) options: TargetOptions,
    labels: Vec<(String, String)>,
}

const HEADING: &str = "Options of the target";

const LABEL: &str = "label";

/// The long argument of an option.
pub(super) fn argument(key: OptionKey) -> String {
    format!("--{}", long(key))
}

fn long(key: OptionKey) -> String {
    key.as_str().replace('_', "-")
}

fn arg(key: OptionKey) -> Arg {
    let row = key.row();
    let parser = move |text: &str| {
        TargetOptions::default().set(key, text).map(|()| text.to_owned()) as Result<_, OptionError>
    };
    let arg = Arg::new(row.name)
        .long(long(key))
        .value_name(row.placeholder)
        .help(format!("{} ({})", row.help, row.expected))
        .help_heading(HEADING)
        .value_parser(parser);
    let arg = row.short.into_iter().fold(arg, Arg::short);
    match row.kind {
        ValueKind::Number => arg.allow_negative_numbers(true),
        ValueKind::Bool => arg.num_args(0..=1).require_equals(true).default_missing_value("true"),
        ValueKind::Text => arg,
    }
}

impl clap::Args for OptionArgs {
    fn augment_args(command: Command) -> Command {
        let label_arg = Arg::new(LABEL)
            .long(LABEL)
            .value_name("NAME=VALUE")
            .help("Label of the target's series; may be repeated; replaces all labels of an existing target")
            .help_heading(HEADING)
            .action(ArgAction::Append)
            .value_parser(label);
        command.args(OptionKey::ALL.map(arg)).arg(label_arg)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for OptionArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut options = TargetOptions::default();
        for key in OptionKey::ALL {
            if let Some(text) = matches.get_one::<String>(key.as_str()) {
                // The parser of the argument has accepted it.
                let _ = options.set(key, text);
            }
        }
        let labels = matches.get_many(LABEL).map(|labels| labels.cloned().collect());
        Ok(Self { options, labels: labels.unwrap_or_default() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it takes a name and a value, like site=berlin")?;
    let checked: Result<Labels, LabelError> = Labels::new([(name, value)]);
    checked.map(|_| (name.to_owned(), value.to_owned())).map_err(|error| error.to_string())
}

impl OptionArgs {
    /// The members of an `add` request for these options, and for the earlier ones where none is set.
    ///
    /// # Errors
    /// [`CtlError::Labels`], if a label occurs twice.
    pub(super) fn members(&self, earlier: &TargetOptions) -> Result<Map<String, Value>, CtlError> {
        let options = self.options.merged_over(earlier);
        let member = |(key, text): (OptionKey, String)| (key.row().member.to_owned(), value(key, text));
        let mut members: Map<String, Value> = options.iter().map(member).collect();
        if !self.labels.is_empty() {
            Labels::new(self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
            let labels = self.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
            members.insert("labels".into(), Value::Object(labels.collect()));
        }
        Ok(members)
    }
}

/// The JSON value of an option's text.
fn value(key: OptionKey, text: String) -> Value {
    match key.row().kind {
        ValueKind::Text => text.into(),
        ValueKind::Number | ValueKind::Bool => serde_json::from_str(&text).unwrap_or_else(|_| text.into()),
    }
}
