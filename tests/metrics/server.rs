//! Connections: when they arrive, and how many there may be.

use crate::fake::{Fake, sources, start};
use crate::http::{DEADLINE, get};
use actix::clock::timeout;
use futures_util::future::join_all;
use futures_util::stream::{FuturesUnordered, StreamExt};
use meshping::web::HttpLimits;
use meshping::web::{Protection, serve};
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[actix::test]
async fn every_connection_is_answered_whenever_it_arrives() {
    let (server, handle) = start(Fake::new(Vec::new()), HttpLimits::default()).await;
    for round in 0..200_u64 {
        // Others arrive while the first one ends, later in each round.
        let others = (0..5).map(|other| async move {
            tokio::time::sleep(Duration::from_micros(round * 10 * other)).await;
            get(server, "/-/healthy").await.status
        });
        assert_eq!(join_all(others).await, [200; 5], "round {round}");
    }
    handle.stop();
}

/// A client that has been answered, and so accepted, and then stays silent.
async fn idle(server: SocketAddr) -> std::net::TcpStream {
    let mut stream = TcpStream::connect(server).await.expect("the server listens");
    stream.write_all(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("it reads");
    let mut answer = Vec::new();
    while !answer.ends_with(b"healthy.\n") {
        let read =
            timeout(DEADLINE, stream.read_buf(&mut answer)).await.expect("in time").expect("it answers");
        assert!(read > 0, "no whole answer");
    }
    stream.into_std().expect("it is a socket")
}

#[actix::test]
async fn connections_over_the_limit_wait() {
    let limits = HttpLimits { max_connections: 2, ..HttpLimits::default() };
    let (server, handle) = start(Fake::new(Vec::new()), limits).await;
    // Idle connections make room for others.
    let idle = [idle(server).await, idle(server).await];
    let has_ended = |mut stream: &std::net::TcpStream| matches!(stream.read(&mut [0]), Ok(0));
    let mut waiting: FuturesUnordered<_> = (0..20).map(|_| get(server, "/-/healthy")).collect();
    let first = waiting.next().await.expect("twenty of them");
    assert!(idle.iter().any(has_ended), "the third was answered while the server kept two");
    assert_eq!(first.status, 200);
    while let Some(answer) = waiting.next().await {
        assert_eq!(answer.status, 200);
    }
    handle.stop();
}

#[actix::test]
async fn the_start_fails_with_a_listener_that_cannot_be_watched() {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open("/dev/null");
    let listener = TcpListener::from(OwnedFd::from(file.expect("it is everywhere")));
    let started =
        serve(vec![listener], sources(Fake::new(Vec::new())), Protection::default(), HttpLimits::default())
            .await;
    assert_eq!(started.expect_err("a file is no listener").kind(), ErrorKind::PermissionDenied);
}
