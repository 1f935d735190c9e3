//! Which sort of trouble an error is: the one table from Twilio's codes to what can be done about them.
//!
//! Twilio's numeric code decides. Only where a reply has none, or one that is not in the table, the HTTP status does
//! (Twilio never settled which status goes with some codes).

use super::operation::Operation;

/// A sort of trouble, as fine as the reactions to it differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Twilio does not accept the login, or the key lacks the right (20003, 401).
    Credentials,
    /// The account is suspended, or may not do this; test credentials get this too (20403, 403).
    AccountForbidden,
    /// Something is not there, says Twilio itself.
    NotFound(Missing),
    /// The conversation is closed for good (50377).
    ConversationClosed,
    /// The conversation is being set up or changed by somebody else: soon again (50386, 50391, 20409, 20162, 409).
    ConversationBusy,
    /// The conversation is being deleted (50334).
    ConversationDeleting,
    /// The conversation holds five webhooks (50361).
    ConversationFull,
    /// Twilio refuses what was asked, and will again (50362 to 50372, 50054, 50055, 20001, 400, 422), or it cannot
    /// be asked at all.
    InvalidConfiguration,
    /// Conversations are not offered in the region (50385).
    RegionUnsupported,
    /// Too fast; never processed, safe to send again (20429, 50063, 50074, 429).
    RateLimited,
    /// Twilio cannot be reached, does not answer in time, or is in trouble (20500, 408, 425, 499, 5xx).
    Unavailable,
    /// The server's certificate is not trusted: somebody must give the operator a CA, or look who is in between.
    CertificateNotTrusted,
    /// The login is another account's than its Secret declares.
    ForeignAccount,
    /// An answer that Twilio's API does not give: likely something in between.
    UnexpectedReply,
}

/// What is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Missing {
    /// The conversation (50350; 20404 where only a conversation was named).
    Conversation,
    /// The webhook (50360).
    Webhook,
    /// The Conversation Service (50050).
    Service,
    /// Twilio does not say: the webhook, its conversation or its service.
    Unknown,
}

pub(super) fn of_api_error(operation: Operation, status: u16, code: Option<u32>) -> ErrorKind {
    code.and_then(|code| of_code(operation, code)).unwrap_or_else(|| of_status(status, code.is_some()))
}

/// `twilio.com/docs/api/errors/{code}` has a page on each.
fn of_code(operation: Operation, code: u32) -> Option<ErrorKind> {
    Some(match code {
        20003 => ErrorKind::Credentials,
        20403 => ErrorKind::AccountForbidden,
        20404 => ErrorKind::NotFound(missing(operation)),
        50350 => ErrorKind::NotFound(Missing::Conversation),
        50360 => ErrorKind::NotFound(Missing::Webhook),
        50050 => ErrorKind::NotFound(Missing::Service),
        50377 => ErrorKind::ConversationClosed,
        50386 | 50391 | 20409 | 20162 => ErrorKind::ConversationBusy,
        50334 => ErrorKind::ConversationDeleting,
        50361 => ErrorKind::ConversationFull,
        20001 | 50054 | 50055 | 50351 | 50362..=50372 => ErrorKind::InvalidConfiguration,
        50385 => ErrorKind::RegionUnsupported,
        20429 | 50063 | 50074 => ErrorKind::RateLimited,
        20500 => ErrorKind::Unavailable,
        // A page token that Twilio made and then refuses.
        21481 => ErrorKind::UnexpectedReply,
        _ => return None,
    })
}

/// What a 20404 to the operation means.
fn missing(operation: Operation) -> Missing {
    match operation {
        Operation::ListWebhooks | Operation::CreateWebhook | Operation::FetchConversation => {
            Missing::Conversation
        }
        Operation::FetchWebhook
        | Operation::UpdateWebhook
        | Operation::DeleteWebhook
        | Operation::FetchConfiguration => Missing::Unknown,
    }
}

