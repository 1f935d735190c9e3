//! All objects have their webhooks: the operator's memory, and a restart beside a bare list of the same objects.

use std::time::{Duration, Instant};

use anyhow::Result;
use conversation_webhook_operator::api::ConversationWebhook;
use kube::Api;
use kube::api::ListParams;

use crate::contender::{Operator, Usage};
use crate::floor;
use crate::report::{self, Figure, Row};
use crate::stage::{Size, Stage};

/// How long a process is left alone before its memory is read, and before it counts as at rest.
const REST: Duration = Duration::from_secs(15);

/// One restart.
struct Restart {
    /// From its start until it knows all objects.
    seconds: f64,
    /// A list of the same objects in pages of 500, before it.
    list: f64,
    writes: usize,
    twilio: u64,
    usage: Usage,
}

pub(crate) async fn run(size: Size, repeats: usize) -> Result<()> {
    let (stage, made) = Stage::at_rest(size).await?;
    // The first list after a start of the API server takes several times as long.
    bare_list(&stage).await?;
    let mut restarts = Vec::new();
    for _ in 0..repeats {
        restarts.push(once(&stage).await?);
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let of = |figure: fn(&Restart) -> f64| Figure::of(restarts.iter().map(figure));
    println!("{} objects at rest, {repeats} restarts, median (lowest to highest)\n", size.objects);
    let row = |name: &str, cell: String| Row { name: name.to_owned(), cells: vec![cell] };
    report::table(
        &["operator"],
        &[
            row("resident after all were made, MiB", format!("{:.1}", mib(made.resident))),
            row("most while they were made, MiB", format!("{:.1}", mib(made.peak))),
            row(
                "resident after a restart, MiB",
                report::figure(of(|run| run.usage.resident as f64 / 1_048_576.0), 1),
            ),
            row("most during it, MiB", report::figure(of(|run| run.usage.peak as f64 / 1_048_576.0), 1)),
            row("restart until all are known, s", report::figure(of(|run| run.seconds), 2)),
            row("a bare list in pages of 500, s", report::figure(of(|run| run.list), 2)),
            row("restart / bare list", report::figure(of(|run| run.seconds / run.list), 2)),
            row("writes in the 15 s after it", report::figure(of(|run| run.writes as f64), 0)),
            row("requests to Twilio in these", report::figure(of(|run| run.twilio as f64), 0)),
            row("CPU until then, s", report::figure(of(|run| run.usage.cpu.as_secs_f64()), 2)),
        ],
    );
    stage.plane.stop().await
}

async fn once(stage: &Stage) -> Result<Restart> {
    let list = bare_list(stage).await?;
    let (mark, twilio) = (stage.plane.audit().mark().await?, stage.twilio.requests().await?);
    let started = Instant::now();
    let operator = Operator::start(stage)?;
    operator.knows(stage.size.objects).await?;
    let seconds = started.elapsed().as_secs_f64();
    tokio::time::sleep(REST).await;
    let usage = operator.usage()?;
    let requests = stage.plane.audit().since(mark).await?.by_service_account("bench", "bench");
    let writes = requests.iter().filter(|request| request.is_write()).count();
    let twilio = stage.twilio.requests().await?.all - twilio.all;
    operator.stop().await?;
    Ok(Restart { seconds, list, writes, twilio, usage })
}

/// How long a list of all objects takes, in pages of 500, in seconds.
async fn bare_list(stage: &Stage) -> Result<f64> {
    let started = Instant::now();
    let api: Api<ConversationWebhook> = Api::all(floor::client(stage).await?);
    let mut page = ListParams::default().limit(500);
    loop {
        let objects = api.list(&page).await?;
        match objects.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => page.continue_token = Some(next),
            None => return Ok(started.elapsed().as_secs_f64()),
        }
    }
}
