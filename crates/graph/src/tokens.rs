//! Names of labels, types and property keys, in memory and in both directions.
//! A name belongs to the transactions that made it until one of them commits it; what none of them keeps is forgotten.
//! Start reading at [`Tokens::find`] and [`Made`].

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::RwLock;
use rustc_hash::FxHashMap;
use store::{Reader, VALUE_MAX_BYTES};
use types::CompactString;

use crate::GraphError;
use crate::codec::CHECKSUM_BYTES;
use crate::codec::fact::decode_name;
use crate::keys::{self, TokenKind};

const KINDS: [TokenKind; 3] = [TokenKind::Label, TokenKind::Type, TokenKind::Key];

/// Longest name: what one value of the store holds beside its checksum.
pub const NAME_MAX_BYTES: usize = VALUE_MAX_BYTES - CHECKSUM_BYTES;
/// The number that stands for a name that no table takes.
pub const REFUSED: u32 = u32::MAX;
/// What is stored under a number that was nobody's when one beyond it was stored; no name is like it.
const FREE: &str = "\0free";
/// What a name that waits takes in memory beside its bytes, which are there in both directions and with its maker.
const WAITING_BYTES: usize = 128;

/// A name with its number, as it is stored.
pub(crate) type Token = (TokenKind, u32, CompactString);

/// All names of one database; a name that is stored has its number for good.
#[derive(Debug, Default)]
pub struct Tokens {
    tables: RwLock<[Table; 3]>,
}

#[derive(Debug, Default)]
struct Table {
    /// By number; empty where a number is free.
    names: Vec<CompactString>,
    /// Names that are stored.
    numbers: FxHashMap<CompactString, u32>,
    /// Names that are not stored.
    waiting: FxHashMap<CompactString, Waiting>,
    /// Those of them that are stored with what is written next.
    pinned: Vec<Token>,
    /// Numbers that the next new names get.
    free: BTreeSet<u32>,
    /// How many numbers have an entry in the store.
    stored: usize,
}

/// A name that is forgotten with the last of those who made it.
#[derive(Debug)]
struct Waiting {
    id: u32,
    makers: usize,
    /// Whether it is never given up.
    is_pinned: bool,
}

/// Names that one transaction made and nobody has stored yet; given up when it is dropped.
#[derive(Debug)]
pub(crate) struct Made {
    tokens: Arc<Tokens>,
    /// In the order in which they were made.
    names: Vec<Token>,
    numbers: [FxHashMap<CompactString, u32>; 3],
    bytes: usize,
}

