//! Who may call which procedures and functions, for listings that tell it of others than who asks.
//! Leaves refusing calls to whoever runs them, by [`crate::Grant::rights`].
//! Start reading at [`rights_of`].

use std::sync::Arc;

use types::privilege::Act;
use types::{CompactString, DatabaseId};

use crate::graph_rights::{Builder, GraphRights, Patterns};
use crate::{Holder, Names, Privilege};

/// What the users of one role may call, by themselves or with every right.
#[derive(Clone, Debug)]
pub struct RoleCalls {
    /// The role.
    pub role: CompactString,
    /// Procedures.
    pub procedures: Patterns,
    /// Functions with a namespace.
    pub functions: Patterns,
    /// Procedures with every right.
    pub boosted_procedures: Patterns,
    /// Functions with every right.
    pub boosted_functions: Patterns,
}

/// Gives what a user may do in a database, whoever asks; nothing for a user that is not there or is kept out.
#[must_use]
pub fn rights_of(names: &Names, user: &str, database: DatabaseId) -> Arc<GraphRights> {
    let found = names.user(user).and_then(|user| names.memory.of(names, user.id, None).ok());
    let on = found.and_then(|rights| rights.under_own_name(names, database));
    on.map_or_else(|| Arc::new(GraphRights::nothing()), |on| Arc::clone(&on.graph))
}

/// Lists what each role may call, by name.
#[must_use]
pub fn calls_of_roles(names: &Names) -> Vec<RoleCalls> {
    let one = |role: CompactString| {
        let holder = Holder::Role(role.clone());
        // `as_call` gives the act that calls by one, if it speaks of calls.
        let added = |as_call: fn(Act) -> Option<Act>| {
            let mut builder = Builder::new(role.clone());
            for privilege in names.privileges_of(&holder) {
                if let Some(act) = as_call(privilege.act) {
                    Privilege { act, ..privilege.clone() }.add_to(&mut builder);
                }
            }
            builder.build()
        };
        let plain = added(|act| (act.holds(Act::ExecuteProcedure) || act.holds(Act::ExecuteFunction)).then_some(act));
        let boosted = added(|act| match act {
            Act::ExecuteBoostedProcedure => Some(Act::ExecuteProcedure),
            Act::ExecuteBoostedFunction => Some(Act::ExecuteFunction),
            Act::AllDbms => Some(act),
            _ => None,
        });
        RoleCalls {
            procedures: plain.procedures,
            functions: plain.functions,
            boosted_procedures: boosted.procedures,
            boosted_functions: boosted.functions,
            role,
        }
    };
    names.roles().into_iter().map(one).collect()
}
