//! `reload`: reads the configuration again. A reload can take longer than a reply, so that it goes on without one.

use super::{CommandError, Commands, Response};
use crate::actors::reload::Reload;
use crate::protocol::ReloadReply;
use actix::Recipient;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tracing::info;

/// The reload under way, or the latest one whose result no reply has had. Requests meanwhile get its result.
#[derive(Clone, Default)]
pub(super) struct ReloadQueue(Arc<Mutex<Option<ReloadJob>>>);

type ReloadJob = watch::Receiver<Option<(Instant, Result<String, String>)>>;

impl ReloadQueue {
    /// Starts a reload, or joins the one that is under way.
    fn join(&self, reload: &Recipient<Reload>) -> ReloadJob {
        let mut current = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |job: &ReloadJob| {
            let ended = job.borrow().as_ref().map(|(ended, _)| *ended);
            ended.is_some_and(|ended| ended.elapsed() > RESULT_LIFETIME)
                || job.has_changed().is_err() && ended.is_none()
        };
        if let Some(job) = current.as_ref().filter(|job| !is_old(job)) {
            return job.clone();
        }
        let (sender, job) = watch::channel(None);
        let answer = reload.send(Reload);
        // A task of its own, because actix does not carry out a request whose answer is dropped.
        actix_rt::spawn(async move {
            let result = answer.await.unwrap_or_else(|_| Err("the daemon is shutting down".to_owned()));
            sender.send_replace(Some((Instant::now(), result)));
        });
        *current = Some(job.clone());
        job
    }

    fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Commands {
    pub(in crate::control) async fn reload(&self, peer: SocketAddr) -> Result<Response, CommandError> {
        let reload = self.backend.reload.as_ref().ok_or(CommandError::NoReload)?;
        info!(%peer, "reload requested over the control socket");
        let mut job = self.reloads.join(reload);
        let ended = timeout(RELOAD_TIMEOUT, job.wait_for(Option::is_some)).await;
        let result = match &ended {
            Ok(Ok(ended)) => ended.as_ref().map(|(_, result)| result.clone()),
            Ok(Err(_)) => return Err(CommandError::Stopping),
            Err(_) => None,
        };
        let Some(result) = result else { return Ok(ReloadReply::PENDING.to_json().into()) };
        self.reloads.forget();
        match result {
            Ok(report) => Ok(ReloadReply::applied(&report).to_json().into()),
            Err(reason) => Err(CommandError::Reload(ReloadReply::cut(&reason))),
        }
    }
}

/// Time after which the reply says that the reload is under way.
const RELOAD_TIMEOUT: Duration = Duration::from_millis(350);
/// Time for which a result waits for a request that asks for it.
const RESULT_LIFETIME: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use actix::prelude::*;

    /// Answers reloads slowly with their number.
    #[derive(Default)]
    struct SlowReload(usize);

    impl Actor for SlowReload {
        type Context = Context<Self>;
    }

    impl Handler<Reload> for SlowReload {
        type Result = AtomicResponse<Self, Result<String, String>>;

        fn handle(&mut self, _: Reload, _: &mut Self::Context) -> Self::Result {
            self.0 += 1;
            let number = self.0.to_string();
            let pause = tokio::time::sleep(Duration::from_millis(100)).into_actor(self);
            AtomicResponse::new(Box::pin(pause.map(move |(), _, _| Ok(number))))
        }
    }

    async fn result(mut job: ReloadJob) -> Result<String, String> {
        job.wait_for(Option::is_some).await.expect("it ends").clone().expect("it has ended").1
    }

    #[actix::test]
    async fn requests_while_a_reload_is_under_way_get_its_result() {
        let (queue, actor) = (ReloadQueue::default(), SlowReload::default().start().recipient());
        let (first, second) = (queue.join(&actor), queue.join(&actor));
        assert_eq!((result(first).await, result(second).await), (Ok("1".into()), Ok("1".into())));
        assert_eq!(result(queue.join(&actor)).await, Ok("1".into()), "no reply had the result");
        queue.forget();
        assert_eq!(result(queue.join(&actor)).await, Ok("2".into()));
    }

    #[actix::test]
    async fn a_result_is_not_kept_for_ever() {
        let (queue, actor) = (ReloadQueue::default(), SlowReload::default().start().recipient());
        assert_eq!(result(queue.join(&actor)).await, Ok("1".into()));
        let old =
            Instant::now().checked_sub(RESULT_LIFETIME + Duration::from_secs(1)).expect("the clock runs");
        let (_sender, job) = watch::channel(Some((old, Ok("old".into()))));
        *queue.0.lock().expect("no panic") = Some(job);
        assert_eq!(result(queue.join(&actor)).await, Ok("2".into()));
    }
}
