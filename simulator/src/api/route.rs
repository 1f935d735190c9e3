//! From method and path to what they mean, in both families: `/v1/Conversations/…` and `/v1/Services/{IS}/Conversations/…`.
//! Each segment is percent-decoded by itself, so that a unique name may hold a slash.

use http::Method;
use percent_encoding::percent_decode_str;

use super::refusal::Refusal;
use crate::operation::Operation;
use crate::sid::ServiceSid;

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// The service in the path; the short path has none.
    pub(crate) service: Option<ServiceSid>,
    pub(crate) action: Action,
}

/// What a request asks for, of what. Conversations are named by SID or unique name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    Service(ServiceVerb),
    Conversation(Verb),
    Webhook { conversation: String, verb: Verb },
    Message { conversation: String, verb: Verb },
    Receipt { conversation: String, message: String, verb: ReadVerb },
    Participant { conversation: String, verb: Verb },
    Configuration(OnlyOne),
    GlobalWebhook(OnlyOne),
    ServiceWebhook(OnlyOne),
}

/// What is done with a collection or with one thing in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    List,
    Fetch(String),
    Update(String),
    Delete(String),
}

/// The same of services, which cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ServiceVerb {
    Create,
    List,
    Fetch(String),
    Delete(String),
}

/// The same of what can only be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReadVerb {
    List,
    Fetch(String),
}

/// What is done with something that there is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnlyOne {
    Fetch,
    Update,
}

impl Route {
    pub(crate) fn parse(method: &Method, path: &str) -> Result<Self, Refusal> {
        let not_found = || Refusal::NotFound(path.to_owned());
        let segments = path.strip_prefix("/v1/").and_then(|rest| rest.split('/').map(decode).collect());
        let segments: Vec<String> = segments.ok_or_else(not_found)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let method = method.as_str();
        let (service, action) = match segments.as_slice() {
            ["Services"] => (None, ServiceVerb::new(method, None).map(Action::Service)),
            ["Services", service] => (None, ServiceVerb::new(method, Some(service)).map(Action::Service)),
            ["Services", service, rest @ ..] => {
                let service = service.parse().map_err(|_| not_found())?;
                (Some(service), Action::in_service(method, rest))
            }
            rest => (None, Action::in_account(method, rest)),
        };
        match action {
            Ok(action) => Ok(Self { service, action }),
            Err(Unroutable::Path) => Err(not_found()),
            Err(Unroutable::Method) => Err(Refusal::MethodNotAllowed),
            Err(Unroutable::Conversation) => Err(Refusal::MissingConversationSid),
        }
    }
}

/// What of a request means nothing.
enum Unroutable {
    Path,
    Method,
    /// Left empty.
    Conversation,
}

impl Verb {
    fn of_collection(method: &str) -> Result<Self, Unroutable> {
        match method {
            "POST" => Ok(Self::Create),
            "GET" => Ok(Self::List),
            _ => Err(Unroutable::Method),
        }
    }

    fn of_item(method: &str, sid: &str) -> Result<Self, Unroutable> {
        let sid = Some(sid.to_owned()).filter(|sid| !sid.is_empty()).ok_or(Unroutable::Path)?;
        match method {
            "GET" => Ok(Self::Fetch(sid)),
            "POST" => Ok(Self::Update(sid)),
            "DELETE" => Ok(Self::Delete(sid)),
            _ => Err(Unroutable::Method),
        }
    }
}

impl ServiceVerb {
    fn new(method: &str, sid: Option<&str>) -> Result<Self, Unroutable> {
        match (method, sid) {
            (_, Some("")) => Err(Unroutable::Path),
            ("POST", None) => Ok(Self::Create),
            ("GET", None) => Ok(Self::List),
            ("GET", Some(sid)) => Ok(Self::Fetch(sid.to_owned())),
            ("DELETE", Some(sid)) => Ok(Self::Delete(sid.to_owned())),
            _ => Err(Unroutable::Method),
        }
    }
}

