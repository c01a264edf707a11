//! The requests that are really sent, counted.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{Method, StatusCode};
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};

use super::connection::Connection;
use super::progress::Progress;
use crate::storage::counted::LiveCounters;

/// How often a long request is sent again, which the store's client has no time for.
const MAX_LONG_RETRIES: usize = 3;

/// Connects, and counts.
#[derive(Debug)]
pub(super) struct Counting {
    counters: Arc<LiveCounters>,
    deadline: Duration,
}

impl Counting {
    /// Of a client that sends requests again until the `deadline` after their beginning.
    pub(super) fn new(counters: Arc<LiveCounters>, deadline: Duration) -> Self {
        Self { counters, deadline }
    }
}

impl HttpConnector for Counting {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let (connection, counters) = (Connection::new(options)?, self.counters.clone());
        Ok(HttpClient::new(Counted { connection, counters, deadline: self.deadline }))
    }
}

#[derive(Debug)]
struct Counted {
    connection: Connection,
    counters: Arc<LiveCounters>,
    deadline: Duration,
}

#[async_trait]
impl HttpService for Counted {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let mut retries = 0;
        loop {
            let progress = Progress::begin();
            let response = self.send(request.clone(), &progress).await;
            let is_passing = match &response {
                Ok(response) => is_failure(response.status()),
                // Those that end because nothing moves have been given the time that there is.
                Err(error) => error.kind() != HttpErrorKind::Timeout,
            };
            // The client's time is up with the first: it is measured from the beginning, moving or not.
            let is_long = progress.has_sent_until(self.deadline) && retries < MAX_LONG_RETRIES;
            if !(is_passing && is_long && is_repeatable(&request)) {
                return response;
            }
            retries += 1;
        }
    }
}

impl Counted {
    async fn send(
        &self,
        request: HttpRequest,
        progress: &Progress,
    ) -> Result<HttpResponse, HttpError> {
        let method = request.method().clone();
        let asks_machine = is_of_machine(request.uri().path());
        let response = match self.connection.send(request, progress).await {
            // Where nothing answers there is no such service, and asking again does not change that.
            Err(_) if asks_machine => Ok(not_found()),
            response => response,
        };
        let status = response.as_ref().ok().map(HttpResponse::status);
        let is_failure = status.is_none_or(is_failure);
        self.counters.note_request(is_failure);
        // The address is left out: it may be signed.
        let status = status.map(|status| status.as_u16());
        tracing::trace!(%method, status, "request");
        if is_failure {
            tracing::debug!(%method, status, "a request failed, and is sent again");
        }
        response
    }
}

/// Of those that are sent again, until the deadline.
fn is_failure(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// Whether it does the same once more.
fn is_repeatable(request: &HttpRequest) -> bool {
    let has_condition = [IF_MATCH, IF_NONE_MATCH].iter().any(|h| request.headers().contains_key(h));
    matches!(*request.method(), Method::GET | Method::HEAD | Method::PUT) && !has_condition
}

/// Whether the request asks the cloud's machine that this may run on for its credentials.
fn is_of_machine(path: &str) -> bool {
    // Named so closely that no object of a dataset in a bucket `latest` is meant.
    const AMAZON: [&str; 2] = ["/latest/api/token", "/latest/meta-data/iam/security-credentials/"];
    const AZURE: &str = "/metadata/identity/oauth2/token";
    const GOOGLE: &str = "/computeMetadata/v1/instance/service-accounts/";
    AMAZON.contains(&path) || path == AZURE || path.starts_with(GOOGLE)
}

fn not_found() -> HttpResponse {
    let mut response = HttpResponse::new(HttpResponseBody::from(Bytes::new()));
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::StoreOptions;
    use crate::storage::location::Location;
    use crate::storage::remote::{Environment, explain, open};

    #[tokio::test]
    async fn without_credentials_and_a_service_for_them_nothing_is_tried_again() {
        let home = tempfile::tempdir().unwrap();
        for (location, name) in
            [("s3://bucket/x", "AWS_METADATA_ENDPOINT"), ("az://bucket/x", "AZURE_MSI_ENDPOINT")]
        {
            let Location::Remote(remote) = Location::parse(location).unwrap() else { panic!() };
            let nobody = "http://127.0.0.1:9/metadata/identity/oauth2/token";
            let nobody =
                if remote.provider().scheme() == "s3" { "http://127.0.0.1:9" } else { nobody };
            let variables = [(name, nobody), ("AZURE_STORAGE_ACCOUNT_NAME", "account")];
            let environment = Environment::of(&variables, home.path());
            let counters = Arc::default();
            let options = StoreOptions::default();
            let opened = open(&remote, &options, &environment, &counters).unwrap();
            let error = opened.store.list_with_delimiter(None).await.unwrap_err();
            let (_, what) = explain(&error).unwrap_or_else(|| panic!("{error:?}"));
            assert!(what.contains("no credentials were found"), "{what}");
            assert_eq!(counters.snapshot().requests, 1, "{error}");
        }
    }
}
