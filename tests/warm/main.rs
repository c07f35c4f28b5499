//! Programs that are kept warm: what they do is what they do when they are started anew, and what keeps them warm comes
//! and goes as it should. On each Python of `SMCP_TEST_PYTHONS`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![allow(clippy::disallowed_methods, reason = "tests start programs")]

mod life;
mod refused;
mod same;
mod served;
mod stage;

#[path = "../support/schemas.rs"]
mod schemas;
