//! One watch at work: a list, then what changes from there on, for ever.

use super::event::Event;
use super::health::MissingRight;
use super::hub::Hub;
use super::lines::{Line, Lines};
use super::pace::{self, Backoff};
use super::selection::{Selection, Watched};
use super::store::Store;
use crate::client::{Call, Cluster, ConnectError, Opened, ReadError};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// Objects a page.
const PAGE: &str = "500";
/// Most objects of a selection.
const MOST_OBJECTS: usize = 1_000_000;
/// Longest event in bytes; the API server itself takes objects of about 1.5 MiB.
const MOST_EVENT: usize = 32 << 20;
/// A watch that lived this long did well.
const DID_WELL: Duration = Duration::from_secs(2);

struct Follow<T> {
    hub: Arc<Hub>,
    selection: Selection,
    store: Arc<Store<T>>,
    backoff: Backoff,
    /// The version up to which all is known; `None` when that is to be listed.
    version: Option<String>,
    listed: Option<Instant>,
    watched: Option<Instant>,
    /// What was logged last, so that a long failure is one line.
    said: Option<String>,
}

/// Why a step did not succeed.
enum Failure {
    /// There is no connection.
    Connect(ConnectError),
    /// The API server refused, broke off or said something odd; with the number of the connection.
    Read(ReadError, u64),
    /// The version is too old to go on from.
    Expired,
    /// A watch ended at once.
    Short,
}

pub(super) async fn follow<T: Watched>(hub: Arc<Hub>, selection: Selection, store: Arc<Store<T>>, seed: u64) {
    let mut this = Follow {
        hub,
        selection,
        store,
        backoff: Backoff::new(seed),
        version: None,
        listed: None,
        watched: None,
        said: None,
    };
    loop {
        if let Err(failure) = this.step().await {
            this.fail(failure).await;
        }
    }
}

impl<T: Watched> Follow<T> {
    /// A list when there is none, then a watch until it ends.
    async fn step(&mut self) -> Result<(), Failure> {
        let (cluster, number) = self.hub.cluster().await.map_err(Failure::Connect)?;
        let from = match self.version.clone() {
            Some(version) => version,
            None => {
                not_before(self.listed, pace::BETWEEN_LISTS).await;
                self.listed = Some(Instant::now());
                let version = self.list(&cluster, number).await?;
                self.version = Some(version.clone());
                version
            }
        };
        not_before(self.watched, pace::BETWEEN_WATCHES).await;
        let began = Instant::now();
        self.watched = Some(began);
        let ended = self.watch(&cluster, number, &from).await;
        if began.elapsed() >= DID_WELL {
            self.backoff.reset();
        }
        ended?;
        if self.listed.is_some_and(|l| l.elapsed() > pace::LIST_AGAIN) {
            self.version = None;
        }
        if began.elapsed() < pace::BETWEEN_WATCHES { Err(Failure::Short) } else { Ok(()) }
    }

    async fn fail(&mut self, failure: Failure) {
        let (message, refused, missing, asked) = match failure {
            Failure::Expired => {
                self.version = None;
                return;
            }
            Failure::Short => {
                sleep(self.backoff.pause(None)).await;
                return;
            }
            Failure::Connect(e) => (e.to_string(), false, None, None),
            Failure::Read(e, number) => {
                self.hub.give_up(number, &e).await;
                let refused = matches!(e, ReadError::Forbidden { .. } | ReadError::NotFound { .. });
                let asked = match &e {
                    ReadError::TooMany { retry_after } => Some(*retry_after),
                    _ => None,
                };
                (e.to_string(), refused, MissingRight::of(&e), asked)
            }
        };
        let now = self.hub.clock.now_ms();
        self.store.note(|h| h.failed(now, &message, refused, missing));
        let pause = self.backoff.pause(asked);
        if self.said.as_deref() != Some(&message) {
            tracing::warn!(
                component = "discovery",
                discovery = "kubernetes",
                what = %self.selection,
                err = message.as_str(),
                "Watching failed; what is known stays"
            );
            self.said = Some(message);
        }
        sleep(pause).await;
    }

    fn heard(&mut self) {
        let now = self.hub.clock.now_ms();
        self.store.note(|h| h.heard(now));
        if self.said.take().is_some() {
            tracing::info!(component = "discovery", discovery = "kubernetes", what = %self.selection, "Watching goes on");
        }
    }

    fn call(&self, verb: &'static str) -> Call {
        let Selection { namespace, labels, fields, .. } = &self.selection;
        let mut call = Call::get(&self.selection.url()).about(
            verb,
            &self.selection.resource(),
            namespace.as_deref(),
            None,
        );
        for (key, selector) in [("labelSelector", labels), ("fieldSelector", fields)] {
            if !selector.is_empty() {
                call = call.query(key, selector);
            }
        }
        call
    }

