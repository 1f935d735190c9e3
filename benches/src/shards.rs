//! Three operators, each with a third of the tenants, beside one of them by itself and beside one with all tenants.

use std::time::Instant;

use anyhow::Result;
use conversation_webhook_operator::api::ConversationWebhook;
use kube::Api;
use kube::api::ListParams;

use crate::contender::Operator;
use crate::ready;
use crate::report::{self, Row};
use crate::stage::{SHARD, Size, Stage};

pub(crate) async fn run(size: Size) -> Result<()> {
    let one = once(size, &["shard=0"]).await?;
    let three = once(size, &["shard=0", "shard=1", "shard=2"]).await?;
    let unsharded = once(size, &[""]).await?;
    println!(
        "{} objects of {} tenants, a third of each to a shard; {} requests of {} ms in flight for each tenant\n",
        size.objects, size.tenants, size.in_flight, size.latency
    );
    let row = |name: &str, rate: f64| Row {
        name: name.to_owned(),
        cells: vec![format!("{rate:.1}"), format!("{:.2}", rate / one)],
    };
    report::table(
        &["objects made/s", "× one shard"],
        &[
            row("one shard, the others not served", one),
            row("three shards", three),
            row("one operator for all", unsharded),
        ],
    );
    Ok(())
}

/// Objects a second.
async fn once(size: Size, selectors: &[&str]) -> Result<f64> {
    let stage = Stage::new(size).await?;
    let api: Api<ConversationWebhook> = Api::all(stage.kube.clone());
    let mut objects = 0;
    for selector in selectors {
        objects += api.list_metadata(&ListParams::default().labels(selector)).await?.items.len();
    }
    assert!(objects > 0, "no object has the label {SHARD}");
    let started = Instant::now();
    let operators: Vec<Operator> = selectors
        .iter()
        .map(|selector| match *selector {
            "" => Operator::start(&stage),
            selector => Operator::start_with(&stage, &[&format!("--watch-label-selector={selector}")]),
        })
        .collect::<Result<_>>()?;
    ready::all(stage.kube.clone(), u32::try_from(objects)?).await?;
    let rate = objects as f64 / started.elapsed().as_secs_f64();
    for operator in operators {
        operator.stop().await?;
    }
    stage.plane.stop().await?;
    Ok(rate)
}
