//! JSON-RPC and the protocol revisions. Stub, being written.
