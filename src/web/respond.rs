//! Asks actors in time, and makes short answers.

use actix::prelude::*;
use actix_web::body::MessageBody;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, HttpResponseBuilder};
use std::time::Duration;

/// Asks an actor; `None` when it has ended, or does not answer in time.
pub(super) async fn ask<M>(whom: &Recipient<M>, question: M, patience: Duration) -> Option<M::Result>
where
    M: Message + Send,
    M::Result: Send,
{
    tokio::time::timeout(patience, whom.send(question)).await.ok()?.ok()
}

/// A line of text.
pub(super) fn line(mut response: HttpResponseBuilder, text: impl MessageBody + 'static) -> HttpResponse {
    response.insert_header(ContentType::plaintext()).body(text)
}

/// The answer while the daemon does not answer us.
pub(super) fn no_answer() -> HttpResponse {
    line(
        HttpResponse::ServiceUnavailable(),
        "The daemon does not answer; it is starting, ending or overloaded.\n",
    )
}
