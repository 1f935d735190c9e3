//! Everything at once, at random and under a seed: users and outsiders go on while processes are killed and stopped, the
//! API server and its store go down, and Twilio loses replies and answers too late. Afterwards the simulator's ledger
//! judges: nothing is made twice, nothing is left behind, nothing of others is touched, every object is settled.

mod kills;
mod load;
mod storm;
mod verdict;
