//! What the address of a request says; what cannot be read is refused as JSON, in the shape of its face.
//! Start reading at [`Path`].

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use types::{Code, Failure};

use super::answer::Refusal;

/// The parts of the path that have names.
pub(super) struct Path<T>(pub(super) T);

/// What stands behind the question mark.
pub(super) struct Query<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match axum::extract::Path::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(found)) => Ok(Self(found)),
            Err(rejection) => Err(refused(parts, &rejection.body_text())),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match axum::extract::Query::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(found)) => Ok(Self(found)),
            Err(rejection) => Err(refused(parts, &rejection.body_text())),
        }
    }
}

fn refused(parts: &Parts, text: &str) -> Response {
    let refusal = Refusal::new(StatusCode::BAD_REQUEST, Failure::new(Code::RequestFormat, text));
    let path = parts.uri.path();
    let is_query_api = path == "/cypher" || path.split('/').nth(3) == Some("query");
    if is_query_api { refusal.without_results() } else { refusal.into_response() }
}
