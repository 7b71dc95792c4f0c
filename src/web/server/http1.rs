//! Serves the requests of a connection, one after the other: hyper reads and frames them, and the application answers.
//!
//! The dispatcher of actix-http parses pipelined requests ahead, and frames an earlier response by the method and version of
//! a later request; and it sends chunks to clients that speak HTTP/1.0.

use super::connection::Connection;
use crate::web::client::WebClient;
use crate::web::client::patience::PatienceLimits;
use crate::web::context::HttpLimits;
use actix_http::error::PayloadError;
use actix_http::{BoxedPayloadStream, Payload, Request};
use actix_service::boxed::RcService;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::ServiceResponse;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage, HttpResponse};
use futures_util::Stream;
use hyper::Version;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING};
use hyper::http;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::sync::watch;

/// The application: answers requests.
pub(super) type Application = RcService<Request, ServiceResponse<BoxBody>, Error>;

/// Maximum number of header fields of a request.
const MAX_FIELDS: usize = 96;
/// Maximum size of the head of a request in bytes, and of what is buffered of a response.
const MAX_HEAD: usize = 128 * 1024;

/// Serves a connection until it ends; `crowded` tells idle ones to make room for others.
pub(super) async fn serve(
    connection: Connection,
    application: Application,
    limits: &HttpLimits,
    crowded: watch::Receiver<bool>,
) {
    let client = Rc::clone(&connection.client);
    let answering = Rc::clone(&client);
    let service = service_fn(move |request| answer(request, Rc::clone(&answering), Rc::clone(&application)));
    let mut http = http1::Builder::new();
    let patience = PatienceLimits { idle: limits.idle_timeout, client: limits.client_timeout };
    // `client.patience` limits the time for a head.
    http.half_close(true).header_read_timeout(None);
    http.max_headers(MAX_FIELDS).max_header_size(MAX_HEAD).max_buf_size(MAX_HEAD);
    tokio::select! {
        ended = http.serve_connection(TokioIo::new(connection), service) => if let Err(error) = ended {
            tracing::debug!(%error, "connection ended");
        },
        () = client.delivery.ended() => tracing::debug!(peer = %client.peer.address, "connection of a slow reader reset"),
        () = client.patience.has_ended(&patience, crowded) => {}
    }
}

async fn answer(
    request: http::Request<Incoming>,
    client: Rc<WebClient>,
    application: Application,
) -> Result<http::Response<ResponseBody>, Infallible> {
    client.patience.begin_answer();
    let version = request.version();
    let response = match incoming(request, &client) {
        Some(request) => match application.call(request).await {
            Ok(response) => response.into_parts().1,
            Err(error) => error.error_response(),
        },
        None => HttpResponse::BadRequest().insert_header(("Connection", "close")).finish(),
    };
    Ok(outgoing(response, version, client))
}

/// The request as the application takes it: hyper and actix use different versions of the crate `http`. `None` if what is
/// valid in one is invalid in the other.
fn incoming(request: http::Request<Incoming>, client: &Rc<WebClient>) -> Option<Request> {
    let (head, body) = request.into_parts();
    let payload = if body.is_end_stream() {
        Payload::None
    } else {
        Payload::Stream { payload: Box::pin(RequestBody(body)) as BoxedPayloadStream }
    };
    let mut request = Request::with_payload(payload);
    request.extensions_mut().insert(Rc::clone(client));
    let target = request.head_mut();
    target.method = actix_http::Method::from_bytes(head.method.as_str().as_bytes()).ok()?;
    target.uri = head.uri.to_string().parse().ok()?;
    target.version = match head.version {
        Version::HTTP_10 => actix_http::Version::HTTP_10,
        _ => actix_http::Version::HTTP_11,
    };
    target.peer_addr = Some(client.peer.address);
    for (name, value) in &head.headers {
        let name = actix_http::header::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        target.headers.append(name, actix_http::header::HeaderValue::from_bytes(value.as_bytes()).ok()?);
    }
    Some(request)
}

/// The response as hyper takes it.
fn outgoing(response: HttpResponse, version: Version, client: Rc<WebClient>) -> http::Response<ResponseBody> {
    let (head, body) = response.into_parts();
    let size = body.size();
    let mut response = http::Response::new(ResponseBody { body, size, client });
    // The ranges of both types are the same.
    *response.status_mut() = http::StatusCode::from_u16(head.status().as_u16()).unwrap_or_default();
    *response.headers_mut() = headers(head.headers());
    let is_last = response.headers().contains_key(CONNECTION);
    if version == Version::HTTP_10 && (is_last || size == BodySize::Stream) {
        // HTTP/1.0 has no chunks: the end of the connection is the end of such a body. A response of this version makes
        // hyper close the connection.
        *response.version_mut() = Version::HTTP_10;
        response.headers_mut().remove(CONNECTION);
    }
    response
}

fn headers(fields: &actix_web::http::header::HeaderMap) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        // Valid in one version of the crate `http`, and so in the other.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes()))
            // hyper frames the body.
            && ![CONTENT_LENGTH, TRANSFER_ENCODING].contains(&name)
        {
            headers.append(name, value);
        }
    }
    headers
}

/// The body of a request, for the application.
struct RequestBody(Incoming);

impl Stream for RequestBody {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = match ready!(Pin::new(&mut self.0).poll_frame(task)) {
                Some(Ok(frame)) => frame.into_data(),
                Some(Err(error)) => return Poll::Ready(Some(Err(PayloadError::Io(io::Error::other(error))))),
                None => return Poll::Ready(None),
            };
            // Trailers have no use here.
            if let Ok(data) = frame {
                return Poll::Ready(Some(Ok(data)));
            }
        }
    }
}

/// The body of a response, for hyper.
struct ResponseBody {
    body: BoxBody,
    size: BodySize,
    client: Rc<WebClient>,
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let chunk = ready!(Pin::new(&mut self.body).poll_next(task));
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data).map_err(|error| error.to_string().into())))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.size, BodySize::None | BodySize::Sized(0))
    }

    fn size_hint(&self) -> SizeHint {
        match self.size {
            BodySize::None => SizeHint::with_exact(0),
            BodySize::Sized(length) => SizeHint::with_exact(length),
            BodySize::Stream => SizeHint::default(),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.client.patience.end_answer();
    }
}
