//! What serves connections comes with the first and goes with the last of them: nobody may notice.

use crate::fake::{Fake, start};
use crate::http::{exchange, get};
use futures_util::future::join_all;
use meshping::web::Limits;
use std::time::Duration;

#[actix::test]
async fn whenever_a_connection_comes_it_is_answered() {
    let (server, handle) = start(Fake::new(Vec::new()), Limits::default());
    for round in 0..200_u64 {
        // Others come while the first one ends, a little later every time.
        let others = (0..5).map(|other| async move {
            tokio::time::sleep(Duration::from_micros(round * 10 * other)).await;
            get(server, "/-/healthy").await.status
        });
        assert_eq!(join_all(others).await, [200; 5], "round {round}");
    }
    handle.stop();
}

#[actix::test]
async fn beyond_the_most_connections_one_waits_for_its_turn() {
    let limits = Limits { connections: 2, client: Duration::from_secs(1), ..Limits::default() };
    let (server, handle) = start(Fake::new(Vec::new()), limits);
    // They say nothing, and are given up.
    let idle = [exchange(server, b""), exchange(server, b"")].map(actix_rt::spawn);
    let patient = (0..20).map(|_| async { get(server, "/-/healthy").await.status });
    assert_eq!(join_all(patient).await, [200; 20]);
    for idle in idle {
        assert!(idle.await.expect("no panic").is_none_or(|answer| answer.status == 408));
    }
    handle.stop();
}
