//! One change at a time, while more checks are due than can be made: how long until it is Ready.

use anyhow::Result;

use crate::contender::Operator;
use crate::report::{self, Figure, Row, quantile};
use crate::stage::{Size, Stage};

/// Checks of a tenant's conversations are due more often than its account allows.
const OVERLOAD: &str = "--resync-interval=1s";

pub(crate) async fn run(size: Size, changes: u32) -> Result<()> {
    let (stage, _) = Stage::at_rest(size).await?;
    let operator = Operator::start(&stage)?;
    operator.knows(size.objects).await?;
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
        measured.times.push(stage.time_change(n, round).await? - stage.size.latency as f64);
    }
    Ok(measured)
}
