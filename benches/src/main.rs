//! Measures the operator on a real API server, with the simulator in Twilio's place, beside a loop of the same writes without
//! an operator (the floor).
//!
//! | module | holds |
//! |---|---|
//! | `stage` | one run's parts: a fresh control plane, a simulator in its own process, tenants and their objects |
//! | `contender` | who is measured, and what its process used |
//! | `floor` | the same writes, by a loop |
//! | `ready` | when objects became Ready, by a watch |
//! | `create`, `change`, `rest` | the rows: all created; one change behind a backlog; at rest and restarted |
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
mod floor;
mod ready;
mod report;
mod rest;
mod stage;

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
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().row {
        Row::Create { size, repeats, contenders } => create::run(size, repeats, &contenders).await,
        Row::Change { size, changes } => change::run(size, changes).await,
        Row::Rest { size, repeats } => rest::run(size, repeats).await,
    }
}