    /// Lists all objects, and answers with the version of the list. A list that expires between two pages is asked for
    /// once more as a whole.
    async fn list(&mut self, cluster: &Cluster, number: u64) -> Result<String, Failure> {
        self.store.note(|h| h.lists += 1);
        let fail = |e| Failure::Read(e, number);
        let (mut all, mut from, mut paged) = (Vec::new(), None::<String>, true);
        loop {
            let mut call = self.call("list");
            if paged {
                call = call.query("limit", PAGE);
            }
            if let Some(token) = &from {
                call = call.query("continue", token);
            }
            let answer = match cluster.once(&call).await {
                Err(ReadError::Gone { .. }) if paged => {
                    (all, from, paged) = (Vec::new(), None, false);
                    continue;
                }
                Err(e) => return Err(fail(e)),
                Ok(answer) => answer,
            };
            let malformed = |message: String| fail(ReadError::Malformed { what: call.what(), message });
            let page = self.page(&answer.body).map_err(|e| malformed(e.to_string()))?;
            all.extend(page.items.unwrap_or_default());
            if all.len() > MOST_OBJECTS {
                return Err(malformed(format!("it has more than {MOST_OBJECTS} objects")));
            }
            match page.metadata.r#continue.filter(|c| !c.is_empty()) {
                Some(next) if from.as_ref() == Some(&next) => {
                    return Err(malformed("the token of the next page does not change".to_owned()));
                }
                Some(next) => from = Some(next),
                None => {
                    let version = page.metadata.resource_version.filter(|v| !v.is_empty());
                    let version = version.ok_or_else(|| malformed("it has no version".to_owned()))?;
                    let before = self.store.len();
                    self.store.replace(all);
                    self.heard();
                    tracing::debug!(what = %self.selection, before, now = self.store.len(), version, "listed");
                    return Ok(version);
                }
            }
        }
    }

    /// Reads a page; objects that cannot be read are left out.
    fn page(&self, body: &[u8]) -> Result<Page<T>, serde_json::Error> {
        if let Ok(page) = serde_json::from_slice(body) {
            return Ok(page);
        }
        let page: Page<Value> = serde_json::from_slice(body)?;
        let mut items = Vec::new();
        for value in page.items.unwrap_or_default() {
            match T::deserialize(&value) {
                Ok(object) => items.push(object),
                Err(e) => self.unreadable(&e),
            }
        }
        Ok(Page { metadata: page.metadata, items: Some(items) })
    }

    fn unreadable(&self, e: &serde_json::Error) {
        self.store.note(|h| h.unreadable += 1);
        tracing::warn!(component = "discovery", what = %self.selection, err = %e, "An object cannot be read");
    }

    /// Follows changes from a version on until the watch ends.
    async fn watch(&mut self, cluster: &Cluster, number: u64, from: &str) -> Result<(), Failure> {
        self.store.note(|h| h.watches += 1);
        let seconds = self.backoff.up_to_twice(pace::WATCH).as_secs();
        let call = self
            .call("watch")
            .query("watch", "true")
            .query("allowWatchBookmarks", "true")
            .query("timeoutSeconds", &seconds.to_string())
            .query("resourceVersion", from);
        let fail = |e| match e {
            ReadError::Gone { .. } => Failure::Expired,
            e => Failure::Read(e, number),
        };
        let mut stream: Opened = cluster.open(&call).await.map_err(fail)?;
        self.heard();
        let mut lines = Lines::new(MOST_EVENT);
        while let Some(piece) = stream.piece(pace::SILENCE).await.map_err(fail)? {
            self.heard();
            lines.push(&piece);
            while let Some(line) = lines.next() {
                self.event(&line, number)?;
            }
        }
        Ok(())
    }

    fn event(&mut self, line: &Line, number: u64) -> Result<(), Failure> {
        let Line::Whole(line) = line else {
            self.store.note(|h| h.unreadable += 1);
            tracing::warn!(component = "discovery", what = %self.selection, most = MOST_EVENT, "An event is too long");
            return Ok(());
        };
        let event = match Event::<T>::read(line) {
            Ok(event) => event,
            Err(e) => {
                self.unreadable(&e);
                return Ok(());
            }
        };
        let version = match event {
            Event::Put(object) => {
                let version = object.meta().version.to_string();
                self.store.put(object);
                version
            }
            Event::Gone(object) => {
                let version = object.meta().version.to_string();
                self.store.remove(&object);
                version
            }
            Event::Bookmark(version) => version,
            Event::Failed { code: 410, .. } => return Err(Failure::Expired),
            Event::Failed { code, message, wait } => {
                let e = match wait {
                    Some(s) => ReadError::TooMany { retry_after: Duration::from_secs(s) },
                    None => ReadError::Other { status: code, message },
                };
                return Err(Failure::Read(e, number));
            }
            Event::Unknown(kind) => {
                self.store.note(|h| h.unreadable += 1);
                tracing::warn!(component = "discovery", what = %self.selection, kind, "An event of an unknown kind");
                return Ok(());
            }
        };
        self.store.note(|h| h.events += 1);
        self.advance(version);
        Ok(())
    }

    /// Goes on from a version, unless an event came late.
    fn advance(&mut self, version: String) {
        let number = |v: &str| v.parse::<u64>().ok();
        let back = self
            .version
            .as_deref()
            .and_then(number)
            .zip(number(&version))
            .is_some_and(|(old, new)| new < old);
        if !version.is_empty() && !back {
            self.version = Some(version);
        }
    }
}

#[derive(Deserialize)]
struct Page<T> {
    metadata: PageMeta,
    // `null` for an empty list.
    items: Option<Vec<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMeta {
    r#continue: Option<String>,
    resource_version: Option<String>,
}

/// Waits until `pause` after `last`.
async fn not_before(last: Option<Instant>, pause: Duration) {
    if let Some(last) = last {
        sleep_until(last + pause).await;
    }
}
