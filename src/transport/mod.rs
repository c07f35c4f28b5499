//! The ways in: HTTP with its routes, and standard input and output. The only module that knows actix.
//!
//! [`serve`] owns nothing that it did not get: the caller binds the socket, and the [`Server`] carries the signal
//! to stop.

mod body;
mod cors;
mod guard;
mod health;
mod keys;
mod messages;
mod metrics;
mod page;
mod peers;
mod rate;
mod reply;
mod sse;
pub mod stdio;
mod streamable;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, Method, StatusCode, header};
use actix_web::middleware::{Next, from_fn};
use actix_web::{Error, HttpMessage as _, HttpRequest, HttpResponse, HttpServer, body::MessageBody, web};
use actix_web_lab::middleware::CatchPanic;

use crate::config::Http;
use crate::mcp::Server;
use crate::mcp::access::{Access, Denied};
use crate::mcp::session::Sessions;
use crate::web::{ASSETS, asset};
use body::Body;
use guard::{Guard, Passed};
use reply::Refusal;

/// How long a stop waits for calls to end. They are cancelled first, so this is the time that a plugin has to end after
/// its signal, and some more.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// How long a stop waits then for answers to be read.
const READ_GRACE: Duration = Duration::from_secs(3);

/// A server that is to stop says so to whoever comes for so long at least, before nobody listens any more.
const NOTICE: Duration = Duration::from_millis(250);

/// A client that takes nothing of what it is sent for so long is hung up on, as is one that vanished without a word: an
/// answer that nobody reads is held in memory.
#[cfg(target_os = "linux")]
const UNREAD: Duration = Duration::from_secs(30);

/// How long a connection may idle between two requests: longer than clients' own pools keep theirs, so that they
/// don't send into a connection that is just being closed.
const IDLE_CONNECTION: Duration = Duration::from_secs(75);

/// How often sessions are looked through at least.
const SWEEP: Duration = Duration::from_secs(60);

/// A method on a path, and who answers it.
#[derive(Clone, Copy)]
pub struct Route {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, without query; `{profile}` stands for the name of a profile.
    pub path: &'static str,
    /// Whether it has `HEAD` too, as all that is read at once has (RFC 9110, section 9.1); streams have not.
    has_head: bool,
    handler: Handler,
}

/// Gives a route its handler.
type Handler = fn(actix_web::Route) -> actix_web::Route;

/// The part of a path that names a profile.
const PROFILE: &str = "profile";

/// Every route there is, looked through in this order; whatever else is asked for is 404 or 405, behind the same guard.
pub const ROUTES: [Route; 27] = [
    route("POST", "/mcp", |route| route.to(streamable::post)),
    route("GET", "/mcp", |route| route.to(streamable::get)),
    route("DELETE", "/mcp", |route| route.to(streamable::delete)),
    route("POST", "/mcp/{profile}", |route| route.to(streamable::post)),
    route("GET", "/mcp/{profile}", |route| route.to(streamable::get)),
    route("DELETE", "/mcp/{profile}", |route| route.to(streamable::delete)),
    read("/health", |route| route.to(health::get)),
    read("/health/live", |route| route.to(health::live)),
    read("/metrics", |route| route.to(metrics::get)),
    route("GET", "/sse", |route| route.to(sse::get)),
    route("GET", "/sse/{profile}", |route| route.to(sse::get)),
    route("POST", "/messages/", |route| route.to(messages::post)),
    route("POST", "/messages", |route| route.to(messages::post)),
    route("POST", "/messages/{profile}", |route| route.to(messages::post)),
    read("/inspect/plugins", |route| route.to(page::plugins)),
    read("/inspect/tool", |route| route.to(page::tool)),
    route("POST", "/inspect/argv", |route| route.to(page::argv)),
    read("/inspect/calls", |route| route.to(page::calls)),
    file(0),
    file(1),
    file(2),
    file(3),
    file(4),
    file(5),
    file(6),
    file(7),
    file(8),
];

