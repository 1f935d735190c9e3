//! Twilio's paging of a list: absolute URLs, opaque tokens, no total.
//!
//! A token names a place in the order of creation and a direction, not an offset: a list that changes between two pages
//! neither repeats nor skips what stays in it. It is good for its own list only.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use serde::Serialize;

use super::params::Params;
use super::refusal::Refusal;

/// How long the pages of a list may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) default: usize,
    pub(crate) max: usize,
}

/// What a list request asks for.
pub(crate) struct PageRequest {
    size: usize,
    page: u64,
    token: Option<String>,
}

/// A list as it is cut into pages.
pub(crate) struct Listing<'a> {
    /// Its URL, to which the links of a page are added.
    pub(crate) url: &'a str,
    /// What links repeat of the request's own parameters.
    pub(crate) query: &'a str,
    /// The name of the array.
    pub(crate) key: &'static str,
    /// Newest first.
    pub(crate) descending: bool,
}

#[derive(Clone, Copy)]
enum Mark {
    After(u64),
    Before(u64),
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
    /// Reads the parameters; a size beyond the limits is clamped.
    pub(crate) fn parse(query: &Params, limits: Limits) -> Result<Self, Refusal> {
        let number = |name: &str| -> Result<Option<u64>, Refusal> {
            let parse = |text: &str| text.parse().map_err(|_| Refusal::InvalidParameter(name.into()));
            query.get(name).map(parse).transpose()
        };
        let Limits { default, max } = limits;
        let size = number("PageSize")?;
        let size = size.map_or(default, |size| usize::try_from(size).unwrap_or(max).clamp(1, max));
        let token = query.get("PageToken").map(str::to_owned);
        Ok(Self { size, page: number("Page")?.unwrap_or(0), token })
    }

    /// Cuts the page out of a list, which is in the listing's order. `ordinal` is an item's place in the order of
    /// creation: a token stays good after the item that it names was deleted.
    pub(crate) fn cut<T: Copy>(
        &self,
        list: &[T],
        ordinal: impl Fn(T) -> u64,
        listing: &Listing<'_>,
    ) -> Result<Page<T>, Refusal> {
        let mark = self.token.as_ref().map(|token| listing.read(token).ok_or(Refusal::InvalidPageToken));
        let mark = mark.transpose()?;
        let is_before =
            |item: &T, mark| if listing.descending { ordinal(*item) > mark } else { ordinal(*item) < mark };
        let start = match mark {
            None => {
                usize::try_from(self.page).unwrap_or(usize::MAX).saturating_mul(self.size).min(list.len())
            }
            Some(Mark::After(mark)) => {
                list.partition_point(|item| is_before(item, mark) || ordinal(*item) == mark)
            }
            Some(Mark::Before(mark)) => {
                list.partition_point(|item| is_before(item, mark)).saturating_sub(self.size)
            }
        };
        let items: Vec<T> = list.iter().copied().skip(start).take(self.size).collect();
        let link = |page: u64, token: Option<String>| listing.link(self.size, page, token.as_deref());
        let next = items.last().filter(|_| start + items.len() < list.len());
        let next = next.map(|item| listing.token(Mark::After(ordinal(*item))));
        let previous = items.first().filter(|_| start > 0);
        let previous = previous.map(|item| listing.token(Mark::Before(ordinal(*item))));
        let meta = Meta {
            page: self.page,
            page_size: self.size,
            first_page_url: link(0, None),
            previous_page_url: previous.map(|token| link(self.page.saturating_sub(1), Some(token))),
            url: link(self.page, self.token.clone()),
            next_page_url: next.map(|token| link(self.page.saturating_add(1), Some(token))),
            key: listing.key,
        };
        Ok(Page { items, meta })
    }
}

impl Listing<'_> {
    fn link(&self, size: usize, page: u64, token: Option<&str>) -> String {
        let Self { url, query, .. } = self;
        match token {
            None => format!("{url}?{query}PageSize={size}&Page={page}"),
            Some(token) => format!("{url}?{query}PageSize={size}&Page={page}&PageToken={token}"),
        }
    }

    fn token(&self, mark: Mark) -> String {
        let (letters, place) = match mark {
            Mark::After(place) => ("PT", place),
            Mark::Before(place) => ("PB", place),
        };
        format!("{letters}{place:016x}{:016x}", self.seal(letters, place))
    }

    fn read(&self, token: &str) -> Option<Mark> {
        let (letters, digits) = token.split_at_checked(2)?;
        let (place, _) = digits.split_at_checked(16)?;
        let place = u64::from_str_radix(place, 16).ok()?;
        let mark = match letters {
            "PT" => Mark::After(place),
            "PB" => Mark::Before(place),
            _ => return None,
        };
        (self.token(mark) == token).then_some(mark)
    }

    /// Ties a token to its list: the path, and the filters. Hosts may differ.
    fn seal(&self, letters: &str, place: u64) -> u64 {
        let path = self.url.splitn(4, '/').nth(3).unwrap_or_default();
        BuildHasherDefault::<DefaultHasher>::new().hash_one((
            path,
            self.query,
            self.descending,
            letters,
            place,
        ))
    }
}