impl Tokens {
    /// Reads the names out of a store.
    pub(crate) fn load(reader: &dyn Reader) -> Result<Self, GraphError> {
        let tokens = Self::default();
        for kind in KINDS {
            let from = [keys::Table::Token as u8, kind as u8];
            let mut tables = tokens.tables.write();
            let table = &mut tables[kind as usize];
            let mut failed = None;
            reader.scan(&from[..]..&keys::after_prefix(&from)[..], &mut |key, sealed| {
                let is_next = keys::u32_at(key, 2).is_some_and(|id| id as usize == table.names.len());
                match decode_name(sealed) {
                    Ok(name) if is_next => table.load(name),
                    Ok(_) => failed = Some(GraphError::damaged("a name is missing")),
                    Err(error) => failed = Some(error),
                }
                failed.is_none()
            })?;
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(tokens)
    }

    /// Gives the number of a name that is stored.
    #[must_use]
    pub fn find(&self, kind: TokenKind, name: &str) -> Option<u32> {
        self.tables.read()[kind as usize].numbers.get(name).copied()
    }

    /// Gives the number of a name, a new one if it has none, for who has the database for himself, as a load does: it is
    /// stored with what is written next.
    ///
    /// Errors: [`GraphError::NameTooLong`] beyond [`NAME_MAX_BYTES`], [`GraphError::NameRefused`].
    pub fn make(&self, kind: TokenKind, name: &str) -> Result<u32, GraphError> {
        if let Some(id) = self.tables.read()[kind as usize].find_lasting(name) {
            return Ok(id);
        }
        check_name(name)?;
        let table = &mut self.tables.write()[kind as usize];
        Ok(table.find_lasting(name).unwrap_or_else(|| table.pin(kind, name)))
    }

    /// Gives the name of a number.
    #[must_use]
    pub fn name(&self, kind: TokenKind, id: u32) -> Option<CompactString> {
        let table = &self.tables.read()[kind as usize];
        table.names.get(id as usize).filter(|_| !table.free.contains(&id)).cloned()
    }

    /// Lists the names of a kind that are stored, by number.
    #[must_use]
    pub fn names(&self, kind: TokenKind) -> Vec<CompactString> {
        let table = &self.tables.read()[kind as usize];
        let is_stored = |(id, name): &(u32, &CompactString)| table.numbers.get(*name) == Some(id);
        (0_u32..).zip(&table.names).filter(is_stored).map(|(_, name)| name.clone()).collect()
    }

    /// Gives what the store has to be given so that it has these names, and those that belong to no transaction: each that
    /// it has not, and something under the numbers before it, so that there is no gap.
    pub(crate) fn to_store<'n>(&self, names: impl Iterator<Item = &'n Token>) -> Vec<Token> {
        let tables = self.tables.read();
        let mut wanted: Vec<Token> =
            names.filter(|(kind, _, name)| tables[*kind as usize].waiting.contains_key(name)).cloned().collect();
        wanted.extend(tables.iter().flat_map(|table| &table.pinned).cloned());
        wanted.sort_unstable_by_key(|(kind, id, _)| (*kind as u8, *id));
        wanted.dedup();
        let mut all = Vec::with_capacity(wanted.len());
        for named in wanted.chunk_by(|one, other| one.0 == other.0) {
            let mut next = tables[named[0].0 as usize].stored;
            for (kind, id, name) in named {
                let before = next..*id as usize;
                all.extend(before.map(|free| (*kind, u32::try_from(free).unwrap_or(REFUSED), FREE.into())));
                all.push((*kind, *id, name.clone()));
                next = next.max(*id as usize + 1);
            }
        }
        all
    }

    /// Says that the store has these now.
    pub(crate) fn mark_stored(&self, stored: &[Token]) {
        let mut tables = self.tables.write();
        for (kind, id, name) in stored {
            let table = &mut tables[*kind as usize];
            table.stored = table.stored.max(*id as usize + 1);
            if name != FREE {
                table.waiting.remove(name);
                table.numbers.insert(name.clone(), *id);
            }
        }
        for table in &mut *tables {
            let Table { pinned, waiting, .. } = table;
            pinned.retain(|(_, _, name)| waiting.contains_key(name));
        }
    }

    /// Gives the number of a name, and whether it waits and has one maker more by this.
    fn hold(&self, kind: TokenKind, name: &str) -> Result<(u32, bool), GraphError> {
        check_name(name)?;
        let table = &mut self.tables.write()[kind as usize];
        match table.numbers.get(name) {
            Some(id) => Ok((*id, false)),
            None => Ok((table.hold(name), true)),
        }
    }

    /// Takes a maker from each of these names.
    fn release<'n>(&self, names: impl IntoIterator<Item = &'n Token>) {
        let mut tables = self.tables.write();
        names.into_iter().for_each(|(kind, _, name)| tables[*kind as usize].release(name));
    }
}

impl Table {
    fn load(&mut self, name: &str) {
        let id = u32::try_from(self.names.len()).expect("memory ends before four billion names");
        self.stored += 1;
        if name == FREE {
            self.names.push(CompactString::default());
            self.free.insert(id);
        } else {
            self.names.push(name.into());
            self.numbers.insert(name.into(), id);
        }
    }

    /// Finds a name that nobody gives up.
    fn find_lasting(&self, name: &str) -> Option<u32> {
        let pinned = || self.waiting.get(name).filter(|waiting| waiting.is_pinned).map(|waiting| waiting.id);
        self.numbers.get(name).copied().or_else(pinned)
    }

