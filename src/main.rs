//! The `smcp` program: hands what was typed to the library and turns the answer into an exit code.

fn main() -> std::process::ExitCode {
    smcp::commands::main()
}
