//! Contract files in `schemas/`. Stub, being written.
