//! Which requests the API server got, from whom, and how they ended: its audit log, read.
//!
//! What is counted: every HTTP request that reached the API server, refused ones (401, 403, 429) included, once, when it
//! was answered; a watch once, when it started. The API server's requests to itself are there too, under
//! `system:apiserver`. Only the marker requests of this module are left out.
//!
//! The log is complete when it is read: the server writes an entry before it finishes the request, and reading starts
//! with a marker request whose own entry is waited for. A request that its client gave up on counts when the server is
//! done with it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, Read as _, Seek as _, SeekFrom};
use std::ops::Deref;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use tokio::time::sleep;
use uuid::Uuid;

use crate::cluster::Cluster;

/// How long an entry may take from the answer to the file.
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);

/// The path of our marker requests, which any API server answers cheaply.
const MARKER: &str = "/version?audit-marker=";

/// The audit log of a [`Cluster`].
#[derive(Debug)]
pub struct Audit<'a> {
    cluster: &'a Cluster,
}

/// A place in the log: all requests answered before it was taken lie before it.
#[derive(Clone, Copy, Debug)]
pub struct Mark(u64);

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; for a path that is no resource
    /// the HTTP method in lower case.
    pub verb: String,
    /// The API group; empty for the core group and for paths that are no resource.
    pub group: String,
    /// The plural, such as `configmaps`; empty for a path that is no resource.
    pub resource: String,
    /// Such as `status` or `token`; empty where there is none.
    pub subresource: String,
    /// Empty for cluster-wide requests.
    pub namespace: String,
    /// Empty for lists and watches, and for a create that leaves the name to the server.
    pub name: String,
    /// Such as `admin` or `system:serviceaccount:<namespace>:<name>`.
    pub user: String,
    /// The client's own `User-Agent`; empty where it sent none.
    pub user_agent: String,
    /// The HTTP status.
    pub code: u16,
    /// Path and query.
    pub uri: String,
}

impl Request {
    /// Whether it could change anything: not `get`, `list`, `watch` or another reading HTTP method.
    #[must_use]
    pub fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch" | "head" | "options")
    }

    /// `resource` or `resource/subresource`, as RBAC writes it; for a path that is no resource the path.
    #[must_use]
    pub fn target(&self) -> String {
        match (self.resource.as_str(), self.subresource.as_str()) {
            ("", _) => self.uri.split('?').next().unwrap_or_default().to_owned(),
            (resource, "") => resource.to_owned(),
            (resource, subresource) => format!("{resource}/{subresource}"),
        }
    }
}

/// Requests in the order of their answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests(Vec<Request>);

impl Deref for Requests {
    type Target = [Request];

    fn deref(&self) -> &[Request] {
        &self.0
    }
}

impl Requests {
    /// Those of one user.
    #[must_use]
    pub fn by_user(self, user: &str) -> Self {
        self.filter(|request| request.user == user)
    }

    /// Those of one `ServiceAccount`.
    #[must_use]
    pub fn by_service_account(self, namespace: &str, name: &str) -> Self {
        self.by_user(&format!("system:serviceaccount:{namespace}:{name}"))
    }

    /// Those of clients whose `User-Agent` begins so.
    #[must_use]
    pub fn by_user_agent(self, prefix: &str) -> Self {
        self.filter(|request| request.user_agent.starts_with(prefix))
    }

    /// Those that could change anything.
    #[must_use]
    pub fn writes(self) -> Self {
        self.filter(Request::is_write)
    }

    /// Those that the API server decided on, with success or a refusal. What it failed at itself, or was too busy for, says
    /// how the machine was doing, and comes once more.
    #[must_use]
    pub fn answered(self) -> Self {
        self.filter(|request| request.code < 500 && request.code != 429)
    }

    /// Those that a closure picks.
    #[must_use]
    pub fn filter(mut self, keep: impl FnMut(&Request) -> bool) -> Self {
        self.0.retain(keep);
        self
    }