const fn route(method: &'static str, path: &'static str, handler: Handler) -> Route {
    Route { method, path, has_head: false, handler }
}

/// What is read at once.
const fn read(path: &'static str, handler: Handler) -> Route {
    Route { method: "GET", path, has_head: true, handler }
}

/// A file of the page: [`ASSETS`].
const fn file(index: usize) -> Route {
    read(ASSETS[index].path, |route| route.to(page::file))
}

impl Route {
    fn methods(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.method).chain(self.has_head.then_some("HEAD"))
    }

    fn handlers(&self) -> impl Iterator<Item = actix_web::Route> {
        let named = |name: &str| Method::from_bytes(name.as_bytes()).expect("the name of a method");
        self.methods().map(move |name| (self.handler)(web::method(named(name))))
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// What all handlers share.
#[derive(Debug)]
struct App {
    server: Arc<Server>,
    guard: Guard,
    /// Sessions that are an open `GET /sse`.
    sse: Sessions,
    /// Sessions of `/mcp`.
    streamable: Sessions,
    body_limit: usize,
}

impl App {
    fn new(http: &Http, server: Arc<Server>) -> App {
        let sessions =
            || Sessions::new(http.session_limit, http.session_idle).of_replica(http.replica.clone());
        App {
            server,
            guard: Guard::new(http),
            sse: sessions(),
            streamable: sessions(),
            body_limit: http.body_limit,
        }
    }

    fn read(&self, body: Body) -> Result<web::Bytes, Refusal> {
        body.read(self.body_limit)
    }

    /// What a request that is to be answered may see, and its body.
    fn take(&self, request: &HttpRequest, body: Body) -> Result<(Access, web::Bytes), Refusal> {
        self.check_running()?;
        let body = self.read(body)?;
        Ok((self.access(request)?, body))
    }

    /// Which tools a request may see: by its path, and by its key.
    fn access(&self, request: &HttpRequest) -> Result<Access, Refusal> {
        let passed = request.extensions().get::<Passed>().cloned();
        let bound = passed.and_then(|passed| passed.profile);
        self.server.access(request.match_info().get(PROFILE), bound.as_deref()).map_err(|denied| {
            let (status, reason) = match &denied {
                Denied::Unknown(_) => (StatusCode::NOT_FOUND, "unknown_profile"),
                Denied::Bound(_) => (StatusCode::FORBIDDEN, "foreign_profile"),
            };
            Refusal::new(status, reason, denied.to_string())
        })
    }

    /// New sessions, streams and requests are refused once the server is to stop.
    fn check_running(&self) -> Result<(), Refusal> {
        if self.server.shutdown().is_cancelled() {
            return Err(Refusal::unavailable("stopping", "the server is stopping"));
        }
        Ok(())
    }

    async fn sweep(self: Arc<Self>) {
        let every = (self.streamable.idle() / 4).clamp(Duration::from_secs(1), SWEEP);
        let mut tick = tokio::time::interval(every);
        loop {
            tokio::select! {
                _ = tick.tick() => self.streamable.expire(Instant::now()),
                () = self.server.shutdown().cancelled() => return,
            }
        }
    }
}

/// Serves HTTP on a bound `listener` until the server's signal to stop. Then calls are cancelled, streams end, and whoever
/// comes anew is told that the server stops; when all is answered, or after ten seconds, nobody listens any more, and
/// what is not read within three more is cut off.
///
/// Connections that are half closed by the client count as closed: a client that goes away is noticed at once,
/// and its calls end where its era says so.
pub async fn serve(listener: TcpListener, http: &Http, server: Arc<Server>) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    give_up_on_the_unread(&listener);
    let app = Arc::new(App::new(http, Arc::clone(&server)));
    server.spawn(Arc::clone(&app).sweep());
    let shared = Arc::clone(&app);
    let running = HttpServer::new(move || application(web::Data::from(Arc::clone(&shared))))
        .h1_allow_half_closed(false)
        .keep_alive(IDLE_CONNECTION)
        .shutdown_timeout(READ_GRACE.as_secs())
        .disable_signals()
        .listen(listener)?
        .run();
    let handle = running.handle();
    let stop = async {
        server.shutdown().cancelled().await;
        wind_down(&app).await;
        handle.stop(true).await;
    };
    tokio::pin!(running);
    // A server that ends by itself (its listener broke) must not wait for a signal to stop.
    tokio::select! {
        ended = &mut running => {
            server.shutdown().cancel();
            wind_down(&app).await;
            ended
        }
        () = stop => running.await,
    }
}

