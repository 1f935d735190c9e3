//! The parameters that several operations read, each with the check that Twilio makes.

use jiff::{SignedDuration, Timestamp};

use super::Call;
use crate::api::params::Params;
use crate::api::refusal::Refusal;
use crate::world::{Dates, Period};

/// The shortest timers that Twilio takes.
const INACTIVE_FLOOR: SignedDuration = SignedDuration::from_mins(1);
const CLOSED_FLOOR: SignedDuration = SignedDuration::from_mins(10);
const MAX_NAME_CHARS: usize = 256;

impl Call<'_> {
    /// A parameter of the form, when it is there.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.form.get(name).map(str::to_owned)
    }

    /// A name for people or machines: at most 256 characters.
    pub(super) fn name(&self, name: &str) -> Result<Option<String>, Refusal> {
        match self.text(name) {
            Some(text) if text.chars().count() > MAX_NAME_CHARS => Err(invalid(name)),
            text => Ok(text),
        }
    }

    /// A SID or another value with a form of its own.
    pub(super) fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, Refusal> {
        let parse = |text: &str| text.parse().map_err(|_| invalid(name));
        self.form.get(name).filter(|text| !text.is_empty()).map(parse).transpose()
    }

    /// `Attributes`: JSON as text.
    pub(super) fn attributes(&self) -> Result<Option<String>, Refusal> {
        let Some(text) = self.form.get("Attributes") else { return Ok(None) };
        match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Ok(Some(text.to_owned())),
            Err(_) => Err(invalid("Attributes")),
        }
    }

    /// `DateCreated` and `DateUpdated`.
    pub(super) fn dates(&self) -> Result<Dates, Refusal> {
        Ok(Dates { created: moment(self.form, "DateCreated")?, updated: moment(self.form, "DateUpdated")? })
    }

    /// How long until the conversation is inactive.
    pub(super) fn inactive_timer(&self, name: &str) -> Result<Option<Period>, Refusal> {
        self.period(name, INACTIVE_FLOOR)
    }

    /// How long until the conversation is closed.
    pub(super) fn closed_timer(&self, name: &str) -> Result<Option<Period>, Refusal> {
        self.period(name, CLOSED_FLOOR)
    }

    fn period(&self, name: &str, floor: SignedDuration) -> Result<Option<Period>, Refusal> {
        let parse = |text: &str| Period::parse(text, floor).ok_or_else(|| invalid(name));
        self.form.get(name).filter(|text| !text.is_empty()).map(parse).transpose()
    }
}

/// A moment, or a day, which begins at midnight.
pub(super) fn moment(params: &Params, name: &str) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = params.get(name) else { return Ok(None) };
    let as_day = |text: &str| text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0).in_tz("UTC").ok();
    let moment = text.parse().ok().or_else(|| as_day(text).map(|day| day.timestamp()));
    moment.map(Some).ok_or_else(|| invalid(name))
}

pub(super) fn invalid(name: &str) -> Refusal {
    Refusal::InvalidParameter(name.to_owned())
}
