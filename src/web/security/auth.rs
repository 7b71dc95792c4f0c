//! Basic authentication. A password takes bcrypt tens of milliseconds or more, so who was let in once is remembered,
//! one password is checked at a time, and none on a thread that has something else to do.

use super::users::Users;
use actix_web::http::header::HeaderValue;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use siphasher::sip128::{Hasher128, SipHasher24};
use std::collections::HashSet;
use std::hash::Hasher;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthVerdict {
    /// This is one of the users.
    Admitted,
    /// This is nobody.
    HttpRejection,
    /// Too many others are being checked.
    Busy,
}

/// Checks users, and remembers whom it has let in.
pub(crate) struct PasswordChecker {
    key: [u8; 16],
    /// What was good, hashed under the key: nobody who reads our memory gets a password from it.
    known: Mutex<HashSet<u128>>,
    turn: Arc<Semaphore>,
}

/// So many are remembered; then it begins anew.
const MOST_KNOWN: usize = 64;

impl PasswordChecker {
    /// Nobody is known yet.
    ///
    /// # Errors
    /// When the system has no random numbers to give.
    pub(crate) fn new() -> io::Result<Self> {
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { key, known: Mutex::default(), turn: Arc::new(Semaphore::new(1)) })
    }

    /// Checks what a request says of itself. Waits so long for its turn.
    pub(crate) async fn check(
        &self,
        users: &Users,
        said: Option<&HeaderValue>,
        patience: Duration,
    ) -> AuthVerdict {
        let Some((user, password)) = said.and_then(credentials) else { return AuthVerdict::HttpRejection };
        let hash = users.hashes.get(&user);
        let print = hash.map(|hash| self.print(&user, hash, &password));
        if print.is_some_and(|print| self.known().contains(&print)) {
            return AuthVerdict::Admitted;
        }
        let Ok(Ok(turn)) = tokio::time::timeout(patience, Arc::clone(&self.turn).acquire_owned()).await
        else {
            return AuthVerdict::Busy;
        };
        let against = hash.unwrap_or(&users.decoy).clone();
        // It keeps its turn to the end, even when nobody waits any more.
        let check = move || {
            let fits = bcrypt::verify(password, &against).unwrap_or(false);
            drop(turn);
            fits
        };
        let fits = tokio::task::spawn_blocking(check).await.unwrap_or(false);
        match print.filter(|_| fits) {
            Some(print) => self.remember(print),
            None => AuthVerdict::HttpRejection,
        }
    }

    fn remember(&self, print: u128) -> AuthVerdict {
        let mut known = self.known();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(print);
        AuthVerdict::Admitted
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<u128>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another hash in the file, another print: with its hash a password is forgotten.
    fn print(&self, user: &str, hash: &str, password: &[u8]) -> u128 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        for part in [user.as_bytes(), hash.as_bytes(), password] {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
        hasher.finish128().as_u128()
    }
}

/// User and password of `Authorization: Basic …` (RFC 7617).
fn credentials(header: &HeaderValue) -> Option<(String, Vec<u8>)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    let decoded =
        BASE64_STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let colon = decoded.iter().position(|&byte| byte == b':')?;
    let user = String::from_utf8(decoded[..colon].to_vec()).ok()?;
    Some((user, decoded[colon + 1..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::security::users::{Bcrypt, UserName};
    use std::collections::BTreeMap;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn basic(credentials: &str) -> HeaderValue {
        HeaderValue::try_from(format!("Basic {}", BASE64_STANDARD.encode(credentials))).unwrap()
    }

    fn users(passwords: &[(&str, &str)]) -> Users {
        let hashed = passwords.iter().map(|(user, password)| {
            let hash = Bcrypt::try_from(bcrypt::hash(password, 4).unwrap()).unwrap();
            (UserName((*user).to_owned()), hash)
        });
        Users::new(hashed.collect()).unwrap()
    }

    #[tokio::test]
    async fn only_a_user_with_the_right_password_is_let_in() {
        let (checker, users) = (PasswordChecker::new().unwrap(), users(&[("ada", "pass:word"), ("bob", "")]));
        let cases = [
            (Some(basic("ada:pass:word")), AuthVerdict::Admitted),
            (Some(basic("bob:")), AuthVerdict::Admitted),
            (Some(basic("ada:")), AuthVerdict::HttpRejection),
            (Some(basic("ada:pass")), AuthVerdict::HttpRejection),
            (Some(basic("bob:pass:word")), AuthVerdict::HttpRejection),
            (Some(basic("eve:pass:word")), AuthVerdict::HttpRejection),
            (Some(basic(":")), AuthVerdict::HttpRejection),
            (Some(basic("ada")), AuthVerdict::HttpRejection),
            (Some(HeaderValue::from_static("Basic !")), AuthVerdict::HttpRejection),
            (Some(HeaderValue::from_static("Bearer YWRhOnBhc3M6d29yZA==")), AuthVerdict::HttpRejection),
            (Some(HeaderValue::from_static("bAsIc YWRhOnBhc3M6d29yZA==")), AuthVerdict::Admitted),
            (None, AuthVerdict::HttpRejection),
        ];
        for round in 0..2 {
            for (said, expected) in &cases {
                let verdict = checker.check(&users, said.as_ref(), PATIENCE).await;
                assert_eq!(verdict, *expected, "{said:?}, round {round}");
            }
        }
        assert_eq!(checker.known().len(), 2, "nobody is remembered but who was let in");
    }

    #[tokio::test]
    async fn who_is_known_needs_no_turn_and_is_forgotten_with_the_hash() {
        let (checker, before) = (PasswordChecker::new().unwrap(), users(&[("ada", "secret")]));
        let said = basic("ada:secret");
        assert_eq!(checker.check(&before, Some(&said), PATIENCE).await, AuthVerdict::Admitted);
        let turn = checker.turn.acquire().await.unwrap();
        let at_once = Duration::from_millis(1);
        assert_eq!(checker.check(&before, Some(&said), at_once).await, AuthVerdict::Admitted);
        assert_eq!(checker.check(&before, Some(&basic("ada:other")), at_once).await, AuthVerdict::Busy);
        assert_eq!(
            checker.check(&users(&[("ada", "secret")]), Some(&said), at_once).await,
            AuthVerdict::Busy
        );
        drop(turn);
        assert_eq!(
            checker.check(&users(&[("ada", "new")]), Some(&said), PATIENCE).await,
            AuthVerdict::HttpRejection
        );
    }

    #[test]
    fn the_memory_of_users_is_bounded() {
        let checker = PasswordChecker::new().unwrap();
        for print in 0..1000 {
            checker.remember(print);
        }
        assert!(checker.known().len() <= MOST_KNOWN);
    }

    #[test]
    fn the_decoy_is_a_hash_of_the_highest_cost() {
        let hash = |cost| Bcrypt::try_from(bcrypt::hash("x", cost).unwrap()).unwrap();
        let both = [(UserName("a".into()), hash(4)), (UserName("b".into()), hash(5))];
        let users = Users::new(both.into()).unwrap();
        assert_eq!(Bcrypt::try_from(users.decoy.clone()).unwrap().cost, 5);
        assert!(!bcrypt::verify("x", &users.decoy).unwrap());
        assert!(Users::new(BTreeMap::new()).is_none());
    }
}
