//! The sessions that are listed: conversations over Bolt, and session objects that HTTP requests come back to.
//! Leaves statements to `session`, and the columns to `commands::session`.
//! Start reading at [`SessionList::enter`].

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use catalog::{Names, Principal};
use parking_lot::Mutex;
use rand::Rng;
use types::{Code, Failure, Refusal, SetBy};

use crate::bookmark::Chosen;
use crate::leases::Work;
use crate::limits::Seats;
use crate::transaction::OpenTransaction;
use crate::under_way::Origin;

/// How long ending a session waits for a statement of its transaction.
const END_TIME_MAX: Duration = Duration::from_millis(100);
/// Most sessions that are listed; session objects beyond them are refused.
const LISTED_MAX: usize = 100_000;

/// How long a session object stays, and how many of them one user may have.
#[derive(Clone, Copy)]
pub(crate) struct ObjectBounds {
    pub(crate) idle_max: Duration,
    pub(crate) of_user_max: usize,
    /// When the token ends that opens it.
    pub(crate) ends: Option<Moment>,
}

/// Every session of an instance that is listed.
#[derive(Default)]
pub(crate) struct SessionList {
    listed: Arc<Mutex<Listed>>,
}

type Listed = BTreeMap<String, Arc<ListedSession>>;

/// One session as others see it.
pub(crate) struct ListedSession {
    pub(crate) id: String,
    /// Who opened it.
    pub(crate) owner: Principal,
    pub(crate) origin: Arc<Origin>,
    /// In nanoseconds since 1970.
    pub(crate) begun_nanos: i128,
    /// How long it may lie idle; one with a connection ends with that.
    pub(crate) idle_max: Option<Duration>,
    /// When it ends whatever is done in it: with the token that opened it.
    pub(crate) ends: Option<Moment>,
    interrupted: Arc<AtomicBool>,
    is_ended: AtomicBool,
    now: Mutex<Now>,
    /// The databases that an object uses between its requests.
    seats: Mutex<Seats>,
}

/// What changes in the life of a session.
struct Now {
    /// What `USE x` alone chose.
    chosen: Option<Chosen>,
    used_at: Instant,
    used_nanos: i128,
    transaction: Option<Weak<OpenTransaction>>,
}

/// A session's place in the list, gone when it is dropped.
pub(crate) struct Place {
    pub(crate) session: Arc<ListedSession>,
    /// A session object stays when the request that used it ends.
    listed: Option<Arc<Mutex<Listed>>>,
}

/// The moment, on both clocks.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) at: Instant,
    /// In nanoseconds since 1970.
    pub(crate) nanos: i128,
}

impl SessionList {
    /// Lists a session: a conversation, gone with its place, or with bounds an object, which stays until it lapses.
    pub(crate) fn enter(
        &self,
        names: &Names,
        owner: Principal,
        origin: Arc<Origin>,
        interrupted: &Arc<AtomicBool>,
        object: Option<ObjectBounds>,
        now: Moment,
    ) -> Result<Place, Failure> {
        let mut listed = self.listed.lock();
        let idle_max = object.map(|bounds| bounds.idle_max);
        if listed.len() >= LISTED_MAX {
            return Err(Failure::new(Code::ResourceExhausted, "There are as many sessions as may be; end some first."));
        }
        if let (Some(bounds), Some(user)) = (object, owner.id()) {
            let is_own =
                |it: &&Arc<ListedSession>| it.is_object() && it.owner.id() == Some(user) && !it.has_lapsed(now.at);
            if listed.values().filter(is_own).count() >= bounds.of_user_max {
                return Err(too_many(names, &owner, bounds.of_user_max));
            }
        }
        // An id lets whoever knows it come back to a session object of his own: it must not be guessed.
        let id = format!("session-{:032x}", rand::rng().random::<u128>());
        let session = Arc::new(ListedSession {
            id: id.clone(),
            owner,
            origin,
            begun_nanos: now.nanos,
            idle_max,
            ends: object.and_then(|bounds| bounds.ends),
            interrupted: Arc::clone(interrupted),
            is_ended: AtomicBool::new(false),
            now: Mutex::new(Now { chosen: None, used_at: now.at, used_nanos: now.nanos, transaction: None }),
            seats: Mutex::default(),
        });
        listed.insert(id, Arc::clone(&session));
        let listed = idle_max.is_none().then(|| Arc::clone(&self.listed));
        Ok(Place { session, listed })
    }

    /// Comes back to a session object of whoever asks: one that a token opened is its user's too, and not the other way
    /// round.
    pub(crate) fn resume(&self, id: &str, who: &Principal, now: Moment) -> Result<Place, Failure> {
        let found = self.listed.lock().get(id).cloned();
        let mine = found.filter(|session| who.owns(&session.owner) && session.idle_max.is_some());
        match mine.filter(|session| !session.has_lapsed(now.at)) {
            Some(session) => {
                session.touch(now);
                Ok(Place { session, listed: None })
            }
            None => Err(Failure::new(
                Code::SessionNotFound,
                "There is no such session; it may have expired or been ended. Open one with POST /sessions.",
            )),
        }
    }

