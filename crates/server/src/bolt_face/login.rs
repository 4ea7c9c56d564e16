//! HELLO, LOGON and LOGOFF: who the client is.

use crate::sessions::{Credentials, Origin};
use bolt::frame::MESSAGE_MAX_BYTES_BEFORE_LOGIN;
use bolt::{AuthToken, Entries, Hello, PackError, Request};
use types::{Code, Failure};

use super::logins::no_room;
use super::machine::{Login, Machine};
use crate::AGENT;
use crate::sessions::shown_agent;

impl Machine {
    pub(super) fn handle_hello(&mut self, request: Request) {
        let Request::Hello(hello) = request else { return self.refuse_state(&request) };
        self.agent = shown_agent(hello.user_agent.as_deref().unwrap_or_default());
        match &hello.auth {
            None => {
                self.login = Login::Logon;
                self.greet(&hello);
            }
            Some(auth) => match self.log_in(auth) {
                Ok(()) => self.greet(&hello),
                Err(failure) => self.fail_and_close(&failure),
            },
        }
    }

    pub(super) fn handle_logon(&mut self, request: Request) {
        let Request::Logon(auth) = request else { return self.refuse_state(&request) };
        match self.log_in(&auth) {
            Ok(()) if self.session_mut().credentials_expired() => {
                let written = self.outbox.success(|map| map.boolean("credentials_expired", true));
                written.expect("a short map");
            }
            Ok(()) => self.outbox.done(),
            Err(failure) => self.fail_and_close(&failure),
        }
    }

    pub(super) fn log_off(&mut self) {
        self.wire.set_interrupter(None);
        self.wire.set_message_max_bytes(MESSAGE_MAX_BYTES_BEFORE_LOGIN);
        self.session = None;
        self.logged_in = None;
        self.door.seat.rests();
        self.login = Login::Logon;
        self.outbox.done();
    }

    fn log_in(&mut self, auth: &AuthToken) -> Result<(), Failure> {
        let credentials = credentials(auth)?;
        let mut session = self.sessions.log_in_from(&credentials, &self.place.peer.to_string())?;
        let logged_in = self.door.logins.enter(&*session)?;
        // Another connection may have this one's place by now.
        if !self.door.seat.works() {
            return Err(no_room());
        }
        self.logged_in = Some(logged_in);
        session.comes_from(Origin {
            connection: format!("bolt-{}", self.place.number),
            address: self.place.peer.to_string(),
            protocol: "bolt",
            agent: self.agent.clone(),
            server: self.place.local.to_string(),
            since_nanos: Some(self.place.since_nanos),
            path: None,
        });
        session.carry_choice();
        session.enlist()?;
        self.wire.set_interrupter(Some(session.interrupter()));
        self.wire.set_message_max_bytes(self.config.message_max_bytes);
        self.session = Some(session);
        self.login = Login::Done;
        Ok(())
    }

    /// Answers HELLO: who we are, and which patches are agreed.
    fn greet(&mut self, hello: &Hello) {
        self.wanted = hello.filter.clone();
        let utc = hello.patches.iter().any(|patch| patch == "utc") && !self.dialect.has_utc_datetimes();
        let number = self.place.number;
        let has_telemetry = self.dialect.has_telemetry();
        let expired = self.session.as_ref().is_some_and(|session| session.credentials_expired());
        let written = self.outbox.success(|map| {
            map.string("server", AGENT)?;
            map.string("connection_id", &format!("bolt-{number}"))?;
            map.nested("hints", |hints| write_hints(hints, has_telemetry))?;
            if expired {
                map.boolean("credentials_expired", true)?;
            }
            if utc { map.strings("patch_bolt", &["utc"]) } else { Ok(()) }
        });
        written.expect("a short map");
        self.dialect.utc_patch = utc;
        self.outbox.set_dialect(self.dialect);
    }
}

fn write_hints(hints: &mut Entries<'_>, has_telemetry: bool) -> Result<(), PackError> {
    if has_telemetry { hints.boolean("telemetry.enabled", false) } else { Ok(()) }
}

/// Turns a token into what a login asks for.
fn credentials(auth: &AuthToken) -> Result<Credentials, Failure> {
    match auth.scheme.as_str() {
        "none" => Ok(Credentials::None),
        "basic" => Ok(Credentials::Basic {
            user: auth.principal.clone().unwrap_or_default(),
            password: auth.credentials.clone().unwrap_or_default(),
        }),
        // A token says itself whose it is.
        "bearer" => {
            Ok(Credentials::Basic { user: String::new(), password: auth.credentials.clone().unwrap_or_default() })
        }
        other => {
            let message = format!("Unsupported authentication token, scheme '{other}' is not supported.");
            Err(Failure::new(Code::Unauthorized, message))
        }
    }
}
