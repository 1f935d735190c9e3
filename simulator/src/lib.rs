//! A faithful local stand-in for Twilio's Conversations (classic) REST API: conversations, their scoped webhooks,
//! and signed deliveries; with faults on demand and a record of everything that happened.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use twilio_conversations_simulator::{
//!     AccountSeed, AccountSid, ConversationSeed, ConversationSid, Fault, FaultRule, Operation, Seed, Simulator,
//! };
//!
//! let account = AccountSid::numbered(1);
//! let conversation = ConversationSid::numbered(1);
//! let seed = Seed::new().account(
//!     AccountSeed::new(account, "auth-token").conversation(ConversationSeed::new(conversation)),
//! );
//! let simulator = Simulator::start(seed).await?;
//! simulator.add_fault(FaultRule::new(Fault::reset_after_commit()).on(Operation::Create).once());
//! // … point the client under test at `simulator.url()` …
//! assert!(simulator.ledger().duplicates().is_empty());
//! simulator.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `simulator`, `server` | the running thing: its runtime, its listener, the ends of connections |
//! | `api` | Twilio's REST API: route, parameters, checks, JSON, paging |
//! | `world` | accounts, conversations, webhooks and who did what to them; no HTTP, no tasks |
//! | `fault` | what may go wrong, and for which requests |
//! | `journal`, `counters` | what was asked and answered; sums of it |
//! | `facts`, `reply_check` | Twilio's contract as facts, and every true reply held against them |
//! | `excerpt` | what strangers send, cut to a size that a record may hold |
//! | `delivery` | what webhooks are sent, signed as Twilio signs |
//! | `control` | the control API: typed methods, and the same over HTTP |
//! | `clock` | the time, which a test may put ahead |
//! | `seed`, `settings`, `sid`, `operation` | the words that all of these share |
//!
//! Invariants: nothing is sent anywhere but to the URL of a webhook; no request can make it panic; state is in
//! memory only; under one random seed, the same requests in the same order get the same SIDs.

mod api;
mod clock;
mod control;
mod counters;
mod delivery;
mod excerpt;
mod facts;
mod fault;
mod journal;
mod operation;
mod reply_check;
mod seed;
mod server;
mod settings;
mod sid;
mod simulator;
mod state;
mod world;

pub use api::Refusal;
pub use control::{Control, ControlError, WebhookChanges};
pub use counters::{Counters, OperationCounts};
pub use delivery::signature;
pub use delivery::{
    Delivery, DeliveryFailure, DeliveryHosts, DeliveryOutcome, Destination, HostError, Level,
};
pub use facts::{Problem, Violation};
pub use fault::{Fault, FaultId, FaultRule, FaultStatus, Garble, Silence};
pub use journal::{Entry, Outcome};
pub use operation::Operation;
pub use reply_check::WrongReply;
pub use seed::{
    AccountSeed, AccountStatus, ConversationSeed, KeyKind, KeySeed, MessageSeed, ParticipantSeed, Region,
    Seed, WebhookSeed,
};
pub use settings::{
    Admitted, ClosedConversation, CountLimitStatus, DateUpdated, FilterOrder, ListOrder, MethodCase,
    MissingFilters, NotFoundCode, OtherTargetKeys, PageLimit, Settings, StateStatus, StudioFilters,
    TriggerKeys, UniqueNameInPath,
};
pub use sid::{
    AccountSid, ChannelMessageSid, ConversationSid, FlowSid, KeySid, MessageSid, MessagingServiceSid,
    ParticipantSid, ReceiptSid, RequestId, RoleSid, ServiceSid, SidError, WebhookSid,
};
pub use simulator::{Config, Simulator, StartError};
pub use world::{
    Act, ApiClient, Binding, Configuration, Conversation, ConversationState, Deletion, DeliveryStatus, Edit,
    Ledger, Message, MessageSource, Method, Origin, Participant, Receipt, Restoration, Target, WEBHOOK_SLOTS,
    WebhookRecord,
};
