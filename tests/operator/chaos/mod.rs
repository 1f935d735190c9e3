//! Everything at once, at random and under a seed: users and outsiders go on while processes are killed and stopped, the
//! API server and its store go down, and Twilio loses replies and answers too late. Afterwards the simulator's ledger
//! judges: nothing is made twice, nothing is left behind, nothing of others is touched, every object is settled.

mod frost;
mod kills;
mod load;
mod storm;
mod verdict;

/// Factor on the protocol's windows: the whole one is 1.1 s.
const SCALE: &str = "--time-scale=0.02";
/// Objects are checked all the time.
const OFTEN: &str = "--resync-interval=1s";
