//! The control API over HTTP, for other languages and processes: JSON in, JSON out, every route one typed method of
//! [`Control`]. Documented in the crate's README. No request here enters the journal.

mod bench;
mod world;

use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use serde::Serialize;
use serde_json::json;

use super::{Control, ControlError};

/// Seeds can be large; nothing else is.
const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;

/// The routes, all under `/_simulator`.
pub(crate) fn router(control: Control) -> Router {
    let routes = Router::new()
        .route("/health", get(|| async { Json(json!({"status": "ok"})) }))
        .route("/reset", post(bench::reset))
        .route("/seed", post(bench::seed))
        .route("/settings", get(bench::settings).put(bench::set_settings))
        .route("/clock/advance", post(bench::advance_clock))
        .route("/faults", get(bench::faults).post(bench::add_fault).delete(bench::clear_faults))
        .route("/faults/{id}", delete(bench::remove_fault))
        .route("/journal", get(bench::journal).put(bench::resize_journal).delete(bench::clear_journal))
        .route("/counters", get(bench::counters).delete(bench::clear_counters))
        .route("/violations", get(bench::violations))
        .route("/ledger", get(bench::ledger))
        .route("/ledger/duplicates", get(bench::duplicates))
        .route("/ledger/foreign-touched", get(bench::foreign_touched))
        .route("/deliveries", get(bench::deliveries).delete(bench::clear_deliveries))
        .route("/deliveries/repeated", get(bench::repeated_deliveries))
        .route("/accounts", post(world::add_account))
        .route("/accounts/{account}/auth-token", put(world::rotate_auth_token))
        .route("/accounts/{account}/status", put(world::set_account_status))
        .route("/accounts/{account}/keys", post(world::add_key))
        .route(
            "/accounts/{account}/conversations",
            get(world::conversations).post(world::create_conversation),
        )
        .route("/keys/{key}", delete(world::revoke_key))
        .route("/keys/{key}/secret", put(world::rotate_key_secret))
        .route("/conversations/{conversation}", get(world::conversation).delete(world::delete_conversation))
        .route("/conversations/{conversation}/state", put(world::set_conversation_state))
        .route("/conversations/{conversation}/initialize", post(world::initialize_conversation))
        .route("/conversations/{conversation}/delete-slowly", post(world::delete_conversation_slowly))
        .route("/conversations/{conversation}/participants", post(world::join))
        .route("/conversations/{conversation}/messages/{message}/receipts", post(world::report_delivery))
        .route("/conversations/{conversation}/recreate", post(world::recreate_conversation))
        .route("/conversations/{conversation}/messages", post(world::say))
        .route("/conversations/{conversation}/webhooks", post(world::create_webhook))
        .route("/conversations/{conversation}/fill-slots", post(world::fill_slots))
        .route("/webhooks/{webhook}", patch(world::edit_webhook).delete(world::delete_webhook))
        .route("/webhooks/{webhook}/restore", post(world::restore_webhook));
    Router::new()
        .nest("/_simulator", routes)
        .fallback(|| async { Problem::new(StatusCode::NOT_FOUND, "there is nothing here; see the README") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "this path has other methods; see the README")
        })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(control)
}

/// JSON in both directions; what cannot be read is a [`Problem`].
struct Json<T>(T);

impl<S: Send + Sync, T> FromRequest<S> for Json<T>
where
    axum::Json<T>: FromRequest<S, Rejection = JsonRejection>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(Problem::new(rejection.status(), rejection.body_text())),
        }
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// An error of the control API: `{"error": "…"}`.
struct Problem {
    status: StatusCode,
    error: String,
}

impl Problem {
    fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self { status, error: error.into() }
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        let status = match error {
            ControlError::UnknownAccount(_)
            | ControlError::UnknownKey(_)
            | ControlError::UnknownConversation(_)
            | ControlError::UnknownWebhook(_)
            | ControlError::UnknownFault(_) => StatusCode::NOT_FOUND,
            ControlError::KeyTaken { .. } | ControlError::SidTaken(_) => StatusCode::CONFLICT,
            ControlError::Refused(_) | ControlError::NoRestrictedKeys(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, error.to_string())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, axum::Json(json!({"error": self.error}))).into_response()
    }
}

type Done = Result<StatusCode, Problem>;
type Found<T> = Result<Json<T>, Problem>;
type Made = (StatusCode, Json<serde_json::Value>);

const DONE: Done = Ok(StatusCode::NO_CONTENT);

fn made(sid: impl Serialize) -> Made {
    (StatusCode::CREATED, Json(json!({"sid": sid})))
}
