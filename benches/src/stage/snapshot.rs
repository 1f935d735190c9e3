//! A stage whose objects are at rest: made once by the operator, kept beside the programs, and copied for each run.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use controlplane::ControlPlane;
use conversation_webhook_operator::api::ConversationWebhook;
use kube::Api;
use kube::api::ListParams;
use serde::{Deserialize, Serialize};

use super::{Size, Stage};
use crate::contender::Operator;
use crate::ready;

/// How long a process is left alone before its memory is read.
const REST: Duration = Duration::from_secs(15);

/// What the operator used while it made everything.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Made {
    /// Resident 15 s after it, in bytes.
    pub(crate) resident: u64,
    /// The most while it did, in bytes.
    pub(crate) peak: u64,
}

/// What is kept beside etcd's data.
#[derive(Serialize, Deserialize)]
struct Kept {
    made: Made,
    /// The SID of each object's webhook, in the objects' order.
    webhooks: Vec<String>,
}

impl Stage {
    /// All objects have their webhooks, and nobody serves them. The first stage of a size takes minutes.
    pub(crate) async fn at_rest(size: Size) -> Result<(Self, Made)> {
        let kept = place(size)?;
        if !kept.exists() {
            make(size, &kept).await.context("make objects at rest")?;
        }
        let Kept { made, webhooks } = serde_json::from_str(&fs::read_to_string(kept.join("kept.json"))?)?;
        let plane = ControlPlane::builder().copy_of(kept.join("etcd")).start().await?;
        Ok((Self::around(size, plane, &webhooks).await?, made))
    }
}

/// Where the snapshot of a size is.
fn place(size: Size) -> Result<PathBuf> {
    let crd = include_str!("../../../crds/conversationwebhooks.yaml");
    let mut hasher = DefaultHasher::new();
    (crd, size.objects, size.per_conversation, size.tenants, size.one_has_half).hash(&mut hasher);
    let programs = std::env::current_exe()?;
    let programs = programs.parent().context("no directory")?;
    Ok(programs.join("bench-snapshots").join(format!("{}-{:016x}", size.objects, hasher.finish())))
}

async fn make(size: Size, kept: &Path) -> Result<()> {
    eprintln!("once: {} objects are made, for {}", size.objects, kept.display());
    let draft = tempfile::tempdir_in({
        let parent = kept.parent().context("no directory")?;
        fs::create_dir_all(parent)?;
        parent
    })?;
    // As fast as it goes.
    let fast = Size { latency: 1, in_flight: 20, twilio_in_flight: None, ..size };
    let plane = draft.path().join("plane");
    let stage = Stage::on(fast, ControlPlane::builder().directory(&plane).start().await?).await?;
    let operator = Operator::start(&stage)?;
    ready::all(stage.kube.clone(), size.objects).await?;
    tokio::time::sleep(REST).await;
    let usage = operator.usage()?;
    operator.stop().await?;
    let webhooks = webhooks(&stage).await?;
    let made = Made { resident: usage.resident, peak: usage.peak };
    fs::write(draft.path().join("kept.json"), serde_json::to_string(&Kept { made, webhooks })?)?;
    stage.plane.stop().await?;
    fs::rename(plane.join("etcd"), draft.path().join("etcd"))?;
    // Certificates, keys and logs.
    fs::remove_dir_all(plane)?;
    fs::rename(draft.keep(), kept)?;
    Ok(())
}

async fn webhooks(stage: &Stage) -> Result<Vec<String>> {
    let mut webhooks = vec![String::new(); stage.size.objects as usize];
    let api: Api<ConversationWebhook> = Api::all(stage.kube.clone());
    let mut page = ListParams::default().limit(500);
    loop {
        let objects = api.list(&page).await?;
        for object in objects.items {
            let name = object.metadata.name.context("no name")?;
            let number: usize = name.trim_start_matches("bot-").parse()?;
            let sid = object.status.and_then(|status| status.webhook_sid).context("no webhook")?;
            *webhooks.get_mut(number).context("a number too high")? = sid.to_string();
        }
        match objects.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => page.continue_token = Some(next),
            None => return Ok(webhooks),
        }
    }
}
