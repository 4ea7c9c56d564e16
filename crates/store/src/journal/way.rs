//! Plays a journal into a store that was made from a backup, up to a moment.
//! Leaves images and names to others. Start reading at [`Way::find`], then [`Way::play`].

use super::chain::{Chain, Item};
use super::changes::each;
use super::folder::{Form, Source};
use super::format::{Head, Header, Kind};
use super::{JournalError, Origin, Rupture};
use crate::{Store, StoreError};

/// Changes that are written together, in bytes; a frame more at most.
const BATCH_BYTES: usize = 4 << 20;

/// A way from a backup to a moment.
pub struct Way {
    chain: Chain,
    from: Origin,
    until: i64,
    end: Option<i64>,
    /// The beginning of an era that has no file yet.
    fresh: Option<Header>,
    /// Whether the backup is of the last record.
    is_at_end: bool,
    /// Whether the era of the backup is reached.
    is_there: bool,
    /// Whether the last record of the backup was found in it.
    is_joined: bool,
    /// Whether a record was begun and not read to its end.
    is_within: bool,
    /// The last record, and its time.
    sequence: u64,
    time: i64,
    played: Played,
}

/// How far a store was played forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// Commits.
    pub records: u64,
    /// When the last of them was made, in nanoseconds since 1970.
    pub time: Option<i64>,
}

impl Way {
    /// Finds the way from a backup, which was made at `taken` from a store that stood at `from`, to the time `until`.
    ///
    /// As far as headers tell: what is missing or damaged in between is found on the way.
    pub fn find(mut source: Source, from: Origin, taken: i64, until: i64) -> Result<Self, JournalError> {
        if until < taken {
            return Err(JournalError::Before { until, taken });
        }
        if let Some(end) = source.end.filter(|end| until > *end) {
            return Err(JournalError::After { until, end });
        }
        let at = from.position;
        let is_at_end = source.bound == Some(at);
        let is_older = source.bound.is_some_and(|bound| bound.era == at.era && bound.sequence < at.sequence);
        // Somebody put old files in the store's place, and it went on from there, or did not.
        if is_older || is_at_end && source.sum.is_some_and(|sum| !from.is_at(sum)) {
            return Err(JournalError::OtherHistory { sequence: at.sequence });
        }
        if source.form == Form::Folder && !is_at_end {
            let leads = |track: &super::folder::Track| {
                track.header.is_some_and(|header| header.era == at.era && header.first <= at.sequence + 1)
            };
            match source.tracks.iter().rposition(leads) {
                Some(first) => drop(source.tracks.drain(..first)),
                None => {
                    let begins = begins_of(&source, at).unwrap_or(taken);
                    return Err(JournalError::Gap { begins });
                }
            }
        }
        let (end, fresh) = (source.end, source.fresh);
        Ok(Self {
            chain: Chain::over(source),
            from,
            until,
            end,
            fresh,
            is_at_end,
            is_there: false,
            is_joined: is_at_end,
            is_within: false,
            sequence: at.sequence,
            time: taken,
            played: Played::default(),
        })
    }

    /// Makes in `store`, which stands where the way begins, every commit up to the time. What fails leaves half of them.
    ///
    /// `step` hears of the bytes that are done, and may end the work.
    pub fn play(
        mut self,
        store: &dyn Store,
        step: &mut dyn FnMut(u64) -> Result<(), StoreError>,
    ) -> Result<Played, JournalError> {
        let (mut batch, mut is_over, mut done) = (Vec::new(), self.is_at_end, 0);
        while !is_over {
            let item = match self.chain.next() {
                Err(JournalError::Damaged { .. }) if self.is_reached() => break,
                item => item?,
            };
            let Some(item) = item else { break };
            is_over = match item {
                Item::Header(header) => self.enter(&header)?,
                Item::Frame(head) => self.take(&head, &mut batch)?,
            };
            if batch.len() >= BATCH_BYTES {
                apply(store, &batch)?;
                batch.clear();
            }
            done += self.chain.bytes().len() as u64;
            step(done)?;
        }
        if !is_over && !self.is_reached() {
            self.arrive()?;
        }
        apply(store, &batch)?;
        store.sync()?;
        Ok(self.played)
    }

