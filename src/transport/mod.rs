//! HTTP and stdio. Stub, being written.
