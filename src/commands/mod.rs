//! The command line beyond `run`.

pub mod crd;
