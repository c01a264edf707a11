//! The requests that are really sent, counted.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
    ReqwestConnector,
};

use crate::storage::counted::LiveCounters;

/// Connects as ever, and counts.
#[derive(Debug)]
pub(super) struct Counting {
    counters: Arc<LiveCounters>,
}

impl Counting {
    pub(super) fn new(counters: Arc<LiveCounters>) -> Self {
        Self { counters }
    }
}

impl HttpConnector for Counting {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Counted { inner, counters: self.counters.clone() }))
    }
}

#[derive(Debug)]
struct Counted {
    inner: HttpClient,
    counters: Arc<LiveCounters>,
}

#[async_trait]
impl HttpService for Counted {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let method = request.method().clone();
        let asks_machine = is_of_machine(request.uri().path());
        let response = match self.inner.execute(request).await {
            // Where nothing answers there is no such service, and asking again does not change that.
            Err(_) if asks_machine => Ok(not_found()),
            response => response,
        };
        let status = response.as_ref().ok().map(|response| response.status().as_u16());
        // Those that are sent again, until the deadline.
        let is_failure =
            status.is_none_or(|status| status >= 500 || status == 408 || status == 429);
        self.counters.note_request(is_failure);
        // The address is left out: it may be signed.
        tracing::trace!(%method, status, "request");
        if is_failure {
            tracing::debug!(%method, status, "a request failed, and is sent again");
        }
        response
    }
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
    if let Ok(status) = 404u16.try_into() {
        *response.status_mut() = status;
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::StoreOptions;
    use crate::storage::location::Location;
    use crate::storage::remote::{Sources, explain, open};

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
            let sources = Sources::of(&variables, home.path());
            let counters = Arc::default();
            let options = StoreOptions::default();
            let opened = open(&remote, &options, &sources, &counters).unwrap();
            let error = opened.store.list_with_delimiter(None).await.unwrap_err();
            let (_, what) = explain(&error).unwrap_or_else(|| panic!("{error:?}"));
            assert!(what.contains("no credentials were found"), "{what}");
            assert_eq!(counters.snapshot().requests, 1, "{error}");
        }
    }
}