    fn pin(&mut self, kind: TokenKind, name: &str) -> u32 {
        let id = self.hold(name);
        if let Some(waiting) = self.waiting.get_mut(name) {
            waiting.is_pinned = true;
        }
        self.pinned.push((kind, id, name.into()));
        id
    }

    fn hold(&mut self, name: &str) -> u32 {
        if let Some(waiting) = self.waiting.get_mut(name) {
            waiting.makers += 1;
            return waiting.id;
        }
        let id = self.free.pop_first().unwrap_or_else(|| {
            self.names.push(CompactString::default());
            u32::try_from(self.names.len() - 1).expect("memory ends before four billion names")
        });
        self.names[id as usize] = name.into();
        self.waiting.insert(name.into(), Waiting { id, makers: 1, is_pinned: false });
        id
    }

    /// Forgets a name with its last maker, unless it is stored by now.
    fn release(&mut self, name: &str) {
        let Some(waiting) = self.waiting.get_mut(name) else { return };
        waiting.makers -= 1;
        if waiting.makers > 0 {
            return;
        }
        let id = waiting.id;
        self.waiting.remove(name);
        self.names[id as usize] = CompactString::default();
        self.free.insert(id);
        while self.names.len() > self.stored
            && self.free.last().is_some_and(|last| *last as usize + 1 == self.names.len())
        {
            self.free.pop_last();
            self.names.pop();
        }
    }
}

impl Made {
    /// Begins with none.
    pub fn new(tokens: Arc<Tokens>) -> Self {
        Self { tokens, names: Vec::new(), numbers: Default::default(), bytes: 0 }
    }

    /// Gives the number of a name that is stored, or was made here.
    pub fn find(&self, kind: TokenKind, name: &str) -> Option<u32> {
        self.tokens.find(kind, name).or_else(|| self.numbers[kind as usize].get(name).copied())
    }

    /// Gives the number of a name, a new one if it has none.
    pub fn make(&mut self, kind: TokenKind, name: &str) -> Result<u32, GraphError> {
        if let Some(id) = self.find(kind, name) {
            return Ok(id);
        }
        let (id, is_held) = self.tokens.hold(kind, name)?;
        if is_held {
            self.numbers[kind as usize].insert(name.into(), id);
            self.names.push((kind, id, name.into()));
            self.bytes += held_bytes(name);
        }
        Ok(id)
    }

    /// Lists the names of a kind that are stored, and behind them those that were made here.
    pub fn names(&self, kind: TokenKind) -> Vec<CompactString> {
        let mut names = self.tokens.names(kind);
        let own = self.names.iter().filter(|(of, _, name)| *of == kind && self.tokens.find(kind, name).is_none());
        names.extend(own.map(|(_, _, name)| name.clone()));
        names
    }

    /// Lends what was made, for a commit.
    pub fn all(&self) -> &[Token] {
        &self.names
    }

    /// Tells about how many bytes of memory they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Tells how many there are, to go back to.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Gives up all but the first ones.
    pub fn truncate(&mut self, len: usize) {
        let gone = self.names.split_off(len.min(self.names.len()));
        for (kind, _, name) in &gone {
            self.numbers[*kind as usize].remove(name);
            self.bytes -= held_bytes(name);
        }
        if !gone.is_empty() {
            self.tokens.release(&gone);
        }
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        self.truncate(0);
    }
}

fn held_bytes(name: &str) -> usize {
    4 * name.len() + WAITING_BYTES
}

/// Refuses what cannot be a name.
fn check_name(name: &str) -> Result<(), GraphError> {
    if name.is_empty() || name.contains('\0') {
        return Err(GraphError::NameRefused { name: name.into() });
    }
    if name.len() > NAME_MAX_BYTES {
        return Err(GraphError::NameTooLong { bytes: name.len() });
    }
    Ok(())
}
