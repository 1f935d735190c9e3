//! Measures the operator on a real API server, with the simulator in Twilio's place, beside a loop of the same writes without
//! an operator (the floor).
//!
//! | module | holds |
//! |---|---|
//! | `stage` | one run's parts: a fresh control plane, a simulator in its own process, tenants and their objects, new or at rest |
//! | `contender` | who is measured, and what its process used |
//! | `floor` | the same writes, by a loop |
//! | `ready` | when objects became Ready, by a watch |
//! | `create`, `rest`, `steady`, `change`, `limited`, `outage`, `fair`, `shards` | the rows |
//! | `report` | medians, spreads and ratios, as a table |
//!
//! Times of a shared machine are noise: what counts are the ratios within one run, and the counts. All that is started listens on
//! 127.0.0.1 only.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures are for people: nobody reads the sixteenth digit"
)]

mod change;
mod contender;
mod create;
mod fair;
mod floor;
mod limited;
mod outage;
mod ready;
mod report;
mod rest;
mod shards;
mod stage;
mod steady;

use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::contender::Contender;
use crate::stage::Size;

/// Measurements of the operator.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    row: Row,
}

#[derive(Debug, Subcommand)]
enum Row {
    /// Objects that are there when the contender starts, until all are Ready.
    Create {
        #[command(flatten)]
        size: Size,
        /// How often each contender runs; in turns.
        #[arg(long, default_value_t = 3)]
        repeats: usize,
        /// Who runs.
        #[arg(long, value_delimiter = ',', default_value = "floor,operator")]
        contenders: Vec<Contender>,
    },
    /// One change at a time behind a backlog of checks, until it is Ready.
    Change {
        #[command(flatten)]
        size: Size,
        /// How many.
        #[arg(long, default_value_t = 100)]
        changes: u32,
    },
    /// Memory at rest, and a restart beside a bare list.
    Rest {
        #[command(flatten)]
        size: Size,
        /// How often the process is restarted.
        #[arg(long, default_value_t = 3)]
        repeats: usize,
    },
    /// Nothing changes: what checks ask for and write.
    Steady {
        #[command(flatten)]
        size: Size,
        /// Time between two checks, in seconds.
        #[arg(long, default_value_t = 60)]
        interval: u64,
        /// How many intervals.
        #[arg(long, default_value_t = 3)]
        intervals: u32,
    },
    /// One account, and Twilio refuses what is too much at once.
    Limited {
        #[command(flatten)]
        size: Size,
    },
    /// Twilio fails for a while, and everything changes meanwhile.
    Outage {
        #[command(flatten)]
        size: Size,
    },
    /// One tenant has half of all objects and changes all of them.
    Fair {
        #[command(flatten)]
        size: Size,
    },
    /// Three operators with a third of the tenants each.
    Shards {
        #[command(flatten)]
        size: Size,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().row {
        Row::Create { size, repeats, contenders } => create::run(size, repeats, &contenders).await,
        Row::Change { size, changes } => change::run(size, changes).await,
        Row::Rest { size, repeats } => rest::run(size, repeats).await,
        Row::Steady { size, interval, intervals } => {
            steady::run(size, Duration::from_secs(interval), intervals).await
        }
        Row::Limited { size } => limited::run(size).await,
        Row::Outage { size } => outage::run(size).await,
        Row::Fair { size } => fair::run(size).await,
        Row::Shards { size } => shards::run(size).await,
    }
}
