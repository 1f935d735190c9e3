//! The operator under each switch of the simulator: every point on which Twilio's own sources disagree, or say nothing.
//! Whatever Twilio does there, users see the same.

mod life;
mod limits;
mod pairs;
mod refusals;
mod replies;
