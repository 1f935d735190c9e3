//! The control API over HTTP, for other languages and processes. Placeholder.
use super::Control;
use axum::Router;
pub(crate) fn router(control: Control) -> Router {
    Router::new().with_state(control)
}
