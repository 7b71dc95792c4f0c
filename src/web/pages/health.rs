//! `/-/healthy` and `/-/ready`.

use crate::actors::supervisor::{GetStatus, Status};
use crate::web::context::WebState;
use crate::web::respond::{ask, line, no_answer};
use actix_web::HttpResponse;
use actix_web::web::Data;

pub(in crate::web) async fn healthy() -> HttpResponse {
    line(HttpResponse::Ok(), "meshping is healthy.\n")
}

pub(in crate::web) async fn ready(state: Data<WebState>) -> HttpResponse {
    match ask(&state.sources.status, GetStatus, state.limits.answer_timeout).await {
        Some(Status { ready: true, .. }) => line(HttpResponse::Ok(), "meshping is ready.\n"),
        Some(_) => line(HttpResponse::ServiceUnavailable(), "meshping is starting.\n"),
        None => no_answer(),
    }
}
