//! Checks every request before its handler runs, and adds the configured headers to every response.

use super::client::WebClient;
use super::context::WebState;
use super::framing::{self, RequestDefect};
use super::respond::line;
use super::security::auth::AuthVerdict;
use super::security::peer::Peer;
use super::security::rejections::HttpRejection;
use super::security::web_config::{ClientAuth, Policy};
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderValue};
use actix_web::http::header::{HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse, HttpResponseBuilder};
use futures_util::StreamExt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// Extension of a request whose user and password are right.
pub(super) struct User;

/// Maximum length of a request body in bytes; no request needs more.
const MAX_BODY_BYTES: usize = 4096;

/// Passes a request on to its handler, or responds with the reason for its rejection.
///
/// # Errors
/// Those of the handler.
pub(super) async fn admit<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    // Every application has this state, and every request this extension.
    let state = request.app_data::<Data<WebState>>().cloned();
    let client = request.extensions().get::<Rc<WebClient>>().cloned();
    let (Some(state), Some(client)) = (state, client) else {
        return Ok(request.into_response(HttpResponse::InternalServerError()).map_into_right_body());
    };
    let policy = state.protection.current();
    let mut is_last = !Arc::ptr_eq(&client.policy, &policy);
    let mut response = match check(&mut request, &client, &state, &policy).await {
        Ok(()) => next.call(request).await?.map_into_left_body(),
        Err(rejection) => {
            // What follows a body that is not read could be anything.
            is_last |= rejection.ends_connection() || !matches!(request.take_payload(), Payload::None);
            request.into_response(rejection_response(rejection, &state)).map_into_right_body()
        }
    };
    if is_last {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    for (name, value) in &policy.headers {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    Ok(response)
}

/// Why a request gets no further.
#[derive(Clone, Copy)]
enum Rejection {
    /// By the protection.
    Counted(HttpRejection),
    /// It is invalid.
    Invalid(RequestDefect),
}

impl Rejection {
    fn ends_connection(self) -> bool {
        matches!(self, Self::Invalid(_) | Self::Counted(HttpRejection::Body | HttpRejection::Connection))
    }
}

impl From<HttpRejection> for Rejection {
    fn from(rejection: HttpRejection) -> Self {
        Self::Counted(rejection)
    }
}

impl From<RequestDefect> for Rejection {
    fn from(defect: RequestDefect) -> Self {
        Self::Invalid(defect)
    }
}

async fn check(
    request: &mut ServiceRequest,
    client: &WebClient,
    state: &WebState,
    policy: &Policy,
) -> Result<(), Rejection> {
    if policy.rate.is_some_and(|rate| !state.bucket.take(rate, Instant::now())) {
        return Err(HttpRejection::RateLimit.into());
    }
    if let Some(host) = framing::check(request.head())? {
        request.headers_mut().insert(HOST, host);
    }
    if !is_short(request.headers()) {
        return Err(HttpRejection::Body.into());
    }
    if !satisfies(client.peer, policy) {
        return Err(HttpRejection::Connection.into());
    }
    if let Some(users) = &policy.users {
        let authorization = request.headers().get(AUTHORIZATION);
        match state.checker.check(users, authorization, state.limits.answer_timeout).await {
            AuthVerdict::Admitted => drop(request.extensions_mut().insert(User)),
            AuthVerdict::Rejected => return Err(HttpRejection::Credentials.into()),
            AuthVerdict::Busy => return Err(HttpRejection::Busy.into()),
        }
    }
    let body = discard(request.take_payload());
    tokio::time::timeout(state.limits.client_timeout, body)
        .await
        .unwrap_or(Err(RequestDefect::Timeout.into()))
}

/// Whether the request body is not too long, as far as its head tells.
fn is_short(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).map(|length| length.to_str().ok()?.parse::<usize>().ok());
    length.is_none_or(|length| length.is_some_and(|length| length <= MAX_BODY_BYTES))
}

/// Reads the body of a request, which nothing here needs, up to the next request.
async fn discard(mut body: Payload) -> Result<(), Rejection> {
    let mut length = 0;
    while let Some(data) = body.next().await {
        length += data.map_err(|_| RequestDefect::Body)?.len();
        if length > MAX_BODY_BYTES {
            return Err(HttpRejection::Body.into());
        }
    }
    Ok(())
}

/// Whether the connection meets the current policy; it may have been accepted under an earlier one.
fn satisfies(peer: Peer, policy: &Policy) -> bool {
    let Some(tls) = &policy.tls else { return true };
    peer.encrypted && (peer.certified || tls.clients != ClientAuth::RequireAndVerify)
}

fn rejection_response(rejection: Rejection, state: &WebState) -> HttpResponse {
    let reason = match rejection {
        Rejection::Counted(reason) => reason,
        Rejection::Invalid(defect) => {
            let (status, text) = defect.response();
            return line(HttpResponseBuilder::new(status), text);
        }
    };
    state.rejections.count(reason);
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
            (StatusCode::PAYLOAD_TOO_LARGE, None, "The request body may have at most 4096 bytes.\n")
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
