//! Selects the targets of a subcommand: by a name, an address, or both.

use super::CtlError;
use super::lossy_arg::lossy_arg;
use crate::protocol::Selector;
use crate::target::TargetKey;

/// Selects targets.
#[derive(Debug, clap::Args)]
pub(super) struct SelectorArgs {
    /// An address, also with #VARIANT, or else a name.
    #[arg(conflicts_with_all = ["name", "addr"])]
    name_or_addr: Option<String>,

    /// The targets with that name.
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, value_parser = lossy_arg())]
    name: Option<String>,

    /// The targets with that address, or of a DNS name that is followed; ADDR#VARIANT for one of its variants.
    #[arg(long, value_name = "ADDR")]
    addr: Option<String>,
}

impl SelectorArgs {
    pub(super) const fn is_absent(&self) -> bool {
        self.name_or_addr.is_none() && self.name.is_none() && self.addr.is_none()
    }

    /// The selector of a request; an error if there is no argument, or only empty ones.
    pub(super) fn selector(&self) -> Result<Selector, CtlError> {
        let bare = self.name_or_addr.clone();
        let is_address = bare.as_ref().is_some_and(|text| text.parse::<TargetKey>().is_ok());
        let (bare_name, bare_addr) = if is_address { (None, bare) } else { (bare, None) };
        let not_empty = |text: Option<String>| text.filter(|text| !text.is_empty());
        let selector = Selector {
            name: not_empty(bare_name.or_else(|| self.name.clone())),
            addr: not_empty(bare_addr.or_else(|| self.addr.clone())),
        };
        if selector.is_all() {
            return Err(CtlError::Usage("give NAME_OR_ADDR, --name or --addr"));
        }
        Ok(selector)
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
