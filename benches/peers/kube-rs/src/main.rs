//! A controller for `ConversationWebhook` objects as kube-rs' documentation has them written: what the benchmark compares
//! the operator with. `../../README.md` says what it does and what it gets wrong.
//!
//! The types and the Twilio client are the operator's own, so that what differs is the controller.

mod credentials;
mod reconcile;

use std::sync::Arc;

use clap::Parser;
use conversation_webhook_operator::api::ConversationWebhook;
use conversation_webhook_operator::twilio;
use futures::StreamExt as _;
use kube::runtime::{
    Controller, Predicate as _, PredicateConfig, WatchStreamExt as _, controller, predicates, reflector,
    watcher,
};
use kube::{Api, Client, ResourceExt as _};
use tracing_subscriber::EnvFilter;
use url::Url;

use crate::credentials::CredentialsCache;
use crate::reconcile::Context;

#[derive(Parser)]
struct Arguments {
    /// Where Twilio is. May be http.
    #[arg(long)]
    twilio_base_url: Url,
    /// Objects that are reconciled at a time; 0 for no limit, as is kube's default.
    #[arg(long, default_value_t = 0)]
    concurrency: u16,
    /// Skip updates that leave generation and finalizers as they are, and keep no managedFields.
    #[arg(long)]
    filter_stream: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let level = EnvFilter::try_from_default_env().or_else(|_| EnvFilter::try_new("info"))?;
    tracing_subscriber::fmt().with_env_filter(level).with_ansi(false).init();

    let client = Client::try_default().await?;
    let context = Arc::new(Context {
        credentials: CredentialsCache::new(client.clone()),
        twilio: twilio::Client::new(twilio::ClientOptions {
            base_url: Some(arguments.twilio_base_url),
            allow_http: true,
            ..twilio::ClientOptions::default()
        })?,
        kube: client.clone(),
    });
    controller(Api::all(client), arguments.filter_stream)
        .with_config(controller::Config::default().concurrency(arguments.concurrency))
        .shutdown_on_signal()
        .run(reconcile::reconcile, reconcile::on_error, context)
        .for_each(async |result| {
            if let Err(error) = result {
                tracing::warn!(%error, "reconcile failed");
            }
        })
        .await;
    Ok(())
}

fn controller(objects: Api<ConversationWebhook>, filter_stream: bool) -> Controller<ConversationWebhook> {
    if !filter_stream {
        return Controller::new(objects, watcher::Config::default());
    }
    let (reader, writer) = reflector::store();
    // Finalizers too: `finalizer()` waits for the event of its own patch, which leaves the generation as it is.
    let changes = watcher(objects, watcher::Config::default())
        .default_backoff()
        .modify(|object| object.managed_fields_mut().clear())
        .reflect(writer)
        .applied_objects()
        .predicate_filter(predicates::generation.combine(predicates::finalizers), PredicateConfig::default());
    Controller::for_stream(changes, reader)
}
