//! A journal as one file: its files one after the other, and an end.
//! Leaves where it goes to the caller. Start reading at [`copy`].

use std::io::{self, Write};

use super::chain::{Chain, Item};
use super::folder::{Source, failed};
use super::format::{Frame, Kind};
use super::{JournalError, Position};

/// What was copied, or looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Commits.
    pub records: u64,
    /// Bytes that were written.
    pub bytes: u64,
    /// When it begins, in nanoseconds since 1970; nothing where there is nothing.
    pub begins: Option<i64>,
    /// Up to when it tells of everything.
    pub ends: Option<i64>,
    /// Where the last record stands.
    pub last: Option<Position>,
    /// Whether its records are sealed; only with the keys of the server can they be played.
    pub is_sealed: bool,
}

/// Copies a whole journal to `out`, checking every byte of it.
///
/// `step` hears of the bytes that are done, and may end the work.
pub fn copy(
    source: Source,
    out: &mut dyn Write,
    step: &mut dyn FnMut(u64) -> Result<(), JournalError>,
) -> Result<Copied, JournalError> {
    let (now, fresh) = (source.end, source.fresh);
    let mut chain = Chain::over(source);
    let mut copied = Copied { ends: now, ..Copied::default() };
    let (mut era, mut time, mut has_end) = (None, i64::MIN, false);
    while let Some(item) = chain.next()? {
        match item {
            Item::Header(header) => {
                // This file does not make up for what the one before lost.
                if let Some(problem) = chain.take_problem() {
                    return Err(problem);
                }
                era = Some(header.era);
                copied.is_sealed |= header.is_sealed;
                copied.begins.get_or_insert(header.time);
                time = time.max(header.time);
            }
            Item::Frame(head) if head.kind == Kind::End => {
                has_end = true;
                copied.ends = Some(head.time);
            }
            Item::Frame(head) => {
                copied.records += u64::from(head.last && head.kind == Kind::Changes);
                time = head.time;
                if let (true, Some(era)) = (head.last, era) {
                    copied.last = Some(Position { era, sequence: head.sequence });
                }
            }
        }
        copied.bytes += chain.bytes().len() as u64;
        out.write_all(chain.bytes()).map_err(failed("write the journal"))?;
        step(copied.bytes)?;
    }
    // Nor does an era that has no file yet.
    if fresh.is_some()
        && let Some(problem) = chain.take_problem()
    {
        return Err(problem);
    }
    chain.finish()?;
    let (mut sum, mut sequence) = chain.end();
    if let Some(header) = fresh {
        out.write_all(&header.print()).map_err(failed("write the journal"))?;
        (era, sum, sequence) = (Some(header.era), 0, header.first - 1);
        copied.begins.get_or_insert(header.time);
    }
    if !has_end && era.is_some() {
        let ends = copied.ends.unwrap_or(time);
        let frame = Frame { kind: Kind::End, last: true, part: 0, sequence: sequence + 1, time: ends };
        let mut bytes = Vec::new();
        // Something has to be in it: eight zeros at the front of a frame are no frame.
        frame.print(&[0], sum, None, &mut bytes);
        out.write_all(&bytes).map_err(failed("write the journal"))?;
        copied.bytes += bytes.len() as u64;
        copied.ends = Some(ends);
    }
    Ok(copied)
}

/// Reads a whole journal and checks every byte of it; nothing is written.
pub fn verify(source: Source) -> Result<Copied, JournalError> {
    copy(source, &mut io::sink(), &mut |_| Ok(()))
}
