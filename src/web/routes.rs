//! The paths and their handlers.

use super::pages::{health, index, metrics, reload};
use super::respond::line;
use actix_web::http::header::ALLOW;
use actix_web::middleware::{Compress, DefaultHeaders};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, guard};

/// Adds all paths; all but `/-/reload` are read-only.
pub(super) fn add(app: &mut ServiceConfig) {
    app.service(path("/").route(web::get().to(index::show)).route(web::head().to(index::show)));
    app.service(
        path("/metrics").route(web::get().to(metrics::show)).route(web::head().to(metrics::describe)),
    );
    app.service(path("/-/healthy").route(reading().to(health::healthy)));
    app.service(path("/-/ready").route(reading().to(health::ready)));
    let reload = web::resource("/-/reload").route(web::post().to(reload::run));
    app.service(reload.default_service(web::to(reload::only_post)));
    app.default_service(web::to(unknown));
}

/// gzip for clients that accept it.
pub(super) fn compression() -> Compress {
    Compress::default()
}

/// Headers of every response: no page can load resources, run scripts, or be framed.
pub(super) fn headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add(("Content-Security-Policy", index::POLICY))
        .add(("X-Content-Type-Options", "nosniff"))
        .add(("Referrer-Policy", "no-referrer"))
        .add(("Cache-Control", "no-store"))
}

fn path(path: &str) -> Resource {
    web::resource(path).default_service(web::to(read_only))
}

fn reading() -> actix_web::Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

async fn unknown(request: HttpRequest) -> HttpResponse {
    // Only OPTIONS takes it, and asks about the server (RFC 9110, section 9.3.7).
    if request.path() == "*" {
        return HttpResponse::NoContent().insert_header((ALLOW, "GET, HEAD, POST")).finish();
    }
    let text = "No such path. Try one of: / /metrics /-/healthy /-/ready /-/reload\n";
    line(HttpResponse::NotFound(), text)
}

async fn read_only() -> HttpResponse {
    let mut response = HttpResponse::MethodNotAllowed();
    response.insert_header((ALLOW, "GET, HEAD"));
    line(response, "Only GET and HEAD are allowed here. To change targets, use meshpingctl.\n")
}
