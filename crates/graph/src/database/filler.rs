//! Fills indexes and holds older data against constraints, a slice at a time, while others read and write.
//! Leaves what a slice adds to `index::fill`; where it stands is in the store, so that the next process goes on.
//! Start reading at [`Inner::step`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use rustc_hash::FxHashMap;
use types::{CompactString, failpoint};

use super::{Database, Inner, write_to};
use crate::GraphError;
use crate::codec::fact::{
    ConstraintDefinition, ConstraintId, IndexDefinition, IndexState, encode_count, encode_number,
};
use crate::constraint::validate::{self, Held};
use crate::constraint::words::Words;
use crate::index::fill::{Filled, fill};
use crate::keys::{self, Counted, Meta};
use crate::read::View;
use crate::schema::Schema;
use crate::transaction::{AsReader, History, Mark, ReadSet, WriteSet, remove_index};

/// Entities that are looked at while others wait to commit.
const SLICE: usize = 4_096;
/// Looks for equal values while others write, before the last one is made while they wait.
const LOOKS_MAX: u32 = 3;
/// How long to wait after the store refused a write.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);
/// Refusals that are remembered for whoever asks.
const REFUSALS_MAX: usize = 64;

/// The thread that fills, and what it found.
#[derive(Default)]
pub(super) struct Filler {
    state: Mutex<State>,
    /// Told when the thread has nothing more to do, and when it is to stop.
    changed: Condvar,
    stops: AtomicBool,
}

#[derive(Default)]
struct State {
    runs: bool,
    thread: Option<JoinHandle<()>>,
    /// Constraints that were given up, and why.
    refused: FxHashMap<ConstraintId, (CompactString, GraphError)>,
}

/// Held by every clone of an open database; with the last one the thread ends.
pub(super) struct Open(pub(super) Arc<Inner>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.filler.stop();
    }
}

/// What is left to do after a step.
enum Left {
    More,
    Nothing,
}

impl Filler {
    fn stop(&self) {
        self.stops.store(true, Ordering::Release);
        self.changed.notify_all();
        let thread = self.state.lock().thread.take();
        if let Some(thread) = thread {
            // It ends within one slice; one that panicked has told so already.
            let _ = thread.join();
        }
    }

    fn is_stopping(&self) -> bool {
        self.stops.load(Ordering::Acquire)
    }
}

impl Database {
    /// Waits until no index is being filled and no constraint is held against older data, at most for `time_max`.
    ///
    /// Gives whether that is so.
    #[must_use]
    pub fn wait_filled(&self, time_max: Duration) -> bool {
        let filler = &self.inner.filler;
        let fills = || self.inner.fills().unwrap_or(true);
        let mut state = filler.state.lock();
        if state.runs && fills() {
            filler.changed.wait_for(&mut state, time_max);
        }
        !state.runs || !fills()
    }

    /// As [`Database::wait_filled`], until the graphs of vector indexes are complete too.
    #[must_use]
    pub fn wait_idle(&self, time_max: Duration) -> bool {
        let filler = &self.inner.filler;
        let mut state = filler.state.lock();
        if state.runs {
            filler.changed.wait_for(&mut state, time_max);
        }
        !state.runs
    }

    /// Tells once why a constraint was given up that looked at its data after the commit; `None` if it was not.
    #[must_use]
    pub fn take_refusal(&self, constraint: ConstraintId) -> Option<GraphError> {
        self.inner.filler.state.lock().refused.remove(&constraint).map(|(_, error)| error)
    }

    /// Tells how much of an index is filled, from 0 to 1.
    pub fn filled_share(&self, index: &IndexDefinition) -> Result<f64, GraphError> {
        match index.state {
            IndexState::Online => return Ok(1.0),
            IndexState::Failed => return Ok(0.0),
            IndexState::Populating => {}
        }
        let snapshot = self.inner.store.snapshot()?;
        let Some(done) = View::new(&*snapshot).progress(index.id)? else { return Ok(1.0) };
        let next = if index.on.is_nodes() { &self.inner.node_next } else { &self.inner.relationship_next };
        Ok((done as f64 / next.load(Ordering::Acquire).max(1) as f64).min(1.0))
    }

    pub(crate) fn fill_at_once_max(&self) -> u64 {
        self.inner.options.fill_at_once_max
    }

    /// Lets the thread go on that fills, if there is something to fill.
    pub(super) fn fill_on(inner: &Arc<Inner>) {
        let mut state = inner.filler.state.lock();
        if state.runs || inner.filler.is_stopping() {
            return;
        }
        let weak = Arc::downgrade(inner);
        let run = move || {
            while let Some(inner) = weak.upgrade() {
                if !inner.step_or_pause() {
                    return;
                }
            }
        };
        match std::thread::Builder::new().name("fill".to_owned()).spawn(run) {
            Ok(thread) => {
                state.runs = true;
                state.thread = Some(thread);
            }
            Err(error) => tracing::warn!(%error, "no thread to fill indexes; the next commit tries again"),
        }
    }
}

