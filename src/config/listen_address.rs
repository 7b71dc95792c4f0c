//! An option that takes an address to listen on, or `off`.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// An address to listen on, or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListenAddress {
    /// `off`.
    Off,
    /// The address to listen on.
    On(SocketAddr),
}

impl ListenAddress {
    /// Parses `ADDRESS:PORT`, `:PORT` (at the address `everywhere`), an address without a port, `off`.
    ///
    /// # Errors
    /// [`BadListenAddress`] for anything else.
    pub fn parse(text: &str, everywhere: IpAddr, port: u16) -> Result<Self, BadListenAddress> {
        if text == "off" {
            return Ok(Self::Off);
        }
        if let Some(Ok(port)) = text.strip_prefix(':').map(str::parse) {
            return Ok(Self::On((everywhere, port).into()));
        }
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        let without_port = || bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, port));
        text.parse().or_else(|_| without_port()).map(Self::On).map_err(|_| BadListenAddress { port })
    }

    /// The address; `None` for `off`.
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::On(address) => Some(address),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::On(address) => address.fmt(f),
        }
    }
}

/// A text that is neither an address nor `off`.
#[derive(Debug, thiserror::Error)]
#[error("it takes an address with port like 127.0.0.1:{port} or [::1]:{port}, or \"off\"")]
pub struct BadListenAddress {
    port: u16,
}
