//! One account, and Twilio answers 429 beyond so many requests at a time: how near the operator comes to what that allows.

use std::time::Instant;

use anyhow::Result;

use crate::contender::Operator;
use crate::ready;
use crate::report::{self, Row};
use crate::stage::{Size, Stage};

/// What Twilio takes of the account at a time.
const TAKES: u32 = 20;

pub(crate) async fn run(size: Size) -> Result<()> {
    let mut rows = Vec::new();
    for told in [TAKES, 2 * TAKES] {
        let size = Size { tenants: 1, twilio_in_flight: Some(TAKES), in_flight: told, ..size };
        let stage = Stage::new(size).await?;
        let started = Instant::now();
        let operator = Operator::start(&stage)?;
        ready::all(stage.kube.clone(), size.objects).await?;
        let seconds = started.elapsed().as_secs_f64();
        let twilio = stage.twilio.requests().await?;
        let duplicates = stage.twilio.webhooks().await? as f64 - f64::from(size.objects);
        operator.stop().await?;
        stage.plane.stop().await?;
        // What was refused was no work.
        let work = (twilio.all - twilio.refused) as f64;
        let least = work * size.latency as f64 / 1000.0 / f64::from(TAKES);
        rows.push(Row {
            name: format!("--max-in-flight-per-account={told}"),
            cells: vec![
                format!("{seconds:.1}"),
                format!("{work:.0}"),
                format!("{:.2}", seconds / least),
                twilio.refused.to_string(),
                format!("{:.2}", 100.0 * twilio.refused as f64 / twilio.all as f64),
                format!("{duplicates:.0}"),
            ],
        });
    }
    println!(
        "{} objects of one account, which may have {TAKES} requests of {} ms in flight\n",
        size.objects, size.latency
    );
    report::table(
        &["s", "requests done", "× requests · latency / 20", "429s", "429s, %", "duplicates"],
        &rows,
    );
    Ok(())
}
