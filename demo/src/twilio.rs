//! The Twilio of the demo: what the simulator holds at its start. The SIDs are those of `examples/`.

use twilio_conversations_simulator::{
    AccountSeed, AccountSid, ConversationSeed, ConversationSid, FlowSid, KeySeed, KeySid, Seed,
};

/// The tenant's account.
pub(crate) const ACCOUNT: AccountSid = AccountSid::numbered(1);

/// Its Auth Token, under which deliveries are signed. The bot knows it; the operator does with an API key.
pub(crate) const AUTH_TOKEN: &str = "demo-auth-token";

/// The secret of the API key that the operator uses.
pub(crate) const KEY_SECRET: &str = "demo-key-secret";

/// The conversation of `support-bot` and `agent-desk`.
pub(crate) const SUPPORT: ConversationSid = ConversationSid::numbered(1);

/// The conversation of `survey`.
pub(crate) const SURVEY: ConversationSid = ConversationSid::numbered(2);

/// One account with an API key, two conversations and a Studio flow.
pub(crate) fn seed() -> Seed {
    Seed::new().account(
        AccountSeed::new(ACCOUNT, AUTH_TOKEN)
            .key(KeySeed::new(KeySid::numbered(1), KEY_SECRET))
            .flow(FlowSid::numbered(1))
            .conversation(ConversationSeed::new(SUPPORT).unique_name("support"))
            .conversation(ConversationSeed::new(SURVEY).unique_name("survey")),
    )
}
