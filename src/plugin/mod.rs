//! Plugin directories: discovery, manifests, interpreters, capture of help. Stub, being written.
