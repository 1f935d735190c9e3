//! Configurations that are looked at whole.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use super::properties::*;
use super::protocol::Protocol;
use super::state::{Budget, Config};

pub(super) struct Report {
    pub(super) violated: Vec<(&'static str, Vec<String>)>,
    pub(super) missed: Vec<&'static str>,
}

impl Report {
    /// The traces in words.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (property, words) in &self.violated {
            let _ = writeln!(text, "violated: {property}");
            for word in words {
                let _ = writeln!(text, "    {word}");
            }
        }
        text
    }
}

/// Looks at every state, and prints what it saw.
pub(super) fn check(model: Protocol, threads: usize, until: HasDiscoveries) -> Report {
    let started = Instant::now();
    let name = model.name;
    let reaches = model.reaches;
    let open = model.open.clone();
    let checker = model.checker().threads(threads).finish_when(until).spawn_bfs().join();
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
    let budget = std::env::var("BUDGET").unwrap_or_default();
    let number = |key: &str| {
        budget
            .split(',')
            .find_map(|part| part.strip_prefix(key)?.strip_prefix('=')?.parse::<u8>().ok())
            .unwrap_or(0)
    };
    let model = Protocol {
        name: "scratch",
        wanted: match number("objects") {
            0 | 1 => [Config::A, Config::None],
            2 => [Config::A, Config::B],
            _ => [Config::A, Config::A],
        },
        processes: if number("processes") == 1 { 1 } else { 2 },
        foreign: match number("foreign") {
            0 => &[],
            1 => &[Config::A],
            _ => &[Config::Trigger],
        },
        alone: number("alone") == 1,
        joins_compensation: number("joins") == 1,
        meddles: number("strips_open") == 1,
        policies: super::view::Policies {
            retain: number("retain") == 1,
            adopts_identical: number("adopts") == 1,
        },
        timing: super::protocol::Timing {
            late_sender: number("ls") == 1,
            late_commits: number("lc") >= 1,
            beyond_next_attempt: number("lc") == 1,
            late_lists: number("ll") == 1,
        },
        limit: usize::from(number("limit")) * 1_000_000,
        budget: Budget {
            crashes: number("crashes"),
            lost: number("lost"),
            refused: number("refused"),
            lag: number("lag"),
            slow: number("slow"),
            writes: number("writes"),
            stale: number("stale"),
            edits: number("edits"),
            deletes: number("deletes"),
            restores: number("restores"),
            strips: number("strips"),
            old_journals: number("old_journals"),
            copies: number("copies"),
            answers: number("answers"),
            strangers: number("strangers"),
            twins: number("twins"),
            outside_edits: number("outside_edits"),
            outside_deletes: number("outside_deletes"),
            resurfacing: number("resurfacing"),
            conversation: number("conversation"),
        },
        reaches: &[],
        ..Protocol::default()
    };
    let report = check(model, 2, HasDiscoveries::All);
    for (property, words) in &report.violated {
        println!("VIOLATED {property}");
        for word in words {
            println!("   {word}");
        }
    }
}
