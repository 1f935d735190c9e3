//! Twilio's REST API for conversation-scoped webhooks (Conversations "classic", v1).
//!
//! For: parsing what Twilio and its users write ([`ConversationSid`], [`Credentials`], …), making one request and
//! saying exactly what is known afterwards ([`Error`], [`CreateOutcome`]).
//!
//! Must never: know Kubernetes, retry, follow a redirect, dial a URL that a reply names, or let a credential, a
//! webhook's URL or a text of Twilio's into an error, a log line or a `Debug` output.
//!
//! | file | what it holds |
//! |---|---|
//! | `sid` | identifiers, parsed once at the edge |
//! | `webhook` | webhooks and conversations as data |
//! | `credentials` | a Secret's content as a login |
//! | `region` | the parts of a host name that a Secret may choose |
//! | `endpoint` | hosts and paths |
//! | `form` | a webhook as a request body |
//! | `reply` | a reply's bytes as data, or what is wrong with them |
//! | `transport` | what a failed request says about whether it was sent |
//! | `operation` | the operations by name |
//! | `error`, `kind` | what went wrong, and which sort of trouble that is |
//! | `observe` | the hook that metrics hang on |
//! | `options` | how a client reaches Twilio |
//! | `exchange` | one request, from the deadline to the log line |
//! | `client` | the operations |

mod client;
mod credentials;
mod endpoint;
mod error;
mod exchange;
mod form;
mod kind;
mod observe;
mod operation;
mod options;
mod region;
mod reply;
mod sid;
mod transport;
mod webhook;

pub use client::Client;
pub use credentials::{Credentials, CredentialsError, Door, secret_key};
pub use endpoint::BaseUrlError;
pub use error::{CertificateFault, CreateOutcome, Error, NotSent, ReplyFault};
pub use kind::{ErrorKind, Missing};
pub use observe::{Exchange, Observer, Outcome};
pub use operation::Operation;
pub use options::{ClientBuildError, ClientOptions};
pub use region::{Edge, InvalidLabel, Region};
pub use sid::{AccountSid, ApiKeySid, ChatServiceSid, ConversationSid, FlowSid, InvalidSid, WebhookSid};
pub use webhook::{
    Conversation, ConversationRef, ConversationState, Method, NewWebhook, Target, UnknownMethod,
    UnknownTarget, Webhook, WebhookConfig,
};
