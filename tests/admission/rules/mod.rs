//! What an object may say: every rule of the spec, with an object that it accepts and one that it refuses.

mod conversation;
mod filters;
mod policies;
mod secrets;
mod target;
mod triggers;
mod unknown;
mod url;
mod webhook;

use futures::StreamExt as _;
use futures::stream;
use serde_json::Value;

use conversation_webhook_operator::api::ConversationWebhook;

use crate::case::{Case, Expected};
use crate::cluster::{Apply, cluster, try_apply};
use crate::object::object;
use crate::verdict::Verdict;

/// kubectl processes at a time and test.
const AT_ONCE: usize = 2;

/// All tables.
pub(crate) fn cases() -> Vec<Case> {
    [
        conversation::cases(),
        target::cases(),
        url::cases(),
        filters::cases(),
        triggers::cases(),
        webhook::cases(),
        secrets::cases(),
        policies::cases(),
        unknown::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[tokio::test]
async fn kubectl_apply_says_what_the_tables_say() {
    assert_tables(Apply::Client).await;
}

#[tokio::test]
async fn server_side_apply_says_what_the_tables_say() {
    assert_tables(Apply::Server).await;
}

async fn assert_tables(how: Apply) {
    let plane = cluster().await;
    let cases = cases();
    let wrong: Vec<String> = stream::iter(&cases)
        .map(async |case| {
            let verdict = try_apply(plane, "default", how, &object("support-bot", &case.spec)).await;
            judge(case, how, &verdict).map(|fault| format!("{}: {fault}", case.name))
        })
        .buffered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn judge(case: &Case, how: Apply, verdict: &Verdict) -> Option<String> {
    match (&case.expected, how) {
        (Expected::Accepted, _) => match verdict {
            Verdict::Accepted(stored) => unreadable(stored),
            Verdict::Refused(_) => verdict.why_not_accepted(),
        },
        (Expected::Rejected { server: Some(message), .. }, Apply::Server) => {
            verdict.why_not_refused_with(std::slice::from_ref(message))
        }
        (Expected::Rejected { client, .. }, _) => verdict.why_not_refused_with(client),
    }
}

/// What the API server accepts, the operator must be able to read.
fn unreadable(stored: &Value) -> Option<String> {
    let read = match serde_json::from_value::<ConversationWebhook>(stored.clone()) {
        Ok(read) => read,
        Err(error) => return Some(format!("was accepted, but the operator cannot read it: {error}")),
    };
    let interval = read.spec.resync_interval?;
    let parsed = interval.parse::<jiff::SignedDuration>();
    parsed.err().map(|error| format!("was accepted, but the operator cannot read the interval: {error}"))
}
