//! The roles that are always there, and what each of them may do.
//! Leaves `PUBLIC`, whose privileges can be changed, to rows; they begin with [`public`].
//! Start reading at [`privileges`].

use std::sync::LazyLock;

use types::privilege::Act;

use super::privilege::{Privilege, Resource, Scope, Segment};

static READER: LazyLock<Vec<Privilege>> = LazyLock::new(|| {
    let mut all = vec![Privilege::of(Act::Access)];
    all.extend(everywhere(Act::Match, &Resource::AllProperties));
    all.extend([Act::ShowConstraint, Act::ShowIndex].map(Privilege::of));
    all
});
static EDITOR: LazyLock<Vec<Privilege>> =
    LazyLock::new(|| READER.iter().cloned().chain(everywhere(Act::Write, &Resource::Nothing)).collect());
static PUBLISHER: LazyLock<Vec<Privilege>> = LazyLock::new(|| with(&EDITOR, &[Act::NameManagement]));
static ARCHITECT: LazyLock<Vec<Privilege>> = LazyLock::new(|| {
    let mut all = with(&PUBLISHER, &[Act::IndexManagement, Act::ConstraintManagement]);
    all.retain(|privilege| !matches!(privilege.act, Act::ShowIndex | Act::ShowConstraint));
    all
});
static ADMIN: LazyLock<Vec<Privilege>> = LazyLock::new(|| {
    let mut all = with(&ARCHITECT, &[Act::Start, Act::Stop, Act::Ownership, Act::SetLimit, Act::AllDbms]);
    all.push(Privilege { segment: Segment::Users(None), ..Privilege::of(Act::TransactionManagement) });
    all.push(load());
    all
});

/// Gives what a built-in role may do; nothing for a role that somebody made, and for `PUBLIC`.
pub(crate) fn privileges(role: &str) -> &'static [Privilege] {
    match role {
        "reader" => &READER,
        "editor" => &EDITOR,
        "publisher" => &PUBLISHER,
        "architect" => &ARCHITECT,
        "admin" => &ADMIN,
        _ => &[],
    }
}

/// Gives what everybody may do until somebody revokes it: come to the home database, call procedures and functions, load
/// data, and name other databases in a statement. None of them shows any data.
pub(crate) fn public() -> Vec<Privilege> {
    let named = |act| Privilege { segment: Segment::Names("*".into()), ..Privilege::of(act) };
    vec![
        Privilege { scope: Scope::Home, ..Privilege::of(Act::Access) },
        named(Act::ExecuteProcedure),
        named(Act::ExecuteFunction),
        load(),
        Privilege::of(Act::CrossDatabase),
    ]
}

fn load() -> Privilege {
    Privilege { segment: Segment::AllData, ..Privilege::of(Act::Load) }
}

fn with(less: &[Privilege], acts: &[Act]) -> Vec<Privilege> {
    less.iter().cloned().chain(acts.iter().copied().map(Privilege::of)).collect()
}

/// Grants an act on every node and every relationship of every graph.
fn everywhere(act: Act, resource: &Resource) -> [Privilege; 2] {
    [Segment::Nodes(None), Segment::Relationships(None)].map(|segment| Privilege {
        segment,
        resource: resource.clone(),
        ..Privilege::of(act)
    })
}
