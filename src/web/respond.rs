//! Questions to actors within a time limit, and short responses.

use actix::prelude::*;
use actix_web::body::MessageBody;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, HttpResponseBuilder};
use std::time::Duration;

/// Asks an actor; `None` if it has ended or does not answer within the time limit.
pub(super) async fn ask<M>(actor: &Recipient<M>, message: M, time_limit: Duration) -> Option<M::Result>
where
    M: Message + Send,
    M::Result: Send,
{
    tokio::time::timeout(time_limit, actor.send(message)).await.ok()?.ok()
}

/// A response with a line of text.
pub(super) fn line(mut response: HttpResponseBuilder, text: impl MessageBody + 'static) -> HttpResponse {
    response.insert_header(ContentType::plaintext()).body(text)
}

/// The response when an actor does not answer.
pub(super) fn no_answer() -> HttpResponse {
    line(
        HttpResponse::ServiceUnavailable(),
        "The daemon does not answer; it is starting, ending or overloaded.\n",
    )
}
