//! Answers of the API server that say nothing yet: none at all, and a refusal where it allowed the same before.
//!
//! Objects that share a question share the wait, not each with a try of its own.

use std::time::{Duration, Instant};

use super::error::{AddressFault, Trouble};

/// How often within a poll an API server that does not answer is asked for the same again.
const TRIES: u32 = 6;

/// What the API server last left open of one question.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// When it last did not answer, and what became of the try.
    unanswered: Option<(Instant, String)>,
    /// Since when it refuses the question.
    refused: Option<Instant>,
}

impl Silence {
    /// The answer to the question, which is not asked again while the last try is no answer and a share of `poll` old.
    /// Where the last answer was `good`, a refusal counts as none until it has lasted for `poll`: an API server that has
    /// just started refuses what it allows a moment later.
    pub(super) async fn ask<T>(
        &mut self,
        good: bool,
        poll: Duration,
        question: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        match &self.unanswered {
            Some((at, said)) if at.elapsed() < poll / TRIES => Err(Trouble::Kubernetes(said.clone())),
            _ => self.note(question.await, good, poll),
        }
    }

    fn note<T>(
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
            unanswered @ Err(Trouble::Kubernetes(_)) => unanswered,
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

    /// Whether the question is asked, and not answered by what became of the last try.
    async fn is_asked(silence: &mut Silence, poll: Duration) -> bool {
        let mut asked = false;
        let question = async {
            asked = true;
            Ok(())
        };
        let _ = silence.ask(true, poll, question).await;
        asked
    }

    #[tokio::test]
    async fn only_an_api_server_that_did_not_answer_is_left_alone() {
        let mut silence = Silence::default();
        silence.ask(true, HOUR, async { refused() }).await.unwrap_err();
        let again = silence.ask(true, HOUR, async { Ok(()) }).await;
        assert!(matches!(again, Err(Trouble::Kubernetes(said)) if said == "refused"));
        assert!(is_asked(&mut silence, Duration::ZERO).await);
        for answered in [Ok(()), Err(Trouble::SecretMissing("a/b".to_owned()))] {
            silence.note(refused(), true, HOUR).unwrap_err();
            assert!(!is_asked(&mut silence, HOUR).await);
            assert_eq!(silence.note(answered.clone(), true, HOUR).is_ok(), answered.is_ok());
            assert!(is_asked(&mut silence, HOUR).await);
        }
    }

    #[tokio::test]
    async fn a_right_that_is_lost_is_believed_when_it_stays_lost() {
        let is_believed = |answer| matches!(answer, Err(Trouble::SecretForbidden(_)));
        let mut silence = Silence::default();
        assert!(is_believed(silence.note(forbidden(), false, HOUR)), "it never had the right");
        assert!(is_believed(silence.note(forbidden(), true, Duration::ZERO)));
        assert!(!is_believed(silence.note(forbidden(), true, HOUR)));
        assert!(!is_asked(&mut silence, HOUR).await, "it is not asked at once again");
        // What is said in between is no word on the right.
        silence.note(refused(), true, HOUR).unwrap_err();
        assert!(is_believed(silence.note(forbidden(), true, Duration::ZERO)));
        silence.note(Ok(()), true, HOUR).unwrap();
        assert!(silence.refused.is_none());
    }
}
