//! Numbers with a type each, so that two kinds cannot be swapped by mistake.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $inner:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        #[repr(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id!(
    /// One node within its database; never reused.
    NodeId,
    u64
);
id!(
    /// One relationship within its database; never reused.
    RelationshipId,
    u64
);
id!(
    /// A label's number within its database.
    LabelId,
    u32
);
id!(
    /// A relationship type's number within its database.
    TypeId,
    u32
);
id!(
    /// A property key's number within its database.
    KeyId,
    u32
);
id!(
    /// An index's number within its database.
    IndexId,
    u32
);

/// A database's lasting identity: 16 random bytes, kept through a rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DatabaseId(pub [u8; 16]);

impl Ord for DatabaseId {
    /// Compares as the bytes do, as two numbers: every statement looks for a database by its identity.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        u128::from_be_bytes(self.0).cmp(&u128::from_be_bytes(other.0))
    }
}

impl PartialOrd for DatabaseId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for DatabaseId {
    /// Writes the usual 8-4-4-4-12 hexadecimal form of a UUID.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Which relationships of a node are meant, seen from that node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Those that start at the node.
    Outgoing,
    /// Those that end at the node.
    Incoming,
    /// Both; a self-relationship counts once.
    Both,
}

impl Direction {
    /// Gives the direction seen from the other end.
    #[must_use]
    pub fn reversed(self) -> Self {
        match self {
            Self::Outgoing => Self::Incoming,
            Self::Incoming => Self::Outgoing,
            Self::Both => Self::Both,
        }
    }
}
