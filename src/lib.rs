//! meshping pings any number of hosts at once and tells the truth about every one.
//!
//! # Architecture
//!
//! Imports point inwards, from the edges to what only computes; `tests/architecture.rs` holds that.
//!
//! | module | what it decides | what it leaves to others |
//! |---|---|---|
//! | [`target`] | what can be pinged: addresses, names, intervals, valid by type | |
//! | [`measure`] | what became of a request, what that adds up to, when the next one is due | clocks, sockets |
//! | [`protocol`] | the bytes of the control socket | what a command does |
//! | [`probe`] | how to ping: the port, the wire format, three engines | statistics |
//! | [`resolve`] | how to look names up, what a name stands for | who wants it |
//! | [`actors`] | the running state | how it is shown |
//! | [`control`], [`web`], [`cli`], [`state`] | the edges: UDP, HTTP, terminal, disk | everything else |
//! | [`config`], [`daemon`] | what is to run, and joining it | |
//!
//! Exactly one actor owns each number; everybody else gets snapshots.
//!
//! - The [supervisor](actors::supervisor) owns the [registry](actors::registry): which addresses are pinged, under
//!   which names, which DNS names are followed. It starts and ends the other actors, and replaces one that dies.
//! - A [pinger](actors::pinger) for each address owns its interval, phase, requests in flight, statistics, resets.
//! - A [resolver](actors::resolver) for each DNS name looks it up as its TTLs say, and tells the supervisor.
//! - The [control actor](control) turns datagrams into messages to these, and answers.
//! - The [reload actor](daemon) makes the configuration of the command line and the files, anew when they change, and has
//!   the supervisor take the steps that lead from the one before to it.
//! - The [state actor](state) goes round all pingers and keeps their books; each [wish](actors::registry::Wish) of the
//!   control socket is on disk before it is answered.
//! - [`web`] and the [table](cli::screen) ask the supervisor for its roster, and then [every pinger](actors::survey).
//!
//! Pingers live on a thread of their own with an [engine](probe::Engine). Nothing is sent between a pinger and its
//! engine as a message, and no task is woken for a ping: the engine calls the pinger's [listener](probe::Listener).
//! It tells it what has come, and rings when it is due: the pinger settles what timed out, hands over the next
//! request and sets the next alarm. A slot of alarms is one wake-up.
//!
//! # Invariants
//!
//! 1. `sent = recv + errs + lost + void + in flight`, for every target, at every moment.
//! 2. Sums over the periods between resets equal those of a run without resets.
//! 3. `min ≤ sum / recv ≤ max`, and the counts of a histogram add up to `recv`.
//! 4. Every request is settled exactly once, whatever arrives in whatever order.
//! 5. No input from outside panics, grows memory without bound, or holds up other targets.
//! 6. A target's actor, series, alarms and slots end with it.
//! 7. What was answered with `ok` is there after a restart, and no counter that was seen goes back.
//! 8. A configuration is applied whole or not at all, and who did not change does not notice.
//! 9. [`target`], [`measure`], [`protocol`] and [`probe::wire`] never read a clock and never do I/O.
//!
//! The first four are property tests (`tests/properties.rs`), the last is checked on the source text.

// New modules are pure until this list says otherwise; tests/architecture.rs has the pure places within these.
#![deny(clippy::disallowed_methods)]
#![warn(unreachable_pub)]

#[allow(clippy::disallowed_methods, reason = "actors read clocks and run tasks")]
pub mod actors;
pub mod build_info;
#[allow(clippy::disallowed_methods, reason = "reads files and the environment")]
pub mod config;
#[allow(clippy::disallowed_methods, reason = "serves the control socket")]
pub mod control;
#[allow(clippy::disallowed_methods, reason = "runs as a program of its own")]
pub mod ctl;
#[allow(clippy::disallowed_methods, reason = "joins the program")]
pub mod daemon;
pub mod format;
pub mod measure;
#[allow(clippy::disallowed_methods, reason = "pings")]
pub mod probe;
pub mod protocol;
#[allow(clippy::disallowed_methods, reason = "looks names up")]
pub mod resolve;
#[allow(clippy::disallowed_methods, reason = "writes to a terminal")]
pub mod screen;
#[allow(clippy::disallowed_methods, reason = "reads and writes databases")]
pub mod state;
pub mod target;
#[allow(clippy::disallowed_methods, reason = "writes to a terminal")]
pub mod terminal;
#[allow(clippy::disallowed_methods, reason = "serves HTTP")]
pub mod web;
