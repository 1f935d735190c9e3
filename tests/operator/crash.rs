//! Create requests whose outcome is lost, with and without the process that sent them.
