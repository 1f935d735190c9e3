//! Runs cells side by side, and sums up what came of them.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinError;

use super::cell::{Cell, Ran};
use super::judge::Verdict;
use super::upstreams::Upstreams;

/// How often a cell is tried whose request did not come: a busy machine may let a window pass before it.
const TRIES: usize = 3;
/// Cells between two signs of life.
const PROGRESS: usize = 50;

/// What came of all cells.
#[derive(Default)]
pub(super) struct Report {
    verdicts: BTreeMap<Cell, Verdict>,
    unreached: Vec<Cell>,
    broken: BTreeMap<Cell, String>,
    took: Duration,
}

/// Runs the cells, so many at once.
pub(super) async fn run(cells: Vec<Cell>, upstreams: &Upstreams, at_once: usize) -> Report {
    let (started, total) = (Instant::now(), cells.len());
    let mut report = Report::default();
    let cells = Arc::new(Mutex::new(VecDeque::from(cells)));
    let (done_by, mut done) = mpsc::unbounded_channel();
    for _ in 0..at_once {
        let (cells, upstreams, done) = (Arc::clone(&cells), upstreams.clone(), done_by.clone());
        std::thread::spawn(move || worker(&cells, &upstreams, &done));
    }
    drop(done_by);
    for number in 1.. {
        let Some((cell, ran)) = done.recv().await else { break };
        match ran {
            Ok(Ran::Judged(verdict, log)) => {
                if !verdict.is_clean() {
                    println!("WRONG {cell}: {verdict:?}\n{}", end_of(&log));
                }
                report.verdicts.insert(cell, verdict);
            }
            Ok(Ran::Unreached) => {
                println!("UNREACHED {cell}");
                report.unreached.push(cell);
            }
            Err(error) => {
                println!("BROKEN {cell}: {error}");
                report.broken.insert(cell, error.to_string());
            }
        }
        if number % PROGRESS == 0 {
            println!("{number} of {total} cells in {:.0?}", started.elapsed());
        }
    }
    report.took = started.elapsed();
    report
}

type Done = mpsc::UnboundedSender<(Cell, Result<Ran, JoinError>)>;

/// Takes one cell after the other. Each runs in a task of its own, so that one that breaks does not end the others.
fn worker(cells: &Mutex<VecDeque<Cell>>, upstreams: &Upstreams, done: &Done) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let upstreams = upstreams.on_connections_of_its_own();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        // The lock must not be held while the cell runs.
        let next = || cells.lock().unwrap().pop_front();
        while let Some(cell) = next() {
            let (running, upstreams) = (cell.clone(), upstreams.clone());
            let ran = tokio::task::spawn_local(async move { try_to_run(&running, &upstreams).await }).await;
            if done.send((cell, ran)).is_err() {
                break;
            }
        }
    });
}

async fn try_to_run(cell: &Cell, upstreams: &Upstreams) -> Ran {
    for _ in 1..TRIES {
        if let ran @ Ran::Judged(..) = cell.run(upstreams).await {
            return ran;
        }
    }
    cell.run(upstreams).await
}

fn end_of(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(150)..].join("\n")
}

impl Report {
    /// Cells whose request was struck.
    pub(super) fn ran(&self) -> usize {
        self.verdicts.len()
    }

    /// Whether every cell was run, and all is well in each.
    pub(super) fn is_clean(&self) -> bool {
        self.unreached.is_empty() && self.broken.is_empty() && self.verdicts.values().all(Verdict::is_clean)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = |of: fn(&Verdict) -> usize| self.verdicts.values().map(of).sum::<usize>();
        writeln!(f, "cells run               {} in {:.0?}", self.ran(), self.took)?;
        writeln!(f, "  not reached           {}", self.unreached.len())?;
        writeln!(f, "  broken                {}", self.broken.len())?;
        writeln!(f, "duplicates              {}", sum(|verdict| verdict.duplicates.len()))?;
        writeln!(f, "unreported leaks        {}", sum(|verdict| verdict.leaks.len()))?;
        writeln!(f, "wrongly touched         {}", sum(|verdict| verdict.touched.len()))?;
        writeln!(f, "unsettled               {}", sum(|verdict| verdict.unsettled.len()))?;
        writeln!(f, "held with a reason      {}", sum(|verdict| verdict.held.len()))?;
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        for held in self.verdicts.values().flat_map(|verdict| &verdict.held) {
            *reasons.entry(held.split_once(": ").map_or("", |(_, reason)| reason)).or_default() += 1;
        }
        for (reason, number) in reasons {
            writeln!(f, "  {reason:<21} {number}")?;
        }
        writeln!(f, "settled by a check      {}", sum(|verdict| usize::from(verdict.by_check)))?;
        writeln!(f, "left over and reported  {}", sum(|verdict| verdict.reported))?;
        writeln!(f, "outsider's twin taken   {} (risk 3)", sum(|verdict| verdict.inferred))?;
        writeln!(f, "equal by two wishes     {}", sum(|verdict| verdict.asked_for_twice))?;
        let wrong = self.verdicts.iter().filter(|(_, verdict)| !verdict.is_clean()).map(|(cell, _)| cell);
        for cell in wrong.chain(&self.unreached).chain(self.broken.keys()) {
            writeln!(f, "again: CELL='{cell}' make crash-matrix")?;
        }
        Ok(())
    }
}