impl Inner {
    /// Does one step; `false` ends the thread.
    fn step_or_pause(&self) -> bool {
        let stepped = if self.filler.is_stopping() { Ok(Left::Nothing) } else { self.step() };
        let mut state = self.filler.state.lock();
        match stepped {
            Ok(Left::More) => {
                self.filler.changed.notify_all();
                return true;
            }
            Ok(Left::Nothing) => {}
            Err(error) if self.filler.is_stopping() => tracing::debug!(%error, "filling indexes stops"),
            Err(error) => {
                tracing::warn!(%error, "an index could not be filled; it is tried again");
                self.filler.changed.wait_for(&mut state, REFUSED_PAUSE);
                return true;
            }
        }
        // Whoever makes an index after this look starts a new thread.
        state.runs = !self.filler.is_stopping() && self.has_work().unwrap_or(false);
        self.filler.changed.notify_all();
        state.runs
    }

    /// Tells whether there is anything to do.
    pub(super) fn has_work(&self) -> Result<bool, GraphError> {
        Ok(self.fills()? || self.is_to_tend(&self.schema_now()?.indexes)?)
    }

    /// Tells whether an index is being filled, or a constraint held against older data.
    fn fills(&self) -> Result<bool, GraphError> {
        let schema = self.schema_now()?;
        Ok(schema.indexes.iter().any(IndexDefinition::is_populating)
            || schema.constraints.iter().any(|it| it.state == IndexState::Populating))
    }

    fn schema_now(&self) -> Result<Schema, GraphError> {
        let snapshot = self.store.snapshot()?;
        let view = View::new(&*snapshot);
        self.schemas.of(view.number(Meta::Version)?, view)
    }

    /// Takes the first thing that is not complete, and brings it a bit further.
    fn step(&self) -> Result<Left, GraphError> {
        let schema = self.schema_now()?;
        let index = schema.indexes.iter().find(|index| index.is_populating());
        if let Some(index) = index {
            let owner = index.constraint.and_then(|owner| schema.constraints.iter().find(|it| it.id == owner));
            match (self.fill_slice(index), owner) {
                (Ok(true), _) => return Ok(Left::More),
                (Ok(false), _) => {}
                // There is no room for it, and trying again makes none.
                (Err(full @ GraphError::QuotaReached { .. }), Some(owner)) => {
                    return self.give_up(owner, Some(index), full).map(|()| Left::More);
                }
                (Err(full @ GraphError::QuotaReached { .. }), None) => {
                    return self.fail_index(index, &full).map(|()| Left::More);
                }
                (Err(other), _) => return Err(other),
            }
            match owner {
                Some(owner) => self.complete(owner, Some(index))?,
                None => self.put_online(self.history.lock(), None, Some(index))?,
            }
            return Ok(Left::More);
        }
        match schema.constraints.iter().find(|it| it.state == IndexState::Populating) {
            Some(constraint) => self.complete(constraint, None).map(|()| Left::More),
            None if self.tend(&schema.indexes, &mut || !self.filler.is_stopping())? => Ok(Left::More),
            None => Ok(Left::Nothing),
        }
    }

    /// Adds a slice of an index; `false` if all of it is there.
    fn fill_slice(&self, index: &IndexDefinition) -> Result<bool, GraphError> {
        let _history = self.history.lock();
        let goes_on = write_to(&*self.store, |writer| {
            let view = View::new(writer.as_reader());
            // It may have been dropped meanwhile.
            let Some(from) = view.progress(index.id)? else { return Ok(false) };
            let count = view.count(Counted::Entries(index.id))?;
            let filling = self.quotas.room().before(writer)?;
            let Filled { entities, next } = fill(writer, index, from, SLICE)?;
            filling.check(writer)?;
            writer.put(&keys::count(Counted::Entries(index.id)), &encode_count(count + entities))?;
            match next {
                Some(next) => writer.put(&keys::progress(index.id), &encode_number(next))?,
                None => {
                    writer.delete(&keys::progress(index.id))?;
                }
            }
            Ok(next.is_some())
        })?;
        failpoint::reach("graph.index.slice");
        Ok(goes_on)
    }

    /// Holds the data against a constraint, then puts it online or gives it up.
    fn complete(&self, it: &ConstraintDefinition, index: Option<&IndexDefinition>) -> Result<(), GraphError> {
        let words = Words(&self.tokens);
        let mut from = Some(0);
        while let Some(at) = from {
            if self.filler.is_stopping() {
                return Ok(());
            }
            // Whoever writes keeps the constraint already, so any snapshot since then does.
            let snapshot = self.store.snapshot()?;
            from = match validate::values(View::new(&*snapshot), words, it, at, SLICE)? {
                Held::Next(next) => next,
                Held::Refused(violation) => return self.give_up(it, index, self.refused(it, violation)),
            };
        }
        let Some(index) = index else { return self.put_online(self.history.lock(), Some(it), None) };
        for look in 1.. {
            // Entries that come while it looks make it look again; in the end they wait.
            let waiting = (look > LOOKS_MAX).then(|| self.history.lock());
            let snapshot = self.store.snapshot()?;
            let view = View::new(&*snapshot);
            let version = view.number(Meta::Version)?;
            let found = validate::equal_pair(view, words, it, index, || !self.filler.is_stopping())?;
            drop(snapshot);
            if self.filler.is_stopping() {
                return Ok(());
            }
            if let Some(violation) = found {
                drop(waiting);
                return self.give_up(it, Some(index), self.refused(it, violation));
            }
            let mut reads = ReadSet::new(1);
            reads.add(Mark::WholeIndex(index.id));
            let history = waiting.unwrap_or_else(|| self.history.lock());
            if history.admits(version, &reads, &[]) {
                return self.put_online(history, Some(it), Some(index));
            }
        }
        Ok(())
    }

