//! Who sends a request: basic authentication, or a token.

use super::session_objects::resume;
use super::watching::{PEER, Peer};
use crate::sessions::{Credentials, Origin, Session, Sessions, shown_agent};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::task::block_in_place;
use types::{Code, Failure};

/// Opens a session for whoever sends the request. Without a header that is nobody, which a server without passwords accepts.
pub(super) fn log_in(sessions: &dyn Sessions, headers: &HeaderMap) -> Result<Box<dyn Session>, Failure> {
    let credentials = credentials(headers)?;
    let anonymous = matches!(credentials, Credentials::None);
    // Hashing a password takes tens of milliseconds by design.
    let peer = PEER.try_with(Peer::clone).ok();
    let log_in = || match &peer {
        Some(peer) => sessions.log_in_from(&credentials, &peer.address.to_string()),
        None => sessions.log_in(&credentials),
    };
    let logged_in = block_in_place(log_in).map_err(|failure| match failure.code() {
        Code::Unauthorized if anonymous => Failure::new(Code::Unauthorized, "No authentication header supplied."),
        Code::Unauthorized => Failure::new(Code::Unauthorized, "Invalid username or password."),
        _ => failure,
    });
    let mut session = logged_in.map(|mut session| {
        if let Some(peer) = &peer {
            let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
            session.comes_from(Origin {
                connection: format!("http-{}", peer.number),
                address: peer.address.to_string(),
                protocol: "http",
                agent: shown_agent(agent),
                server: peer.local.map_or_else(String::new, |local| local.to_string()),
                since_nanos: Some(peer.since_nanos),
                path: Some(peer.path.clone()),
            });
        }
        session
    })?;
    resume(&mut *session, headers)?;
    Ok(session)
}

fn credentials(headers: &HeaderMap) -> Result<Credentials, Failure> {
    let Some(header) = headers.get(AUTHORIZATION) else { return Ok(Credentials::None) };
    let invalid = || Failure::new(Code::RequestFormat, "Invalid authentication header.");
    let (scheme, rest) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(invalid)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        // A token says itself whose it is.
        return Ok(Credentials::Basic { user: String::new(), password: rest.trim().to_owned() });
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(invalid());
    }
    let decoded = STANDARD.decode(rest.trim()).map_err(|_| invalid())?;
    let text = String::from_utf8(decoded).map_err(|_| invalid())?;
    let (user, password) = text.split_once(':').ok_or_else(invalid)?;
    Ok(Credentials::Basic { user: user.to_owned(), password: password.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: Option<&str>, expected: &str) {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(AUTHORIZATION, header.parse().expect("visible ASCII"));
        }
        let got = match credentials(&headers) {
            Ok(Credentials::None) => "nobody".to_owned(),
            Ok(Credentials::Basic { user, password }) => format!("{user} {password}"),
            Err(failure) => failure.to_string(),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn headers_are_read_or_refused() {
        check(None, "nobody");
        check(Some("Basic YW5uOnB3OmQ="), "ann pw:d");
        check(Some("basic YW5uOg=="), "ann ");
        check(Some("Basic %%%"), "Invalid authentication header.");
        check(Some("Basic YW5u"), "Invalid authentication header.");
        check(Some("Bearer abc"), " abc");
        check(Some("Digest abc"), "Invalid authentication header.");
        check(Some("Basic"), "Invalid authentication header.");
    }
}