    /// Gives every session that has not lapsed, the oldest first.
    pub(crate) fn all(&self, now: Instant) -> Vec<Arc<ListedSession>> {
        let mut all: Vec<_> = self.listed.lock().values().filter(|it| !it.has_lapsed(now)).cloned().collect();
        all.sort_by_key(|session| session.begun_nanos);
        all
    }

    /// Forgets a session and ends what it does.
    pub(crate) fn end(&self, session: &ListedSession) {
        self.listed.lock().remove(&session.id);
        session.end();
    }

    /// Ends the session objects of owners for whom this holds; counts them.
    pub(crate) fn end_objects(&self, is_over: impl Fn(&Principal) -> bool) -> usize {
        let all: Vec<_> = self.listed.lock().values().filter(|it| it.is_object()).cloned().collect();
        let over: Vec<_> = all.into_iter().filter(|session| is_over(&session.owner)).collect();
        over.iter().for_each(|session| self.end(session));
        over.len()
    }

    /// Forgets the session objects that lay idle for too long, or whose token has ended; counts them.
    pub(crate) fn sweep(&self, now: Instant) -> usize {
        let mut listed = self.listed.lock();
        let before = listed.len();
        listed.retain(|_, session| !session.has_lapsed(now));
        before - listed.len()
    }
}

impl ListedSession {
    /// Names the user; empty while nobody needs a password.
    pub(crate) fn user<'n>(&'n self, names: &'n Names) -> &'n str {
        catalog::access::told_user(names, &self.owner).unwrap_or_default()
    }

    /// Tells whether it is the session that this interrupts.
    pub(crate) fn is_of(&self, interrupted: &Arc<AtomicBool>) -> bool {
        Arc::ptr_eq(&self.interrupted, interrupted)
    }

    /// Takes the seats that it held since its last request.
    pub(crate) fn take_seats(&self) -> Seats {
        std::mem::take(&mut *self.seats.lock())
    }

    /// Keeps the seats of its last request, so that it is counted as a connection until it ends.
    pub(crate) fn keep_seats(&self, seats: Seats) {
        if self.is_object() && !self.is_ended.load(Ordering::Acquire) {
            *self.seats.lock() = seats;
        }
    }

    pub(crate) fn is_object(&self) -> bool {
        self.idle_max.is_some()
    }

    /// Notes that somebody uses it.
    pub(crate) fn touch(&self, now: Moment) {
        let mut state = self.now.lock();
        state.used_at = now.at;
        state.used_nanos = now.nanos;
    }

    /// Refuses what comes after its end.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.is_ended.load(Ordering::Acquire) { Err(ended()) } else { Ok(()) }
    }

    /// Gives the database that `USE x` alone chose.
    pub(crate) fn chosen(&self) -> Option<Chosen> {
        self.now.lock().chosen.clone()
    }

    /// Notes which database it is on now.
    pub(crate) fn choose(&self, database: Option<Chosen>) {
        self.now.lock().chosen = database;
    }

    /// Notes its transaction, so that ending the session ends it.
    pub(crate) fn begins(&self, transaction: &Arc<OpenTransaction>) {
        self.now.lock().transaction = Some(Arc::downgrade(transaction));
    }

    /// Says when it was used last, in nanoseconds since 1970.
    pub(crate) fn used_nanos(&self) -> i128 {
        self.now.lock().used_nanos
    }

    /// Tells whether a transaction is open in it.
    pub(crate) fn has_transaction(&self) -> bool {
        self.now.lock().transaction.as_ref().is_some_and(|transaction| transaction.strong_count() > 0)
    }

    fn has_lapsed(&self, now: Instant) -> bool {
        let idle = now.saturating_duration_since(self.now.lock().used_at);
        self.idle_max.is_some_and(|idle_max| idle >= idle_max) || self.ends.is_some_and(|ends| ends.at <= now)
    }

    /// Ends it once what it does is done.
    pub(crate) fn end_next(&self) {
        self.is_ended.store(true, Ordering::Release);
    }

    fn end(&self) {
        self.is_ended.store(true, Ordering::Release);
        self.take_seats();
        self.interrupted.store(true, Ordering::Relaxed);
        let transaction = self.now.lock().transaction.take();
        if let Some(transaction) = transaction.and_then(|transaction| transaction.upgrade()) {
            transaction.end(&ended(), END_TIME_MAX);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(listed) = &self.listed {
            listed.lock().remove(&self.session.id);
        }
    }
}

#[cold]
fn too_many(names: &Names, owner: &Principal, max: usize) -> Failure {
    let text = format!(
        "User '{}' has {max} sessions that were opened with POST /sessions, and no more are allowed: end some with DELETE \
         /sessions/{{id}} or TERMINATE SESSIONS. The setting sessions_per_user_max says how many there may be.",
        catalog::access::told_user(names, owner).unwrap_or_default()
    );
    let used = max as u64;
    let (limit, database, set_by) = ("sessions_per_user_max", String::new(), SetBy::Server);
    let refusal = Refusal { limit, database, set_by, max: used, used, wanted: Some(1), retry_after: None };
    Failure::new(Code::TooManyConnections, text).because_of(refusal)
}