/// A 404 without a code of Twilio's is no absence: any proxy can say that.
fn of_status(status: u16, has_code: bool) -> ErrorKind {
    match status {
        401 => ErrorKind::Credentials,
        403 => ErrorKind::AccountForbidden,
        404 if has_code => ErrorKind::NotFound(Missing::Unknown),
        409 => ErrorKind::ConversationBusy,
        400 | 422 => ErrorKind::InvalidConfiguration,
        429 => ErrorKind::RateLimited,
        408 | 425 | 499 | 500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::UnexpectedReply,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_of_the_contract_has_its_kind() {
        use ErrorKind::*;
        let table = [
            (404, 50350, NotFound(Missing::Conversation)),
            (400, 50351, InvalidConfiguration),
            (404, 50360, NotFound(Missing::Webhook)),
            (400, 50361, ConversationFull),
            (403, 50361, ConversationFull),
            (400, 50362, InvalidConfiguration),
            (403, 50362, InvalidConfiguration),
            (400, 50363, InvalidConfiguration),
            (400, 50364, InvalidConfiguration),
            (400, 50365, InvalidConfiguration),
            (400, 50366, InvalidConfiguration),
            (400, 50367, InvalidConfiguration),
            (400, 50368, InvalidConfiguration),
            (400, 50369, InvalidConfiguration),
            (400, 50370, InvalidConfiguration),
            (400, 50371, InvalidConfiguration),
            (400, 50372, InvalidConfiguration),
            (404, 50050, NotFound(Missing::Service)),
            (400, 50054, InvalidConfiguration),
            (400, 50055, InvalidConfiguration),
            (400, 50377, ConversationClosed),
            (409, 50377, ConversationClosed),
            (400, 50386, ConversationBusy),
            (409, 50391, ConversationBusy),
            (400, 50334, ConversationDeleting),
            (400, 50385, RegionUnsupported),
            (401, 20003, Credentials),
            (403, 20003, Credentials),
            (403, 20403, AccountForbidden),
            (404, 20404, NotFound(Missing::Unknown)),
            (409, 20409, ConversationBusy),
            (409, 20162, ConversationBusy),
            (400, 20001, InvalidConfiguration),
            (400, 21481, UnexpectedReply),
            (429, 20429, RateLimited),
            (429, 50063, RateLimited),
            (429, 50074, RateLimited),
            (500, 20500, Unavailable),
        ];
        for (status, code, kind) in table {
            assert_eq!(of_api_error(Operation::UpdateWebhook, status, Some(code)), kind, "{status} {code}");
        }
    }

    #[test]
    fn without_a_code_the_status_decides() {
        use ErrorKind::*;
        for (status, kind) in [
            (400, InvalidConfiguration),
            (401, Credentials),
            (403, AccountForbidden),
            (407, UnexpectedReply),
            (408, Unavailable),
            (409, ConversationBusy),
            (418, UnexpectedReply),
            (422, InvalidConfiguration),
            (425, Unavailable),
            (429, RateLimited),
            (499, Unavailable),
            (500, Unavailable),
            (503, Unavailable),
        ] {
            assert_eq!(of_api_error(Operation::ListWebhooks, status, None), kind, "{status}");
            assert_eq!(
                of_api_error(Operation::ListWebhooks, status, Some(1)),
                kind,
                "{status}, unknown code"
            );
        }
    }

    #[test]
    fn a_proxys_404_is_no_absence() {
        assert_eq!(of_api_error(Operation::FetchWebhook, 404, None), ErrorKind::UnexpectedReply);
        assert_eq!(
            of_api_error(Operation::FetchWebhook, 404, Some(1)),
            ErrorKind::NotFound(Missing::Unknown)
        );
    }

    #[test]
    fn a_plain_not_found_means_what_was_asked_for() {
        let kind = |operation| of_api_error(operation, 404, Some(20404));
        assert_eq!(kind(Operation::ListWebhooks), ErrorKind::NotFound(Missing::Conversation));
        assert_eq!(kind(Operation::FetchConversation), ErrorKind::NotFound(Missing::Conversation));
        assert_eq!(kind(Operation::DeleteWebhook), ErrorKind::NotFound(Missing::Unknown));
    }
}
