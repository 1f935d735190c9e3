//! Kubernetes operator for Twilio conversation-scoped webhooks.
//!
//! | module | what it is for |
//! |---|---|
//! | [`api`] | what users write and read: the `ConversationWebhook` kind |
//! | [`twilio`] | Twilio's REST API; knows no Kubernetes |
//! | [`decide`] | the pure core: what to do next; knows no client and no clock |
//! | [`controller`] | the Kubernetes side: watch, observe, execute, write status |
//! | [`queue`] | whose turn it is: fair to every tenant, in order on each conversation |
//! | [`lanes`] | how many requests an account may have in flight |
//! | [`lease`] | which process acts |
//! | [`admin`], [`metrics`], [`telemetry`] | health, numbers and logs |
//! | [`cli`], [`commands`], [`app`] | arguments, subcommands, putting the parts together |

pub mod admin;
pub mod api;
pub mod app;
#[allow(clippy::doc_markdown, reason = "--help prints the doc comments as they are")]
pub mod cli;
pub mod commands;
pub mod controller;
pub mod decide;
pub mod lanes;
pub mod lease;
pub mod metrics;
pub mod queue;
pub mod telemetry;
pub mod twilio;
