//! An S3 server of this process: real HTTP, real signatures, objects as plain files; it can be told to misbehave.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Method;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpResponse};
use s3s_fs::FileSystem;
use tenrow::StoreOptions;
use tenrow::storage::Storage;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// The bucket that every server has.
pub const BUCKET: &str = "tests";
/// Who may use it.
pub const ACCESS_KEY: &str = "tests-access-key";
const SECRET_KEY: &str = "tests-secret-key";

/// A server, until it is dropped.
pub struct S3Server {
    folder: PathBuf,
    endpoint: String,
    secret_key: String,
    state: Arc<State>,
    _runtime: Runtime,
    _temporary: Option<tempfile::TempDir>,
}

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `GET`, `PUT`, …
    pub method: String,
    /// The path, with the bucket.
    pub path: String,
    /// The bytes that were asked for, as the header names them.
    pub range: Option<String>,
    /// Bytes of the body that was given.
    pub given_bytes: u64,
}

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// An answer with this status, and nothing done.
    Status(u16, &'static str),
    /// The connection is closed without an answer.
    Reset,
    /// It is done, and the connection is closed without an answer.
    Lost,
    /// The connection is closed in the middle of the body.
    Truncated,
    /// One bit of the body is another.
    Flipped,
    /// The answer does not come.
    Silence,
    /// It is done; but what is given comes in slowly, so many bytes in a second.
    Slowly(u64),
    /// The same, and then the connection is closed, and nothing done.
    SlowlyReset(u64),
    /// It is done once a request has come whose path contains this; if none does soon, the status is 500.
    After(&'static str),
}

struct State {
    folder: PathBuf,
    plan: Mutex<Plan>,
    /// Conditional puts check and then write: one at a time.
    #[expect(clippy::disallowed_types, reason = "hyper polls each request until it is answered")]
    puts: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Plan {
    seen: Vec<Seen>,
    /// Mishaps to come: of requests with that method and text in their path, how many pass first, and how many fail.
    mishaps: Vec<(&'static str, String, usize, usize, Mishap)>,
    ignores_conditions: bool,
    latency: Duration,
    open: usize,
    most_open: usize,
}

impl S3Server {
    /// A server over a temporary folder.
    pub fn start() -> Self {
        let temporary = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self::over(temporary.path());
        server._temporary = Some(temporary);
        server
    }

    /// A server over `folder`, in which each bucket is a folder.
    pub fn over(folder: &Path) -> Self {
        Self::with_secret(folder, SECRET_KEY)
    }

    /// A server that expects this secret key.
    pub fn with_secret(folder: &Path, secret_key: &str) -> Self {
        std::fs::create_dir_all(folder.join(BUCKET)).expect("a writable folder");
        let files = FileSystem::new(folder).expect("a folder");
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, secret_key));
        let service = builder.build();
        let state =
            State { folder: folder.to_owned(), plan: Mutex::default(), puts: Default::default() };
        let state = Arc::new(state);
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(2).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        runtime.spawn(serve(listener, service, state.clone()));
        Self {
            folder: folder.to_owned(),
            endpoint: format!("http://127.0.0.1:{port}"),
            secret_key: secret_key.to_owned(),
            state,
            _runtime: runtime,
            _temporary: None,
        }
    }

    /// `http://127.0.0.1:port`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Where the objects below `prefix` are.
    pub fn folder(&self, prefix: &str) -> PathBuf {
        self.folder.join(BUCKET).join(prefix)
    }

    /// The location of what lies below `prefix`.
    pub fn location(&self, prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}")
    }

    /// How the server is reached.
    pub fn options(&self) -> StoreOptions {
        StoreOptions::default()
            .with("endpoint", &self.endpoint)
            .with("allow_http", "true")
            .with("region", "us-east-1")
            .with("cache", "off")
            .with("access_key_id", ACCESS_KEY)
            .with("secret_access_key", &self.secret_key)
    }

    /// The same, as variables of the environment.
    pub fn variables(&self) -> [(&'static str, String); 6] {
        [
            ("TENROW_CACHE", "off".to_owned()),
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_key.clone()),
        ]
    }

    /// The objects below `prefix`, without a cache.
    pub fn storage(&self, prefix: &str) -> Storage {
        Storage::open_with(&self.location(prefix), &self.options()).expect("a location")
    }

    /// Lets `pass` requests of that method pass whose path contains `text`, and then `count` go wrong.
    pub fn fail(&self, method: &'static str, text: &str, pass: usize, count: usize, how: Mishap) {
        self.plan().mishaps.push((method, text.to_owned(), pass, count, how));
    }

    /// Forgets what was to go wrong.
    pub fn heal(&self) {
        self.plan().mishaps.clear();
    }

    /// From now on conditions of puts are passed over, as some servers do.
    pub fn ignore_conditions(&self) {
        self.plan().ignores_conditions = true;
    }

    /// From now on what is asked for comes so late.
    pub fn late(&self, latency: Duration) {
        self.plan().latency = latency;
    }

    /// The requests since the last time that this was asked.
    pub fn take_seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.plan().seen)
    }

    /// The most requests that were under way at once, since the last time that this was asked.
    pub fn take_most_open(&self) -> usize {
        std::mem::take(&mut self.plan().most_open)
    }

    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.state.plan()
    }
}

