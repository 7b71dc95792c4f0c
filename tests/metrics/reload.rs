//! Responses to permitted requests to reload the configuration.

use crate::fake::{Fake, sources, start};
use crate::http::{exchange, request};
use meshping::web::bind;
use meshping::web::{HttpLimits, WebSources};
use meshping::web::{Protection, serve};

#[actix::test]
async fn a_reload_is_answered_with_its_report_or_its_error() {
    for (ready, status, text) in [(true, 200, "2 targets added\n"), (false, 500, "line 3: no such option\n")]
    {
        let (server, handle) = start(Fake { ready, ..Fake::new(Vec::new()) }, HttpLimits::default()).await;
        let answer = exchange(server, &request("POST", "/-/reload", "")).await.expect("a whole response");
        assert_eq!((answer.status, answer.text()), (status, text));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        let refused =
            exchange(server, &request("POST", "/-/reload", "Origin: http://evil.example\r\n")).await;
        assert_eq!(refused.expect("a whole response").status, 403);
        handle.stop();
    }
}

#[actix::test]
async fn without_a_configuration_a_reload_is_not_implemented() {
    let listener = bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
    let server = listener.local_addr().expect("bound");
    let sources = WebSources { reload: None, ..sources(Fake::new(Vec::new())) };
    let handle = serve(vec![listener], sources, Protection::default(), HttpLimits::default())
        .await
        .expect("it starts");
    let answer = exchange(server, &request("POST", "/-/reload", "")).await.expect("a whole response");
    assert_eq!(answer.status, 501);
    assert!(answer.text().contains("no configuration"), "{answer:?}");
    handle.stop();
}
