//! Basic authentication. Checking a password with bcrypt takes tens of milliseconds or more, so successful logins are
//! cached, passwords are checked one at a time, and on a thread for blocking work.

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

/// Result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuthVerdict {
    /// User and password are right.
    Admitted,
    /// No user, an unknown one, or a wrong password.
    Rejected,
    /// Other passwords were checked during the whole time limit.
    Busy,
}

/// Checks passwords, and caches successful logins.
pub(crate) struct PasswordChecker {
    key: [u8; 16],
    /// Keyed hashes of successful logins: reading them from memory does not reveal a password.
    cached: Mutex<HashSet<u128>>,
    /// One permit: for the check in progress.
    checks: Arc<Semaphore>,
}

/// Maximum number of cached logins; one more clears the cache.
const MAX_CACHED_LOGINS: usize = 64;

impl PasswordChecker {
    /// A checker with an empty cache.
    ///
    /// # Errors
    /// The system's error when it cannot provide random numbers.
    pub(crate) fn new() -> io::Result<Self> {
        let mut key = [0; 16];
        getrandom::fill(&mut key).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { key, cached: Mutex::default(), checks: Arc::new(Semaphore::new(1)) })
    }

    /// Checks the `Authorization` header of a request. Waits for other checks up to the time limit.
    pub(crate) async fn check(
        &self,
        users: &Users,
        authorization: Option<&HeaderValue>,
        time_limit: Duration,
    ) -> AuthVerdict {
        let Some((user, password)) = authorization.and_then(credentials) else {
            return AuthVerdict::Rejected;
        };
        let hash = users.hashes.get(&user);
        let login = hash.map(|hash| self.login(&user, hash, &password));
        if login.is_some_and(|login| self.cached().contains(&login)) {
            return AuthVerdict::Admitted;
        }
        let Ok(Ok(permit)) = tokio::time::timeout(time_limit, Arc::clone(&self.checks).acquire_owned()).await
        else {
            return AuthVerdict::Busy;
        };
        let expected = hash.unwrap_or(&users.decoy).clone();
        // Holds the permit to its end, even if the request has been dropped.
        let check = move || {
            let is_right = bcrypt::verify(password, &expected).unwrap_or(false);
            drop(permit);
            is_right
        };
        let is_right = tokio::task::spawn_blocking(check).await.unwrap_or(false);
        match login.filter(|_| is_right) {
            Some(login) => self.admit(login),
            None => AuthVerdict::Rejected,
        }
    }

    fn admit(&self, login: u128) -> AuthVerdict {
        let mut cached = self.cached();
        if cached.len() >= MAX_CACHED_LOGINS {
            cached.clear();
        }
        cached.insert(login);
        AuthVerdict::Admitted
    }

    fn cached(&self) -> std::sync::MutexGuard<'_, HashSet<u128>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keyed hash of a login. It covers the bcrypt hash, so a changed file invalidates the cached login.
    fn login(&self, user: &str, hash: &str, password: &[u8]) -> u128 {
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

    const CHECK_TIMEOUT: Duration = Duration::from_secs(60);

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
    async fn only_a_user_with_the_right_password_is_admitted() {
        let (checker, users) = (PasswordChecker::new().unwrap(), users(&[("ada", "pass:word"), ("bob", "")]));
        let cases = [
            (Some(basic("ada:pass:word")), AuthVerdict::Admitted),
            (Some(basic("bob:")), AuthVerdict::Admitted),
            (Some(basic("ada:")), AuthVerdict::Rejected),
            (Some(basic("ada:pass")), AuthVerdict::Rejected),
            (Some(basic("bob:pass:word")), AuthVerdict::Rejected),
            (Some(basic("eve:pass:word")), AuthVerdict::Rejected),
            (Some(basic(":")), AuthVerdict::Rejected),
            (Some(basic("ada")), AuthVerdict::Rejected),
            (Some(HeaderValue::from_static("Basic !")), AuthVerdict::Rejected),
            (Some(HeaderValue::from_static("Bearer YWRhOnBhc3M6d29yZA==")), AuthVerdict::Rejected),
            (Some(HeaderValue::from_static("bAsIc YWRhOnBhc3M6d29yZA==")), AuthVerdict::Admitted),
            (None, AuthVerdict::Rejected),
        ];
        for round in 0..2 {
            for (header, expected) in &cases {
                let verdict = checker.check(&users, header.as_ref(), CHECK_TIMEOUT).await;
                assert_eq!(verdict, *expected, "{header:?}, round {round}");
            }
        }
        assert_eq!(checker.cached().len(), 2, "only successful logins are cached");
    }

    #[tokio::test]
    async fn a_cached_login_needs_no_check_until_its_hash_changes() {
        let (checker, before) = (PasswordChecker::new().unwrap(), users(&[("ada", "secret")]));
        let ada = basic("ada:secret");
        assert_eq!(checker.check(&before, Some(&ada), CHECK_TIMEOUT).await, AuthVerdict::Admitted);
        let permit = checker.checks.acquire().await.unwrap();
        let at_once = Duration::from_millis(1);
        assert_eq!(checker.check(&before, Some(&ada), at_once).await, AuthVerdict::Admitted);
        assert_eq!(checker.check(&before, Some(&basic("ada:other")), at_once).await, AuthVerdict::Busy);
        assert_eq!(checker.check(&users(&[("ada", "secret")]), Some(&ada), at_once).await, AuthVerdict::Busy);
        drop(permit);
        assert_eq!(
            checker.check(&users(&[("ada", "new")]), Some(&ada), CHECK_TIMEOUT).await,
            AuthVerdict::Rejected
        );
    }

    #[test]
    fn the_cache_of_logins_is_bounded() {
        let checker = PasswordChecker::new().unwrap();
        for login in 0..1000 {
            checker.admit(login);
        }
        assert!(checker.cached().len() <= MAX_CACHED_LOGINS);
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