fn ended() -> Failure {
    Failure::new(Code::TransactionTerminated, "The session was ended; open another one.")
}

#[cfg(test)]
mod tests {
    use catalog::Authentication;
    use types::{Clock, SystemClock};

    use super::*;

    fn moment(after: u64) -> Moment {
        thread_local!(static BEGUN: Instant = SystemClock.now());
        Moment { at: BEGUN.with(|begun| *begun) + Duration::from_secs(after), nanos: i128::from(after) * 1_000_000_000 }
    }

    fn bounds(idle_max: Duration) -> ObjectBounds {
        ObjectBounds { idle_max, of_user_max: 3, ends: None }
    }

    #[test]
    fn f32_objects_lapse_and_conversations_end_with_their_place() {
        let (list, flag) = (SessionList::default(), Arc::default());
        let idle = Some(Duration::from_secs(1_800));
        let instance = crate::Instance::in_memory(crate::InstanceOptions::new("/nowhere")).expect("memory has room");
        let session = instance.log_in(None).expect("nobody needs a password");
        let nobody = || session.parts().1.clone();
        let asked = Authentication::Password { first: Some("admin-password".into()) };
        let options = crate::InstanceOptions { authentication: asked, ..crate::InstanceOptions::new("/nowhere") };
        let other = crate::Instance::in_memory(options).expect("memory has room");
        let log_in = |password: &str| {
            let session = other.log_in(Some(("admin", password))).expect("it is right");
            session.parts().1.clone()
        };
        let admin = log_in("admin-password");
        let enter_as = |owner: &Principal, bounds: Option<ObjectBounds>, now| {
            let names = other.shared.catalog.names();
            list.enter(&names, owner.clone(), Arc::default(), &flag, bounds, now).expect("has room")
        };
        let enter = |idle: Option<Duration>, now| enter_as(&nobody(), idle.map(bounds), now);
        let object = enter(idle, moment(0)).session.id.clone();
        let talk = enter(None, moment(1));
        assert_eq!(list.all(moment(2).at).len(), 2);
        assert!(list.resume(&talk.session.id, &nobody(), moment(2)).is_err(), "a conversation has one connection");
        assert!(list.resume(&object, &admin, moment(2)).is_err(), "it is somebody else's");
        list.resume(&object, &nobody(), moment(1_799))
            .expect("it is young")
            .session
            .choose(Some(Chosen { name: "films".into(), id: None }));
        let again = list.resume(&object, &nobody(), moment(3_598)).expect("it was used");
        assert_eq!(again.session.chosen().map(|chosen| chosen.name).as_deref(), Some("films"));
        assert!(list.resume(&object, &nobody(), moment(3_598 + 1_800)).is_err());
        assert_eq!(list.sweep(moment(3_598 + 1_800).at), 1);
        // A token has what it opened itself, its user has that too.
        let catalog = &other.shared.catalog;
        let make = |name: &str| {
            let new = catalog::NewToken { name: name.into(), ..catalog::NewToken::default() };
            log_in(&catalog.create_token("admin", &new, catalog::IfThere::Fail).expect("admin may").expect("it is new"))
        };
        let (first, second) = (make("first"), make("second"));
        let of = |owner: &Principal| enter_as(owner, idle.map(bounds), moment(6_000)).session.id.clone();
        let (of_admin, of_first) = (of(&admin), of(&first));
        let resumes = |id: &str, who: &Principal| list.resume(id, who, moment(6_001)).is_ok();
        assert!(resumes(&of_admin, &admin) && !resumes(&of_admin, &first) && !resumes(&of_admin, &second));
        assert!(resumes(&of_first, &admin) && resumes(&of_first, &first) && !resumes(&of_first, &second));
        assert!(first.owns_key(&first.key().expect("a name")) && !second.owns_key(&first.key().expect("a name")));
        assert!(admin.owns_key(&first.key().expect("a name")) && !first.owns_key(&admin.key().expect("a name")));
        // One whose token has ended is over before it lay idle for long.
        let bounds = ObjectBounds { ends: Some(moment(6_100)), ..bounds(Duration::from_secs(1_800)) };
        let ending = Arc::clone(&enter_as(&first, Some(bounds), moment(6_050)).session);
        assert!(list.resume(&ending.id, &admin, moment(6_099)).is_ok());
        assert!(list.resume(&ending.id, &admin, moment(6_100)).is_err());
        assert_eq!((list.all(moment(6_099).at).len(), list.all(moment(6_100).at).len()), (4, 3));
        assert_eq!(list.sweep(moment(6_100).at), 1);
        assert_eq!(list.sweep(moment(6_000 + 1_802).at), 2);
        drop(talk);
        assert_eq!(list.all(moment(0).at).len(), 0);
    }
}
