//! Privileges as `SHOW PRIVILEGES` shows them, column by column and as the commands that make them.
//! Leaves which of them are shown to `show`.
//! Start reading at [`Written::of`].

use catalog::graph_rights::name;
use catalog::{Holder, Names, Privilege, Resource, Scope, Segment};
use cypher::NamePattern;
use types::Value;
use types::privilege::{Narrows, Place};

/// One privilege in words.
pub(super) struct Written {
    pub access: &'static str,
    pub action: &'static str,
    pub resource: String,
    pub graph: String,
    pub segment: String,
    /// The words between `GRANT` and `TO`.
    pub words: String,
    pub immutable: bool,
    pub denied: bool,
}

impl Written {
    /// Puts a privilege into words; nothing where its database is gone.
    pub fn of(names: &Names, privilege: &Privilege) -> Option<Self> {
        let row = privilege.act.row();
        let graph = graph(names, &privilege.scope)?;
        Some(Self {
            access: if privilege.denied { "DENIED" } else { "GRANTED" },
            action: row.name,
            resource: resource(privilege, row.place),
            segment: pattern(privilege).unwrap_or_else(|| segment(&privilege.segment, row.narrows)),
            words: words(privilege, &graph),
            graph,
            immutable: privilege.immutable,
            denied: privilege.denied,
        })
    }

    /// Writes the command that grants or denies it to somebody.
    pub fn command(&self, holder: &str) -> String {
        let verb = if self.denied { "DENY" } else { "GRANT" };
        format!("{verb} {}{} TO {holder}", if self.immutable { "IMMUTABLE " } else { "" }, self.words)
    }

    /// Writes the command that takes it back.
    pub fn revoke_command(&self, holder: &str) -> String {
        let verb = if self.denied { "REVOKE DENY" } else { "REVOKE GRANT" };
        format!("{verb} {}{} FROM {holder}", if self.immutable { "IMMUTABLE " } else { "" }, self.words)
    }
}

/// Names who has a privilege, as a command does.
pub(super) fn holder(names: &Names, holder: &Holder) -> String {
    match holder {
        Holder::Role(role) => quoted(role),
        Holder::User(id) => {
            let user = names.users().find(|user| user.id == *id);
            format!("USER {}", quoted(user.map_or("", |user| user.name.as_str())))
        }
    }
}

/// Gives the role that has a privilege; null where it is a user.
pub(super) fn role_of(holder: &Holder) -> Value {
    match holder {
        Holder::Role(role) => role.as_str().into(),
        Holder::User(_) => Value::Null,
    }
}

pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// Names the databases that a privilege is about; nothing where there is none any more.
pub(super) fn graph(names: &Names, scope: &Scope) -> Option<String> {
    Some(match scope {
        Scope::All => "*".to_owned(),
        Scope::Home => "HOME".to_owned(),
        Scope::Default => "DEFAULT".to_owned(),
        Scope::Pattern(pattern) => pattern.to_string(),
        Scope::Alias(alias) => format!("ALIAS {}", names.alias(alias)?.name),
        Scope::Named(id) => names.database(*id).filter(|row| row.stage != catalog::Stage::Dropping)?.name.to_string(),
    })
}

fn resource(privilege: &Privilege, place: Place) -> String {
    match (&privilege.resource, &privilege.segment, place) {
        (Resource::AllProperties, ..) => "all_properties".to_owned(),
        (Resource::Property(key), ..) => format!("property({key})"),
        (Resource::AllLabels, ..) => "all_labels".to_owned(),
        (Resource::Label(label), ..) => format!("label({label})"),
        (Resource::Nothing, Segment::AllData, _) => "all_data".to_owned(),
        (Resource::Nothing, Segment::Cidr(range), _) => format!("cidr({range})"),
        (Resource::Nothing, _, Place::Graph) => "graph".to_owned(),
        (Resource::Nothing, _, Place::Database | Place::Dbms | Place::Load) => "database".to_owned(),
    }
}

/// Writes elements that are meant by the value of a property: `FOR (n:Film) WHERE n.level <= 3`.
fn pattern(privilege: &Privilege) -> Option<String> {
    let test = privilege.test.as_deref()?;
    let named = |of: &Option<types::CompactString>| of.as_ref().map_or(String::new(), |of| format!(":{}", name(of)));
    Some(match &privilege.segment {
        Segment::Relationships(kind) => format!("FOR ()-[r{}]-() WHERE {}", named(kind), test.written("r")),
        Segment::Nodes(label) => format!("FOR (n{}) WHERE {}", named(label), test.written("n")),
        _ => return None,
    })
}

fn segment(segment: &Segment, narrows: Narrows) -> String {
    let all = |name: &Option<types::CompactString>| name.as_deref().unwrap_or("*").to_owned();
    match segment {
        Segment::Nothing | Segment::AllData | Segment::Cidr(_) => "database".to_owned(),
        Segment::Nodes(label) => format!("NODE({})", all(label)),
        Segment::Relationships(kind) => format!("RELATIONSHIP({})", all(kind)),
        Segment::Users(user) => format!("USER({})", all(user)),
        Segment::Names(pattern) => match narrows {
            Narrows::Functions => format!("FUNCTION({pattern})"),
            Narrows::Settings => format!("SETTING({pattern})"),
            _ => format!("PROCEDURE({pattern})"),
        },
    }
}

fn words(privilege: &Privilege, graph: &str) -> String {
    let row = privilege.act.row();
    let mut words = privilege.act.printed();
    match (&privilege.resource, row.narrows) {
        (Resource::Property(key), _) => words.push_str(&format!(" {{{}}}", quoted(key))),
        (Resource::Label(label), _) => words.push_str(&format!(" {}", quoted(label))),
        (_, Narrows::Properties) => words.push_str(" {*}"),
        (_, Narrows::Labels) => words.push_str(" *"),
        _ => {}
    }
    match &privilege.segment {
        Segment::Users(None) => words.push_str(" (*)"),
        Segment::Users(Some(user)) => words.push_str(&format!(" ({})", quoted(user))),
        Segment::Names(pattern) => words.push_str(&format!(" {}", NamePattern(pattern))),
        _ => {}
    }
    let place = |word: &str| match &privilege.scope {
        Scope::Home => format!("HOME {word}"),
        Scope::Default => format!("DEFAULT {word}"),
        Scope::All => format!("{word} *"),
        Scope::Pattern(pattern) => format!("{word} {}", NamePattern(pattern)),
        Scope::Alias(alias) => format!("ALIAS {}", quoted(alias.as_str())),
        Scope::Named(_) => format!("{word} {}", quoted(graph)),
    };
    let place = match row.place {
        Place::Dbms => "DBMS".to_owned(),
        Place::Database => place("DATABASE"),
        Place::Graph => place("GRAPH"),
        Place::Load => match &privilege.segment {
            Segment::Cidr(range) => format!("CIDR '{range}'"),
            _ => "ALL DATA".to_owned(),
        },
    };
    words.push_str(&format!(" ON {place}"));
    let is_whole = row.narrows == Narrows::Labels;
    if let Some(pattern) = pattern(privilege) {
        return format!("{words} {pattern}");
    }
    match &privilege.segment {
        _ if is_whole => {}
        Segment::Nodes(label) => words.push_str(&format!(" NODE {}", label.as_deref().map_or("*".into(), quoted))),
        Segment::Relationships(kind) => {
            words.push_str(&format!(" RELATIONSHIP {}", kind.as_deref().map_or("*".into(), quoted)));
        }
        _ => {}
    }
    words
}
