//! Twilio answers 503 for a while, and everything changes meanwhile: what that costs it, and how long until all is Ready again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::contender::Operator;
use crate::ready::Watched;
use crate::report::{self, Row};
use crate::stage::{Size, Stage};

/// By this all the operator's windows are shortened: 10 minutes become one.
const SCALE: f64 = 0.1;
const OUTAGE: Duration = Duration::from_mins(1);
/// Between two probes of an account, as scaled.
const PROBE: Duration = Duration::from_secs(3);
/// Objects that are made during it.
const MADE: u32 = 500;

pub(crate) async fn run(size: Size) -> Result<()> {
    let (stage, _) = Stage::at_rest(size).await?;
    let operator = Operator::start_with(&stage, &[&format!("--time-scale={SCALE}")])?;
    operator.knows(size.objects).await?;
    let mut watched = Watched::start(stage.kube.clone());

    stage.twilio.fail().await?;
    let (mark, down) = (stage.plane.audit().mark().await?, Instant::now());
    let before = stage.twilio.requests().await?;
    let mut wanted = HashMap::new();
    stage.apply(size.objects..size.objects + MADE).await?;
    wanted.extend((size.objects..size.objects + MADE).map(|object| (object, 1)));
    wanted.extend(stage.change_all(0..size.objects, 1).await?);
    // The last of them made their first request.
    tokio::time::sleep(PROBE).await;
    let later = stage.twilio.requests().await?;
    let counted = Instant::now();
    tokio::time::sleep(OUTAGE.saturating_sub(down.elapsed())).await;
    let probes = stage.twilio.requests().await?.since(later).all;
    let seconds = counted.elapsed().as_secs_f64();
    let first = later.since(before).all;
    let requests = stage.plane.audit().since(mark).await?.by_service_account("bench", "bench");
    let writes = requests.iter().filter(|request| request.is_write() && request.resource != "events").count();

    stage.twilio.answer().await?;
    let (up, asked) = (Instant::now(), stage.twilio.requests().await?);
    watched.settled(&wanted).await?;
    let recovery = up.elapsed().as_secs_f64();
    let work = stage.twilio.requests().await?.since(asked).all;
    let duplicates = stage.twilio.webhooks().await? as f64 - f64::from(size.objects + MADE);
    operator.stop().await?;
    stage.plane.stop().await?;

    // Each request of the backlog takes one of these places for one latency.
    let capacity = f64::from(size.tenants * size.in_flight) * 1000.0 / size.latency as f64;
    let backlog = f64::from(size.objects + MADE);
    let row = |name: &str, cell: String| Row { name: name.to_owned(), cells: vec![cell] };
    println!(
        "{} objects changed and {MADE} made while Twilio answers 503 for {OUTAGE:?}; {} accounts with {} requests of {} ms in flight; \
         windows × {SCALE}\n",
        size.objects, size.tenants, size.in_flight, size.latency
    );
    report::table(
        &["operator"],
        &[
            row("requests to Twilio until its accounts were left alone", first.to_string()),
            row(
                "after that, for each account and time between probes",
                format!("{:.2}", probes as f64 * PROBE.as_secs_f64() / (seconds * f64::from(size.tenants))),
            ),
            row("writes for each object meanwhile", format!("{:.2}", writes as f64 / backlog)),
            row("until all were Ready again, s", format!("{recovery:.1}")),
            row("× backlog / capacity", format!("{:.2}", recovery / (backlog / capacity))),
            row("× requests made / capacity", format!("{:.2}", recovery / (work as f64 / capacity))),
            row("duplicates", format!("{duplicates:.0}")),
        ],
    );
    Ok(())
}
