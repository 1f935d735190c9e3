//! Every way in which Twilio says no: code, HTTP status and text. The codes are Twilio's, from its error
//! catalogue; the statuses of the 50xxx codes are not published, so some of them are switches.

use serde::Serialize;

use crate::settings::{CountLimitStatus, NotFoundCode, Settings, StateStatus};

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Bad or missing credentials, or a key without the right.
    #[error("Authenticate")]
    Authenticate,
    /// The account may not do this, whatever the request: suspended, or test credentials.
    #[error("Forbidden")]
    Forbidden,
    /// Conversations are not offered in the account's region.
    #[error("Conversations are not offered in this region")]
    NotOffered,
    /// More requests at once than the account may have.
    #[error("Too many requests")]
    TooManyAtOnce,
    /// More changes a second than a conversation or service admits.
    #[error("Actions per second exceeded for the service instance")]
    TooFast,
    /// No such path.
    #[error("The requested resource {0} was not found")]
    NotFound(String),
    /// No such conversation.
    #[error("Conversation not found")]
    ConversationNotFound,
    /// A path without the conversation that it is about.
    #[error("Conversation sid is missing")]
    MissingConversationSid,
    /// No such message.
    #[error("Message not found")]
    MessageNotFound,
    /// No such delivery receipt.
    #[error("Delivery receipt not found")]
    ReceiptNotFound,
    /// No such participant.
    #[error("Participant not found")]
    ParticipantNotFound,
    /// The conversation has that participant already.
    #[error("Participant already exists")]
    ParticipantExists,
    /// An open conversation has a participant with that pair of addresses already.
    #[error("A binding for this participant and proxy address already exists")]
    BindingExists,
    /// No such webhook.
    #[error("Conversation webhook not found")]
    WebhookNotFound,
    /// No such service.
    #[error("Service instance not found")]
    ServiceNotFound,
    /// The path is known, the method is not.
    #[error("Method not allowed")]
    MethodNotAllowed,
    /// A parameter that must be there; its name.
    #[error("Missing required parameter {0} in the post body")]
    MissingParameter(String),
    /// A parameter that cannot be read; its name.
    #[error("Parameter '{0}' is not valid")]
    InvalidParameter(String),
    /// A body beyond the limit.
    #[error("Request body is too large")]
    BodyTooLarge,
    /// A body that did not arrive whole, or not in time.
    #[error("Request body could not be read")]
    BodyUnreadable,
    /// A page token that this list never gave.
    #[error("Invalid page token")]
    InvalidPageToken,
    /// A span of time that ends before it begins.
    #[error("EndDate parameter should be greater than StartDate parameter")]
    EndBeforeStart,
    /// All five slots are taken.
    #[error("Too many webhooks on the conversation")]
    TooManyWebhooks,
    /// More than five triggers.
    #[error("Too many triggers on the conversation webhook")]
    TooManyTriggers,
    /// A webhook SID of another shape.
    #[error("Conversation webhook sid is invalid")]
    InvalidWebhookSid,
    /// An unknown target.
    #[error("Conversation webhook target is invalid")]
    InvalidTarget,
    /// A filter that a scoped webhook cannot have.
    #[error("Conversation webhook filter is invalid")]
    InvalidFilter,
    /// An empty trigger, or one of more than 248 characters.
    #[error("Conversation webhook trigger is invalid")]
    InvalidTrigger,
    /// A flow that does not exist in this account, or none.
    #[error("Conversation webhook flow sid is invalid")]
    InvalidFlowSid,
    /// No target.
    #[error("Conversation webhook target is missing")]
    MissingTarget,
    /// No URL.
    #[error("Conversation webhook url is missing")]
    MissingUrl,
    /// No filters.
    #[error("Conversation webhook filter is missing")]
    MissingFilter,
    /// No triggers.
    #[error("Conversation webhook trigger is missing")]
    MissingTrigger,
    /// A URL of more than 512 characters.
    #[error("Conversation webhook url is too long")]
    UrlTooLong,
    /// Not an absolute http or https URL.
    #[error("Webhook format is invalid")]
    InvalidUrl,
    /// Neither GET nor POST.
    #[error("Webhook method is invalid")]
    InvalidMethod,
    /// The conversation is closed, which is final.
    #[error("Conversation is in its final closed state")]
    ConversationClosed,
    /// The conversation is being deleted.
    #[error("Channel deletion is in progress")]
    ConversationGoing,
    /// The conversation is not ready yet.
    #[error("Conversation is initializing and may not be updated yet")]
    ConversationInitializing,
    /// Another conversation of the service has this unique name.
    #[error("Conversation with provided unique name already exists")]
    UniqueNameTaken,
    /// A unique name that could be taken for a SID.
    #[error("Conversation unique name may not look like a conversation sid")]
    UniqueNameLooksLikeSid,
}