impl ReadVerb {
    fn new(method: &str, sid: Option<&str>) -> Result<Self, Unroutable> {
        match (method, sid) {
            (_, Some("")) => Err(Unroutable::Path),
            ("GET", None) => Ok(Self::List),
            ("GET", Some(sid)) => Ok(Self::Fetch(sid.to_owned())),
            _ => Err(Unroutable::Method),
        }
    }
}

impl OnlyOne {
    fn of(method: &str) -> Result<Self, Unroutable> {
        match method {
            "GET" => Ok(Self::Fetch),
            "POST" => Ok(Self::Update),
            _ => Err(Unroutable::Method),
        }
    }
}

impl Action {
    fn in_account(method: &str, path: &[&str]) -> Result<Self, Unroutable> {
        match path {
            ["Configuration"] => OnlyOne::of(method).map(Self::Configuration),
            ["Configuration", "Webhooks"] => OnlyOne::of(method).map(Self::GlobalWebhook),
            path => Self::of_conversations(method, path),
        }
    }

    fn in_service(method: &str, path: &[&str]) -> Result<Self, Unroutable> {
        match path {
            ["Configuration", "Webhooks"] => OnlyOne::of(method).map(Self::ServiceWebhook),
            path => Self::of_conversations(method, path),
        }
    }

    fn of_conversations(method: &str, path: &[&str]) -> Result<Self, Unroutable> {
        match path {
            ["Conversations"] => Verb::of_collection(method).map(Self::Conversation),
            ["Conversations", conversation] => Verb::of_item(method, conversation).map(Self::Conversation),
            ["Conversations", "", ..] => Err(Unroutable::Conversation),
            ["Conversations", conversation, rest @ ..] => Self::below(method, conversation, rest),
            _ => Err(Unroutable::Path),
        }
    }

    /// What is asked of something that belongs to a conversation.
    fn below(method: &str, conversation: &str, path: &[&str]) -> Result<Self, Unroutable> {
        let conversation = conversation.to_owned();
        let verb = |sid: &[&str]| match sid {
            [] => Verb::of_collection(method),
            [sid] => Verb::of_item(method, sid),
            _ => Err(Unroutable::Path),
        };
        match path {
            ["Webhooks", sid @ ..] => Ok(Self::Webhook { conversation, verb: verb(sid)? }),
            ["Participants", sid @ ..] => Ok(Self::Participant { conversation, verb: verb(sid)? }),
            ["Messages", message, "Receipts", sid @ ..] if sid.len() < 2 => {
                let verb = ReadVerb::new(method, sid.first().copied())?;
                Ok(Self::Receipt { conversation, message: (*message).to_owned(), verb })
            }
            ["Messages", sid @ ..] => Ok(Self::Message { conversation, verb: verb(sid)? }),
            _ => Err(Unroutable::Path),
        }
    }

    pub(crate) const fn operation(&self) -> Operation {
        match self {
            Self::Webhook { verb, .. } => match verb {
                Verb::Create => Operation::Create,
                Verb::List => Operation::List,
                Verb::Fetch(_) => Operation::Fetch,
                Verb::Update(_) => Operation::Update,
                Verb::Delete(_) => Operation::Delete,
            },
            Self::Conversation(verb) => match verb {
                Verb::Create => Operation::ConversationCreate,
                Verb::List => Operation::ConversationList,
                Verb::Fetch(_) => Operation::ConversationFetch,
                Verb::Update(_) => Operation::ConversationUpdate,
                Verb::Delete(_) => Operation::ConversationDelete,
            },
            Self::Message { verb, .. } => match verb {
                Verb::Create => Operation::MessageCreate,
                Verb::List => Operation::MessageList,
                Verb::Fetch(_) => Operation::MessageFetch,
                Verb::Update(_) => Operation::MessageUpdate,
                Verb::Delete(_) => Operation::MessageDelete,
            },
            Self::Participant { verb, .. } => match verb {
                Verb::Create => Operation::ParticipantCreate,
                Verb::List => Operation::ParticipantList,
                Verb::Fetch(_) => Operation::ParticipantFetch,
                Verb::Update(_) => Operation::ParticipantUpdate,
                Verb::Delete(_) => Operation::ParticipantDelete,
            },
            Self::Receipt { verb: ReadVerb::List, .. } => Operation::ReceiptList,
            Self::Receipt { verb: ReadVerb::Fetch(_), .. } => Operation::ReceiptFetch,
            Self::Service(verb) => match verb {
                ServiceVerb::Create => Operation::ServiceCreate,
                ServiceVerb::List => Operation::ServiceList,
                ServiceVerb::Fetch(_) => Operation::ServiceFetch,
                ServiceVerb::Delete(_) => Operation::ServiceDelete,
            },
            Self::Configuration(OnlyOne::Fetch) => Operation::ConfigurationFetch,
            Self::Configuration(OnlyOne::Update) => Operation::ConfigurationUpdate,
            Self::GlobalWebhook(OnlyOne::Fetch) => Operation::GlobalWebhookFetch,
            Self::GlobalWebhook(OnlyOne::Update) => Operation::GlobalWebhookUpdate,
            Self::ServiceWebhook(OnlyOne::Fetch) => Operation::ServiceWebhookFetch,
            Self::ServiceWebhook(OnlyOne::Update) => Operation::ServiceWebhookUpdate,
        }
    }

