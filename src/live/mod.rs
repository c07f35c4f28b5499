//! The live description: what a program's own parser object says of itself.
//!
//! The passenger ([`PASSENGER`], Python, runs inside the program) writes JSON; [`read`] checks it like any foreign input and makes it a
//! [`Command`] tree; [`merge()`] joins one node of that with what the help page says. Pure: who installs the passenger
//! and finds its file is not known here, nor how help pages are parsed.

mod convert;
mod field;
mod merge;

pub use field::LiveError;
pub use merge::{merge, partners};

use crate::model::Command;

/// The passenger's files, names and Python sources, for a private directory of their own, in which Python keeps them compiled.
/// It must be the first of `PYTHONPATH`; a former value follows after `:` only if it is not empty.
pub const PASSENGER: [(&str, &str); 3] = [
    ("sitecustomize.py", include_str!("sitecustomize.py")),
    ("smcp_describe.py", DESCRIBER),
    ("smcp_prove.py", include_str!("prove.py")),
];

/// The file of the passenger that writes the parser's description before help prints. The last one gives calls to
/// the parser instead.
pub const DESCRIBER: &str = include_str!("describe.py");

/// The variable that names the file of calls to prove; where it is set, the passenger proves and does not describe.
pub const REQUEST_VARIABLE: &str = "SMCP_PROVE_REQUEST";

/// The variable that tells the passenger that the program is asked for its own help and for no subcommand's.
pub const ROOT_VARIABLE: &str = "SMCP_DESCRIBE_ROOT";

/// The code of the diagnostic that says that a page is not that of the parser which was described, but of a subcommand
/// that the program chose itself.
pub const CHOSEN: &str = "default-subcommand";

/// The variable that tells the passenger which file to write.
pub const OUTPUT_VARIABLE: &str = "SMCP_DESCRIBE_OUTPUT";

/// The most bytes that a description may have; the passenger writes no more.
pub const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Reads what the passenger wrote: the command tree below the parser whose help was printed.
///
/// # Errors
/// Anything that is not such a description, naming the field, or that is larger than the passenger's own bounds.
pub fn read(json: &[u8]) -> Result<Command, LiveError> {
    if json.len() > MAX_BYTES {
        return Err(LiveError::TooLarge { what: "description in bytes".into(), limit: MAX_BYTES });
    }
    let value = serde_json::from_slice(json)?;
    convert::tree(&value)
}
