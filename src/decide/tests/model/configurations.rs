//! Configurations that are looked at whole: small ones in every run of the tests, large ones by `make verify`.
//!
//! Each keeps the assumptions on time, and the stated risks out: what follows without them is in `counterexamples`.

use stateright::HasDiscoveries;

use super::properties::*;
use super::protocol::Protocol;
use super::report::check;
use super::state::{Budget, Config};
use super::view::Policies;

/// Two objects that ask for different webhooks on one conversation.
const DIFFERENT: [Config; 2] = [Config::A, Config::B];
/// Two objects that ask for the same.
const ALIKE: [Config; 2] = [Config::A, Config::A];

const ADOPTING: Policies = Policies { retain: false, adopts_identical: true };

/// Seconds, without optimisation.
fn small() -> Vec<Protocol> {
    vec![
        Protocol {
            name: "a crash, a lost reply, a list that lags",
            alone: true,
            budget: Budget { crashes: 1, lost: 1, lag: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED],
            ..Protocol::default()
        },
        Protocol {
            name: "a lost reply, an edit, a deletion",
            alone: true,
            budget: Budget { lost: 1, edits: 1, deletes: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED, GONE],
            ..Protocol::default()
        },
        Protocol {
            name: "two objects, a crash",
            wanted: DIFFERENT,
            alone: true,
            budget: Budget { crashes: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED],
            ..Protocol::default()
        },
        Protocol {
            name: "a webhook that disappears and comes back",
            budget: Budget { outside_deletes: 1, resurfacing: 1, lag: 1, ..Budget::default() },
            reaches: &[REMADE],
            ..Protocol::default()
        },
        Protocol {
            name: "an object that vanishes, a lost reply, a list that lags",
            budget: Budget { vanishings: 1, lost: 1, lag: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED, GONE],
            ..Protocol::default()
        },
        Protocol {
            name: "a lost reply beside a stranger's twin",
            processes: 1,
            budget: Budget { lost: 1, twins: 1, deletes: 1, ..Budget::default() },
            reaches: &[AMBIGUOUS, GONE],
            ..Protocol::default()
        },
    ]
}

/// Minutes, with optimisation.
fn large() -> Vec<Protocol> {
    one_object().into_iter().chain(unusual()).chain(vanishing()).chain(two()).collect()
}

/// One object, two processes: what happens whatever its users do.
fn one_object() -> Vec<Protocol> {
    vec![
        Protocol {
            name: "one object: crash, lost reply, lag, slow sender, edit, deletion",
            alone: true,
            budget: Budget {
                crashes: 1,
                lost: 1,
                lag: 1,
                slow: 1,
                edits: 1,
                deletes: 1,
                ..Budget::default()
            },
            reaches: &[CREATED, INFERRED, GONE],
            ..Protocol::default()
        },
        Protocol {
            name: "the API server: two unclear writes, lost reply, edit, deletion",
            alone: true,
            budget: Budget { writes: 2, lost: 1, edits: 1, deletes: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED, GONE],
            ..Protocol::default()
        },
        Protocol {
            name: "a stale cache, an unclear write, lost reply, edit, deletion",
            alone: true,
            budget: Budget { stale: 1, writes: 1, lost: 1, edits: 1, deletes: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED, GONE],
            ..Protocol::default()
        },
        Protocol {
            name: "Twilio refuses, loses a reply, shows late; a process dies",
            alone: true,
            budget: Budget { refused: 1, lost: 2, lag: 1, crashes: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED],
            ..Protocol::default()
        },
    ]
}

/// One object, and people or outsiders who do unusual things.
fn unusual() -> Vec<Protocol> {
    vec![
        Protocol {
            name: "a restore, two deletions, a lost reply",
            budget: Budget { restores: 1, deletes: 2, lost: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED, GONE],
            ..Protocol::default()
        },
        Protocol {
            name: "a restore, also of an old backup, edit, lost reply",
            budget: Budget { restores: 1, edits: 1, lost: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED],
            ..Protocol::default()
        },
        Protocol {
            name: "a restore, crash, lost reply, edit, deletion",
            budget: Budget { restores: 1, crashes: 1, lost: 1, edits: 1, deletes: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED, GONE],
            ..Protocol::default()
        },
        Protocol {
            name: "a restore beside a stranger's twin, with an edit",
            processes: 1,
            budget: Budget { restores: 1, edits: 1, lost: 1, twins: 1, ..Budget::default() },
            reaches: &[AMBIGUOUS],
            ..Protocol::default()
        },
        Protocol {
            name: "a strip, lost reply, edit, deletion",
            budget: Budget { strips: 1, lost: 1, edits: 1, deletes: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED, GONE],
            ..Protocol::default()
        },
        Protocol {
            name: "an old journal, crash, lost reply, edit, deletion",
            alone: true,
            budget: Budget {
                old_journals: 1,
                crashes: 1,
                lost: 1,
                edits: 1,
                deletes: 1,
                ..Budget::default()
            },
            reaches: &[CREATED, INFERRED, GONE],
            ..Protocol::default()
        },
        Protocol {
            name: "a person's answer, two lost replies, a stranger, a deletion",
            budget: Budget { answers: 1, lost: 2, strangers: 1, deletes: 1, ..Budget::default() },
            reaches: &[ADOPTED, INFERRED, AMBIGUOUS, GONE],
            ..Protocol::default()
        },
        Protocol {
            name: "outsiders edit, delete and bring back; lost reply, lag",
            budget: Budget {
                outside_edits: 1,
                outside_deletes: 1,
                resurfacing: 1,
                lost: 1,
                lag: 1,
                ..Budget::default()
            },
            reaches: &[INFERRED, REMADE, AMBIGUOUS],
            ..Protocol::default()
        },
        Protocol {
            name: "the conversation is deleted; crash, lost reply, edit, deletion",
            budget: Budget {
                conversation: 1,
                crashes: 1,
                lost: 1,
                edits: 1,
                deletes: 1,
                ..Budget::default()
            },
            reaches: &[INFERRED, GONE],
            ..Protocol::default()
        },
        Protocol {
            name: "Retain: a restore, crash, lost reply, deletion",
            policies: Policies { retain: true, adopts_identical: false },
            joins_compensation: true,
            budget: Budget { crashes: 1, lost: 1, deletes: 1, restores: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED],
            ..Protocol::default()
        },
    ]
}

