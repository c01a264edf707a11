//! The requests that are really sent, counted.

use std::sync::Arc;

use async_trait::async_trait;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
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
        let response = self.inner.execute(request).await;
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
