//! What a process writes → its first and last bytes within a cap, and the lines of its standard error.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::ErrorKind;

use tokio::net::unix::pipe::Receiver;
use tokio::sync::mpsc;

use crate::text;

/// The bound on a reported line, in bytes; what a line has beyond it is not reported (it is captured all the same).
pub(super) const MAX_LINE: usize = 4096;
/// Bytes read at a time: what a Linux pipe holds by default.
const CHUNK: usize = 64 * 1024;
/// Bytes that are still read from a stream that is not at its end when the run is over: the largest pipe that an
/// ordinary user can make. A process that goes on writing can't keep us here.
const LAST_READ: usize = 1024 * 1024;

/// What a process wrote to one stream. Over the cap the middle is lost, counted in `total`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// The first bytes; all of them where nothing was lost.
    pub head: Vec<u8>,
    /// The last bytes, where something was lost.
    pub tail: Vec<u8>,
    /// Bytes written in all.
    pub total: u64,
    /// Some process still held the stream open when the run was over; what it writes later is not here.
    pub cut_off: bool,
}

impl Captured {
    /// Bytes that were written and not kept, between `head` and `tail`.
    pub fn lost(&self) -> u64 {
        self.total - (self.head.len() + self.tail.len()) as u64
    }
}

/// Both streams of a process.
#[derive(Debug)]
pub(super) struct Streams {
    stdout: Stream,
    stderr: Stream,
    lines: Option<Lines>,
    buffer: Vec<u8>,
}

impl Streams {
    /// Each pipe with its cap in bytes.
    pub(super) fn new(
        stdout: (Option<Receiver>, usize),
        stderr: (Option<Receiver>, usize),
        lines: Option<mpsc::Sender<String>>,
    ) -> Streams {
        Streams {
            stdout: Stream { pipe: stdout.0, kept: Kept::new(stdout.1) },
            stderr: Stream { pipe: stderr.0, kept: Kept::new(stderr.1) },
            lines: lines.map(|to| Lines { to, line: Vec::new() }),
            buffer: vec![0; CHUNK],
        }
    }

    /// Reads until both streams are closed. May be dropped and called again.
    pub(super) async fn read_to_end(&mut self) {
        while self.stdout.pipe.is_some() || self.stderr.pipe.is_some() {
            tokio::select! {
                () = self.stdout.readable() => { self.stdout.read(&mut self.buffer); }
                () = self.stderr.readable() => { self.read_error(); }
            }
        }
    }

    /// Reads as [`Streams::read_to_end`] does, and never returns.
    pub(super) async fn read_on(&mut self) -> Infallible {
        self.read_to_end().await;
        std::future::pending().await
    }

    fn read_error(&mut self) -> usize {
        let read = self.stderr.read(&mut self.buffer);
        if let Some(lines) = &mut self.lines {
            lines.push(&self.buffer[..read]);
        }
        read
    }

    /// Takes what is in the pipes now, and closes them.
    pub(super) fn finish(mut self) -> (Captured, Captured) {
        let cut_off = (self.stdout.pipe.is_some(), self.stderr.pipe.is_some());
        take_rest(|| self.stdout.read(&mut self.buffer));
        take_rest(|| self.read_error());
        if let Some(lines) = &mut self.lines {
            lines.end();
        }
        (self.stdout.kept.captured(cut_off.0), self.stderr.kept.captured(cut_off.1))
    }
}

/// Reads while there is something, up to [`LAST_READ`].
fn take_rest(mut read: impl FnMut() -> usize) {
    let mut rest = LAST_READ;
    loop {
        let got = read();
        if got == 0 || got > rest {
            return;
        }
        rest -= got;
    }
}

#[derive(Debug)]
struct Stream {
    /// `None` at its end.
    pipe: Option<Receiver>,
    kept: Kept,
}

impl Stream {
    /// Ends when a read would tell something; never, at the stream's end.
    async fn readable(&self) {
        match &self.pipe {
            // A failure will show again in the read.
            Some(pipe) => drop(pipe.readable().await),
            None => std::future::pending().await,
        }
    }

    /// Reads once without waiting; 0: nothing there, or the end.
    fn read(&mut self, buffer: &mut [u8]) -> usize {
        let Some(pipe) = &self.pipe else { return 0 };
        match pipe.try_read(buffer) {
            Ok(0) => self.pipe = None,
            Ok(read) => {
                self.kept.push(&buffer[..read]);
                return read;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            // A pipe has no other errors; whatever it is, no more will come.
            Err(_) => self.pipe = None,
        }
        0
    }
}

/// The first and the last bytes of a stream: half of the cap each.
#[derive(Debug)]
struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_cap: usize,
    tail_cap: usize,
    total: u64,
}

