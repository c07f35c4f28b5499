//! `tools/call` against starting the same argv directly from this program.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

use serde_json::{Value, json};

use super::http::{self, Client};
use super::served::{Plugins, Server};
use super::{Wanted, report};

/// Calls of one side at a time.
const CALLS: usize = 48;

pub(crate) fn measure(wanted: &Wanted) {
    let plugins = Plugins::new(1);
    let server = Server::start(&wanted.smcp, &plugins);
    let params = json!({"name": "plugin000__command1", "arguments": {"path": "a.txt", "count": 5}});
    let request = http::request("tools/call", params);
    let answer: Value = serde_json::from_slice(Client::to(server.port).ask(&request).unwrap()).unwrap();
    let argv: Vec<String> = serde_json::from_value(answer["result"]["structuredContent"]["argv"].clone())
        .expect("the call's argv");
    assert_eq!(argv[0], plugins.python, "nothing stands between");
    for (callers, aim) in [(1, 1.05), (16, 1.1)] {
        let (ours, other, cost) = compare(wanted, &server, callers, &request, &argv);
        report::ratio(&format!("{callers} at a time: median of a call"), "ms", &ours, &other, aim);
        report::figure(&format!("{callers} at a time: server's processor time a call"), &cost, "ms");
    }
}

/// Calls of a server and direct starts in turns: of each round the medians of both, and the server's processor time a
/// call, in milliseconds.
pub(crate) fn compare(
    wanted: &Wanted,
    server: &Server,
    callers: usize,
    request: &[u8],
    argv: &[String],
) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    let (mut ours, mut other, mut cost) = (vec![], vec![], vec![]);
    for round in 0..=wanted.rounds {
        let before = server.processor_seconds();
        let a = times(callers, || {
            let mut client = Client::to(server.port);
            move || {
                let answer = client.ask(request).unwrap();
                assert!(answer.windows(15).any(|w| w == br#""isError":false"#), "the call succeeds");
            }
        });
        let spent = (server.processor_seconds() - before) * 1000.0 / CALLS as f64;
        let b = times(callers, || || directly(argv));
        if round > 0 {
            ours.push(report::median(a));
            other.push(report::median(b));
            cost.push(spent);
        }
    }
    (ours, other, cost)
}

fn directly(argv: &[String]) {
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
        .current_dir(PathBuf::from(argv.iter().find(|w| w.ends_with("cli.py")).unwrap()).parent().unwrap());
    let output = command.output().unwrap();
    assert!(output.status.success(), "the program succeeds");
}

/// Milliseconds of each of the calls that `callers` make, one after the other each.
fn times<C: FnMut()>(callers: usize, caller: impl Fn() -> C + Sync) -> Vec<f64> {
    let all = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..callers {
            scope.spawn(|| {
                let mut call = caller();
                for _ in 0..CALLS / callers {
                    let began = Instant::now();
                    call();
                    all.lock().unwrap().push(report::ms(began.elapsed()));
                }
            });
        }
    });
    all.into_inner().unwrap()
}
