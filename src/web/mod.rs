//! The edge to browsers and Prometheus: a page with the table, metrics, and health checks. A reload of the configuration
//! is the only change that can be requested here.
//!
//! `server::connection` does TLS; `guard` checks rate, body and user of each request; `security::csrf` checks requests that
//! change something. Their settings come from the file that `security::web_config` watches.

mod client;
mod context;
mod framing;
mod guard;
pub mod metrics;
mod pages;
mod respond;
mod routes;
mod scrape_slots;
mod security;
mod server;

pub use context::{HttpLimits, StateSources, WebSources, WebStats};
pub use security::rejections::HttpRejection;
pub use security::web_config::{ConfigError, FileState, Protection};
pub use server::HttpServer;
pub use server::bind::{BindError, bind};

use actix_web::web;
use context::WebState;
use scrape_slots::ScrapeSlots;
use security::auth::PasswordChecker;
use security::rate_limit::TokenBucket;
use security::rejections::HttpRejections;
use std::io;
use std::net::TcpListener;

/// Serves on bound listeners (see [`bind()`]), on a thread of its own.
///
/// # Errors
/// The system's error when it cannot create a thread, provide random numbers, or watch a listener.
pub async fn serve(
    listeners: Vec<TcpListener>,
    sources: WebSources,
    protection: Protection,
    limits: HttpLimits,
) -> io::Result<HttpServer> {
    let state = WebState {
        sources,
        limits,
        scrape_slots: ScrapeSlots::new(limits.max_scrapes),
        process: metrics::daemon::process(),
        protection,
        checker: PasswordChecker::new()?,
        bucket: TokenBucket::default(),
        rejections: HttpRejections::default(),
    };
    server::start(listeners, web::Data::new(state)).await
}
