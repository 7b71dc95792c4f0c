//! Checks every request before its handler runs, and adds the configured headers to every response.

use super::context::WebState;
use super::respond::line;
use super::security::auth::AuthVerdict;
use super::security::peer::Peer;
use super::security::rejections::HttpRejection;
use super::security::web_config::{ClientAuth, Policy};
use actix_http::ConnectionType;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, RETRY_AFTER, TRANSFER_ENCODING};
use actix_web::http::header::{HeaderName, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse, HttpResponseBuilder};
use std::sync::Arc;
use std::time::Instant;

/// Extension of a request whose user and password are right.
pub(super) struct User;

/// Maximum length of a request body in bytes; no request needs more.
const MAX_BODY_BYTES: u64 = 4096;

/// Passes a request on to its handler, or responds with the reason for its rejection.
///
/// # Errors
/// Those of the handler.
pub(super) async fn admit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    // Every application has this state.
    let Some(state) = request.app_data::<Data<WebState>>().cloned() else {
        return Ok(request.into_response(HttpResponse::InternalServerError()).map_into_right_body());
    };
    let policy = state.protection.current();
    let is_outdated =
        request.conn_data::<Arc<Policy>>().is_some_and(|accepted| !Arc::ptr_eq(accepted, &policy));
    let rejection = check(&request, &state, &policy).await.err();
    let mut response = match rejection {
        Some(reason) => {
            state.rejections.count(reason);
            request.into_response(rejection_response(reason)).map_into_right_body()
        }
        None => next.call(request).await?.map_into_left_body(),
    };
    if is_outdated || matches!(rejection, Some(HttpRejection::Body | HttpRejection::Connection)) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    for (name, value) in &policy.headers {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    Ok(response)
}

async fn check(request: &ServiceRequest, state: &WebState, policy: &Policy) -> Result<(), HttpRejection> {
    if policy.rate.is_some_and(|rate| !state.bucket.take(rate, Instant::now())) {
        return Err(HttpRejection::RateLimit);
    }
    if !is_short(request.headers()) {
        return Err(HttpRejection::Body);
    }
    if !request.conn_data::<Peer>().is_some_and(|peer| satisfies(*peer, policy)) {
        return Err(HttpRejection::Connection);
    }
    let Some(users) = &policy.users else { return Ok(()) };
    let authorization = request.headers().get(AUTHORIZATION);
    match state.checker.check(users, authorization, state.limits.answer_timeout).await {
        AuthVerdict::Admitted => {
            request.extensions_mut().insert(User);
            Ok(())
        }
        AuthVerdict::Rejected => Err(HttpRejection::Credentials),
        AuthVerdict::Busy => Err(HttpRejection::Busy),
    }
}

fn is_short(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).map(|length| length.to_str().ok()?.parse::<u64>().ok());
    let is_short = length.is_none_or(|length| length.is_some_and(|length| length <= MAX_BODY_BYTES));
    is_short && !headers.contains_key(TRANSFER_ENCODING)
}

/// Whether the connection meets the current policy; it may have been accepted under an earlier one.
fn satisfies(peer: Peer, policy: &Policy) -> bool {
    let Some(tls) = &policy.tls else { return true };
    peer.encrypted && (peer.certified || tls.clients != ClientAuth::RequireAndVerify)
}

fn rejection_response(reason: HttpRejection) -> HttpResponse {
    let retry: Option<(HeaderName, &str)> = Some((RETRY_AFTER, "1"));
    let challenge = Some((WWW_AUTHENTICATE, "Basic realm=\"meshping\", charset=\"UTF-8\""));
    let (status, header, text) = match reason {
        HttpRejection::RateLimit => {
            (StatusCode::TOO_MANY_REQUESTS, retry, "Too many requests; try again in a second.\n")
        }
        HttpRejection::Busy => {
            (StatusCode::SERVICE_UNAVAILABLE, retry, "Too many passwords to check; try again in a second.\n")
        }
        HttpRejection::Credentials => (StatusCode::UNAUTHORIZED, challenge, "User and password required.\n"),
        HttpRejection::Body => {
            let text = "The request body may have at most 4096 bytes and needs a Content-Length.\n";
            (StatusCode::PAYLOAD_TOO_LARGE, None, text)
        }
        HttpRejection::Connection | HttpRejection::Write => (
            StatusCode::FORBIDDEN,
            None,
            "TLS required, with a client certificate if the configuration demands one.\n",
        ),
    };
    let mut response = HttpResponseBuilder::new(status);
    if let Some(header) = header {
        response.insert_header(header);
    }
    line(response, text)
}