    /// How many there are of each verb and [target](Request::target).
    #[must_use]
    pub fn counts(&self) -> BTreeMap<(String, String), usize> {
        let mut counts = BTreeMap::new();
        for request in self.iter() {
            *counts.entry((request.verb.clone(), request.target())).or_default() += 1;
        }
        counts
    }

    /// How many there are of one verb and one [target](Request::target), such as `patch` and
    /// `conversationwebhooks/status`.
    #[must_use]
    pub fn count(&self, verb: &str, target: &str) -> usize {
        self.iter().filter(|request| request.verb == verb && request.target() == target).count()
    }
}

impl<'a> Audit<'a> {
    pub(crate) fn new(cluster: &'a Cluster) -> Self {
        Self { cluster }
    }

    /// Where the log ends now.
    pub async fn mark(&self) -> Result<Mark> {
        // The log was at least this long, so there is no need to read it from its beginning.
        let written = self.open()?.metadata().context("read the size of the audit log")?.len();
        let unread = self.up_to_marker(written).await?;
        Ok(Mark(written + unread.len() as u64))
    }

    /// All requests that were answered after `mark` was taken.
    pub async fn since(&self, mark: Mark) -> Result<Requests> {
        let mut requests = Vec::new();
        for line in self.up_to_marker(mark.0).await?.lines() {
            let line = line.context("read the audit log")?;
            let entry: Entry =
                serde_json::from_str(&line).with_context(|| format!("parse audit entry {line}"))?;
            if entry.counts() {
                requests.push(entry.into());
            }
        }
        Ok(Requests(requests))
    }

    /// The log from `offset` up to and including the entry of a request that is made here.
    async fn up_to_marker(&self, offset: u64) -> Result<Vec<u8>> {
        let marker = format!("{MARKER}{}", Uuid::new_v4());
        self.cluster.get(&marker).await?;
        let deadline = Instant::now() + WRITTEN_WITHIN;
        loop {
            let mut log = self.read(offset)?;
            if let Some(end) = end_of_line_with(&log, &marker) {
                log.truncate(end);
                return Ok(log);
            }
            if Instant::now() > deadline {
                bail!("the audit log does not show a request that was answered {WRITTEN_WITHIN:?} ago");
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn read(&self, offset: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut file = self.open()?;
        file.seek(SeekFrom::Start(offset))
            .and_then(|_| file.read_to_end(&mut bytes))
            .context("read the audit log")?;
        Ok(bytes)
    }

    fn open(&self) -> Result<File> {
        let path = self.cluster.layout.audit_log();
        File::open(&path).with_context(|| format!("open {}", path.display()))
    }
}

/// Where the first whole line that contains `needle` ends. The last line may be half written.
fn end_of_line_with(log: &[u8], needle: &str) -> Option<usize> {
    let mut end = 0;
    for line in log.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if line.ends_with(b"\n") && String::from_utf8_lossy(line).contains(needle) {
            return Some(end);
        }
    }
    None
}

/// A line of the log: audit.k8s.io/v1 `Event`, as far as we use it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    stage: String,
    verb: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    #[serde(default)]
    user: User,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: ObjectRef,
    #[serde(default)]
    response_status: ResponseStatus,
}

#[derive(Default, Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRef {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Default, Deserialize)]
struct ResponseStatus {
    #[serde(default)]
    code: u16,
}

impl Entry {
    /// A long-running request has an entry for its start and one for its end; it counts by its start.
    fn counts(&self) -> bool {
        let marker = self.request_uri.starts_with(MARKER);
        let end_of_watch = self.verb == "watch" && self.stage == "ResponseComplete";
        !marker && !end_of_watch
    }
}

impl From<Entry> for Request {
    fn from(entry: Entry) -> Self {
        let Entry { stage: _, verb, request_uri, user, user_agent, object_ref, response_status } = entry;
        let ObjectRef { api_group, resource, subresource, namespace, name } = object_ref;
        Self {
            verb,
            group: api_group,
            resource,
            subresource,
            namespace,
            name,
            user: user.username,
            user_agent,
            code: response_status.code,
            uri: request_uri,
        }
    }
}
