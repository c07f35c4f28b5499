//! `tools/list` against a bare actix handler that answers with the same bytes.

use std::process::Command;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::json;

use super::http::{self, Client};
use super::served::{COMMANDS, Plugins, Server};
use super::{Wanted, report};

/// With this word the program is the bare handler.
pub(crate) const BARE: &str = "bare-handler";

/// What a list may cost more than its bytes.
const AIM: f64 = 1.3;

/// How long one side is under load at a time.
const ROUND: Duration = Duration::from_secs(1);

/// Answers every post with a file's bytes.
pub(crate) fn serve_bare(file: &str) {
    let body = web::Bytes::from(std::fs::read(file).unwrap());
    let answer = move |_: web::Bytes| {
        let body = body.clone();
        async move { HttpResponse::Ok().content_type("application/json").body(body) }
    };
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(move || App::new().route("/mcp", web::post().to(answer.clone())));
        let server = server.bind(("127.0.0.1", 0)).unwrap();
        println!("listening on {}", server.addrs()[0]);
        server.run().await.unwrap();
    });
}

pub(crate) fn measure(wanted: &Wanted) {
    for count in [1, 50] {
        let plugins = Plugins::new(count);
        plugins.discover(&wanted.smcp);
        let server = Server::start(&wanted.smcp, &plugins);
        let request = http::request("tools/list", json!({}));
        let body = Client::to(server.port).ask(&request).unwrap().to_vec();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, &body).unwrap();
        let mut bare = Command::new(std::env::current_exe().unwrap());
        bare.arg(BARE).arg(file.path());
        let bare = Server::of(bare);
        assert_eq!(Client::to(bare.port).ask(&request).unwrap(), body);
        println!("  {} tools, {} bytes", count * COMMANDS + 1, body.len());
        for connections in [1, 16] {
            compare(wanted, (&server, &bare), &request, connections);
        }
    }
}

fn compare(wanted: &Wanted, (server, bare): (&Server, &Server), request: &[u8], connections: usize) {
    let (mut ours, mut other, mut cost, mut bare_cost) = (vec![], vec![], vec![], vec![]);
    for round in 0..=wanted.rounds {
        let (a, a_cost) = load(server, request, connections);
        let (b, b_cost) = load(bare, request, connections);
        // The first round warms up.
        if round > 0 {
            ours.push(a);
            other.push(b);
            cost.push(a_cost);
            bare_cost.push(b_cost);
        }
    }
    let who = format!("{connections} at a time");
    report::ratio(&format!("{who}: time a list"), "µs", &ours, &other, AIM);
    report::ratio(&format!("{who}: processor time a list"), "µs", &cost, &bare_cost, AIM);
}

/// Microseconds for one answer under load, and of the server's processor time.
fn load(server: &Server, request: &[u8], connections: usize) -> (f64, f64) {
    let (before, start) = (server.processor_seconds(), Barrier::new(connections));
    let one = || {
        let mut client = Client::to(server.port);
        start.wait();
        let (began, mut answers) = (Instant::now(), 0u32);
        while began.elapsed() < ROUND {
            client.ask(request).unwrap();
            answers += 1;
        }
        (answers, began.elapsed())
    };
    let done: Vec<(u32, Duration)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let answers: f64 = done.iter().map(|(answers, _)| f64::from(*answers)).sum();
    let time = done.iter().map(|(_, time)| time.as_secs_f64()).fold(0.0, f64::max);
    (time * 1e6 / answers, (server.processor_seconds() - before) * 1e6 / answers)
}
