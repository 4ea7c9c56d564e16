//! Names of labels, types and property keys, in memory and in both directions.
//! Leaves storing them to the commit that first needs them.
//! Start reading at [`Tokens::find_or_add`].

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

/// All names of one database; a name that has a number keeps it for good.
#[derive(Debug, Default)]
pub struct Tokens {
    tables: RwLock<[Table; 3]>,
}

#[derive(Debug, Default)]
struct Table {
    names: Vec<CompactString>,
    numbers: FxHashMap<CompactString, u32>,
    /// How many of the names are stored.
    stored: usize,
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
                    Ok(name) if is_next => drop(table.add(name)),
                    Ok(_) => failed = Some(GraphError::damaged("a name is missing")),
                    Err(error) => failed = Some(error),
                }
                failed.is_none()
            })?;
            if let Some(error) = failed {
                return Err(error);
            }
            table.stored = table.names.len();
        }
        Ok(tokens)
    }

    /// Gives the number of a name.
    #[must_use]
    pub fn find(&self, kind: TokenKind, name: &str) -> Option<u32> {
        self.tables.read()[kind as usize].numbers.get(name).copied()
    }

    /// Gives the number of a name, a new one if it has none.
    ///
    /// Errors: [`GraphError::NameTooLong`] beyond [`NAME_MAX_BYTES`].
    pub fn make(&self, kind: TokenKind, name: &str) -> Result<u32, GraphError> {
        match self.find_or_add(kind, name) {
            REFUSED => Err(GraphError::NameTooLong { bytes: name.len() }),
            id => Ok(id),
        }
    }

    /// As [`Tokens::make`], but gives [`REFUSED`] for a name that is too long; every write with it fails.
    pub fn find_or_add(&self, kind: TokenKind, name: &str) -> u32 {
        if let Some(id) = self.find(kind, name) {
            return id;
        }
        if name.len() > NAME_MAX_BYTES {
            return REFUSED;
        }
        let mut tables = self.tables.write();
        let table = &mut tables[kind as usize];
        table.numbers.get(name).copied().unwrap_or_else(|| table.add(name))
    }

    /// Gives the name of a number.
    #[must_use]
    pub fn name(&self, kind: TokenKind, id: u32) -> Option<CompactString> {
        self.tables.read()[kind as usize].names.get(id as usize).cloned()
    }

    /// Lists all names of a kind, by number.
    #[must_use]
    pub fn names(&self, kind: TokenKind) -> Vec<CompactString> {
        self.tables.read()[kind as usize].names.clone()
    }

    /// Lists the names that are not stored yet.
    pub(crate) fn unstored(&self) -> Vec<(TokenKind, u32, CompactString)> {
        let tables = self.tables.read();
        let of = |kind: TokenKind| {
            let table = &tables[kind as usize];
            (0_u32..).zip(&table.names).skip(table.stored).map(move |(id, name)| (kind, id, name.clone()))
        };
        KINDS.into_iter().flat_map(of).collect()
    }

    /// Says that these names are stored now.
    pub(crate) fn mark_stored(&self, tokens: &[(TokenKind, u32, CompactString)]) {
        let mut tables = self.tables.write();
        for (kind, id, _) in tokens {
            let table = &mut tables[*kind as usize];
            table.stored = table.stored.max(*id as usize + 1);
        }
    }
}

impl Table {
    fn add(&mut self, name: &str) -> u32 {
        let id = u32::try_from(self.names.len()).expect("memory ends before four billion names");
        self.names.push(name.into());
        self.numbers.insert(name.into(), id);
        id
    }
}
