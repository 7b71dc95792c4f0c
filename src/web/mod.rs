//! The edge to browsers and Prometheus: a page for people, metrics, probes of health. Nothing can be changed here, but
//! that the configuration is read again.
//!
//! On its way to an answer a connection passes `server::connection` (TLS), each of its requests `guard` (rate, bodies,
//! users) and, to write, `security::csrf`. What is demanded stands in the file that `security::web_config` watches.

mod context;
mod guard;
pub mod metrics;
mod pages;
mod respond;
mod routes;
mod security;
mod server;

pub use context::{HttpLimits, StateSources, WebSources, WebStats};
pub use security::rejections::HttpRejection;
pub use security::web_config::{ConfigError, FileState, Protection};
pub use server::HttpServer;
pub use server::bind::{BindError, bind};

use actix_web::web;
use context::WebState;
use security::auth::PasswordChecker;
use security::rate_limit::TokenBucket;
use security::rejections::HttpRejections;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Serves on listeners that are bound already (see [`bind()`]), on a thread of its own.
///
/// # Errors
/// What the system says when it has no thread or no random numbers to give, or can't watch a listener.
pub async fn serve(
    listeners: Vec<TcpListener>,
    sources: WebSources,
    protection: Protection,
    limits: HttpLimits,
) -> io::Result<HttpServer> {
    let state = WebState {
        sources,
        limits,
        slots: Arc::new(Semaphore::new(limits.scrapes)),
        process: metrics::daemon::process(),
        protection,
        checker: PasswordChecker::new()?,
        bucket: TokenBucket::default(),
        refusals: HttpRejections::default(),
    };
    server::start(listeners, web::Data::new(state)).await
}