impl Kept {
    fn new(cap: usize) -> Kept {
        let tail_cap = cap / 2;
        Kept { head: Vec::new(), tail: VecDeque::new(), head_cap: cap - tail_cap, tail_cap, total: 0 }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let (first, rest) = bytes.split_at(bytes.len().min(self.head_cap - self.head.len()));
        self.head.extend_from_slice(first);
        let rest = &rest[rest.len().saturating_sub(self.tail_cap)..];
        let surplus = (self.tail.len() + rest.len()).saturating_sub(self.tail_cap);
        self.tail.drain(..surplus);
        self.tail.extend(rest);
    }

    fn captured(self, cut_off: bool) -> Captured {
        let Kept { mut head, tail, total, .. } = self;
        let mut tail = Vec::from(tail);
        if (head.len() + tail.len()) as u64 == total {
            head.append(&mut tail);
        }
        Captured { head, tail, total, cut_off }
    }
}

/// Splits a stream into lines for whoever listens.
#[derive(Debug)]
struct Lines {
    to: mpsc::Sender<String>,
    /// The line so far, up to [`MAX_LINE`].
    line: Vec<u8>,
}

impl Lines {
    fn push(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|&b| b == b'\n' || b == b'\r').peekable();
        while let Some(piece) = pieces.next() {
            let room = MAX_LINE - self.line.len();
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if pieces.peek().is_some() {
                self.end();
            }
        }
    }

    fn end(&mut self) {
        let line = text::plain(&String::from_utf8_lossy(&self.line));
        self.line.clear();
        if !line.trim().is_empty() {
            // Full, or nobody listens any more: the process must not wait for that.
            let _ = self.to.try_send(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(cap: usize, writes: &[&str]) -> Captured {
        let mut kept = Kept::new(cap);
        for write in writes {
            kept.push(write.as_bytes());
            assert!(kept.head.len() + kept.tail.len() <= cap);
        }
        kept.captured(false)
    }

    #[test]
    fn head_and_tail_are_kept() {
        let cases: [(usize, &[&str], &str, &str, u64); 8] = [
            (8, &[], "", "", 0),
            (8, &["12345678"], "12345678", "", 0),
            (8, &["1", "2345", "678"], "12345678", "", 0),
            (8, &["123456789"], "1234", "6789", 1),
            (8, &["1234", "56789abcdef"], "1234", "cdef", 7),
            (8, &["12", "34567", "89", "a"], "1234", "789a", 2),
            (3, &["1234"], "12", "4", 1),
            (0, &["1234"], "", "", 4),
        ];
        for (cap, writes, head, tail, lost) in cases {
            let captured = kept(cap, writes);
            let got = (captured.head.as_slice(), captured.tail.as_slice(), captured.lost());
            assert_eq!(got, (head.as_bytes(), tail.as_bytes(), lost), "{cap} {writes:?}");
        }
    }

    fn lines(writes: &[&[u8]]) -> Vec<String> {
        let (to, mut from) = mpsc::channel(16);
        let mut lines = Lines { to, line: Vec::new() };
        for write in writes {
            lines.push(write);
        }
        lines.end();
        drop(lines);
        std::iter::from_fn(|| from.try_recv().ok()).collect()
    }

    #[test]
    fn lines_end_with_newline_or_carriage_return() {
        let cases: [(&[&[u8]], &[&str]); 6] = [
            (&[b"one\ntwo\n"], &["one", "two"]),
            (&[b"10%\r20%\r\n", b"last"], &["10%", "20%", "last"]),
            (&[b"sp", b"lit\nli", b"ne"], &["split", "line"]),
            (&[b"\n\n  \r\n"], &[]),
            (&[b"\x1b[31mred\x1b[0m\n"], &["red"]),
            (&[b"caf\xe9\n"], &["caf\u{fffd}"]),
        ];
        for (writes, expected) in cases {
            assert_eq!(lines(writes), expected, "{writes:?}");
        }
    }

    #[test]
    fn lines_are_bounded_and_a_full_channel_does_not_block() {
        let long = vec![b'x'; MAX_LINE * 3];
        assert_eq!(lines(&[&long, b"y\nnext\n"]), ["x".repeat(MAX_LINE), "next".to_owned()]);
        assert_eq!(lines(&[&b"line\n".repeat(100)]).len(), 16);
    }
}
