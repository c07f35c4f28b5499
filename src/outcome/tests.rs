//! Tests of outcomes: what a process printed → the result of its call.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::process::Captured;

fn captured(bytes: &[u8]) -> Captured {
    Captured { head: bytes.to_vec(), total: bytes.len() as u64, ..Captured::default() }
}

/// What a process came to that asks nothing.
fn result(ran: &Result<Finished, SpawnError>) -> CallResult {
    match super::ended(ran) {
        Ended::Result(result) => result,
        Ended::Asks(asks) => panic!("{asks:?}"),
    }
}

fn ended(end: End, stdout: &[u8], stderr: &[u8]) -> CallResult {
    let finished = Finished {
        end,
        stdout: captured(stdout),
        stderr: captured(stderr),
        took: Duration::from_millis(1500),
    };
    result(&Ok(finished))
}

/// The text of a result's first block.
fn text(result: &CallResult) -> &str {
    result.content[0]["text"].as_str().unwrap()
}

#[test]
fn output_of_a_success_is_given_as_it_was_printed() {
    let cases: [(&[u8], &str, Option<Value>); 15] = [
        (b"plain\n", "plain\n", None),
        (b"  two\n\n lines", "  two\n\n lines", None),
        (b"\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m", None),
        ("é 😀".as_bytes(), "é 😀", None),
        (b"{\"b\": 1,  \"a\": [true]}\n", "{\"b\": 1,  \"a\": [true]}\n", Some(json!({"b": 1, "a": [true]}))),
        (b"\n[1, 2]\n", "\n[1, 2]\n", Some(json!({"result": [1, 2]}))),
        (b"{}", "{}", Some(json!({}))),
        (b"42\n", "42\n", None),
        (b"\"text\"", "\"text\"", None),
        (b"null", "null", None),
        (b"{\"a\": NaN}", "{\"a\": NaN}", None),
        (b"{\"a\": 1}\n{\"a\": 2}\n", "{\"a\": 1}\n{\"a\": 2}\n", None),
        (b"{\"status\": \"error\"}", "{\"status\": \"error\"}", Some(json!({"status": "error"}))),
        (b"\xef\xbb\xbf{\"a\": 1}", "{\"a\": 1}", Some(json!({"a": 1}))),
        (b"\xff\xfeh\0i\0", "hi", None),
    ];
    for (stdout, expected, structured) in cases {
        let result = ended(End::Exit(0), stdout, b"a warning\n");
        assert_eq!(result.content, [json!({"type": "text", "text": expected})], "{}", stdout.escape_ascii());
        assert_eq!(result.structured, structured, "{}", stdout.escape_ascii());
        assert!(!result.is_error);
    }
}

#[test]
fn json_nested_without_end_is_only_text() {
    let deep = "[".repeat(100_000);
    let result = ended(End::Exit(0), deep.as_bytes(), b"");
    assert_eq!((text(&result), &result.structured), (deep.as_str(), &None));
}

#[test]
fn no_output_is_no_block_and_standard_error_stands_in_for_it() {
    assert_eq!(ended(End::Exit(0), b"", b""), CallResult::default());
    assert_eq!(ended(End::Exit(0), b"\xef\xbb\xbf", b""), CallResult::default());
    let result = ended(End::Exit(0), b"", b"\x1b[32mdeployed\x1b[0m\n");
    assert_eq!((text(&result), result.is_error), ("standard error:\ndeployed", false));
}