    /// Tells whether the last record that was read whole is of the time itself: what is damaged behind it is nobody's loss.
    fn is_reached(&self) -> bool {
        self.is_joined && !self.is_within && self.until <= self.time
    }

    /// Enters a file; tells whether the time is reached with what lies before it.
    fn enter(&mut self, header: &Header) -> Result<bool, JournalError> {
        self.chain.check_open()?;
        let at = self.from.position;
        let is_own = header.era == at.era;
        if is_own && !self.is_there && header.first > at.sequence + 1 {
            return Err(JournalError::Gap { begins: header.time });
        }
        if is_own && header.first == at.sequence + 1 {
            self.join(header.before)?;
        }
        if is_own || !self.is_there {
            self.is_there |= is_own;
            return Ok(false);
        }
        // An era without a last word: the journal was found damaged, and what it lost may be of before the time.
        if header.first > self.sequence + 1 {
            return Err(JournalError::Ruptured { at: self.time, reason: Rupture::Damage });
        }
        self.check_joined()?;
        if header.time > self.until {
            return Ok(true);
        }
        Err(JournalError::Ruptured { at: header.time, reason: Rupture::Damage })
    }

    /// Takes the changes of a frame; tells whether it is of after the time.
    fn take(&mut self, head: &Head, batch: &mut Vec<u8>) -> Result<bool, JournalError> {
        if head.kind == Kind::End {
            self.end = Some(head.time);
            return Ok(false);
        }
        let at = self.from.position.sequence;
        if self.is_there && head.sequence == at && head.last {
            self.join(head.sum)?;
        }
        if !self.is_there || head.sequence <= at {
            return Ok(false);
        }
        if head.time > self.until {
            return Ok(true);
        }
        if head.kind == Kind::Rupture {
            let reason = Rupture::parse(self.chain.raw().first());
            return Err(JournalError::Ruptured { at: head.time, reason });
        }
        batch.extend_from_slice(self.chain.raw());
        self.is_within = !head.last;
        if head.last {
            (self.sequence, self.time) = (head.sequence, head.time);
            self.played.records += 1;
            self.played.time = Some(head.time);
        }
        Ok(false)
    }

    /// Says whether the end of the journal is as far as the time.
    fn arrive(&mut self) -> Result<(), JournalError> {
        self.chain.finish()?;
        if let Some(fresh) = self.fresh
            && self.enter(&fresh)?
        {
            return Ok(());
        }
        let end = self.end.unwrap_or(i64::MIN);
        if !self.is_there {
            return Err(JournalError::Gap { begins: end });
        }
        self.check_joined()?;
        if self.until > end { Err(JournalError::After { until: self.until, end }) } else { Ok(()) }
    }
}

impl Way {
    /// Goes on from the last record of the backup, if that is the one with this sum.
    fn join(&mut self, sum: u64) -> Result<(), JournalError> {
        self.is_joined = self.from.is_at(sum);
        self.check_joined()
    }

    fn check_joined(&self) -> Result<(), JournalError> {
        let other = JournalError::OtherHistory { sequence: self.from.position.sequence };
        if self.is_joined { Ok(()) } else { Err(other) }
    }
}

/// Says after what time a backup would do, where nothing leads on from this one.
fn begins_of(source: &Source, from: super::Position) -> Option<i64> {
    let headers = || source.tracks.iter().filter_map(|track| track.header);
    let own = headers().find(|header| header.era == from.era);
    own.or_else(|| headers().next_back()).map(|header| header.time)
}

/// Makes many changes; the store's disk is not waited for.
fn apply(store: &dyn Store, changes: &[u8]) -> Result<(), JournalError> {
    let mut is_whole = true;
    store
        .write_unsynced(&mut |writer| {
            is_whole = each(changes, &mut |change| change.apply(writer))?;
            if is_whole { Ok(()) } else { Err(StoreError::Aborted) }
        })
        .map_err(|error| {
            // The sums were right, so it was written so.
            if is_whole { error.into() } else { damaged() }
        })
}

fn damaged() -> JournalError {
    let reason = "a record holds no changes".to_owned();
    JournalError::Damaged { file: std::path::PathBuf::new(), reason }
}
