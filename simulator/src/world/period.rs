//! How long a timer of a conversation runs, as Twilio writes it: an ISO 8601 duration such as `PT10M`.

use std::fmt;

use jiff::{SignedDuration, Span};

/// The span of a timer: the words that were sent, and what they mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Period {
    text: String,
    span: SignedDuration,
}

impl Period {
    /// Reads a span of at least `floor`. Weeks and days have their usual length; months and years have none.
    pub(crate) fn parse(text: &str, floor: SignedDuration) -> Option<Self> {
        let span: Span = text.strip_prefix('P').and_then(|_| text.parse().ok())?;
        let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
        let is_exact = span.get_years() == 0 && span.get_months() == 0;
        let clock = span.weeks(0).days(0);
        let clock = SignedDuration::try_from(clock).ok().filter(|_| is_exact)?;
        let span = clock.checked_add(SignedDuration::from_hours(days.checked_mul(24)?))?;
        (span >= floor).then(|| Self { text: text.to_owned(), span })
    }

    pub(crate) const fn span(&self) -> SignedDuration {
        self.span
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_twilio_writes_them() {
        let parse = |text| Period::parse(text, SignedDuration::from_mins(1)).map(|period| period.span());
        assert_eq!(parse("PT1M"), Some(SignedDuration::from_mins(1)));
        assert_eq!(parse("P1DT2H"), Some(SignedDuration::from_hours(26)));
        assert_eq!(parse("P1W"), Some(SignedDuration::from_hours(7 * 24)));
        for wrong in ["PT59S", "", "1m", "10 minutes", "P1M", "-PT5M", "P", "PT"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
