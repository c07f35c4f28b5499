//! Wiring of the commands. Stub, being written.

/// Runs what was typed.
pub fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
