//! The test bench: reset, seed, switches and faults on one side; journal, counters, ledger and deliveries on the other.

use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::json;

use super::{DONE, Done, Json};
use crate::control::Control;
use crate::fault::{FaultId, FaultRule};
use crate::operation::Operation;
use crate::seed::Seed;
use crate::settings::Settings;
use crate::sid::{AccountSid, ConversationSid};
use crate::world::ApiClient;

pub(super) async fn reset(State(control): State<Control>) -> Done {
    control.reset()?;
    DONE
}

pub(super) async fn seed(State(control): State<Control>, Json(seed): Json<Seed>) -> Done {
    control.seed(&seed)?;
    DONE
}

pub(super) async fn settings(State(control): State<Control>) -> impl IntoResponse {
    Json(control.settings())
}

pub(super) async fn set_settings(State(control): State<Control>, Json(settings): Json<Settings>) -> Done {
    control.set_settings(settings);
    DONE
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Advance {
    by_ms: u64,
}

pub(super) async fn advance_clock(
    State(control): State<Control>,
    Json(Advance { by_ms }): Json<Advance>,
) -> Done {
    control.advance_clock(Duration::from_millis(by_ms));
    DONE
}

pub(super) async fn faults(State(control): State<Control>) -> impl IntoResponse {
    Json(json!({"faults": control.faults()}))
}

pub(super) async fn add_fault(
    State(control): State<Control>,
    Json(rule): Json<FaultRule>,
) -> impl IntoResponse {
    (StatusCode::CREATED, Json(json!({"id": control.add_fault(rule)})))
}

pub(super) async fn clear_faults(State(control): State<Control>) -> Done {
    control.clear_faults();
    DONE
}

pub(super) async fn remove_fault(State(control): State<Control>, Path(id): Path<u64>) -> Done {
    control.remove_fault(FaultId(id))?;
    DONE
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct JournalQuery {
    #[serde(default)]
    after: u64,
    account: Option<AccountSid>,
    operation: Option<Operation>,
}

pub(super) async fn journal(
    State(control): State<Control>,
    Query(wanted): Query<JournalQuery>,
) -> impl IntoResponse {
    let mut entries = control.journal_since(wanted.after);
    entries.retain(|entry| {
        wanted.account.is_none_or(|account| entry.account == Some(account))
            && wanted.operation.is_none_or(|operation| entry.operation == Some(operation))
    });
    Json(json!({"last": control.journal_mark(), "requests": entries}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JournalSize {
    size: usize,
}

pub(super) async fn resize_journal(
    State(control): State<Control>,
    Json(JournalSize { size }): Json<JournalSize>,
) -> Done {
    control.resize_journal(size);
    DONE
}

pub(super) async fn clear_journal(State(control): State<Control>) -> Done {
    control.clear_journal();
    DONE
}

pub(super) async fn counters(State(control): State<Control>) -> impl IntoResponse {
    Json(control.counters())
}

pub(super) async fn clear_counters(State(control): State<Control>) -> Done {
    control.clear_counters();
    DONE
}

pub(super) async fn violations(State(control): State<Control>) -> impl IntoResponse {
    Json(json!({"violations": control.violations()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LedgerQuery {
    account: Option<AccountSid>,
    conversation: Option<ConversationSid>,
    alive: Option<bool>,
}

pub(super) async fn ledger(
    State(control): State<Control>,
    Query(wanted): Query<LedgerQuery>,
) -> impl IntoResponse {
    let ledger = control.ledger();
    let records = ledger.records().iter().filter(|record| {
        wanted.account.is_none_or(|account| record.account == account)
            && wanted.conversation.is_none_or(|conversation| record.conversation == conversation)
            && wanted.alive.is_none_or(|alive| record.alive() == alive)
    });
    Json(json!({"webhooks": records.collect::<Vec<_>>()}))
}

pub(super) async fn duplicates(State(control): State<Control>) -> impl IntoResponse {
    Json(json!({"groups": control.ledger().duplicates()}))
}

pub(super) async fn foreign_touched(
    State(control): State<Control>,
    Query(client): Query<ApiClient>,
) -> impl IntoResponse {
    Json(json!({"webhooks": control.ledger().foreign_touched(&client)}))
}

pub(super) async fn deliveries(State(control): State<Control>) -> impl IntoResponse {
    Json(json!({"pending": control.deliveries_pending(), "deliveries": control.deliveries()}))
}

pub(super) async fn repeated_deliveries(State(control): State<Control>) -> impl IntoResponse {
    Json(json!({"groups": control.repeated_deliveries()}))
}

pub(super) async fn clear_deliveries(State(control): State<Control>) -> Done {
    control.clear_deliveries();
    DONE
}
