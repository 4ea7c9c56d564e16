//! Entries that are ready for the store, gathered in one piece of memory.
//! Knows nothing of graphs. Start reading at [`Batch::add`].

use store::{StoreError, Writer};

use crate::error::GraphError;

/// A batch is full once it has this many bytes; the door takes no more at a time.
pub(crate) const BATCH_BYTES: usize = 8 << 20;

/// How the entries of a batch come into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Each key is greater than all that are there.
    Append,
    /// Anywhere.
    Put,
}

/// Keys and values, one behind the other.
#[derive(Debug)]
pub(crate) struct Batch {
    mode: Mode,
    bytes: Vec<u8>,
    /// Length of each key, and where its value ends.
    ends: Vec<(u16, usize)>,
}

impl Batch {
    pub fn new(mode: Mode) -> Self {
        Self { mode, bytes: Vec::new(), ends: Vec::new() }
    }

    /// Chooses how the entries to come are written; those before must be gone.
    pub fn set_mode(&mut self, mode: Mode) {
        debug_assert!(self.ends.is_empty(), "a batch is written in one way");
        self.mode = mode;
    }

    /// Adds an entry whose value `append` appends to what it is given; nothing if that fails.
    pub fn add<T>(
        &mut self,
        key: &[u8],
        append: impl FnOnce(&mut Vec<u8>) -> Result<T, GraphError>,
    ) -> Result<T, GraphError> {
        let from = self.bytes.len();
        self.bytes.extend_from_slice(key);
        let made = append(&mut self.bytes).inspect_err(|_| self.bytes.truncate(from))?;
        let key_bytes = u16::try_from(key.len()).expect("keys are shorter than 480 bytes");
        self.ends.push((key_bytes, self.bytes.len()));
        Ok(made)
    }

    /// Adds an entry.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value);
        let key_bytes = u16::try_from(key.len()).expect("keys are shorter than 480 bytes");
        self.ends.push((key_bytes, self.bytes.len()));
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Tells how many bytes of keys and values there are.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_full(&self) -> bool {
        self.bytes.len() >= BATCH_BYTES
    }

    /// Takes the entries, and leaves an empty batch of the same mode.
    pub fn take(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.mode))
    }

    /// Puts all entries into the store.
    pub fn write(&self, writer: &mut dyn Writer) -> Result<(), StoreError> {
        self.write_while(writer, || Ok(()))
    }

    /// As [`Batch::write`]; fails as `may_go_on` does, which is asked at each entry.
    pub fn write_while<E: From<StoreError>>(
        &self,
        writer: &mut dyn Writer,
        may_go_on: impl Fn() -> Result<(), E>,
    ) -> Result<(), E> {
        let mut from = 0;
        for (key_bytes, end) in &self.ends {
            may_go_on()?;
            let (key, value) = self.bytes[from..*end].split_at(usize::from(*key_bytes));
            match self.mode {
                Mode::Append => writer.append(key, value)?,
                Mode::Put => writer.put(key, value)?,
            }
            from = *end;
        }
        Ok(())
    }
}
