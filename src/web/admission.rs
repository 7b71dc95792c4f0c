//! What every request has to pass before it is answered, whatever it asks for, and what every response bears.

use super::State;
use super::auth::Verdict;
use super::protection::Rules;
use super::refusals::Refused;
use super::routes::line;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap, RETRY_AFTER, TRANSFER_ENCODING};
use actix_web::http::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse, HttpResponseBuilder};
use std::time::Instant;

/// A mark on requests: one of the users sends it.
pub struct User;

/// No request needs more.
const LONGEST_BODY: u64 = 4096;

/// Admits a request, or answers in its stead.
///
/// # Errors
/// Those of what it is passed on to.
pub async fn admit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    // Every application has one.
    let Some(state) = request.app_data::<Data<State>>().cloned() else {
        return Ok(request.into_response(HttpResponse::InternalServerError()).map_into_right_body());
    };
    let rules = state.protection.current();
    let mut response = match refuse(&request, &state, &rules).await {
        Some(refusal) => request.into_response(refusal).map_into_right_body(),
        None => next.call(request).await?.map_into_left_body(),
    };
    for (name, value) in &rules.headers {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    Ok(response)
}

async fn refuse(request: &ServiceRequest, state: &State, rules: &Rules) -> Option<HttpResponse> {
    if rules.rate.is_some_and(|rate| !state.bucket.take(rate, Instant::now())) {
        let hint = (RETRY_AFTER, "1");
        return Some(state.refuse(
            Refused::Rate,
            StatusCode::TOO_MANY_REQUESTS,
            hint,
            "Too many requests.\n",
        ));
    }
    if !is_short(request.headers()) {
        let text = "A body is at most 4096 bytes here, and says so with Content-Length.\n";
        let refusal = state.refuse(Refused::Body, StatusCode::PAYLOAD_TOO_LARGE, (RETRY_AFTER, "1"), text);
        return Some(refusal);
    }
    let users = rules.users.as_ref()?;
    let said = request.headers().get(AUTHORIZATION);
    match state.checker.check(users, said, state.limits.answer).await {
        Verdict::Admitted => {
            request.extensions_mut().insert(User);
            None
        }
        Verdict::Refused => {
            let hint = (WWW_AUTHENTICATE, "Basic realm=\"meshping\", charset=\"UTF-8\"");
            let text = "This takes a user and a password.\n";
            Some(state.refuse(Refused::Credentials, StatusCode::UNAUTHORIZED, hint, text))
        }
        Verdict::Busy => {
            let mut busy = HttpResponse::ServiceUnavailable();
            busy.insert_header((RETRY_AFTER, "1"));
            Some(line(busy, "Too many passwords to check.\n"))
        }
    }
}

fn is_short(headers: &HeaderMap) -> bool {
    let length = headers.get(CONTENT_LENGTH).map(|length| length.to_str().ok()?.parse::<u64>().ok());
    let is_short = length.is_none_or(|length| length.is_some_and(|length| length <= LONGEST_BODY));
    is_short && !headers.contains_key(TRANSFER_ENCODING)
}

impl State {
    /// Counts it, and answers.
    fn refuse(
        &self,
        reason: Refused,
        status: StatusCode,
        hint: (HeaderName, &'static str),
        text: &'static str,
    ) -> HttpResponse {
        self.refusals.count(reason);
        let mut response = HttpResponseBuilder::new(status);
        response.insert_header((hint.0, HeaderValue::from_static(hint.1)));
        if reason == Refused::Body {
            response.force_close();
        }
        line(response, text)
    }
}