/// Lets streams end, and waits until calls have.
async fn wind_down(app: &App) {
    app.sse.wind_down();
    app.streamable.wind_down();
    let (drained, ()) = tokio::join!(app.server.drained(STOP_GRACE), tokio::time::sleep(NOTICE));
    if !drained {
        log::warn!("some calls did not end within {} s of the stop", STOP_GRACE.as_secs());
    }
}

/// Connections have this from the socket that they came by.
#[cfg(target_os = "linux")]
fn give_up_on_the_unread(listener: &TcpListener) {
    let limit = u32::try_from(UNREAD.as_millis()).unwrap_or(u32::MAX);
    if let Err(error) = rustix::net::sockopt::set_tcp_user_timeout(listener, limit) {
        log::warn!("clients that read nothing are not given up: {error}");
    }
}

/// Elsewhere the system's own limits hold.
#[cfg(not(target_os = "linux"))]
fn give_up_on_the_unread(_: &TcpListener) {}

fn application(
    app: web::Data<App>,
) -> actix_web::App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let mut application = actix_web::App::new()
        .app_data(web::PayloadConfig::new(app.body_limit))
        .app_data(app)
        .default_service(web::to(not_found));
    for (index, route) in ROUTES.iter().enumerate() {
        if ROUTES[..index].iter().any(|earlier| earlier.path == route.path) {
            continue;
        }
        let mut resource = web::resource(route.path);
        for same in ROUTES.iter().filter(|r| r.path == route.path) {
            resource = same.handlers().fold(resource, actix_web::Resource::route);
        }
        application = application.service(resource.default_service(web::to(wrong_method)));
    }
    application.wrap(from_fn(guard::guard)).wrap(from_fn(part)).wrap(CatchPanic::default())
}

/// Once the server is to stop, clients that keep a connection are told with each answer to open another one, which
/// leads to whoever goes on.
async fn part(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let app = request.app_data::<web::Data<App>>().cloned();
    let mut response = next.call(request).await?;
    if app.is_some_and(|app| app.server.is_leaving()) {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    Ok(response)
}

async fn not_found(request: HttpRequest) -> HttpResponse {
    let own = |r: &&Route| r.path == "/" || asset(r.path).is_none();
    let mut paths: Vec<&str> = ROUTES.iter().filter(own).map(|r| r.path).collect();
    paths.dedup();
    let message = format!("nothing is at `{}`; there are {}", request.path(), paths.join(", "));
    Refusal::new(StatusCode::NOT_FOUND, "unknown_path", message).response()
}

/// The methods that a path has; `OPTIONS` asks just for these.
async fn wrong_method(request: HttpRequest) -> HttpResponse {
    let pattern = request.match_pattern().unwrap_or_default();
    let methods: Vec<&str> = ROUTES.iter().filter(|r| r.path == pattern).flat_map(Route::methods).collect();
    let allow = methods.join(", ");
    let mut response = if request.method() == Method::OPTIONS {
        HttpResponse::NoContent().finish()
    } else {
        let message = format!("`{}` takes {allow}, not {}", request.path(), request.method());
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message).response()
    };
    if let Ok(allow) = allow.parse() {
        response.headers_mut().insert(header::ALLOW, allow);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_has_a_route() {
        for file in &ASSETS {
            assert_eq!(ROUTES.iter().filter(|r| r.path == file.path).count(), 1, "{}", file.path);
        }
    }
}
