//! How long the server waits for the client of a connection.

use std::cell::Cell;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until};

/// How long the server waits.
pub(in crate::web) struct PatienceLimits {
    /// For the next request.
    pub idle: Duration,
    /// For the head of a request, and for the end of a closed connection.
    pub client: Duration,
}

/// What the server waits for, and since when.
pub(in crate::web) struct Patience {
    awaited: Cell<Awaited>,
    changed: Notify,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    /// The next request, of which nothing has arrived.
    Idle(Instant),
    /// The rest of the head of a request; also all of the first one.
    Head(Instant),
    /// An answer of ours, or that the client reads it: other limits apply.
    Answer,
    /// That the client closes the connection too.
    Close(Instant),
}

impl Default for Patience {
    fn default() -> Self {
        Self { awaited: Cell::new(Awaited::Head(Instant::now())), changed: Notify::new() }
    }
}

impl Patience {
    /// Bytes have arrived.
    pub(in crate::web) fn received(&self) {
        if matches!(self.awaited.get(), Awaited::Idle(_)) {
            self.enter(Awaited::Head(Instant::now()));
        }
    }

    /// The head of a request has arrived.
    pub(in crate::web) fn begin_answer(&self) {
        self.enter(Awaited::Answer);
    }

    /// The answer to a request is written.
    pub(in crate::web) fn end_answer(&self) {
        self.enter(Awaited::Idle(Instant::now()));
    }

    /// The server has closed its side of the connection.
    pub(in crate::web) fn begin_close(&self) {
        self.enter(Awaited::Close(Instant::now()));
    }

    /// Returns when the client has taken too long, or is idle while others need its connection (`crowded`).
    pub(in crate::web) async fn has_ended(
        &self,
        limits: &PatienceLimits,
        mut crowded: watch::Receiver<bool>,
    ) {
        loop {
            let awaited = self.awaited.get();
            let deadline = match awaited {
                Awaited::Idle(since) => Some(since + limits.idle),
                Awaited::Head(since) | Awaited::Close(since) => Some(since + limits.client),
                Awaited::Answer => None,
            };
            tokio::select! {
                () = self.changed.notified() => {}
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => return,
                Ok(_) = crowded.wait_for(|crowded| *crowded), if matches!(awaited, Awaited::Idle(_)) => return,
            }
        }
    }

    fn enter(&self, awaited: Awaited) {
        self.awaited.set(awaited);
        self.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    const LIMITS: PatienceLimits =
        PatienceLimits { idle: Duration::from_secs(75), client: Duration::from_secs(10) };

    /// What happens on a connection.
    type Act = fn(&Patience);

    /// Seconds after which the wait ends in each state, none for no end.
    #[tokio::test(start_paused = true)]
    async fn each_phase_has_its_limit() {
        let cases: [(&str, Act, Option<u64>); 6] = [
            ("the first head", |_| {}, Some(10)),
            ("the first head, of which a part has arrived", Patience::received, Some(10)),
            ("an answer", Patience::begin_answer, None),
            ("the next request", Patience::end_answer, Some(75)),
            (
                "the rest of the next request",
                |patience| {
                    patience.end_answer();
                    patience.received();
                },
                Some(10),
            ),
            ("the other side", Patience::begin_close, Some(10)),
        ];
        for (name, act, expected) in cases {
            let (_sender, crowded) = watch::channel(false);
            let patience = Patience::default();
            act(&patience);
            let start = Instant::now();
            let limit = Duration::from_secs(1000);
            let ended = tokio::time::timeout(limit, patience.has_ended(&LIMITS, crowded)).await;
            assert_eq!(ended.ok().map(|()| start.elapsed().as_secs()), expected, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_head_has_no_more_time_than_a_fast_one() {
        let (_sender, crowded) = watch::channel(false);
        let patience = Patience::default();
        let start = Instant::now();
        let drip = async {
            loop {
                advance(Duration::from_secs(1)).await;
                patience.received();
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            () = drip => {}
            () = patience.has_ended(&LIMITS, crowded) => {}
        }
        assert!(start.elapsed() <= Duration::from_secs(12), "{:?}", start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn only_idle_connections_make_room() {
        for (act, expected) in [
            (Patience::end_answer as Act, true),
            (Patience::begin_answer, false),
            (Patience::received, false),
        ] {
            let (sender, crowded) = watch::channel(false);
            let patience = Patience::default();
            act(&patience);
            sender.send_replace(true);
            let ended = tokio::time::timeout(Duration::ZERO, patience.has_ended(&LIMITS, crowded)).await;
            assert_eq!(ended.is_ok(), expected);
        }
    }
}