#[test]
fn media_becomes_the_block_that_fits_it() {
    let png = b"\x89PNG\r\n\x1a\n\0";
    let resource = |mime: &str, blob: &str| json!({"type": "resource", "resource": {"uri": "smcp:stdout", "mimeType": mime, "blob": blob}});
    let cases: [(&[u8], Value); 4] = [
        (png, json!({"type": "image", "data": "iVBORw0KGgoA", "mimeType": "image/png"})),
        (
            b"RIFF\x24\0\0\0WAVE",
            json!({"type": "audio", "data": "UklGRiQAAABXQVZF", "mimeType": "audio/wav"}),
        ),
        (b"%PDF-1.7 %%EOF", resource("application/pdf", "JVBERi0xLjcgJSVFT0Y=")),
        (b"caf\xe9", resource("application/octet-stream", "Y2Fm6Q==")),
    ];
    for (stdout, block) in cases {
        assert_eq!(ended(End::Exit(0), stdout, b"").content, [block]);
    }
    let failed = ended(End::Exit(1), png, b"half an image");
    assert!(failed.is_error);
    assert_eq!(failed.content[1]["type"], "image");
}

#[test]
fn a_programs_own_mcp_result_is_passed_on() {
    let own =
        json!({"content": [{"type": "text", "text": "hi"}], "structuredContent": {"n": 1}, "isError": true});
    let passed = ended(End::Exit(0), own.to_string().as_bytes(), b"");
    let expected = CallResult {
        content: vec![json!({"type": "text", "text": "hi"})],
        structured: Some(json!({"n": 1})),
        is_error: true,
    };
    assert_eq!(passed, expected);

    let failed = ended(End::Exit(3), br#"{"content": [{"type": "text", "text": "hi"}]}"#, b"why\n");
    assert!(failed.is_error);
    assert_eq!(failed.content[1]["text"], "standard error:\nwhy\n\nexit code 3");
    assert_eq!(
        failed.structured,
        Some(json!({"error": {"code": "plugin_error", "message": "why", "exitCode": 3}}))
    );
}

#[test]
fn output_over_the_cap_keeps_its_ends_and_says_what_is_missing() {
    let over = |head: &[u8], tail: &[u8], total| {
        let stdout = Captured { head: head.to_vec(), tail: tail.to_vec(), total, cut_off: false };
        let end = End::Exit(0);
        result(&Ok(Finished { end, stdout, stderr: Captured::default(), took: Duration::ZERO }))
    };
    let cases: [(&[u8], &[u8], &str); 5] = [
        (b"start", b"end", "start\n[92 of 100 bytes of output left out here: over the limit]\nend"),
        (b"{\"a\":", b"1}", "{\"a\":\n[93 of 100 bytes of output left out here: over the limit]\n1}"),
        (b"caf\xc3", b"\xa9\xa9 end", "caf\n[93 of 100 bytes of output left out here: over the limit]\n end"),
        (b"\x89PNG\r\n\x1a\n", b"\0", "[all of the output left out: 100 bytes, not text, over the limit]"),
        (b"", b"", "\n[100 of 100 bytes of output left out here: over the limit]\n"),
    ];
    for (head, tail, expected) in cases {
        let result = over(head, tail, 100);
        assert_eq!((text(&result), &result.structured), (expected, &None));
    }
}

#[test]
fn a_stream_left_open_is_marked() {
    let stdout = Captured { cut_off: true, ..captured(b"{\"pid\": 7}") };
    let finished = Finished { end: End::Exit(0), stdout, stderr: Captured::default(), took: Duration::ZERO };
    let result = result(&Ok(finished));
    assert_eq!(text(&result), "{\"pid\": 7}");
    assert_eq!(result.structured, Some(json!({"pid": 7})));
    assert!(result.content[1]["text"].as_str().unwrap().contains("may be incomplete"));
}

#[test]
fn a_failure_says_what_the_program_said() {
    let cases: [(End, &str, &str, &str, Value); 10] = [
        (
            End::Exit(1),
            r#"{"error": "no such host"}"#,
            "",
            "no such host\n\nexit code 1",
            json!({"message": "no such host", "exitCode": 1}),
        ),
        (
            End::Exit(1),
            r#"{"error": {"message": "no", "id": 5}, "at": 2}"#,
            "note\n",
            "no\n\n{\"error\": {\"message\": \"no\", \"id\": 5}, \"at\": 2}\n\nstandard error:\nnote\n\nexit code 1",
            json!({"message": "no", "exitCode": 1}),
        ),
        (
            End::Exit(1),
            r#"{"error": ["a", 1]}"#,
            "",
            "[\"a\",1]\n\nexit code 1",
            json!({"message": "[\"a\",1]", "exitCode": 1}),
        ),
        (
            End::Exit(1),
            r#"{"error": null}"#,
            "boom",
            "{\"error\": null}\n\nstandard error:\nboom\n\nexit code 1",
            json!({"message": "boom", "exitCode": 1}),
        ),
        (
            End::Exit(4),
            "half\ndone\n",
            "",
            "half\ndone\n\nexit code 4",
            json!({"message": "done", "exitCode": 4}),
        ),
        (
            End::Exit(1),
            "",
            "Traceback …\n\x1b[1mValueError: x\x1b[0m\n\n",
            "standard error:\nTraceback …\nValueError: x\n\nexit code 1",
            json!({"message": "ValueError: x", "exitCode": 1}),
        ),
        (
            End::Exit(2),
            "",
            "usage: p [-h] a\np: error: the following arguments are required: a\n",
            "standard error:\nusage: p [-h] a\np: error: the following arguments are required: a\n\nexit code 2",
            json!({"message": "p: error: the following arguments are required: a", "exitCode": 2}),
        ),
        (
            End::Exit(5),
            "",
            "",
            "exit code 5",
            json!({"message": "the plugin ended without a message: exit code 5", "exitCode": 5}),
        ),
        (
            End::Signal(11),
            "",
            "",
            "ended by SIGSEGV (11)",
            json!({"message": "the plugin ended without a message: ended by SIGSEGV (11)", "signal": "SIGSEGV (11)"}),
        ),
        (
            End::Signal(64),
            " \n",
            "x",
            "standard error:\nx\n\nended by signal 64",
            json!({"message": "x", "signal": "signal 64"}),
        ),
    ];
    for (end, stdout, stderr, expected, facts) in cases {
        let result = ended(end, stdout.as_bytes(), stderr.as_bytes());
        assert_eq!((text(&result), result.is_error), (expected, true), "{stdout} {stderr}");
        let mut error = result.structured.unwrap()["error"].take();
        assert_eq!(error.as_object_mut().unwrap().remove("code"), Some(json!("plugin_error")));
        assert_eq!(error, facts, "{stdout} {stderr}");
    }
}

#[test]
fn standard_error_is_bounded_but_usage_is_whole() {
    let long = "0123456789abcde\n".repeat(1024);
    let result = ended(End::Exit(1), b"", long.as_bytes());
    assert!(text(&result).len() < ERROR_END + 200);
    assert!(text(&result).contains("bytes before this left out]\n0123"));
    let usage = format!("usage: p {long}\np: error: no");
    assert!(text(&ended(End::Exit(2), b"", usage.as_bytes())).contains(&usage));
}

#[test]
fn a_timeout_shows_what_there_was() {
    let result = ended(End::TimedOut, b"step 1\n", b"working\n");
    let message = "the call was stopped after 1.5 s: its time was up";
    assert_eq!(text(&result), format!("{message}\n\noutput until then:\nstep 1\n\nstandard error:\nworking"));
    assert_eq!(result.structured, Some(json!({"error": {"code": "timeout", "message": message}})));
    assert!(result.is_error);
}

#[test]
fn what_was_cancelled_or_not_started_has_its_code() {
    let code = |result: CallResult| result.structured.unwrap()["error"]["code"].clone();
    assert_eq!(code(ended(End::Cancelled, b"", b"")), "cancelled");
    let cases = [
        (Reason::NotFound, "plugin_not_found"),
        (Reason::NoDirectory("plugins/p".into()), "plugin_not_found"),
        (Reason::NoPermission, "plugin_error"),
        (Reason::TooLong, "plugin_error"),
    ];
    for (reason, expected) in cases {
        let source = std::io::ErrorKind::Other.into();
        assert_eq!(code(result(&Err(SpawnError { program: "p".into(), reason, source }))), expected);
    }
}

/// What a stream with this cap keeps of these bytes.
fn capped(bytes: &[u8], cap: usize) -> Captured {
    if bytes.len() <= cap {
        return captured(bytes);
    }
    let (head, tail) = (cap - cap / 2, cap / 2);
    Captured {
        head: bytes[..head].to_vec(),
        tail: bytes[bytes.len() - tail..].to_vec(),
        total: bytes.len() as u64,
        cut_off: false,
    }
}

proptest! {
    #[test]
    fn any_text_is_given_back_exactly(text in "[^\u{feff}]\\PC*\n?") {
        prop_assume!(media::recognise(text.as_bytes()).is_none());
        let result = ended(End::Exit(0), text.as_bytes(), b"");
        prop_assert_eq!(&result.content, &[json!({"type": "text", "text": text})]);
    }

    #[test]
    fn any_bytes_give_a_result_and_what_is_missing_is_counted(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        stderr in proptest::collection::vec(any::<u8>(), 0..200),
        cap in 0usize..100,
        code in 0..3,
    ) {
        let stdout = capped(&bytes, cap);
        let stderr = capped(&stderr, cap);
        let lost = stdout.lost() > 0;
        let finished = Finished { end: End::Exit(code), stdout, stderr, took: Duration::ZERO };
        let result = result(&Ok(finished));
        prop_assert_eq!(result.is_error, code != 0);
        if lost {
            prop_assert!(text(&result).contains(" left out"));
        }
    }

    #[test]
    fn characters_cut_by_the_cap_are_left_out_and_counted(text_in in "[aé€😀]{20,60}", cap in 8usize..40) {
        prop_assume!(text_in.len() > cap);
        let finished = Finished {
            end: End::Exit(0),
            stdout: capped(text_in.as_bytes(), cap),
            stderr: Captured::default(),
            took: Duration::ZERO,
        };
        let result = result(&Ok(finished));
        let mut parts = text(&result).split('\n');
        let (head, mark, tail) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        prop_assert!(text_in.starts_with(head) && text_in.ends_with(tail));
        let lost = text_in.len() - head.len() - tail.len();
        let expected = format!("[{lost} of {} bytes", text_in.len());
        prop_assert!(mark.starts_with(&expected));
    }
}

#[test]
fn the_code_of_an_error_is_known_whoever_gave_it() {
    assert_eq!(failure("busy", "later").error_code(), Some("busy"));
    assert_eq!(ended(End::Exit(1), b"", b"").error_code(), Some("plugin_error"));
    assert_eq!(ended(End::Exit(0), br#"{"error": {"code": "busy"}}"#, b"").error_code(), None);
    for (code, expected) in
        [("own_code", Some("own_code")), ("Any <text>", None), ("", None), (&"x".repeat(33), None)]
    {
        assert_eq!(failure(code, "text").error_code(), expected, "{code}");
    }
}

#[test]
fn a_program_that_ends_well_can_ask_back() {
    let output = r#"{"inputRequests": {"k": {"method": "roots/list"}}, "requestState": "s"}"#;
    let finished = |end| {
        let (stdout, took) = (captured(output.as_bytes()), Duration::ZERO);
        Ok(Finished { end, stdout, stderr: Captured::default(), took })
    };
    let Ended::Asks(asks) = super::ended(&finished(End::Exit(0))) else { panic!() };
    assert_eq!((asks.requests["k"]["method"].as_str(), asks.state), (Some("roots/list"), Some(json!("s"))));
    assert!(result(&finished(End::Exit(1))).is_error);
    let wrong = ended(End::Exit(0), br#"{"inputRequests": {"k": {"method": "ping"}}}"#, b"");
    assert!(wrong.is_error && text(&wrong).contains("`k`: its method is not"), "{wrong:?}");
}
