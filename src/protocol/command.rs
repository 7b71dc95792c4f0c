//! Requests as clients write them.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A request as a client sends it. The daemon reads it with [`Request::parse`](super::Request::parse), which accepts more than this writes.
pub trait Command: Serialize + Sized {
    /// Value of the member `cmd`.
    const NAME: &'static str;
    /// The reply when the request succeeds; otherwise it is a [`StatusReply`](super::StatusReply).
    type Reply: DeserializeOwned;

    /// Whether the request ends a measurement period: its reply may be the only copy of the statistics, so that it
    /// must not be sent twice.
    fn resets(&self) -> bool {
        false
    }

    /// The request as compact JSON.
    fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Datagram<'a, C> {
            cmd: &'a str,
            #[serde(flatten)]
            members: &'a C,
        }
        // Requests consist of strings, numbers and flags, so writing one does not fail.
        serde_json::to_string(&Datagram { cmd: Self::NAME, members: self }).unwrap_or_default()
    }
}
