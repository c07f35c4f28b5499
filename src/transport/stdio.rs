//! One JSON message a line on standard input and output, in both eras at once. Nothing else is ever written there.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

use crate::mcp::era::{self, Revision};
use crate::mcp::message::{self, Incoming, Message, Request, Response, RpcError};
use crate::mcp::outgoing::{Out, Outgoing, Stream};
use crate::mcp::session::Session;
use crate::mcp::{Changes, Context, Server, dispatch};

/// Bytes of one line; a longer one is skipped and answered with an error.
const LINE_LIMIT: usize = 16 << 20;

/// After the end of the input, calls that still run have so long to end and be answered.
const END_GRACE: Duration = Duration::from_secs(30);

/// After the signal to stop, or when nobody reads any more, calls are cancelled and have so long to end.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// Serves one client until the end of `input`, a closed `output` or the server's signal to stop. When it returns,
/// all of its calls have ended, or had their time to.
///
/// Reading standard input takes a thread that can't be stopped, so the caller should end the process after this
/// rather than wait for its runtime.
pub async fn serve(
    server: Arc<Server>,
    input: impl AsyncRead + Unpin,
    output: impl AsyncWrite + Unpin,
) -> io::Result<()> {
    // Without a wish by path and without a key there is always the first profile.
    let access = server.access(None, None).map_err(io::Error::other)?;
    let session = Session::new(access, Revision::NEWEST_LEGACY);
    let messages = session.attach();
    let writing = write(output, messages, server.list_changes(&session), &session);
    tokio::pin!(writing);

    let (ended, grace) = tokio::select! {
        read = read(&server, &session, input) => (read, END_GRACE),
        () = server.shutdown().cancelled() => (Ok(()), STOP_GRACE),
        written = &mut writing => {
            session.close();
            server.drained(STOP_GRACE).await;
            return written;
        }
    };
    session.wind_down();
    let written = tokio::select! {
        written = tokio::time::timeout(grace, &mut writing) => written,
        () = stopped_late(&server) => Ok(writing.await),
    };
    session.close();
    server.drained(STOP_GRACE).await;
    ended.and(written.unwrap_or(Ok(())))
}

/// A signal to stop during the grace after the input's end cuts it short.
async fn stopped_late(server: &Server) {
    server.shutdown().cancelled().await;
    tokio::time::sleep(STOP_GRACE).await;
}

async fn read(server: &Arc<Server>, session: &Arc<Session>, input: impl AsyncRead + Unpin) -> io::Result<()> {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    while let Some(outgoing) = session.outgoing() {
        line.clear();
        match next_line(&mut input, &mut line, LINE_LIMIT).await? {
            Line::End => break,
            Line::TooLong => {
                let message = format!("a line has at most {LINE_LIMIT} bytes");
                let error = RpcError::new(RpcError::INVALID_REQUEST, message);
                outgoing.send(Out::Answer(Response { id: None, outcome: Err(error) })).await;
            }
            Line::Whole if line.iter().all(u8::is_ascii_whitespace) => {}
            Line::Whole => take(server, session, &line, &outgoing).await,
        }
    }
    Ok(())
}

async fn take(server: &Arc<Server>, session: &Arc<Session>, line: &[u8], outgoing: &Outgoing) {
    let messages = match message::parse(line) {
        Ok(Incoming::One(message)) => vec![Ok(message)],
        Ok(Incoming::Batch(messages)) => {
            era::batch(messages, session.revision()).unwrap_or_else(|fault| vec![Err(fault)])
        }
        Err(fault) => vec![Err(fault)],
    };
    for message in messages {
        let refused = match message {
            Ok(Message::Request(request)) => begin(server, session, request, outgoing).err(),
            Ok(Message::Notification(told)) => {
                dispatch::notification(Some(session), &told);
                None
            }
            Ok(Message::Response { id, outcome }) => {
                session.answered(&id, outcome);
                None
            }
            Err(fault) => Some(fault.response()),
        };
        if let Some(refused) = refused {
            outgoing.send(Out::Answer(refused)).await;
        }
    }
}

fn begin(
    server: &Arc<Server>,
    session: &Arc<Session>,
    request: Request,
    outgoing: &Outgoing,
) -> Result<(), Response> {
    let refused = |error| Response { id: Some(request.id.clone()), outcome: Err(error) };
    let modern = if era::is_modern(Some(&request.params), None) {
        let meta = era::modern_meta(&request.params).map_err(refused)?;
        Some((era::modern_revision(&meta.version).map_err(refused)?, meta))
    } else {
        None
    };
    let running = session.begin(&request.id).map_err(refused)?;
    let mut context = Context::of_session(session, outgoing.clone(), running.token().clone());
    if let Some((revision, meta)) = modern {
        context = context.modern(revision, &meta);
    }
    server.begin(context, request, outgoing.clone(), running);
    Ok(())
}

async fn write(
    mut output: impl AsyncWrite + Unpin,
    mut messages: Stream,
    mut changes: Changes<'_>,
    session: &Session,
) -> io::Result<()> {
    loop {
        let mut line = tokio::select! {
            biased;
            out = messages.next() => match out {
                Some(out) => out.encode(),
                None => return Ok(()),
            },
            list = changes.next() => {
                if !session.is_settled() {
                    continue;
                }
                list.changed().to_string()
            }
        };
        line.push('\n');
        output.write_all(line.as_bytes()).await?;
        output.flush().await?;
    }
}

#[derive(Debug, PartialEq)]
enum Line {
    Whole,
    TooLong,
    End,
}

/// Reads up to the next line feed. Of a line over `limit` bytes nothing is kept, but it is read to its end.
async fn next_line(
    input: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
    limit: usize,
) -> io::Result<Line> {
    let mut too_long = false;
    loop {
        let available = input.fill_buf().await?;
        if available.is_empty() {
            return Ok(match (too_long, line.is_empty()) {
                (true, _) => Line::TooLong,
                (false, true) => Line::End,
                (false, false) => Line::Whole,
            });
        }
        let end = available.iter().position(|b| *b == b'\n');
        let part = &available[..end.unwrap_or(available.len())];
        if line.len() + part.len() > limit {
            too_long = true;
            line.clear();
        } else if !too_long {
            line.extend_from_slice(part);
        }
        let used = end.map_or(available.len(), |e| e + 1);
        input.consume(used);
        if end.is_some() {
            return Ok(if too_long { Line::TooLong } else { Line::Whole });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_bounded_and_what_follows_a_long_one_is_read() {
        let mut input = BufReader::with_capacity(3, &b"ab\n\ntoo long\nok\nend"[..]);
        let mut found = Vec::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            match next_line(&mut input, &mut line, 4).await.unwrap() {
                Line::End => break,
                Line::TooLong => found.push("(too long)".to_owned()),
                Line::Whole => found.push(String::from_utf8(line.clone()).unwrap()),
            }
        }
        assert_eq!(found, ["ab", "", "(too long)", "ok", "end"]);
    }
}