impl State {
    fn plan(&self) -> std::sync::MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a request whose path contains `text`; false if it does not come.
    async fn has_come(&self, text: &str) -> bool {
        for _ in 0..200 {
            if self.plan().seen.iter().any(|seen| seen.path.contains(text)) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    fn note(&self, seen: Seen) -> Option<Mishap> {
        let mut plan = self.plan();
        plan.open += 1;
        plan.most_open = plan.most_open.max(plan.open);
        let due = plan.mishaps.iter_mut().find_map(|(method, text, pass, count, how)| {
            let concerns =
                *method == seen.method && seen.path.contains(text.as_str()) && *count > 0;
            if !concerns {
                return None;
            }
            if *pass > 0 {
                *pass -= 1;
                return None;
            }
            *count -= 1;
            Some(*how)
        });
        plan.seen.push(seen);
        due
    }
}

/// Counts a request as under way until it is dropped.
struct Open(Arc<State>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.plan().open -= 1;
    }
}

async fn serve(listener: TcpListener, service: S3Service, state: Arc<State>) {
    while let Ok((socket, _)) = listener.accept().await {
        let _ = socket.set_nodelay(true);
        let (service, state) = (service.clone(), state.clone());
        let answer = service_fn(move |request| answer(request, service.clone(), state.clone()));
        tokio::spawn(async move {
            // A client that goes away, or a mishap, ends the connection.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(socket), answer)
                .await;
        });
    }
}

/// A connection that is to be closed.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("closed on purpose")
    }
}

impl std::error::Error for Closed {}

async fn answer(
    request: hyper::Request<Incoming>,
    service: S3Service,
    state: Arc<State>,
) -> Result<HttpResponse, Closed> {
    let header = |name: &str| request.headers().get(name)?.to_str().ok().map(str::to_owned);
    let seen = Seen {
        method: request.method().to_string(),
        path: request.uri().to_string(),
        range: header("range"),
        given_bytes: header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0),
    };
    let mishap = state.note(seen);
    let _open = Open(state.clone());
    let (ignores, latency) = {
        let plan = state.plan();
        (plan.ignores_conditions, plan.latency)
    };
    if *request.method() == Method::GET && !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    match mishap {
        Some(Mishap::Status(status, code)) => return Ok(refusal(status, code)),
        Some(Mishap::Reset) => return Err(Closed),
        Some(Mishap::Silence) => {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            return Err(Closed);
        }
        Some(Mishap::After(text)) if !state.has_come(text).await => {
            return Ok(refusal(500, "InternalError"));
        }
        _ => {}
    }
    let request = match mishap {
        Some(Mishap::Slowly(bytes_per_second)) => taken_in(request, bytes_per_second).await?,
        Some(Mishap::SlowlyReset(bytes_per_second)) => {
            taken_in(request, bytes_per_second).await?;
            return Err(Closed);
        }
        _ => request.map(Body::from),
    };
    let is_put = *request.method() == Method::PUT;
    let alone = if is_put { Some(state.puts.lock().await) } else { None };
    if is_put && ignores {
        // The signature covers the condition, so it cannot be taken away: what it forbids is.
        let file = state.folder.join(request.uri().path().trim_start_matches('/'));
        let _ = std::fs::remove_file(file);
    }
    let response = service.call(request).await.map_err(|_| Closed)?;
    drop(alone);
    if mishap == Some(Mishap::Lost) {
        return Err(Closed);
    }
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let bytes = match mishap {
        Some(Mishap::Truncated) => bytes.slice(..bytes.len() / 2),
        Some(Mishap::Flipped) => {
            let mut flipped = bytes.to_vec();
            let middle = flipped.len() / 2;
            flipped.iter_mut().skip(middle).take(1).for_each(|byte| *byte ^= 1);
            Bytes::from(flipped)
        }
        _ => bytes,
    };
    Ok(HttpResponse::from_parts(parts, Body::from(bytes)))
}

/// The request, all of whose body has come in.
async fn taken_in(
    request: hyper::Request<Incoming>,
    bytes_per_second: u64,
) -> Result<hyper::Request<Body>, Closed> {
    let (parts, mut body) = request.into_parts();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Closed)?.into_data() else { continue };
        let seconds = data.len() as f64 / bytes_per_second as f64;
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        bytes.extend_from_slice(&data);
    }
    Ok(hyper::Request::from_parts(parts, Body::from(Bytes::from(bytes))))
}

fn refusal(status: u16, code: &str) -> HttpResponse {
    let text = format!("<Error><Code>{code}</Code><Message>on purpose</Message></Error>");
    let mut response = HttpResponse::new(Body::from(Bytes::from(text)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).expect("a status");
    response
}
