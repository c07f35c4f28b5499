//! Reading a file that somebody else put there: only what is a file, and only up to a size.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// The bytes of a file that has at most `most` of them. What is no file (a pipe, a device, a directory) is an error:
/// reading it may never come to an end.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // It may grow while it is read.
    open(path, most)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_large(most)) } else { Ok(bytes) }
}

/// Opens such a file.
pub fn open(path: &Path, most: u64) -> io::Result<File> {
    // Opening a pipe waits for somebody who writes, unless told not to.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no file"));
    }
    if about.len() > most { Err(too_large(most)) } else { Ok(file) }
}

fn too_large(most: u64) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, format!("it is larger than {most} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_are_read_and_only_up_to_a_size() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        std::fs::write(at("file"), "12345").unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, at("pipe"), rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        assert_eq!(read(&at("file"), 5).unwrap(), b"12345");
        assert_eq!(read(&at("link"), 5).unwrap(), b"12345");
        for (path, most, kind) in [
            (at("file"), 4, ErrorKind::FileTooLarge),
            (at("pipe"), 5, ErrorKind::InvalidInput),
            (directory.path().to_owned(), 5, ErrorKind::InvalidInput),
            ("/dev/zero".into(), 5, ErrorKind::InvalidInput),
            (at("none"), 5, ErrorKind::NotFound),
        ] {
            assert_eq!(read(&path, most).unwrap_err().kind(), kind, "{}", path.display());
        }
    }
}
