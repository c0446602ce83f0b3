//! Users and their passwords: bcrypt, one at a time, with a bounded memory of what was compared.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use tortie_config::Secret;

/// Most comparisons that are remembered.
const REMEMBERED: usize = 100;
/// Compared with when there is no such user, so that the time does not tell; nobody's password is checked by it.
const NOBODY: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

/// What was compared lately.
#[derive(Default)]
pub(super) struct Users {
    /// Digests of user, hash and password, oldest first, with the outcome; the password itself is not kept.
    known: Mutex<VecDeque<([u8; 32], bool)>>,
    /// Held during a comparison, which takes much CPU.
    comparing: tokio::sync::Mutex<()>,
}

impl Users {
    /// Whether the password is that of the user.
    pub(super) async fn knows(&self, users: &[(String, Secret)], user: &str, password: &str) -> bool {
        let found = users.iter().find(|(name, _)| name == user);
        let hash = found.map_or(NOBODY, |(_, hash)| hash.expose()).to_owned();
        let key = key(&[user, &hash, password]);
        if let Some(outcome) = self.remembered(&key) {
            return outcome;
        }
        let _one = self.comparing.lock().await;
        // Somebody with the same credentials may have been before.
        if let Some(outcome) = self.remembered(&key) {
            return outcome;
        }
        let password = Secret::new(password);
        let compared =
            tokio::task::spawn_blocking(move || bcrypt::verify(password.expose(), &hash).unwrap_or(false));
        let outcome = found.is_some() && compared.await.unwrap_or(false);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= REMEMBERED {
            known.pop_front();
        }
        known.push_back((key, outcome));
        outcome
    }

    fn remembered(&self, key: &[u8; 32]) -> Option<bool> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(k, _)| k == key).map(|(_, outcome)| *outcome)
    }
}

/// One digest of all parts; lengths keep them apart.
fn key(parts: &[&str]) -> [u8; 32] {
    let mut all = Vec::new();
    for part in parts {
        all.extend_from_slice(&(part.len() as u64).to_le_bytes());
        all.extend_from_slice(part.as_bytes());
    }
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, &all).as_ref());
    out
}

/// User and password of a `Basic` header.
pub(super) fn of_header(value: &str) -> Option<(String, String)> {
    let (scheme, rest) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `secret`, with the least cost.
    fn users() -> Vec<(String, Secret)> {
        let hash = bcrypt::hash_with_salt("secret", 4, *b"sixteen bytes ok").unwrap().to_string();
        vec![("alice".to_owned(), Secret::new(&hash))]
    }

    #[tokio::test]
    async fn passwords_are_compared_and_remembered() {
        let (all, memory) = (users(), Users::default());
        for _ in 0..2 {
            assert!(memory.knows(&all, "alice", "secret").await);
            assert!(!memory.knows(&all, "alice", "Secret").await);
        }
        assert_eq!(memory.known.lock().unwrap().len(), 2);
        // The user is gone, or has another hash: nothing of before counts.
        assert!(!memory.knows(&[], "alice", "secret").await);
        for i in 0..2 * REMEMBERED {
            memory.known.lock().unwrap().push_back((key(&[&i.to_string()]), true));
        }
        memory.known.lock().unwrap().truncate(REMEMBERED);
        assert!(memory.knows(&all, "alice", "secret").await);
        assert!(memory.known.lock().unwrap().len() <= REMEMBERED);
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        assert!(!Users::default().knows(&users(), "bob", "fakepassword").await);
    }

    #[test]
    fn headers_are_taken_apart() {
        let of = |h: &str| of_header(h);
        assert_eq!(of("Basic dTpw"), Some(("u".into(), "p".into())));
        assert_eq!(of("basic dTpwOnE="), Some(("u".into(), "p:q".into())));
        for bad in ["Basic", "Basic ???", "Bearer dTpw", "Basic dQ=="] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