/// Objects that go at once, finalizer and all.
fn vanishing() -> Vec<Protocol> {
    vec![
        Protocol {
            name: "an object that vanishes; crash, lost reply, lag, edit, deletion",
            budget: Budget {
                vanishings: 1,
                crashes: 1,
                lost: 1,
                lag: 1,
                edits: 1,
                deletes: 1,
                ..Budget::default()
            },
            reaches: &[CREATED, INFERRED, GONE],
            ..Protocol::default()
        },
        Protocol {
            name: "an object that vanishes and is restored; an unclear write, lost reply",
            joins_compensation: true,
            budget: Budget { vanishings: 1, restores: 1, writes: 1, lost: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED, GONE],
            ..Protocol::default()
        },
        Protocol {
            name: "an object that vanishes beside strangers; lost reply",
            budget: Budget { vanishings: 1, lost: 1, strangers: 1, twins: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED, AMBIGUOUS],
            ..Protocol::default()
        },
        Protocol {
            name: "two objects that ask for the same; one vanishes, a lost reply",
            wanted: ALIKE,
            joins_compensation: true,
            budget: Budget { vanishings: 1, lost: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED],
            ..Protocol::default()
        },
        Protocol {
            name: "two objects, one vanishes, a crash, a lost reply",
            wanted: DIFFERENT,
            budget: Budget { vanishings: 1, crashes: 1, lost: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED],
            ..Protocol::default()
        },
    ]
}

/// Two objects, two processes.
fn two() -> Vec<Protocol> {
    vec![
        Protocol {
            name: "a copied manifest, crash, lost reply, deletion",
            budget: Budget { copies: 1, crashes: 1, lost: 1, deletes: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED, GONE],
            ..Protocol::default()
        },
        Protocol {
            name: "two objects that take over the same webhook; crash, deletion",
            wanted: ALIKE,
            foreign: &[Config::A],
            policies: ADOPTING,
            budget: Budget { crashes: 1, deletes: 1, ..Budget::default() },
            reaches: &[ADOPTED],
            ..Protocol::default()
        },
        Protocol {
            name: "two objects that ask for the same; two crashes",
            wanted: ALIKE,
            budget: Budget { crashes: 2, ..Budget::default() },
            reaches: &[CREATED, INFERRED],
            ..Protocol::default()
        },
        Protocol {
            name: "two objects, two crashes",
            wanted: DIFFERENT,
            alone: true,
            budget: Budget { crashes: 2, ..Budget::default() },
            reaches: &[CREATED, INFERRED],
            ..Protocol::default()
        },
        Protocol {
            name: "two objects, a crash, a lost reply, a deletion",
            wanted: DIFFERENT,
            alone: true,
            budget: Budget { crashes: 1, lost: 1, deletes: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED],
            ..Protocol::default()
        },
        Protocol {
            name: "two objects, a crash, a stranger, a stranger's twin",
            wanted: DIFFERENT,
            budget: Budget { crashes: 1, strangers: 1, twins: 1, ..Budget::default() },
            reaches: &[CREATED, INFERRED, AMBIGUOUS],
            ..Protocol::default()
        },
    ]
}

/// More than can be looked at whole: what is left open is said.
fn largest() -> Protocol {
    Protocol {
        name: "two objects, two processes, two crashes, two acts of outsiders",
        wanted: DIFFERENT,
        budget: Budget { crashes: 2, strangers: 1, outside_deletes: 1, ..Budget::default() },
        limit: 20_000_000,
        reaches: &[CREATED, INFERRED, REMADE],
        ..Protocol::default()
    }
}

fn hold(configurations: Vec<Protocol>) {
    let failures: Vec<String> = configurations
        .into_iter()
        .filter_map(|model| {
            let name = model.name;
            let report = check(model, 2, HasDiscoveries::AnyFailures);
            println!("{name}: {}", report.figures);
            let text = report.text();
            (!text.is_empty()).then(|| format!("{name}\n{text}"))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn small_configurations_hold() {
    hold(small());
}

#[test]
#[ignore = "takes minutes: `make verify` runs it, with optimisation"]
fn large_configurations_hold() {
    hold(large());
}

#[test]
#[ignore = "takes minutes and 8 GB: `make verify` runs it, with optimisation"]
fn the_largest_configuration_holds() {
    hold(vec![largest()]);
}
