//! `POST /-/reload`: reads the configuration again, for clients that may change something.

use crate::actors::reload::Reload;
use crate::web::client::WebClient;
use crate::web::context::WebState;
use crate::web::guard::User;
use crate::web::respond::{ask, line, no_answer};
use crate::web::security::csrf::{self, WriteError, WriteRequest};
use crate::web::security::rejections::HttpRejection;
use actix_web::http::header::ALLOW;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use std::rc::Rc;

/// Reads the configuration again, and responds with the report or the error.
pub(crate) async fn run(request: HttpRequest, state: Data<WebState>) -> HttpResponse {
    if let Err(error) = may_write(&request) {
        state.rejections.count(HttpRejection::Write);
        tracing::debug!(peer = ?request.peer_addr(), %error, "reload rejected");
        return line(HttpResponse::Forbidden(), format!("{error}\n"));
    }
    let Some(reload) = &state.sources.reload else {
        return line(
            HttpResponse::NotImplemented(),
            "There is no configuration to read again; start meshping with --config.file.\n",
        );
    };
    tracing::info!(peer = ?request.peer_addr(), "reload requested over HTTP");
    match ask(reload, Reload, state.limits.reload_timeout).await {
        Some(Ok(report)) => line(HttpResponse::Ok(), report + "\n"),
        Some(Err(error)) => line(HttpResponse::InternalServerError(), error + "\n"),
        None => no_answer(),
    }
}

/// The response to methods other than POST.
pub(crate) async fn only_post() -> HttpResponse {
    let mut response = HttpResponse::MethodNotAllowed();
    response.insert_header((ALLOW, "POST"));
    line(response, "Only POST is allowed here.\n")
}

fn may_write(request: &HttpRequest) -> Result<(), WriteError> {
    let extensions = request.extensions();
    // Every request has a client.
    let peer = extensions.get::<Rc<WebClient>>().ok_or(WriteError::Unauthenticated)?.peer;
    let is_user = extensions.contains::<User>();
    csrf::check(&WriteRequest { peer, is_user, headers: request.headers() })
}
