//! Protocol versions, and what each of them changed on the wire.

use std::fmt;

/// A protocol version, as the handshake names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// The first number.
    pub major: u8,
    /// The second number.
    pub minor: u8,
}

impl Version {
    /// Bolt 4.3: as 4.4, but ROUTE names its database without a map. For libraries that stopped there, such as py2neo.
    pub const V4_3: Self = Self { major: 4, minor: 3 };
    /// Bolt 4.4: authentication in HELLO, entities without element ids.
    pub const V4_4: Self = Self { major: 4, minor: 4 };
    /// Bolt 5.0: element ids and date-times in UTC.
    pub const V5_0: Self = Self { major: 5, minor: 0 };
    /// Bolt 5.1: LOGON and LOGOFF.
    pub const V5_1: Self = Self { major: 5, minor: 1 };
    /// Bolt 5.2: notification filters.
    pub const V5_2: Self = Self { major: 5, minor: 2 };
    /// Bolt 5.3: `bolt_agent` in HELLO.
    pub const V5_3: Self = Self { major: 5, minor: 3 };
    /// Bolt 5.4: TELEMETRY.
    pub const V5_4: Self = Self { major: 5, minor: 4 };

    /// Every version served, best first.
    pub const SERVED: [Self; 7] = [Self::V5_4, Self::V5_3, Self::V5_2, Self::V5_1, Self::V5_0, Self::V4_4, Self::V4_3];
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// How one connection writes its messages: the version and the agreed patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// The version that the handshake chose.
    pub version: Version,
    /// Whether a client of 4.3 or 4.4 asked for `patch_bolt: ["utc"]` in its HELLO.
    pub utc_patch: bool,
}

impl Dialect {
    /// Gives the dialect of a version without patches.
    #[must_use]
    pub fn of(version: Version) -> Self {
        Self { version, utc_patch: false }
    }

    /// Tells whether nodes and relationships carry element ids.
    #[must_use]
    pub fn has_element_ids(self) -> bool {
        self.version >= Version::V5_0
    }

    /// Tells whether date-times travel as UTC seconds instead of wall-clock seconds.
    #[must_use]
    pub fn has_utc_datetimes(self) -> bool {
        self.utc_patch || self.version >= Version::V5_0
    }

    /// Tells whether ROUTE ends with a map, instead of the name of a database.
    #[must_use]
    pub fn has_route_options(self) -> bool {
        self.version >= Version::V4_4
    }

    /// Tells whether LOGON follows HELLO, instead of credentials inside it.
    #[must_use]
    pub fn has_logon(self) -> bool {
        self.version >= Version::V5_1
    }

    /// Tells whether the client may send TELEMETRY.
    #[must_use]
    pub fn has_telemetry(self) -> bool {
        self.version >= Version::V5_4
    }
}
