//! One tenant has half of all objects and changes all of them: what the others notice.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::Result;

use crate::contender::Operator;
use crate::ready::Watched;
use crate::report::{self, Row, jain, quantile};
use crate::stage::{Size, Stage};

/// Changes of quiet tenants, one at a time.
const CHANGES: u32 = 200;

pub(crate) async fn run(size: Size) -> Result<()> {
    let size = Size { one_has_half: true, ..size };
    let (stage, _) = Stage::at_rest(size).await?;
    let operator = Operator::start(&stage)?;
    operator.knows(size.objects).await?;
    let (noisy, quiet): (Vec<u32>, Vec<u32>) =
        (0..size.objects).partition(|object| stage.tenant_of(*object) == 0);
    let mut watched = Watched::start(stage.kube.clone());

    let alone = one_by_one(&stage, &quiet, 1).await?;
    let together = all(&stage, &mut watched, &quiet, 2).await?;

    let flood = stage.change_all(noisy.iter().copied(), 3).await?;
    let began = operator.sum("cwo_objects_waiting ").await;
    let beside = one_by_one(&stage, &quiet, 3).await?;
    let left = operator.sum("cwo_objects_waiting ").await;
    watched.settled(&flood).await?;

    let flood = stage.change_all(noisy.iter().copied(), 4).await?;
    let together_beside = all(&stage, &mut watched, &quiet, 4).await?;
    watched.settled(&flood).await?;
    operator.stop().await?;
    stage.plane.stop().await?;

    println!(
        "{} objects, half of them of one tenant, which changes all of its own at once; {} quiet tenants; {} requests of {} ms in \
         flight for each. Of the noisy one's changes, {began} were waiting when the quiet ones' began and {left} when they ended.\n",
        size.objects,
        size.tenants - 1,
        size.in_flight,
        size.latency
    );
    let row = |name: &str, times: &[f64], rates: &[f64]| Row {
        name: name.to_owned(),
        cells: vec![
            format!("{:.0}", quantile(times, 0.5)),
            format!("{:.0}", quantile(times, 0.99)),
            format!("{:.3}", jain(rates)),
        ],
    };
    report::table(
        &[
            "a quiet one's change, ms, p50",
            "p99",
            "Jain's index of the quiet ones' rates, all of their objects changed",
        ],
        &[row("alone", &alone, &together), row("beside the noisy one", &beside, &together_beside)],
    );
    println!(
        "\nquiet p99 beside the noisy one / alone: {:.2}",
        quantile(&beside, 0.99) / quantile(&alone, 0.99)
    );
    Ok(())
}

/// How long changes take one at a time, each of another tenant than the one before, in milliseconds.
async fn one_by_one(stage: &Stage, objects: &[u32], round: u32) -> Result<Vec<f64>> {
    let mut times = Vec::new();
    for n in 0..CHANGES as usize {
        // Neighbours are on one conversation.
        let object = objects[(n * stage.size.per_conversation as usize) % objects.len()];
        times.push(stage.time_change(object, round).await?);
    }
    Ok(times)
}

/// All of them at once: how many objects a second each tenant had done.
async fn all(stage: &Stage, watched: &mut Watched, objects: &[u32], round: u32) -> Result<Vec<f64>> {
    let started = Instant::now();
    let wanted = stage.change_all(objects.iter().copied(), round).await?;
    let done = watched.settled(&wanted).await?;
    let mut tenants = HashMap::<u32, (u32, f64)>::new();
    for (object, at) in done {
        let (objects, last) = tenants.entry(stage.tenant_of(object)).or_default();
        *objects += 1;
        *last = last.max((at - started).as_secs_f64());
    }
    Ok(tenants.into_values().map(|(objects, last)| f64::from(objects) / last).collect())
}
