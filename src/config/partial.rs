//! Options that any source may leave out: the command line and a file fill the same structure.

use clap::ArgMatches;
use clap::parser::ValueSource;

/// Declares a structure whose fields are all optional, from rows `"key" field: Option<Type> = one(parser);`, or
/// `Option<Vec<Type>> = list(parser)` for a list.
///
/// clap makes an argument of every field in `arguments`, from the attributes in the row. A configuration file can set
/// all fields, by their keys. Both use the row's parser: a function from `&str` to `Result<Type, String>`, whose error
/// completes "… is not usable, ".
macro_rules! partial_config {
    (
        $(#[$struct_meta:meta])*
        struct $name:ident {
            arguments { $($(#[$meta:meta])* $key:literal $field:ident: $type:ty = $read:ident($parse:expr);)* }
            others {
                $($(#[$other_meta:meta])* $other_key:literal $other:ident: $other_type:ty
                    = $other_read:ident($other_parse:expr);)*
            }
        }
    ) => {
        $(#[$struct_meta])*
        #[derive(Debug, Clone, Default, clap::Args)]
        pub(super) struct $name {
            $(
                #[arg(value_parser = $parse)]
                $(#[$meta])*
                pub(super) $field: $type,
            )*
            $(
                #[arg(skip)]
                $(#[$other_meta])*
                pub(super) $other: $other_type,
            )*
        }

        impl $name {
            /// The keys in configuration files.
            pub(super) const KEYS: &[&str] = &[$($key,)* $($other_key),*];

            /// Sets the option of a key to a value of a configuration file; returns whether there is such a key.
            ///
            /// # Errors
            /// The values that the option accepts, to be read after the key.
            pub(super) fn set(&mut self, key: &str, value: $crate::config::partial::FileValue) -> Result<bool, String> {
                match key {
                    $($key => self.$field = value.$read($parse)?,)*
                    $($other_key => self.$other = value.$other_read($other_parse)?,)*
                    _ => return Ok(false),
                }
                Ok(true)
            }

            /// These options, and those of a source of lower precedence where none is set.
            pub(super) fn merged_over(self, lower: Self) -> Self {
                Self {
                    $($field: self.$field.or(lower.$field),)*
                    $($other: self.$other.or(lower.$other),)*
                }
            }

            /// Unsets what clap has filled in with a default.
            pub(super) fn unset_defaults(&mut self, matches: &clap::ArgMatches) {
                $(if $crate::config::partial::is_default(matches, stringify!($field)) {
                    self.$field = None;
                })*
            }
        }
    };
}

pub(super) use partial_config;

/// Whether neither the command line nor the environment sets an argument.
pub(super) fn is_default(matches: &ArgMatches, argument: &str) -> bool {
    match matches.value_source(argument) {
        Some(ValueSource::CommandLine) => false,
        // Files of the service manager set a variable to nothing instead of unsetting it.
        Some(ValueSource::EnvVariable) => {
            matches.get_raw(argument).is_none_or(|mut values| values.all(std::ffi::OsStr::is_empty))
        }
        _ => true,
    }
}

/// A value of a configuration file, reduced to texts: numbers and truth values are as good as texts of them.
#[derive(Debug)]
pub(super) enum FileValue {
    /// A text, a number or a truth value.
    One(String),
    /// A list of those.
    List(Vec<String>),
    /// A table, a date, or a list with something else in it.
    Other,
}

impl FileValue {
    /// The value that the parser makes of one text.
    ///
    /// # Errors
    /// The values that the option accepts, to be read after the key.
    pub(super) fn one<T>(self, parse: fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
        match self {
            Self::One(text) => parse_one(&text, parse).map(Some),
            Self::List(_) | Self::Other => Err("takes text, a number, true or false".to_owned()),
        }
    }

    /// The values that the parser makes of each text; `None` for an empty list.
    ///
    /// # Errors
    /// The values that the option accepts, to be read after the key.
    pub(super) fn list<T>(self, parse: fn(&str) -> Result<T, String>) -> Result<Option<Vec<T>>, String> {
        let texts = match self {
            Self::One(text) => vec![text],
            Self::List(texts) => texts,
            Self::Other => return Err("takes text, or a list of texts".to_owned()),
        };
        let values: Vec<T> = texts.iter().map(|text| parse_one(text, parse)).collect::<Result<_, _>>()?;
        Ok(Some(values).filter(|values| !values.is_empty()))
    }
}

fn parse_one<T>(text: &str, parse: fn(&str) -> Result<T, String>) -> Result<T, String> {
    parse(text).map_err(|reason| format!("{text:?} is not usable, {reason}"))
}
