//! How a target is to be pinged, as `meshpingctl add` takes it and `export` writes it.

use super::CtlError;
use crate::target::{LabelError, Labels, OptionError, OptionKey, TargetOptions};
use serde_json::{Map, Value};

/// The options of a target, its interval apart; what is not given stays as it is.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How to ping it")]
pub(super) struct OptionArgs {
    /// After this a request is lost: 0.05 to 60.
    #[arg(short, long, value_name = "SECONDS", value_parser = taken(OptionKey::Timeout), allow_negative_numbers = true)]
    timeout: Option<String>,

    /// Bytes after the ICMP header, 16 to 65507; 56 by default.
    #[arg(long, value_name = "BYTES", value_parser = taken(OptionKey::Size), allow_negative_numbers = true)]
    size: Option<String>,

    /// Differentiated services codepoint: 0 to 63, or a name like EF, AF41, CS5.
    #[arg(long, value_name = "CODEPOINT", value_parser = taken(OptionKey::Dscp), allow_negative_numbers = true)]
    dscp: Option<String>,

    /// Time to live, or hop limit: 1 to 255.
    #[arg(long, value_name = "HOPS", value_parser = taken(OptionKey::Ttl), allow_negative_numbers = true)]
    ttl: Option<String>,

    /// Send from this address of the machine.
    #[arg(long, value_name = "ADDR", value_parser = taken(OptionKey::Source))]
    source: Option<String>,

    /// Send by this interface.
    #[arg(long, value_name = "NAME", value_parser = taken(OptionKey::Interface))]
    interface: Option<String>,

    /// Never fragment its requests; or, with =false, let routers do it too.
    #[arg(long, value_name = "BOOL", value_parser = taken(OptionKey::DontFragment))]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    dont_fragment: Option<String>,

    /// Of a DNS name only the addresses of this family: ipv4 or ipv6.
    #[arg(long, value_name = "FAMILY", value_parser = taken(OptionKey::Family))]
    family: Option<String>,

    /// A label for its series; can be given several times. All labels that it had are replaced.
    #[arg(long = "label", value_name = "NAME=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
}

/// The argument by which an option is given.
pub(super) fn argument(key: OptionKey) -> String {
    format!("--{}", key.as_str().replace('_', "-"))
}

/// Takes the texts that are values of an option.
fn taken(key: OptionKey) -> impl Fn(&str) -> Result<String, OptionError> + Clone {
    move |text| TargetOptions::default().set(key, text).map(|()| text.trim().to_owned())
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it takes a name and a value, like site=berlin")?;
    let checked: Result<Labels, LabelError> = Labels::new([(name, value)]);
    checked.map(|_| (name.to_owned(), value.to_owned())).map_err(|error| error.to_string())
}

impl OptionArgs {
    /// The members that a request has for them.
    pub(super) fn members(&self) -> Result<Map<String, Value>, CtlError> {
        let given = [
            (OptionKey::Timeout, &self.timeout),
            (OptionKey::Size, &self.size),
            (OptionKey::Dscp, &self.dscp),
            (OptionKey::Ttl, &self.ttl),
            (OptionKey::Source, &self.source),
            (OptionKey::Interface, &self.interface),
            (OptionKey::DontFragment, &self.dont_fragment),
            (OptionKey::Family, &self.family),
        ];
        let member = |(key, text): (OptionKey, &Option<String>)| {
            Some((key.as_str().to_owned(), value(text.as_deref()?)))
        };
        let mut members: Map<String, Value> = given.into_iter().filter_map(member).collect();
        if !self.labels.is_empty() {
            Labels::new(self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
            let labels = self.labels.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
            members.insert("labels".into(), Value::Object(labels.collect()));
        }
        Ok(members)
    }
}

/// A number or a truth value where that is what the text is.
fn value(text: &str) -> Value {
    let value = serde_json::from_str(text).ok();
    value.filter(|value: &Value| value.is_number() || value.is_boolean()).unwrap_or_else(|| text.into())
}
