//! Connections as the options say, whose requests end when nothing moves.

use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use object_store::client::{HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody};
use object_store::{ClientConfigKey as Key, ClientOptions, Error, Result};
use reqwest::{Certificate, Client, NoProxy, Proxy};

use super::progress::{Progress, Received, Sent};

/// How long nothing may move, unless the option `timeout` says otherwise.
const IDLE: Duration = Duration::from_secs(30);

/// A client whose requests have all the time that they need.
///
/// That of `object_store` gives every request so much time, however large it is: none at all on a slow link.
#[derive(Debug)]
pub(super) struct Connection {
    client: Client,
    idle: Duration,
}

impl Connection {
    /// A client as `options` say, which were checked.
    pub(super) fn new(options: &ClientOptions) -> Result<Self> {
        let duration = |key| {
            let text = options.get_config_value(&key)?;
            humantime::parse_duration(&text).ok()
        };
        let is_on = |key| {
            let text = options.get_config_value(&key).unwrap_or_default().to_ascii_lowercase();
            matches!(text.as_str(), "1" | "true" | "on" | "yes" | "y")
        };
        let mut builder = Client::builder()
            .user_agent(concat!("tenrow/", env!("CARGO_PKG_VERSION")))
            .https_only(!is_on(Key::AllowHttp))
            .danger_accept_invalid_certs(is_on(Key::AllowInvalidCertificates));
        if let Some(proxy) = proxy(options)? {
            builder = builder.proxy(proxy);
        }
        if let Some(pem) = options.get_config_value(&Key::ProxyCaCertificate) {
            builder = builder
                .add_root_certificate(Certificate::from_pem(pem.as_bytes()).map_err(unusable)?);
        }
        if let Some(timeout) = duration(Key::ConnectTimeout) {
            builder = builder.connect_timeout(timeout);
        }
        if let Some(timeout) = duration(Key::PoolIdleTimeout) {
            builder = builder.pool_idle_timeout(timeout);
        }
        let most_idle = options.get_config_value(&Key::PoolMaxIdlePerHost);
        if let Some(most) = most_idle.and_then(|text| text.parse().ok()) {
            builder = builder.pool_max_idle_per_host(most);
        }
        builder = match (is_on(Key::Http2Only), is_on(Key::Http1Only)) {
            (true, _) => builder.http2_prior_knowledge(),
            (false, true) => builder.http1_only(),
            (false, false) => builder,
        };
        let client = builder.build().map_err(unusable)?;
        Ok(Self { client, idle: duration(Key::Timeout).unwrap_or(IDLE) })
    }

    /// Sends a request, and notes how far it comes.
    pub(super) async fn send(
        &self,
        request: HttpRequest,
        progress: &Progress,
    ) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url = parts.uri.to_string().parse();
        let url = url.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        *request.body_mut() = Some(match body.content_length() {
            0 => Bytes::new().into(),
            _ => reqwest::Body::wrap(Sent::new(body, progress.clone())),
        });
        let response = progress.watch(self.idle, self.client.execute(request)).await?;
        let response = http::Response::<reqwest::Body>::from(response.map_err(failure)?);
        let (parts, body) = response.into_parts();
        let body = Received::new(body.map_err(failure), self.idle);
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)))
    }
}

fn proxy(options: &ClientOptions) -> Result<Option<Proxy>> {
    let Some(url) = options.get_config_value(&Key::ProxyUrl) else { return Ok(None) };
    let excludes = options.get_config_value(&Key::ProxyExcludes);
    let proxy = Proxy::all(url).map_err(unusable)?;
    Ok(Some(proxy.no_proxy(excludes.as_deref().and_then(NoProxy::from_string))))
}

fn unusable(error: reqwest::Error) -> Error {
    Error::Generic { store: "HTTP", source: error.without_url().into() }
}

/// The failure of a request, of the kind that says whether it may be sent again.
fn failure(error: reqwest::Error) -> HttpError {
    let kind = match &error {
        error if error.is_timeout() => HttpErrorKind::Timeout,
        error if error.is_connect() => HttpErrorKind::Connect,
        error if error.is_decode() => HttpErrorKind::Decode,
        error => kind_of_causes(error),
    };
    HttpError::new(kind, error.without_url())
}

fn kind_of_causes(error: &reqwest::Error) -> HttpErrorKind {
    use std::io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof,
    };
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(error) = cause.downcast_ref::<HttpError>() {
            return error.kind();
        }
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            if error.is_closed() || error.is_incomplete_message() || error.is_body_write_aborted() {
                return HttpErrorKind::Request;
            }
            if error.is_timeout() {
                return HttpErrorKind::Timeout;
            }
        }
        match cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
            Some(TimedOut) => return HttpErrorKind::Timeout,
            Some(ConnectionAborted | ConnectionReset | BrokenPipe | UnexpectedEof) => {
                return HttpErrorKind::Interrupted;
            }
            _ => next = cause.source(),
        }
    }
    HttpErrorKind::Unknown
}
