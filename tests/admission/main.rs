//! What the API server accepts and refuses, and what a user of kubectl sees of it.
//!
//! The rules of the CRD stand in tables: `rules/` for what an object may say, `immutability.rs` for what may change.
//! `coverage.rs` fails when the CRD has a rule that no table knows. Everything runs on a real API server, through
//! kubectl, because only it evaluates these rules and only it writes these messages.
//!
//! | module | what it shows |
//! |---|---|
//! | [`rules`] | every rule accepts and refuses, with the message that the user reads |
//! | [`immutability`] | what cannot be added, changed or removed, and what can |
//! | [`stored`] | no rule stands in the way of the operator's writes to an object that is stored already |
//! | [`presentation`] | names, columns, selectors, defaults and `kubectl explain` |
//! | [`schema`] | the shape of the CRD: where rules and defaults may stand |
//! | [`coverage`] | the tables are complete |
//! | [`generated`] | the files in the repository are what the binary prints |

// clippy.toml allows these in tests; in an integration test it takes only the test functions for that.
#![allow(clippy::unwrap_used, clippy::panic)]

mod case;
mod cluster;
mod coverage;
mod generated;
mod immutability;
mod object;
mod presentation;
mod rules;
mod schema;
mod stored;
mod verdict;
