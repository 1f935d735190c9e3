//! Answers of the API server that say nothing yet: none at all, and a refusal where it allowed the same before.
//!
//! Objects that share a question share the wait, not each with a try of its own.

use std::time::{Duration, Instant};

use super::error::{AddressFault, Trouble};

/// What the API server last left open of one question.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// When it last did not answer, and what became of the try.
    unanswered: Option<(Instant, String)>,
    /// Since when it refuses the question.
    refused: Option<Instant>,
}

impl Silence {
    /// The failure of the last try, where that is not `pause` ago yet.
    pub(super) fn within(&self, pause: Duration) -> Option<Trouble> {
        let (at, said) = self.unanswered.as_ref()?;
        (at.elapsed() < pause).then(|| Trouble::Kubernetes(said.clone()))
    }

    /// Notes an answer. Where the last one was `good`, a refusal counts as none until it has lasted for `believed_after`:
    /// an API server that has just started refuses what it allows a moment later.
    pub(super) fn note<T>(
        &mut self,
        answer: Result<T, Trouble>,
        good: bool,
        believed_after: Duration,
    ) -> Result<T, Trouble> {
        let answer = match answer {
            Err(
                refusal @ (Trouble::SecretForbidden(_)
                | Trouble::Address { fault: AddressFault::SecretForbidden, .. }),
            ) => {
                let since = *self.refused.get_or_insert_with(Instant::now);
                let is_new = good && since.elapsed() < believed_after;
                Err(if is_new { Trouble::Kubernetes(refusal.to_string()) } else { refusal })
            }
            // No word on the right.
            Err(Trouble::Kubernetes(said)) => Err(Trouble::Kubernetes(said)),
            answer => {
                self.refused = None;
                answer
            }
        };
        self.unanswered = match &answer {
            Err(Trouble::Kubernetes(said)) => Some((Instant::now(), said.clone())),
            _ => None,
        };
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn refused() -> Result<(), Trouble> {
        Err(Trouble::Kubernetes("refused".to_owned()))
    }

    fn forbidden() -> Result<(), Trouble> {
        Err(Trouble::SecretForbidden("a/b".to_owned()))
    }

    #[test]
    fn only_an_api_server_that_did_not_answer_is_left_alone() {
        let mut silence = Silence::default();
        assert!(silence.within(HOUR).is_none());
        silence.note(refused(), true, HOUR).unwrap_err();
        assert!(matches!(silence.within(HOUR), Some(Trouble::Kubernetes(said)) if said == "refused"));
        assert!(silence.within(Duration::ZERO).is_none());
        for answered in [Ok(()), Err(Trouble::SecretMissing("a/b".to_owned()))] {
            silence.note(refused(), true, HOUR).unwrap_err();
            assert_eq!(silence.note(answered.clone(), true, HOUR).is_ok(), answered.is_ok());
            assert!(silence.within(HOUR).is_none());
        }
    }

    #[test]
    fn a_right_that_is_lost_is_believed_when_it_stays_lost() {
        let is_believed = |answer| matches!(answer, Err(Trouble::SecretForbidden(_)));
        let mut silence = Silence::default();
        assert!(is_believed(silence.note(forbidden(), false, HOUR)), "it never had the right");
        assert!(is_believed(silence.note(forbidden(), true, Duration::ZERO)));
        assert!(!is_believed(silence.note(forbidden(), true, HOUR)));
        assert!(silence.within(HOUR).is_some(), "it is not asked at once again");
        // What is said in between is no word on the right.
        silence.note(refused(), true, HOUR).unwrap_err();
        assert!(is_believed(silence.note(forbidden(), true, Duration::ZERO)));
        silence.note(Ok(()), true, HOUR).unwrap();
        assert!(silence.refused.is_none());
    }
}
