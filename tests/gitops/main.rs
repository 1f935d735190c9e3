//! What tools that deploy from git make of an object: Argo CD by the Lua of `gitops/argocd`, Flux by the expressions of
//! `gitops/flux`, and everything that goes by kstatus by its rules.
//!
//! All are asked about every state of an object that the operator's own functions lead to: `objects.golden.jsonl`, written and
//! held up to date by the operator's unit tests. What they answer is in `verdicts.golden.txt`, for review.
//!
//! | module | what it holds |
//! |---|---|
//! | `objects` | the states |
//! | `argocd` | Lua 5.1, with as little around it as Argo CD gives |
//! | `flux` | CEL |
//! | `kstatus` | the rules for kinds that kstatus does not know by name |
//! | `agreement` | that they agree, and with what the reasons mean |

// clippy.toml allows these in tests; in an integration test it takes only the test functions for that.
#![allow(clippy::unwrap_used, clippy::panic)]

mod agreement;
mod argocd;
mod flux;
mod kstatus;
mod objects;
