//! Configurations that are looked at whole.

use std::sync::atomic::Ordering;
use std::time::Instant;

use stateright::{Checker, Model};

use super::properties::*;
use super::protocol::Protocol;
use super::state::{Budget, Config};

pub(super) struct Report {
    pub(super) violated: Vec<(&'static str, Vec<String>)>,
    pub(super) missed: Vec<&'static str>,
}

/// Looks at every state, and prints what it saw.
pub(super) fn check(model: Protocol, threads: usize) -> Report {
    let started = Instant::now();
    let name = model.name;
    let reaches = model.reaches;
    let open = model.open.clone();
    let checker = model.checker().threads(threads).spawn_bfs().join();
    let discoveries = checker.discoveries();
    let missed: Vec<&str> = reaches.iter().copied().filter(|name| !discoveries.contains_key(name)).collect();
    let mut violated = Vec::new();
    for (property, path) in discoveries {
        if reaches.contains(&property) {
            continue;
        }
        let steps = path.into_vec();
        let words = steps
            .iter()
            .filter_map(|(state, event)| event.as_ref().map(|event| checker.model().in_words(state, event)))
            .collect();
        violated.push((property, words));
    }
    println!(
        "{name}: {} states, {} transitions, depth {}, {:.1} s, {} open",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        started.elapsed().as_secs_f64(),
        open.load(Ordering::Relaxed),
    );
    Report { violated, missed }
}

#[test]
fn scratch() {
    let model = Protocol {
        name: "one object",
        alone: true,
        budget: Budget { crashes: 1, lost: 1, lag: 1, deletes: 1, edits: 1, ..Budget::default() },
        reaches: &[CREATED, INFERRED, GONE],
        ..Protocol::default()
    };
    let _ = Config::A;
    let report = check(model, 2);
    for (property, words) in &report.violated {
        println!("VIOLATED {property}");
        for word in words {
            println!("   {word}");
        }
    }
    assert!(report.violated.is_empty() && report.missed.is_empty(), "{:?}", report.missed);
}
