//! Which targets a command means: a name, an address, or both.

use super::lossy_arg::lossy_arg;
use crate::target::Address;
use serde_json::{Value, json};

/// Which targets are meant.
#[derive(Debug, clap::Args)]
pub(super) struct SelectorArgs {
    /// An address, or else a name.
    #[arg(conflicts_with_all = ["name", "addr"])]
    name_or_addr: Option<String>,

    /// The targets that are called so.
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, value_parser = lossy_arg())]
    name: Option<String>,

    /// The target with that address; or a DNS name, if it is followed.
    #[arg(long, value_name = "ADDR")]
    addr: Option<String>,
}

impl SelectorArgs {
    pub(super) fn is_absent(&self) -> bool {
        self.name_or_addr.is_none() && self.name.is_none() && self.addr.is_none()
    }

    /// `None` if nothing is given, or only empty texts.
    pub(super) fn request(&self, cmd: &str) -> Option<Value> {
        let mut request = json!({"cmd": cmd});
        let bare = self.name_or_addr.as_deref();
        let is_address = bare.is_some_and(|text| text.parse::<Address>().is_ok());
        let bare_as = if is_address { "addr" } else { "name" };
        let given = [(bare_as, bare), ("name", self.name.as_deref()), ("addr", self.addr.as_deref())];
        for (member, text) in given {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                request[member] = text.into();
            }
        }
        (request.get("name").is_some() || request.get("addr").is_some()).then_some(request)
    }
}

impl std::fmt::Display for SelectorArgs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let texts = [&self.name_or_addr, &self.name, &self.addr];
        let texts: Vec<&str> = texts.into_iter().flatten().map(String::as_str).collect();
        f.write_str(if texts.is_empty() { "all targets" } else { "" })?;
        f.write_str(&texts.join(", "))
    }
}
