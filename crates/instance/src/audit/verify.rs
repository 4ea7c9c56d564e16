//! Checks that no line of an audit was changed, removed or added.
//! Start reading at [`verify`].

use std::path::Path;

use catalog::Keyring;

use super::AuditError;
use super::head::{self, Found, Head};
use super::log::behind_seal;
use super::reading::lines;
use super::record::{Entry, Kind, NOTHING_BEFORE};

/// Problems that are told; more of them tell nothing new.
const PROBLEMS_MAX: usize = 20;

/// What a look at an audit found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Lines that were read.
    pub lines: u64,
    /// The number of the first of them.
    pub first: u64,
    /// The number of the last of them.
    pub last: u64,
    /// What is wrong, the first findings first.
    pub problems: Vec<String>,
    /// Why the end could not be checked, where it could not: a tail that was cut off would go unnoticed.
    pub end_unchecked: Option<String>,
    /// What lines tell that the server found wrong with the audit itself, the first ones first.
    pub alarms: Vec<String>,
    /// Lines behind the sealed end, there now or when the server began: whoever may write the folder can add such lines
    /// without the keys.
    pub unsealed: Vec<String>,
}

impl Verdict {
    /// Tells whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    fn problem(&mut self, text: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(text);
        }
    }
}

/// Walks an audit from its first line to its last, and compares its end with the sealed head.
pub fn verify(folder: &Path, keyring: Option<&Keyring>) -> Result<Verdict, AuditError> {
    let mut verdict = Verdict::default();
    let head = match keyring {
        Some(keyring) => {
            let heads = head::read(folder, keyring).map_err(AuditError::io("read the head of the audit"))?;
            furthest(heads, &mut verdict)
        }
        None => {
            verdict.end_unchecked = Some("the server's keys are not there to open the head".to_owned());
            None
        }
    };
    let mut chain = Chain { before: None, missing_before: None, head: head.as_ref(), head_met: false };
    let mut all = lines(folder)?;
    let mut number = 0_u64;
    while let Some(line) = all.next_line()? {
        number += 1;
        match read(&line) {
            Ok((entry, hash)) => chain.take(&entry, hash, &mut verdict),
            Err(reason) => verdict.problem(format!("the {number}. line of all cannot be read: {reason}")),
        }
    }
    chain.end(&mut verdict);
    Ok(verdict)
}

/// Gives the head that goes furthest. The one in the folder has to be there; beside an audit of older servers is none.
fn furthest(heads: [Found; 2], verdict: &mut Verdict) -> Option<Head> {
    if matches!(heads[0], Found::Nothing) {
        verdict.problem("the head is missing: whether lines are missing at the end is not known".to_owned());
    }
    let mut furthest: Option<Head> = None;
    for found in heads {
        match found {
            Found::Head(head) if furthest.as_ref().is_none_or(|other| other.sequence < head.sequence) => {
                furthest = Some(head);
            }
            Found::Sealed(error) => {
                verdict.problem(format!("the head was changed or sealed by another server: {error}"));
            }
            Found::Head(_) | Found::Nothing => {}
        }
    }
    furthest
}

fn read(line: &[u8]) -> Result<(Entry, String), String> {
    let line = std::str::from_utf8(line).map_err(|_| "it is no text".to_owned())?;
    let line = line.strip_suffix('\n').ok_or("it has no end")?;
    let (entry, hashes) = Entry::parse(line)?;
    if hashes.expected != hashes.found {
        return Err(format!("line {} was changed: its hash does not fit it", entry.sequence));
    }
    Ok((entry, hashes.found))
}

/// The walk from line to line.
struct Chain<'h> {
    before: Option<(u64, String)>,
    /// What stands before the first line, where that is not the first of all.
    missing_before: Option<(u64, String)>,
    head: Option<&'h Head>,
    head_met: bool,
}

impl Chain<'_> {
    fn take(&mut self, entry: &Entry, hash: String, verdict: &mut Verdict) {
        match &self.before {
            None => {
                verdict.first = entry.sequence;
                let is_first = entry.sequence == 1 && entry.previous == NOTHING_BEFORE;
                if !is_first {
                    let before = entry.sequence.saturating_sub(1);
                    self.missing_before = Some((before, entry.previous.clone()));
                }
            }
            Some((sequence, _)) if entry.sequence != sequence + 1 => {
                let text = format!("line {} follows line {sequence}: lines were removed or added", entry.sequence);
                verdict.problem(text);
            }
            Some((sequence, hash)) if *hash != entry.previous => {
                let text =
                    format!("line {} is not chained to line {sequence}: one of them was exchanged", entry.sequence);
                verdict.problem(text);
            }
            Some(_) => {}
        }
        if let Some((to, before)) = &self.missing_before
            && entry.kind == Kind::Retention
            && entry.operation == format!("removed the lines to {to}, ending in {before}")
        {
            self.missing_before = None;
        }
        if let Some(head) = self.head
            && head.sequence == entry.sequence
        {
            self.head_met = true;
            if head.hash != hash {
                verdict.problem(format!("line {} is not the one that the head tells of", entry.sequence));
            }
        }
        if entry.kind == Kind::Alarm && verdict.alarms.len() < PROBLEMS_MAX {
            verdict.alarms.push(format!("line {}: {}", entry.sequence, entry.operation));
        }
        if entry.kind == Kind::Unsealed && verdict.unsealed.len() < PROBLEMS_MAX {
            verdict.unsealed.push(format!("line {}: {}", entry.sequence, entry.operation));
        }
        verdict.lines += 1;
        verdict.last = entry.sequence;
        self.before = Some((entry.sequence, hash));
    }

    fn end(self, verdict: &mut Verdict) {
        if let Some((to, _)) = self.missing_before {
            let text = format!("the lines to {to} are missing, and no line tells that the audit removed them");
            verdict.problem(text);
        }
        match self.head {
            Some(head) if !self.head_met => {
                verdict.problem(format!("line {} is missing, to which the audit went", head.sequence));
            }
            Some(head) if head.sequence < verdict.last => {
                verdict.unsealed.push(behind_seal(head.sequence, verdict.last));
            }
            _ => {}
        }
    }
}
