//! A server of files of this process, such as `python -m http.server` with ranges: it gives, and lists nothing.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A server, until it is dropped.
pub struct FileServer {
    address: String,
    state: Arc<State>,
    runtime: OnceLock<Runtime>,
}

#[derive(Default)]
struct State {
    requests: AtomicUsize,
    /// Of these, those that such servers do not know.
    unknown_requests: AtomicUsize,
    hides_missing: AtomicBool,
    ignores_ranges: AtomicBool,
}

impl FileServer {
    /// A server of the files below `folder`.
    pub fn over(folder: &Path) -> Self {
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let state = Arc::<State>::default();
        runtime.spawn(serve(listener, folder.to_owned(), state.clone()));
        let address = format!("http://127.0.0.1:{port}");
        Self { address, state, runtime: OnceLock::from(runtime) }
    }

    /// The location of what lies in `path` of the folder.
    pub fn location(&self, path: &str) -> String {
        format!("{}/{path}", self.address)
    }

    /// The requests since the last time that this was asked.
    pub fn take_requests(&self) -> usize {
        self.state.requests.swap(0, Ordering::Relaxed)
    }

    /// Those of them that were neither GET nor HEAD.
    pub fn take_unknown_requests(&self) -> usize {
        self.state.unknown_requests.swap(0, Ordering::Relaxed)
    }

    /// From now on what is not there is refused, as buckets do that may be read and not listed.
    pub fn hide_missing(&self) {
        self.state.hides_missing.store(true, Ordering::Relaxed);
    }

    /// From now on a file is sent whole, whatever part of it is asked for.
    pub fn ignore_ranges(&self) {
        self.state.ignores_ranges.store(true, Ordering::Relaxed);
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(listener: TcpListener, folder: PathBuf, state: Arc<State>) {
    while let Ok((socket, _)) = listener.accept().await {
        let (folder, state) = (folder.clone(), state.clone());
        let answer = service_fn(move |request| {
            state.requests.fetch_add(1, Ordering::Relaxed);
            let answer = answer(&request, &folder, &state);
            async move { Ok::<_, std::convert::Infallible>(answer) }
        });
        tokio::spawn(async move {
            // A client that goes away ends the connection.
            let _ = auto::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(socket), answer)
                .await;
        });
    }
}

fn answer(request: &Request<Incoming>, folder: &Path, state: &State) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        state.unknown_requests.fetch_add(1, Ordering::Relaxed);
        return response(StatusCode::NOT_IMPLEMENTED, Bytes::new(), None);
    }
    let path = request.uri().path().trim_start_matches('/').replace("%20", " ");
    let file = folder.join(path);
    let Ok(bytes) = std::fs::read(file) else {
        let hides = state.hides_missing.load(Ordering::Relaxed);
        let status = if hides { StatusCode::FORBIDDEN } else { StatusCode::NOT_FOUND };
        return response(status, Bytes::new(), None);
    };
    let bytes = Bytes::from(bytes);
    let range = request.headers().get("range").and_then(|range| range.to_str().ok());
    let range = range.filter(|_| !state.ignores_ranges.load(Ordering::Relaxed));
    let Some((first, last)) = range.and_then(parse) else {
        return response(StatusCode::OK, bytes, None);
    };
    if first >= bytes.len() {
        return response(StatusCode::RANGE_NOT_SATISFIABLE, Bytes::new(), None);
    }
    let end = bytes.len().min(last + 1);
    let place = format!("bytes {first}-{}/{}", end - 1, bytes.len());
    response(StatusCode::PARTIAL_CONTENT, bytes.slice(first..end), Some(place))
}

/// `bytes=first-last`.
fn parse(range: &str) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn response(status: StatusCode, bytes: Bytes, place: Option<String>) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(status).header("accept-ranges", "bytes");
    if let Some(place) = place {
        response = response.header("content-range", place);
    }
    response.body(Full::new(bytes)).expect("plain headers")
}
