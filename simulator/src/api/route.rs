//! From a path to what it means, in both families: `/v1/Conversations/…` and `/v1/Services/{IS}/Conversations/…`.
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
    pub(crate) resource: Resource,
}

/// The thing that a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Resource {
    Configuration,
    Conversations,
    Conversation { conversation: String },
    Messages { conversation: String },
    Webhooks { conversation: String },
    Webhook { conversation: String, webhook: String },
}

impl Route {
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let segments = path.strip_prefix("/v1/")?.split('/').map(decode).collect::<Option<Vec<_>>>()?;
        let segments: Vec<_> = segments.iter().map(String::as_str).collect();
        let (service, rest) = match segments.as_slice() {
            ["Services", service, rest @ ..] => (Some(service.parse().ok()?), rest),
            rest => (None, rest),
        };
        let owned = |text: &&str| (*text).to_owned();
        let resource = match rest {
            ["Configuration"] if service.is_none() => Resource::Configuration,
            ["Conversations"] => Resource::Conversations,
            ["Conversations", conversation] => Resource::Conversation { conversation: owned(conversation) },
            ["Conversations", conversation, "Messages"] => {
                Resource::Messages { conversation: owned(conversation) }
            }
            ["Conversations", conversation, "Webhooks"] => {
                Resource::Webhooks { conversation: owned(conversation) }
            }
            ["Conversations", conversation, "Webhooks", webhook] => {
                Resource::Webhook { conversation: owned(conversation), webhook: owned(webhook) }
            }
            _ => return None,
        };
        Some(Self { service, resource })
    }

    /// The conversation that the path names, by SID or unique name.
    pub(crate) fn conversation(&self) -> Option<&str> {
        match &self.resource {
            Resource::Configuration | Resource::Conversations => None,
            Resource::Conversation { conversation }
            | Resource::Messages { conversation }
            | Resource::Webhooks { conversation }
            | Resource::Webhook { conversation, .. } => Some(conversation),
        }
    }

    pub(crate) fn operation(&self, method: &Method) -> Result<Operation, Refusal> {
        match (&self.resource, method) {
            (Resource::Configuration, &Method::GET) => Ok(Operation::ConfigurationFetch),
            (Resource::Conversations, &Method::POST) => Ok(Operation::ConversationCreate),
            (Resource::Conversation { .. }, &Method::GET) => Ok(Operation::ConversationFetch),
            (Resource::Conversation { .. }, &Method::DELETE) => Ok(Operation::ConversationDelete),
            (Resource::Messages { .. }, &Method::POST) => Ok(Operation::MessageCreate),
            (Resource::Webhooks { .. }, &Method::POST) => Ok(Operation::Create),
            (Resource::Webhooks { .. }, &Method::GET) => Ok(Operation::List),
            (Resource::Webhook { .. }, &Method::GET) => Ok(Operation::Fetch),
            (Resource::Webhook { .. }, &Method::POST) => Ok(Operation::Update),
            (Resource::Webhook { .. }, &Method::DELETE) => Ok(Operation::Delete),
            _ => Err(Refusal::MethodNotAllowed),
        }
    }
}

/// The decoded segment; an empty one, or one that is not UTF-8, names nothing.
fn decode(segment: &str) -> Option<String> {
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    (!decoded.is_empty()).then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_name_finds_its_way_back(name in "\\PC{1,40}") {
            let encoded = percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
            let route = Route::parse(&format!("/v1/Conversations/{encoded}"));
            let expected = Route { service: None, resource: Resource::Conversation { conversation: name } };
            proptest::prop_assert_eq!(route, Some(expected));
        }

        #[test]
        fn any_path_is_answered(path in "(/v1/)?(Services/|Conversations/|Webhooks/|%|/|\\PC){0,12}") {
            let _ = Route::parse(&path);
        }
    }

    #[test]
    fn a_unique_name_is_one_segment_whatever_it_holds() {
        let route = Route::parse("/v1/Conversations/a%2Fb%20%C3%A9/Webhooks").unwrap();
        assert_eq!(route.resource, Resource::Webhooks { conversation: "a/b é".into() });
    }

    #[test]
    fn paths_that_name_nothing() {
        for path in [
            "/",
            "/v1/",
            "/v2/Conversations",
            "/v1/Conversations/",
            "/v1/Conversations//Webhooks",
            "/v1/Services/xx/Conversations",
            "/v1/Conversations/%FF",
            "/v1/Conversations/a/Webhooks/b/c",
        ] {
            assert_eq!(Route::parse(path), None, "{path}");
        }
    }
}