impl Refusal {
    /// Twilio's numeric code.
    #[must_use]
    pub const fn code(&self, settings: Settings) -> u32 {
        let specific = matches!(settings.not_found_code, NotFoundCode::Specific);
        match self {
            Self::Authenticate => 20003,
            Self::Forbidden => 20403,
            Self::NotOffered => 50385,
            Self::TooManyAtOnce => 20429,
            Self::TooFast => 50063,
            Self::MissingConversationSid => 50351,
            Self::ParticipantExists => 50433,
            Self::BindingExists => 50416,
            Self::ConversationNotFound if specific => 50350,
            Self::WebhookNotFound if specific => 50360,
            Self::ServiceNotFound if specific => 50050,
            Self::NotFound(_)
            | Self::ConversationNotFound
            | Self::MessageNotFound
            | Self::ReceiptNotFound
            | Self::ParticipantNotFound
            | Self::WebhookNotFound
            | Self::ServiceNotFound => 20404,
            Self::MethodNotAllowed => 20004,
            Self::MissingParameter(_)
            | Self::InvalidParameter(_)
            | Self::BodyTooLarge
            | Self::BodyUnreadable => 20001,
            Self::InvalidPageToken => 21481,
            Self::EndBeforeStart => 50396,
            Self::TooManyWebhooks => 50361,
            Self::TooManyTriggers => 50362,
            Self::InvalidWebhookSid => 50363,
            Self::InvalidTarget => 50364,
            Self::InvalidFilter => 50365,
            Self::InvalidTrigger => 50366,
            Self::InvalidFlowSid => 50367,
            Self::MissingTarget => 50368,
            Self::MissingUrl => 50369,
            Self::MissingFilter => 50370,
            Self::MissingTrigger => 50371,
            Self::UrlTooLong => 50372,
            Self::InvalidUrl => 50054,
            Self::InvalidMethod => 50055,
            Self::ConversationClosed => 50377,
            Self::ConversationGoing => 50334,
            Self::ConversationInitializing => 50386,
            Self::UniqueNameTaken => 50353,
            Self::UniqueNameLooksLikeSid => 50390,
        }
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self, settings: Settings) -> u16 {
        match self {
            Self::Authenticate => 401,
            Self::Forbidden => 403,
            Self::TooManyAtOnce | Self::TooFast => 429,
            Self::NotFound(_)
            | Self::ConversationNotFound
            | Self::MessageNotFound
            | Self::ReceiptNotFound
            | Self::ParticipantNotFound
            | Self::WebhookNotFound
            | Self::ServiceNotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::BodyTooLarge => 413,
            Self::UniqueNameTaken | Self::ParticipantExists | Self::BindingExists => 409,
            Self::ConversationClosed | Self::ConversationInitializing | Self::ConversationGoing => {
                match settings.state_status {
                    StateStatus::BadRequest => 400,
                    StateStatus::Conflict => 409,
                }
            }
            Self::TooManyWebhooks | Self::TooManyTriggers => match settings.count_limit_status {
                CountLimitStatus::BadRequest => 400,
                CountLimitStatus::Forbidden => 403,
            },
            _ => 400,
        }
    }

    /// The reply's body. `path` is what was asked for: Twilio repeats it where something was not found.
    pub(crate) fn body(&self, settings: Settings, path: &str) -> ErrorBody {
        let code = self.code(settings);
        let message =
            if code == 20404 { Self::NotFound(path.to_owned()).to_string() } else { self.to_string() };
        ErrorBody::new(self.status(settings), code, message)
    }
}

/// Twilio's error body.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ErrorBody {
    pub(crate) code: u32,
    message: String,
    more_info: String,
    pub(crate) status: u16,
}

impl ErrorBody {
    pub(crate) fn new(status: u16, code: u32, message: String) -> Self {
        Self { code, message, more_info: format!("https://www.twilio.com/docs/errors/{code}"), status }
    }
}
