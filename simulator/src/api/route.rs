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
    Create { conversation: String },
    List { conversation: String },
    Fetch { conversation: String, webhook: String },
    Update { conversation: String, webhook: String },
    Delete { conversation: String, webhook: String },
    ConversationCreate,
    ConversationFetch { conversation: String },
    ConversationDelete { conversation: String },
    MessageCreate { conversation: String },
    ConfigurationFetch,
}

impl Route {
    pub(crate) fn parse(method: &Method, path: &str) -> Result<Self, Refusal> {
        let not_found = || Refusal::NotFound(path.to_owned());
        let segments = path.strip_prefix("/v1/").and_then(|rest| rest.split('/').map(decode).collect());
        let segments: Vec<String> = segments.ok_or_else(not_found)?;
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (service, rest) = match segments.as_slice() {
            ["Services", service, rest @ ..] => (Some(service.parse().map_err(|_| not_found())?), rest),
            rest => (None, rest),
        };
        let action = match (rest, method.as_str()) {
            (["Conversations", conversation, rest @ ..], method) => {
                Action::below(method, (*conversation).to_owned(), rest)
            }
            (["Conversations"], "POST") => Ok(Action::ConversationCreate),
            (["Configuration"], "GET") if service.is_none() => Ok(Action::ConfigurationFetch),
            (["Conversations"], _) => Err(Some(Refusal::MethodNotAllowed)),
            (["Configuration"], _) if service.is_none() => Err(Some(Refusal::MethodNotAllowed)),
            _ => Err(None),
        };
        let action = action.map_err(|refusal| refusal.unwrap_or_else(not_found))?;
        Ok(Self { service, action })
    }
}

impl Action {
    /// What is asked of a conversation, or of what belongs to it; `None` means that there is no such path.
    fn below(method: &str, conversation: String, path: &[&str]) -> Result<Self, Option<Refusal>> {
        match (path, method) {
            ([], "GET") => Ok(Self::ConversationFetch { conversation }),
            ([], "DELETE") => Ok(Self::ConversationDelete { conversation }),
            (["Messages"], "POST") => Ok(Self::MessageCreate { conversation }),
            (["Webhooks"], "POST") => Ok(Self::Create { conversation }),
            (["Webhooks"], "GET") => Ok(Self::List { conversation }),
            (["Webhooks", webhook], method) => {
                let webhook = (*webhook).to_owned();
                match method {
                    "GET" => Ok(Self::Fetch { conversation, webhook }),
                    "POST" => Ok(Self::Update { conversation, webhook }),
                    "DELETE" => Ok(Self::Delete { conversation, webhook }),
                    _ => Err(Some(Refusal::MethodNotAllowed)),
                }
            }
            ([] | ["Messages" | "Webhooks"], _) => Err(Some(Refusal::MethodNotAllowed)),
            _ => Err(None),
        }
    }

    pub(crate) const fn operation(&self) -> Operation {
        match self {
            Self::Create { .. } => Operation::Create,
            Self::List { .. } => Operation::List,
            Self::Fetch { .. } => Operation::Fetch,
            Self::Update { .. } => Operation::Update,
            Self::Delete { .. } => Operation::Delete,
            Self::ConversationCreate => Operation::ConversationCreate,
            Self::ConversationFetch { .. } => Operation::ConversationFetch,
            Self::ConversationDelete { .. } => Operation::ConversationDelete,
            Self::MessageCreate { .. } => Operation::MessageCreate,
            Self::ConfigurationFetch => Operation::ConfigurationFetch,
        }
    }

    /// The conversation that the path names.
    pub(crate) fn conversation(&self) -> Option<&str> {
        match self {
            Self::ConfigurationFetch | Self::ConversationCreate => None,
            Self::Create { conversation }
            | Self::List { conversation }
            | Self::Fetch { conversation, .. }
            | Self::Update { conversation, .. }
            | Self::Delete { conversation, .. }
            | Self::ConversationFetch { conversation }
            | Self::ConversationDelete { conversation }
            | Self::MessageCreate { conversation } => Some(conversation),
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
            let route = Route::parse(&Method::GET, &format!("/v1/Conversations/{encoded}"));
            let action = Action::ConversationFetch { conversation: name };
            proptest::prop_assert_eq!(route, Ok(Route { service: None, action }));
        }

        #[test]
        fn any_path_is_answered(path in "(/v1/)?(Services/|Conversations/|Webhooks/|%|/|\\PC){0,12}") {
            let _ = Route::parse(&Method::POST, &path);
        }
    }

    #[test]
    fn a_unique_name_is_one_segment_whatever_it_holds() {
        let route = Route::parse(&Method::GET, "/v1/Conversations/a%2Fb%20%C3%A9/Webhooks").unwrap();
        assert_eq!(route.action, Action::List { conversation: "a/b é".into() });
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
            assert_eq!(Route::parse(&Method::GET, path), Err(Refusal::NotFound(path.into())), "{path}");
        }
    }
}
