//! A server that is used for a long time as many at once use it: calls that go well, fail, take their time, are taken
//! back, tell progress and are large, over all transports, while plugins come, change and go and clients break off.
//! Every call has a token of its own that must come back once, to its own caller; memory, descriptors and processes
//! must be at the end what they were after the warm-up. Needs Linux and `python3`.
//!
//! `cargo test --bench soak -- --seconds 600` (`SMCP_SOAK_SECONDS` says the same; ten minutes where nothing is said).

#![allow(clippy::disallowed_methods, reason = "tests start the program and read where Python is")]
#![allow(clippy::unwrap_used, reason = "a soak that can't go on has failed")]

mod callers;
mod desk;
mod figures;
mod noise;
mod report;
#[path = "../support/schemas.rs"]
mod schemas;
mod tally;
#[allow(dead_code, reason = "the tests of faults use all of it")]
#[path = "../support/wire.rs"]
mod wire;
#[allow(dead_code, reason = "the tests of faults use all of it")]
#[path = "../support/world.rs"]
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use callers::{CALLERS, Caller};
use desk::Desk;
use figures::{Figures, Servers};
use report::Report;
use tally::Tally;
use world::{Site, World};

/// How long where nothing is said.
const SECONDS: u64 = 600;

/// Callers that share one process of `smcp stdio`, and one stream of the older HTTP transport.
const SHARED: usize = 4;

/// A server ends within this: its plugins' grace and the time for answers.
const END: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let seconds = seconds();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(soak(Duration::from_secs(seconds)));
    report.print()
}

fn seconds() -> u64 {
    let words: Vec<String> = std::env::args().collect();
    let flag = words.iter().position(|word| word == "--seconds").and_then(|at| words.get(at + 1).cloned());
    let said = flag.or_else(|| std::env::var("SMCP_SOAK_SECONDS").ok());
    said.map_or(SECONDS, |text| text.parse().expect("--seconds takes a whole number"))
}

async fn soak(length: Duration) -> Report {
    let began = Instant::now();
    let site = Site::empty();
    site.plugin("soak", include_str!("plugins/soak/cli.py"));
    let world = Arc::new(site.start(&["--max-concurrency", "16"]));
    let tally = Arc::new(Tally::default());
    let stop = CancellationToken::new();
    let desks = desks(&world, &tally).await;
    let servers = Servers::new(&world, &desks);
    println!("{CALLERS} callers for {} s, on port {}", length.as_secs(), world.port);

    let mut tasks: Vec<_> = Caller::all(&world, &desks, &tally)
        .await
        .into_iter()
        .map(|caller| tokio::spawn(caller.run(stop.clone())))
        .collect();
    tasks.push(tokio::spawn(noise::reloads(Arc::clone(&world), Arc::clone(&tally), stop.clone())));
    tasks.push(tokio::spawn(noise::breaks(Arc::clone(&world), Arc::clone(&tally), stop.clone())));

    // A quarter to warm up: pools fill, each path has run, allocators have what they keep.
    tokio::time::sleep(length / 4).await;
    let warm = quiet(&tally, &servers).await;
    println!("after the warm-up: {warm}");
    let mut peak = warm;
    while began.elapsed() < length {
        tokio::time::sleep(Duration::from_secs(1)).await;
        peak = peak.max(servers.figures());
    }
    let last = quiet(&tally, &servers).await;
    println!("at the end:        {last}");
    stop.cancel();
    for task in tasks {
        if let Err(error) = task.await {
            tally.fault("a part of the soak itself broke", &error.to_string());
        }
    }
    drop(servers);
    let logged = world.said.all();
    let is_clean = end(world, desks).await;
    Report { tally, warm, peak, last, logged, is_clean, took: began.elapsed() }
}

/// What several callers share: two processes on standard input and output, and two streams of the older transport.
async fn desks(world: &Arc<World>, tally: &Arc<Tally>) -> Vec<Arc<Desk>> {
    let mut desks = Vec::new();
    for _ in 0..2 {
        desks.push(Desk::stdio(&world.site, &world.said, tally));
        desks.push(Desk::sse(world, tally).await);
    }
    desks
}

/// Nobody calls, and what was begun has ended: what is held now is what is kept.
async fn quiet(tally: &Tally, servers: &Servers) -> Figures {
    let _alone = tally.gate.write().await;
    servers.settled().await
}

/// Ends all servers in good order; whether they did, and left nothing.
async fn end(world: Arc<World>, desks: Vec<Arc<Desk>>) -> Result<(), String> {
    for desk in desks {
        desk.close(END).await?;
    }
    let site = Arc::clone(&world.site);
    let mut world = Arc::try_unwrap(world).map_err(|_| "the server is still in use".to_owned())?;
    world.signal(rustix::process::Signal::TERM);
    let status = world.ended(END).await;
    let left = site.everything();
    if status.success() && left.is_empty() { Ok(()) } else { Err(format!("{status}, left: {left:?}")) }
}
