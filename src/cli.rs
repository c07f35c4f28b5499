//! What was typed. Stub, being written.
