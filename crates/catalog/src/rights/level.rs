//! Levels: a few privileges under one word, for who does not want to choose them one by one.
//! They are the same privileges as any others; revoking one of them by hand is fine.
//! Start reading at [`Level::privileges`].

use types::privilege::{Act, Place};

use super::privilege::{Privilege, Resource, Scope, Segment};

/// How much somebody may do to a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Look at everything.
    Read,
    /// Change data too.
    Write,
    /// Change the schema too, start and stop it, copy it, end transactions.
    Admin,
    /// Everything to it: drop it, alter it, give it away.
    Owner,
    /// Use it beside the session's own database in one statement; says nothing of what is seen there.
    CrossDatabase,
}

impl Level {
    /// Every level, from the least.
    pub const ALL: [Self; 5] = [Self::Read, Self::Write, Self::Admin, Self::Owner, Self::CrossDatabase];

    /// Reads a level or one of its other names, in any case of letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "read" | "read_only" | "viewer" | "training_job" => Self::Read,
            "write" | "read_write" | "editor" | "collaborative" | "persona_knowledge" => Self::Write,
            "admin" => Self::Admin,
            "owner" | "god_mode" => Self::Owner,
            "cross_db" | "cross_database" => Self::CrossDatabase,
            _ => return None,
        })
    }

    /// Gives the word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
            Self::Owner => "owner",
            Self::CrossDatabase => "cross_db",
        }
    }

    /// Lists what it grants on the databases of a scope.
    #[must_use]
    pub fn privileges(self, scope: &Scope) -> Vec<Privilege> {
        let each = |act, resource: &Resource| {
            [Segment::Nodes(None), Segment::Relationships(None)].map(|segment| Privilege {
                segment,
                resource: resource.clone(),
                scope: scope.clone(),
                ..Privilege::of(act)
            })
        };
        let of = |act| Privilege { scope: scope.clone(), ..Privilege::of(act) };
        let mut all = Vec::new();
        match self {
            Self::CrossDatabase => return vec![of(Act::CrossDatabase)],
            Self::Owner => return vec![of(Act::Ownership)],
            Self::Read | Self::Write | Self::Admin => {
                all.push(of(Act::Access));
                all.extend(each(Act::Match, &Resource::AllProperties));
                all.extend([Act::ShowIndex, Act::ShowConstraint].map(of));
            }
        }
        if self >= Self::Write {
            all.extend(each(Act::Write, &Resource::Nothing));
            all.push(of(Act::NameManagement));
        }
        if self >= Self::Admin {
            let acts = [Act::IndexManagement, Act::ConstraintManagement, Act::Start, Act::Stop, Act::Check];
            all.extend(acts.map(of));
            all.extend([Act::Backup, Act::ShowLimit].map(of));
            all.push(Privilege { segment: Segment::Users(None), ..of(Act::TransactionManagement) });
        }
        all
    }

    /// Lists the acts that somebody is kept from who has no more than this level, whatever else is granted.
    pub(crate) fn withheld(self) -> Vec<Act> {
        let calls =
            |act: Act| act == Act::AllDbms || act.holds(Act::ExecuteProcedure) || act.holds(Act::ExecuteFunction);
        // A group goes by its parts: to deny the whole would take what an owner may.
        let is_owners = |act: &Act| Act::Ownership.holds(*act);
        let kept = |act: Act| self == Self::Owner && Act::ALL.iter().any(|part| act.holds(*part) && is_owners(part));
        let on_server = |act: &Act| act.row().place == Place::Dbms && !calls(*act) && !kept(*act);
        let mut acts: Vec<Act> = Act::ALL.iter().copied().filter(on_server).collect();
        acts.push(Act::SetLimit);
        if self < Self::Admin {
            acts.extend([Act::CreateIndex, Act::DropIndex, Act::CreateConstraint, Act::DropConstraint]);
            acts.extend([Act::Start, Act::Stop, Act::Check, Act::Backup, Act::ShowLimit, Act::TransactionManagement]);
        }
        if self < Self::Write {
            acts.extend([Act::Write, Act::NameManagement]);
        }
        acts
    }
}
