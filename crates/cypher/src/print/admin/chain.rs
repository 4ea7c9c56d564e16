//! Commands in a row.

use std::fmt::{self, Display, Formatter};

use super::super::{Joined, Optional};
use crate::ast::{CommandChain, Link, Linked};

impl Display for CommandChain {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.links.iter().try_for_each(|link| write!(f, "{link} "))?;
        write!(f, "RETURN {}", self.returns)
    }
}

impl Display for Link {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { command, yields, filter } = self;
        write!(f, "{command} YIELD {yields}{}", Optional(" WHERE ", filter))
    }
}

impl Display for Linked {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(what) => return write!(f, "SHOW {what}"),
            Self::Indexes(Some(kind)) => return write!(f, "SHOW {kind} INDEXES"),
            Self::Constraints(filter) => return write!(f, "SHOW {filter}CONSTRAINTS"),
            _ => f.write_str(self.name())?,
        }
        let ids = self.ids();
        if ids.is_empty() { Ok(()) } else { write!(f, " {}", Joined(ids.iter(), ", ")) }
    }
}