    /// The conversation that the path names.
    pub(crate) fn conversation(&self) -> Option<&str> {
        match self {
            Self::Webhook { conversation, .. }
            | Self::Message { conversation, .. }
            | Self::Receipt { conversation, .. }
            | Self::Participant { conversation, .. }
            | Self::Conversation(
                Verb::Fetch(conversation) | Verb::Update(conversation) | Verb::Delete(conversation),
            ) => Some(conversation),
            Self::Conversation(Verb::Create | Verb::List)
            | Self::Service(_)
            | Self::Configuration(_)
            | Self::GlobalWebhook(_)
            | Self::ServiceWebhook(_) => None,
        }
    }
}

/// The decoded segment; one that is not UTF-8 names nothing.
fn decode(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_name_finds_its_way_back(name in "\\PC{1,40}") {
            let encoded = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
            let route = Route::parse(&Method::GET, &format!("/v1/Conversations/{encoded}"));
            let action = Action::Conversation(Verb::Fetch(name));
            proptest::prop_assert_eq!(route, Ok(Route { service: None, action }));
        }

        #[test]
        fn any_path_is_answered(path in "(/v1/)?(Services/|Conversations/|Webhooks/|Messages/|%|/|\\PC){0,12}") {
            let _ = Route::parse(&Method::POST, &path);
        }
    }

    #[test]
    fn a_unique_name_is_one_segment_whatever_it_holds() {
        let route = Route::parse(&Method::GET, "/v1/Conversations/a%2Fb%20%C3%A9/Webhooks").unwrap();
        assert_eq!(route.action, Action::Webhook { conversation: "a/b é".into(), verb: Verb::List });
    }

    #[test]
    fn paths_that_name_nothing() {
        for path in [
            "/",
            "/v1/",
            "/v2/Conversations",
            "/v1/Conversations/",
            "/v1/Services/",
            "/v1/Services/xx/Conversations",
            "/v1/Conversations/%FF",
            "/v1/Conversations/a/Webhooks/",
            "/v1/Conversations/a/Webhooks/b/c",
            "/v1/Conversations/a/Messages/b/Receipts/c/d",
        ] {
            assert_eq!(Route::parse(&Method::GET, path), Err(Refusal::NotFound(path.into())), "{path}");
        }
    }

    #[test]
    fn methods_that_a_path_does_not_have() {
        for (method, path) in [
            (Method::PUT, "/v1/Conversations/a/Webhooks/b"),
            (Method::DELETE, "/v1/Conversations"),
            (Method::POST, "/v1/Services/IS00000000000000000000000000000001"),
            (Method::POST, "/v1/Conversations/a/Messages/b/Receipts"),
            (Method::DELETE, "/v1/Configuration/Webhooks"),
        ] {
            assert_eq!(Route::parse(&method, path), Err(Refusal::MethodNotAllowed), "{method} {path}");
        }
    }
}
