//! Running the checker over a configuration, and what it found.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::Instant;

use stateright::{Checker, CheckerBuilder, Expectation, HasDiscoveries, Model};

use super::protocol::Protocol;

/// What the checker found.
pub(super) struct Report {
    /// States, depth and time in words.
    pub(super) figures: String,
    /// The properties that do not hold, each with a way there in words.
    pub(super) violated: Vec<(&'static str, Vec<String>)>,
    /// What should have come about and did not.
    pub(super) missed: Vec<&'static str>,
}

impl Report {
    /// What is wrong; nothing when all is well.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for (property, words) in &self.violated {
            let _ = writeln!(text, "violated: {property}\n    {}", words.join("\n    "));
        }
        for missed in &self.missed {
            let _ = writeln!(text, "never comes about: {missed}");
        }
        text
    }
}

/// Looks at every state, until the discoveries are made.
pub(super) fn check(model: Protocol, threads: usize, until: HasDiscoveries) -> Report {
    run(model.checker().threads(threads).finish_when(until))
}

/// Looks at states that are this many steps away: the first depth at which something is found has the shortest way to it.
pub(super) fn check_to(model: Protocol, depth: usize, until: HasDiscoveries) -> Report {
    run(model.checker().target_max_depth(depth).finish_when(until))
}

fn run(builder: CheckerBuilder<Protocol>) -> Report {
    let started = Instant::now();
    let checker = builder.spawn_bfs().join();
    let model = checker.model();
    let open = match model.open.load(Ordering::Relaxed) {
        0 => "closed".to_owned(),
        open => format!("{open} states left open"),
    };
    // Ways are found again from the start, within the limit.
    model.expanded.store(0, Ordering::Relaxed);
    let discoveries = checker.discoveries();
    let properties = model.properties();
    let must_hold = |name: &str| {
        properties.iter().any(|property| property.name == name && property.expectation == Expectation::Always)
    };
    let missed = properties
        .iter()
        .map(|property| property.name)
        .filter(|name| !must_hold(name) && !discoveries.contains_key(name))
        .collect();
    let in_words = |path: stateright::Path<_, _>| {
        let steps = path.into_vec();
        let word = |(state, event): &(_, Option<_>)| event.as_ref().map(|event| model.in_words(state, event));
        let mut words: Vec<String> = steps.iter().filter_map(word).collect();
        words.extend(steps.last().map(|(state, _)| model.outcome(state)).unwrap_or_default());
        words
    };
    let figures = format!(
        "{} states, {} transitions, depth {}, {:.0} s, {open}, {} properties",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        started.elapsed().as_secs_f64(),
        properties.iter().filter(|property| must_hold(property.name)).count(),
    );
    let violated = discoveries
        .into_iter()
        .filter(|(name, _)| must_hold(name))
        .map(|(name, path)| (name, in_words(path)))
        .collect();
    Report { figures, violated, missed }
}
