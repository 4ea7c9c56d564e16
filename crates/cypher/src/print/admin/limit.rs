//! Commands about limits.

use std::fmt::{self, Display, Formatter};

use crate::ast::{LimitCommand, LimitOwner, LimitValue};
use crate::print::{Joined, Key, Optional, Word};

impl Display for LimitCommand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let exists = |if_exists: &bool| if *if_exists { " IF EXISTS" } else { "" };
        match self {
            Self::Set { owner, limits, if_exists, wait } => {
                write!(f, "ALTER {owner}{} SET LIMIT ", exists(if_exists))?;
                for (number, (name, value)) in limits.iter().enumerate() {
                    let comma = if number > 0 { ", " } else { "" };
                    write!(f, "{comma}{} = {value}", Word(name))?;
                }
                write!(f, "{wait}")
            }
            Self::Remove { owner, limits, if_exists, wait } => {
                let names = Joined(limits.iter().map(Word), ", ");
                write!(f, "ALTER {owner}{} REMOVE LIMIT {names}{wait}", exists(if_exists))
            }
            Self::ShowLimits { owner, tail } => write!(f, "SHOW LIMITS{}{tail}", Optional(" FOR ", owner)),
            Self::ShowUsage { database, tail } => {
                write!(f, "SHOW USAGE{}{tail}", Optional(" FOR DATABASE ", database))
            }
        }
    }
}

impl Display for LimitOwner {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(name) => write!(f, "DATABASE {name}"),
            Self::Role(name) => write!(f, "ROLE {name}"),
        }
    }
}

impl Display for LimitValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(value) => f.write_str(&types::text::literal(value)),
            Self::Parameter(name) => write!(f, "${}", Key(name)),
        }
    }
}
