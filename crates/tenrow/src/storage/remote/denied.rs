//! Why a store refused, told apart by what it said.

use std::error::Error as StdError;

use object_store::Error as Store;

use crate::error::ErrorKind;

/// What a refusal is, and what to do about it; `None` for other failures.
pub(crate) fn explain(error: &Store) -> Option<(ErrorKind, &'static str)> {
    let said = said(error);
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["NoSuchBucket", "ContainerNotFound", "specified bucket does not exist"]) {
        return Some((ErrorKind::NotFound, "there is no such bucket"));
    }
    // object_store's words, of types that it keeps to itself.
    if has(&["non-partial response when range requested", "Range request not supported by"]) {
        let what = "the server gives no parts of files (HTTP ranges), without which all of a file were sent for every row: serve them by one that does";
        return Some((ErrorKind::Unsupported, what));
    }
    if has(&["AuthorizationHeaderMalformed", "PermanentRedirect", "configured region"]) {
        let what = "the bucket is in another region: set the option region";
        return Some((ErrorKind::InvalidInput, what));
    }
    if has(&["ExpiredToken", "TokenRefreshRequired", "token has expired"]) {
        return Some((ErrorKind::Denied, "the credentials have expired: get new ones"));
    }
    if has(&[
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "AuthenticationFailed",
        "NotSignedUp",
        "InvalidToken",
        "Invalid signature",
        "No such key:",
    ]) {
        return Some((ErrorKind::Denied, "the credentials are wrong"));
    }
    if has(&[
        "latest/api/token",
        "latest/meta-data",
        "metadata/computeMetadata",
        "metadata/identity",
    ]) {
        let what = "no credentials were found: give them as options, in the environment or a profile, or skip_signature=true if the bucket is public";
        return Some((ErrorKind::Denied, what));
    }
    // Listings and uploads in parts have wrappers that say no more.
    if matches!(error, Store::PermissionDenied { .. }) || has(&["403 Forbidden"]) {
        return Some((ErrorKind::Denied, "permission denied to these credentials"));
    }
    if matches!(error, Store::Unauthenticated { .. }) || has(&["401 Unauthorized"]) {
        return Some((ErrorKind::Denied, "the store asks for credentials"));
    }
    None
}

/// The messages of the error and its causes.
fn said(error: &Store) -> String {
    let mut said = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        said.push('\n');
        said.push_str(&cause.to_string());
        next = cause.source();
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generic(said: &str) -> Store {
        Store::Generic { store: "S3", source: said.to_owned().into() }
    }

    #[test]
    fn refusals_are_told_apart() {
        let kind = |error| explain(&error).map(|(kind, _)| kind);
        let denied = |said: &str| Store::PermissionDenied { path: "x".into(), source: said.into() };
        assert_eq!(kind(generic("404 <Code>NoSuchBucket</Code>")), Some(ErrorKind::NotFound));
        assert_eq!(kind(generic("AuthorizationHeaderMalformed")), Some(ErrorKind::InvalidInput));
        assert_eq!(kind(denied("<Code>ExpiredToken</Code>")), Some(ErrorKind::Denied));
        assert_eq!(kind(denied("AccessDenied")), Some(ErrorKind::Denied));
        assert_eq!(
            kind(generic("GET http://169.254.169.254/latest/api/token")),
            Some(ErrorKind::Denied)
        );
        assert_eq!(kind(generic("503 SlowDown")), None);
        let missing = Store::NotFound { path: "x".into(), source: "NoSuchKey".into() };
        assert_eq!(kind(missing), None);
    }
}
