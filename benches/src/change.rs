//! One change at a time, while more checks are due than can be made: how long until it is Ready.

use std::time::{Duration, Instant};

use anyhow::Result;
use conversation_webhook_operator::api::ConversationWebhook;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::contender::Operator;
use crate::ready;
use crate::report::{self, Figure, Row};
use crate::stage::{Size, Stage};

/// Checks of a tenant's conversations are due more often than its account allows.
const OVERLOAD: &str = "--resync-interval=1s";

pub(crate) async fn run(size: Size, changes: u32) -> Result<()> {
    let stage = Stage::new(size).await?;
    let operator = Operator::start(&stage)?;
    ready::all(stage.kube.clone(), size.objects).await?;
    let alone = measure(&stage, changes, 1, None).await?;
    operator.stop().await?;

    let operator = Operator::start_with(&stage, &[OVERLOAD])?;
    operator.wait_for("cwo_objects_waiting ", size.objects / 2).await?;
    let behind = measure(&stage, changes, 2, Some(&operator)).await?;
    operator.stop().await?;

    let row = |name: &str, measured: &Measured| Row {
        name: name.to_owned(),
        cells: vec![
            format!("{:.0}", quantile(&measured.times, 0.5)),
            format!("{:.0}", quantile(&measured.times, 0.99)),
            report::figure(Figure::of(measured.backlog.iter().copied()), 0),
        ],
    };
    println!(
        "{changes} changes, one at a time, of {} objects of {} tenants; milliseconds beyond Twilio's {}\n",
        size.objects, size.tenants, size.latency
    );
    report::table(
        &["p50", "p99", "objects that wait"],
        &[row("with nothing else to do", &alone), row("behind a backlog of checks", &behind)],
    );
    stage.plane.stop().await
}

struct Measured {
    /// In milliseconds, without Twilio's own time.
    times: Vec<f64>,
    /// How many objects waited for a pass before each change.
    backlog: Vec<f64>,
}

async fn measure(stage: &Stage, changes: u32, round: u32, operator: Option<&Operator>) -> Result<Measured> {
    let mut measured = Measured { times: Vec::new(), backlog: Vec::new() };
    for change in 0..changes {
        if let Some(operator) = operator {
            measured.backlog.push(f64::from(operator.sum("cwo_objects_waiting ").await));
        }
        // Of one tenant after the other.
        let n = change * stage.size.objects / changes;
        let (namespace, name) = stage.name_of(n);
        let api: Api<ConversationWebhook> = Api::namespaced(stage.kube.clone(), &namespace);
        let url = format!("https://bots.example.com/{n}/{round}");
        let patch = Patch::Merge(json!({ "spec": { "configuration": { "url": url } } }));
        let started = Instant::now();
        let generation = api.patch(&name, &PatchParams::default(), &patch).await?.metadata.generation;
        loop {
            let status = api.get(&name).await?.status;
            if status.is_some_and(|status| status.observed_generation == generation) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let took = started.elapsed().as_secs_f64() * 1000.0;
        measured.times.push(took - stage.size.latency as f64);
    }
    Ok(measured)
}

fn quantile(figures: &[f64], share: f64) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(at.saturating_sub(1)).copied().unwrap_or_default()
}
