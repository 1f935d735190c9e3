//! The Helm charts and the plain manifests: what they render, and what a real API server makes of it.
//!
//! | module | what it shows |
//! |---|---|
//! | [`golden`] | what each set of values renders, for review: `UPDATE_GOLDEN=1` writes it anew |
//! | [`admitted`] | the API server takes every set as it is, and its pods under the restricted Pod Security Standard |
//! | [`refused`] | values that are refused before anything is sent, and what the user reads |
//! | [`operator`] | what the operator's chart means: budget, spread, network, monitors, simulator |
//! | [`access`] | which Secrets the operator may read in each mode, and what tenants and installers may |
//! | [`grant`] | everybody names one command for a tenant's grant, and no grant is in the way of another |
//! | [`guards`] | what the optional admission policies refuse, and what they must let through |
//! | [`hooks`] | `helm test`: its pods do what they are there for, with no more rights than that |
//! | [`tenant`] | the tenants' chart refuses what the API server would, and names its objects so that edits work |
//! | [`notes`] | whoever installs a release reads what is missing and what to do next |
//! | [`manifests`] | `kubectl apply` of `manifests/` is the release with default values |
//! | [`wired`] | both charts with the operator and the simulator, from the grant of a Secret to the webhook |
//!
//! `helm.rs` runs Helm, `cluster.rs` holds the control plane, `sets.rs` the sets of values, and `rules.rs` borrows the tables of
//! `tests/admission`.

// clippy.toml allows these in tests; in an integration test it takes only the test functions for that.
#![allow(clippy::unwrap_used, clippy::panic)]

mod access;
mod admitted;
#[path = "../admission/case.rs"]
#[allow(dead_code, reason = "the tables' own tests need more of it")]
mod case;
mod cluster;
mod golden;
mod grant;
mod guards;
mod helm;
mod hooks;
mod manifests;
mod notes;
#[path = "../admission/object.rs"]
mod object;
mod operator;
mod pod;
mod refused;
mod rules;
mod sets;
mod tenant;
mod upgrade;
mod wired;
