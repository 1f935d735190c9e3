//! Twilio's paging of a list: at most five webhooks a page, absolute URLs, opaque tokens.
//!
//! A token names a webhook and a direction, not an offset: a list that changes between two pages neither repeats
//! nor skips what stays in it.

use serde::Serialize;

use super::params::Params;
use super::refusal::Refusal;
use crate::sid::WebhookSid;

const MAX_PAGE_SIZE: usize = 5;

/// What a list request asks for.
pub(crate) struct PageRequest {
    size: usize,
    page: u64,
    token: Option<Token>,
}

#[derive(Clone, Copy)]
enum Token {
    After(WebhookSid),
    Before(WebhookSid),
}

/// One page, with what its envelope says.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) meta: Meta,
}

/// The `meta` of a list.
#[derive(Serialize)]
pub(crate) struct Meta {
    page: u64,
    page_size: usize,
    first_page_url: String,
    previous_page_url: Option<String>,
    url: String,
    next_page_url: Option<String>,
    key: &'static str,
}

impl PageRequest {
    pub(crate) fn parse(query: &Params) -> Result<Self, Refusal> {
        let number = |name: &str| -> Result<Option<u64>, Refusal> {
            let parse = |text: &str| text.parse().map_err(|_| Refusal::InvalidParameter(name.into()));
            query.get(name).map(parse).transpose()
        };
        let size = number("PageSize")?.map_or(MAX_PAGE_SIZE, |size| {
            usize::try_from(size).unwrap_or(MAX_PAGE_SIZE).clamp(1, MAX_PAGE_SIZE)
        });
        let token = query.get("PageToken").map(Token::parse).transpose()?;
        Ok(Self { size, page: number("Page")?.unwrap_or(0), token })
    }

    /// Cuts the page out of the list. `ever` is everything that the list has held: a token stays good after the
    /// webhook that it names was deleted.
    pub(crate) fn cut<T: Copy>(
        &self,
        list: &[T],
        ever: &[WebhookSid],
        sid: impl Fn(T) -> WebhookSid,
        url: &str,
    ) -> Result<Page<T>, Refusal> {
        let place =
            |sid: WebhookSid| ever.iter().position(|other| *other == sid).ok_or(Refusal::InvalidPageToken);
        let start = match self.token {
            None => {
                usize::try_from(self.page).unwrap_or(usize::MAX).saturating_mul(self.size).min(list.len())
            }
            Some(Token::After(mark)) => {
                let mark = place(mark)?;
                list.partition_point(|item| place(sid(*item)).is_ok_and(|place| place <= mark))
            }
            Some(Token::Before(mark)) => {
                let mark = place(mark)?;
                let end = list.partition_point(|item| place(sid(*item)).is_ok_and(|place| place < mark));
                end.saturating_sub(self.size)
            }
        };
        let items: Vec<T> = list.iter().copied().skip(start).take(self.size).collect();
        let link = |page: u64, token: Option<Token>| self.link(url, page, token);
        let next = items.last().filter(|_| start + items.len() < list.len());
        let previous = items.first().filter(|_| start > 0);
        let meta = Meta {
            page: self.page,
            page_size: self.size,
            first_page_url: link(0, None),
            previous_page_url: previous
                .map(|item| link(self.page.saturating_sub(1), Some(Token::Before(sid(*item))))),
            url: link(self.page, self.token),
            next_page_url: next.map(|item| link(self.page.saturating_add(1), Some(Token::After(sid(*item))))),
            key: "webhooks",
        };
        Ok(Page { items, meta })
    }

    fn link(&self, url: &str, page: u64, token: Option<Token>) -> String {
        let size = self.size;
        match token {
            None => format!("{url}?PageSize={size}&Page={page}"),
            Some(token) => format!("{url}?PageSize={size}&Page={page}&PageToken={token}"),
        }
    }
}

impl Token {
    fn parse(text: &str) -> Result<Self, Refusal> {
        let sid = |text: &str| text.parse().map_err(|_| Refusal::InvalidPageToken);
        if let Some(mark) = text.strip_prefix("PT") {
            sid(mark).map(Self::After)
        } else if let Some(mark) = text.strip_prefix("PB") {
            sid(mark).map(Self::Before)
        } else {
            Err(Refusal::InvalidPageToken)
        }
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::After(sid) => write!(f, "PT{sid}"),
            Self::Before(sid) => write!(f, "PB{sid}"),
        }
    }
}
