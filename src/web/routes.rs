//! Which path is answered how.

use super::{State, page, reload, scrape};
use crate::actors::supervisor::{GetStatus, Status};
use actix::prelude::*;
use actix_web::body::MessageBody;
use actix_web::http::header::{ALLOW, ContentType};
use actix_web::middleware::{Compress, DefaultHeaders};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpResponse, HttpResponseBuilder, Resource, guard};
use std::time::Duration;

/// Adds every path that there is, each but one for reading only.
pub fn add(app: &mut ServiceConfig) {
    app.service(path("/").route(web::get().to(page::show)).route(web::head().to(page::show)));
    app.service(path("/metrics").route(web::get().to(scrape::show)).route(web::head().to(scrape::describe)));
    app.service(path("/-/healthy").route(reading().to(healthy)));
    app.service(path("/-/ready").route(reading().to(ready)));
    let again = web::resource("/-/reload").route(web::post().to(reload::run));
    app.service(again.default_service(web::to(reload::only_post)));
    app.default_service(web::to(unknown));
}

/// gzip for those who accept it.
pub fn compression() -> Compress {
    Compress::default()
}

/// What every answer bears: whatever gets into a page, it loads nothing, runs nothing, is framed by nobody.
pub fn headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add(("Content-Security-Policy", page::POLICY))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("Referrer-Policy", "no-referrer"))
        .add(("Cache-Control", "no-store"))
}

/// Asks an actor; `None` when it has ended, or does not answer in time.
pub async fn ask<M>(whom: &Recipient<M>, question: M, patience: Duration) -> Option<M::Result>
where
    M: Message + Send,
    M::Result: Send,
{
    tokio::time::timeout(patience, whom.send(question)).await.ok()?.ok()
}

/// A line of text.
pub fn line(mut response: HttpResponseBuilder, text: impl MessageBody + 'static) -> HttpResponse {
    response.insert_header(ContentType::plaintext()).body(text)
}

/// The answer while the daemon does not answer us.
pub fn no_answer() -> HttpResponse {
    line(
        HttpResponse::ServiceUnavailable(),
        "The daemon does not answer; it is starting, ending or overloaded.\n",
    )
}

fn path(path: &str) -> Resource {
    web::resource(path).default_service(web::to(read_only))
}

fn reading() -> actix_web::Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn healthy() -> HttpResponse {
    line(HttpResponse::Ok(), "meshping is healthy.\n")
}

async fn ready(state: Data<State>) -> HttpResponse {
    match ask(&state.sources.status, GetStatus, state.limits.answer).await {
        Some(Status { ready: true, .. }) => line(HttpResponse::Ok(), "meshping is ready.\n"),
        Some(_) => line(HttpResponse::ServiceUnavailable(), "meshping is starting.\n"),
        None => no_answer(),
    }
}

async fn unknown() -> HttpResponse {
    let text = "There is nothing here. Try one of: / /metrics /-/healthy /-/ready /-/reload\n";
    line(HttpResponse::NotFound(), text)
}

async fn read_only() -> HttpResponse {
    let mut response = HttpResponse::MethodNotAllowed();
    response.insert_header((ALLOW, "GET, HEAD"));
    line(response, "This can only be read, with GET or HEAD. Targets are changed with meshpingctl.\n")
}
