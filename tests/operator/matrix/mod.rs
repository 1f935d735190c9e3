//! The crash matrix: every request that the operator sends, struck in every way, while others do every thing that they
//! may do at that moment.
//!
//! Nobody lists the requests: a recording run of each story finds them, and fails where one of them did not pass the
//! proxy that deals the blows. The whole product is run by `make crash-matrix`; a sample of it is an ordinary test.

mod blow;
mod cell;
mod interference;
mod judge;
mod plan;
mod point;
mod process;
mod proxy;
mod recording;
mod report;
mod scenario;
mod upstreams;

use upstreams::Upstreams;

use crate::support::World;

/// Cells in the sample.
const SAMPLE: usize = 40;
/// The seed of the sample where [`SEED`] names none.
const DEFAULT_SEED: u64 = 20;
/// The environment variable with the seed of the sample.
const SEED: &str = "CRASH_MATRIX_SEED";
/// The environment variable with a cell's name, or a part of it: the other cells are left out.
const ONLY: &str = "CELL";
/// The environment variable with the number of cells that run side by side.
const AT_ONCE: &str = "CELLS_AT_ONCE";

fn number(variable: &str, otherwise: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) if !text.is_empty() => text.parse().unwrap_or_else(|_| panic!("{variable}={text}")),
        _ => otherwise,
    }
}

async fn upstreams() -> Upstreams {
    Upstreams::new(World::operator_kubeconfig().await.as_path())
}

/// Everything. Too long for every run of the tests: `make crash-matrix`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes long: make crash-matrix"]
async fn the_whole_crash_matrix_leaves_no_duplicate_and_no_leak_and_touches_nothing_of_others() {
    let upstreams = upstreams().await;
    let plan = plan::Plan::of(&recording::all(&upstreams).await);
    print!("{plan}");
    let only = std::env::var(ONLY).unwrap_or_default();
    let cells = plan.cells.iter().filter(|cell| cell.to_string().contains(&only)).cloned().collect();
    let at_once = usize::try_from(number(AT_ONCE, 6)).unwrap();
    let report = report::run(cells, &upstreams, at_once).await;
    println!("{report}");
    assert!(report.is_clean(), "see above");
    assert!(report.ran() > 0, "no cell is called {only}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sample_of_the_crash_matrix_leaves_no_duplicate_and_no_leak_and_touches_nothing_of_others() {
    let upstreams = upstreams().await;
    let plan = plan::Plan::of(&recording::all(&upstreams).await);
    let seed = number(SEED, DEFAULT_SEED);
    println!("{SEED}={seed}");
    let report = report::run(plan.sample(seed, SAMPLE), &upstreams, 3).await;
    println!("{report}");
    assert!(report.is_clean(), "see above");
    assert_eq!(report.ran(), SAMPLE);
}
