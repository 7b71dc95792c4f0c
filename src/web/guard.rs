//! What every request has to pass before it is answered, whatever it asks for, and what every response bears.

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

/// A mark on requests: one of the users sends it.
pub(super) struct User;

/// No request needs more.
const LONGEST_BODY: u64 = 4096;

/// Admits a request, or answers in its stead.
///
/// # Errors
/// Those of what it is passed on to.
pub(super) async fn admit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    // Every application has one.
    let Some(state) = request.app_data::<Data<WebState>>().cloned() else {
        return Ok(request.into_response(HttpResponse::InternalServerError()).map_into_right_body());
    };
    let rules = state.protection.current();
    let is_outdated = request.conn_data::<Arc<Policy>>().is_some_and(|then| !Arc::ptr_eq(then, &rules));
    let refused = check(&request, &state, &rules).await.err();
    let mut response = match refused {
        Some(refused) => {
            state.refusals.count(refused);
            request.into_response(refusal(refused)).map_into_right_body()
        }
        None => next.call(request).await?.map_into_left_body(),
    };
    if is_outdated || matches!(refused, Some(HttpRejection::ScrapeBody | HttpRejection::Connection)) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    for (name, value) in &rules.headers {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    Ok(response)
}

async fn check(request: &ServiceRequest, state: &WebState, rules: &Policy) -> Result<(), HttpRejection> {
    if rules.rate.is_some_and(|rate| !state.bucket.take(rate, Instant::now())) {
        return Err(HttpRejection::RateLimit);
    }
    if !is_short(request.headers()) {
        return Err(HttpRejection::ScrapeBody);
    }
    if !request.conn_data::<Peer>().is_some_and(|peer| satisfies(*peer, rules)) {
        return Err(HttpRejection::Connection);
    }
    let Some(users) = &rules.users else { return Ok(()) };
    let said = request.headers().get(AUTHORIZATION);
    match state.checker.check(users, said, state.limits.answer).await {
        AuthVerdict::Admitted => {
            request.extensions_mut().insert(User);
            Ok(())
        }
        AuthVerdict::HttpRejection => Err(HttpRejection::Credentials),
        AuthVerdict::Busy => Err(HttpRejection::Busy),
    }
}

fn is_short(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).map(|length| length.to_str().ok()?.parse::<u64>().ok());
    let is_short = length.is_none_or(|length| length.is_some_and(|length| length <= LONGEST_BODY));
    is_short && !headers.contains_key(TRANSFER_ENCODING)
}

/// Whether a connection is what is demanded now: it may be of a time when less was.
fn satisfies(peer: Peer, rules: &Policy) -> bool {
    let Some(tls) = &rules.tls else { return true };
    peer.encrypted && (peer.certified || tls.clients != ClientAuth::RequireAndVerify)
}

fn refusal(refused: HttpRejection) -> HttpResponse {
    let again: Option<(HeaderName, &str)> = Some((RETRY_AFTER, "1"));
    let challenge = Some((WWW_AUTHENTICATE, "Basic realm=\"meshping\", charset=\"UTF-8\""));
    let (status, header, text) = match refused {
        HttpRejection::RateLimit => (StatusCode::TOO_MANY_REQUESTS, again, "Too many requests.\n"),
        HttpRejection::Busy => (StatusCode::SERVICE_UNAVAILABLE, again, "Too many passwords to check.\n"),
        HttpRejection::Credentials => {
            (StatusCode::UNAUTHORIZED, challenge, "This takes a user and a password.\n")
        }
        HttpRejection::ScrapeBody => {
            let text = "A body has at most 4096 bytes here, and its Content-Length says how many.\n";
            (StatusCode::PAYLOAD_TOO_LARGE, None, text)
        }
        HttpRejection::Connection | HttpRejection::Write => {
            (StatusCode::FORBIDDEN, None, "This takes a connection with TLS, or with a certificate.\n")
        }
    };
    let mut response = HttpResponseBuilder::new(status);
    if let Some(header) = header {
        response.insert_header(header);
    }
    line(response, text)
}