    /// Makes a constraint and an index readable, in one write with a version of its own.
    fn put_online(
        &self,
        history: MutexGuard<'_, History>,
        constraint: Option<&ConstraintDefinition>,
        index: Option<&IndexDefinition>,
    ) -> Result<(), GraphError> {
        self.change_schema(history, constraint.is_some(), |schema| {
            for it in schema.0.iter_mut().filter(|it| index.is_some_and(|index| index.id == it.id)) {
                it.state = IndexState::Online;
            }
            for it in schema.1.iter_mut().filter(|it| constraint.is_some_and(|constraint| constraint.id == it.id)) {
                it.state = IndexState::Online;
            }
        })
    }

    /// Says that the data is against a constraint.
    fn refused(&self, it: &ConstraintDefinition, violation: Box<crate::constraint::Violation>) -> GraphError {
        GraphError::ConstraintRefused { constraint: Words(&self.tokens).new_constraint(it), violation }
    }

    /// Keeps of an index only that it could not be filled, and why; its entries go.
    fn fail_index(&self, index: &IndexDefinition, why: &GraphError) -> Result<(), GraphError> {
        tracing::warn!(name = %index.name, reason = %why, "an index is given up");
        let why = why.to_string();
        // Who writes with the old schema would add entries to it.
        self.change_schema(self.history.lock(), true, |schema| {
            schema.0.iter_mut().filter(|it| it.id == index.id).for_each(|it| it.fail(&why));
        })
    }

    /// Removes a constraint that data is against or that has no room, and remembers why.
    fn give_up(
        &self,
        it: &ConstraintDefinition,
        index: Option<&IndexDefinition>,
        why: GraphError,
    ) -> Result<(), GraphError> {
        tracing::warn!(name = %it.name, reason = %why, "a new constraint is given up");
        let mut state = self.filler.state.lock();
        if state.refused.len() >= REFUSALS_MAX {
            state.refused.clear();
        }
        // First of all: whoever waits asks for the reason as soon as the constraint is gone.
        state.refused.insert(it.id, (it.name.clone(), why));
        drop(state);
        self.change_schema(self.history.lock(), true, |schema| {
            schema.0.retain(|known| index.is_none_or(|index| index.id != known.id));
            schema.1.retain(|known| known.id != it.id);
        })
    }

    /// Writes a changed schema as a commit of its own; `is_asked` makes those run again who write with the old one.
    fn change_schema(
        &self,
        mut history: MutexGuard<'_, History>,
        is_asked: bool,
        change: impl Fn(&mut (Vec<IndexDefinition>, Vec<ConstraintDefinition>)),
    ) -> Result<(), GraphError> {
        let before = self.schema_now()?;
        let mut schema = (before.indexes.to_vec(), before.constraints.to_vec());
        change(&mut schema);
        let version = self.version.load(Ordering::Acquire) + 1;
        self.schemas.announce(Schema {
            since: version,
            indexes: schema.0.as_slice().into(),
            constraints: schema.1.as_slice().into(),
        });
        let written = write_to(&*self.store, |writer| {
            for gone in before.indexes.iter().filter(|old| !schema.0.iter().any(|index| index.id == old.id)) {
                remove_index(writer, gone)?;
            }
            for gone in before.constraints.iter().filter(|old| !schema.1.iter().any(|it| it.id == old.id)) {
                writer.delete(&keys::constraint(gone.id))?;
            }
            for index in schema.0.iter().filter(|index| !before.indexes.contains(index)) {
                if index.is_failed() {
                    remove_index(writer, index)?;
                }
                writer.put(&keys::index(index.id), &index.encode()?)?;
            }
            for it in schema.1.iter().filter(|it| !before.constraints.contains(it)) {
                writer.put(&keys::constraint(it.id), &it.encode())?;
            }
            writer.put(&keys::meta(Meta::Version), &encode_number(version))?;
            Ok(())
        });
        if let Err(error) = written {
            self.schemas.forget();
            return Err(error);
        }
        failpoint::reach("graph.index.online");
        let marks = is_asked.then_some(Mark::Schema);
        history.keep(vec![(version, Arc::new(WriteSet::of(marks.into_iter().collect(), 1)))]);
        self.version.store(version, Ordering::Release);
        self.schemas.publish(version);
        Ok(())
    }
}
