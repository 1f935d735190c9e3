//! Questions that the API server left open: objects that share a question share the wait, not each with a try of its own.

use std::time::{Duration, Instant};

use super::error::Trouble;

/// When the API server last did not answer a question, and what became of the try.
#[derive(Debug, Default)]
pub(super) struct Silence(Option<(Instant, String)>);

impl Silence {
    /// The failure of the last try, where that is not `pause` ago yet.
    pub(super) fn within(&self, pause: Duration) -> Option<Trouble> {
        let (at, said) = self.0.as_ref()?;
        (at.elapsed() < pause).then(|| Trouble::Kubernetes(said.clone()))
    }

    /// Notes whether the API server answered.
    pub(super) fn note<T>(&mut self, answer: &Result<T, Trouble>) {
        self.0 = match answer {
            Err(Trouble::Kubernetes(said)) => Some((Instant::now(), said.clone())),
            _ => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_api_server_that_did_not_answer_is_left_alone() {
        let hour = Duration::from_hours(1);
        let mut silence = Silence::default();
        assert!(silence.within(hour).is_none());
        silence.note::<()>(&Err(Trouble::Kubernetes("refused".to_owned())));
        assert!(matches!(silence.within(hour), Some(Trouble::Kubernetes(said)) if said == "refused"));
        assert!(silence.within(Duration::ZERO).is_none());
        for answered in [Ok(()), Err(Trouble::SecretMissing("a/b".to_owned()))] {
            silence.note::<()>(&Err(Trouble::Kubernetes("refused".to_owned())));
            silence.note(&answered);
            assert!(silence.within(hour).is_none());
        }
    }
}
