//! Commands about sessions.

use std::fmt::{self, Display, Formatter};

use super::super::Joined;
use crate::ast::SessionCommand;

impl Display for SessionCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Show { ids, tail } if ids.is_empty() => write!(f, "SHOW SESSIONS{tail}"),
            Self::Show { ids, tail } => write!(f, "SHOW SESSIONS {}{tail}", Joined(ids.iter(), ", ")),
            Self::Terminate { ids, tail } if ids.is_empty() => write!(f, "TERMINATE SESSIONS{tail}"),
            Self::Terminate { ids, tail } => write!(f, "TERMINATE SESSIONS {}{tail}", Joined(ids.iter(), ", ")),
        }
    }
}
