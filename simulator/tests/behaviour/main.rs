//! What a user of the simulator can rely on, seen from outside: over HTTP, and through the library's control.

mod fixture;
mod webhooks;
