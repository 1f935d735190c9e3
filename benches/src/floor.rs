//! The writes that the operator makes for a webhook, by a loop that watches nothing, remembers nothing and handles no error: the
//! least that they cost on this machine.

use anyhow::{Context, Result};
use conversation_webhook_operator::api::{
    ATTEMPT_ANNOTATION, CONVERSATION_LABEL, ConversationWebhook, FINALIZER,
};
use futures::{StreamExt, TryStreamExt, stream};
use kube::api::{ListParams, Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::stage::Stage;

/// How many objects are worked on at a time.
const WORKERS: usize = 64;

/// The client of a contender.
pub(crate) async fn client(stage: &Stage) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(&stage.kubeconfig)?;
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

/// Makes the webhook of every object.
pub(crate) async fn run(stage: &Stage) -> Result<()> {
    let kube = client(stage).await?;
    let objects = Api::<ConversationWebhook>::all(kube.clone()).list(&ListParams::default()).await?;
    let http = reqwest::Client::new();
    stream::iter(objects.items)
        .map(|object| one(stage, &kube, &http, object))
        .buffer_unordered(WORKERS)
        .try_collect()
        .await
}

async fn one(
    stage: &Stage,
    kube: &Client,
    http: &reqwest::Client,
    object: ConversationWebhook,
) -> Result<()> {
    let namespace = object.namespace().context("no namespace")?;
    let api: Api<ConversationWebhook> = Api::namespaced(kube.clone(), &namespace);
    let conversation = object.spec.conversation_sid.as_ref().context("no conversation")?.to_string();
    let (name, params) = (object.name_any(), PatchParams::default());
    let account = Stage::account_of(&namespace)?;
    // As long as a journal with nobody else on the conversation.
    let journal = json!({
        "id": "00000000-0000-4000-8000-000000000000", "uid": object.uid(),
        "cluster": "00000000-0000-4000-8000-000000000000", "account": account, "region": "us1",
        "conversation": conversation, "generation": 1, "notAfter": "2026-11-26T00:00:00.000000000Z", "baseline": [],
        "config": object.spec.configuration,
    });
    let patch = json!({ "metadata": {
        "resourceVersion": object.resource_version(),
        "finalizers": [FINALIZER],
        "labels": { CONVERSATION_LABEL: conversation },
        "annotations": { ATTEMPT_ANNOTATION: journal.to_string() },
    }});
    let object = api.patch(&name, &params, &Patch::Merge(&patch)).await?;

    let form = [
        ("Target", "webhook"),
        ("Configuration.Url", object.spec.configuration.url.as_deref().unwrap_or_default()),
        ("Configuration.Method", "POST"),
        ("Configuration.Filters", "onMessageAdded"),
    ];
    let url = format!("{}/v1/Conversations/{conversation}/Webhooks", stage.twilio.url);
    let made = http.post(url).basic_auth(&account, Some(Stage::token())).form(&form).send().await?;
    let made: Value = made.error_for_status()?.json().await?;

    let condition = |type_: &str, status: &str| {
        json!({
            "type": type_, "status": status, "reason": "Available", "observedGeneration": 1,
            "lastTransitionTime": "2026-11-26T00:00:00Z",
            "message": format!("webhook {} is on conversation {conversation}", made["sid"]),
        })
    };
    let status = json!({
        "metadata": { "resourceVersion": object.resource_version() },
        "status": {
            "webhookSid": made["sid"], "accountSid": account, "region": "us1", "conversationSid": conversation,
            "observedGeneration": 1, "settledAttempt": "00000000-0000-4000-8000-000000000000", "provenance": "Created",
            "conditions": [
                condition("Ready", "True"), condition("Synced", "True"), condition("CredentialsValid", "True"),
            ],
        },
    });
    api.patch_status(&name, &params, &Patch::Merge(&status)).await?;
    Ok(())
}
