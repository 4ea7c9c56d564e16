//! The first line of a file: a role or a typed property for each column.

use compact_str::CompactString;

use super::convert::Kind;
use super::error::HeaderError;

/// What a file's rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A node each.
    Nodes,
    /// A relationship each.
    Relationships,
}

/// What a column's text is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// `:ID(Group)`: names the node among those of its group; with a name before the colon also a property.
    Id {
        /// The group; empty for the group without a name.
        group: CompactString,
        /// The property that keeps the id.
        property: Option<CompactString>,
    },
    /// `:LABEL`: the node's labels.
    Label,
    /// `:START_ID(Group)`: the node where the relationship starts.
    Start(CompactString),
    /// `:END_ID(Group)`: the node where the relationship ends.
    End(CompactString),
    /// `:TYPE`: the relationship's type.
    Type,
    /// `name:type`, `name:type[]`, or `name` for text.
    Property {
        /// The property's name.
        name: CompactString,
        /// What the text is read as.
        kind: Kind,
        /// Whether it holds a list.
        is_list: bool,
    },
    /// `:IGNORE`: nothing.
    Ignore,
}

/// A column of the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The header's text, for messages.
    pub text: CompactString,
    /// What it is for.
    pub role: Role,
}

/// A whole header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the rows are.
    pub subject: Subject,
    /// The columns from left to right.
    pub columns: Vec<Column>,
}

impl Header {
    /// Reads the texts of a header's columns.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, HeaderError> {
        let columns =
            texts.into_iter().enumerate().map(|(at, text)| column(at, text)).collect::<Result<Vec<_>, _>>()?;
        refuse_twins(&columns)?;
        Ok(Self { subject: subject(&columns)?, columns })
    }
}

fn column(at: usize, text: &str) -> Result<Column, HeaderError> {
    let text = text.trim();
    // The last colon counts: a property's name may hold others.
    let (name, kind) = text.rsplit_once(':').unwrap_or((text, "string"));
    let role = match role(name, kind) {
        Some(role) => role,
        None if name.is_empty() && !text.contains(':') => return Err(HeaderError::Nameless(at + 1)),
        None => property(at, text, name, kind)?,
    };
    Ok(Column { text: text.into(), role })
}

fn role(name: &str, kind: &str) -> Option<Role> {
    let (word, group) = match kind.strip_suffix(')').and_then(|open| open.split_once('(')) {
        Some((word, group)) => (word, Some(group)),
        None => (kind, None),
    };
    let of_group = CompactString::from(group.unwrap_or_default());
    Some(match (word.to_ascii_uppercase().as_str(), group) {
        ("ID", _) => Role::Id { group: of_group, property: (!name.is_empty()).then(|| name.into()) },
        ("START_ID", _) => Role::Start(of_group),
        ("END_ID", _) => Role::End(of_group),
        ("LABEL", None) => Role::Label,
        ("TYPE", None) => Role::Type,
        ("IGNORE", None) => Role::Ignore,
        _ => return None,
    })
}

fn property(at: usize, text: &str, name: &str, kind: &str) -> Result<Role, HeaderError> {
    let (kind, is_list) = match kind.strip_suffix("[]") {
        Some(item) => (item, true),
        None => (kind, false),
    };
    let kind = Kind::by_name(kind).ok_or_else(|| HeaderError::UnknownType(text.to_owned()))?;
    if name.is_empty() {
        return Err(HeaderError::Nameless(at + 1));
    }
    Ok(Role::Property { name: name.into(), kind, is_list })
}

/// Tells the text by which two columns are the same; none where a column may come again.
fn identity(column: &Column) -> Option<&str> {
    match &column.role {
        Role::Id { .. } => Some(":ID"),
        Role::Start(_) => Some(":START_ID"),
        Role::End(_) => Some(":END_ID"),
        Role::Type => Some(":TYPE"),
        Role::Property { name, .. } => Some(name),
        // Labels of several columns add up.
        Role::Label | Role::Ignore => None,
    }
}

fn refuse_twins(columns: &[Column]) -> Result<(), HeaderError> {
    let mut known: Vec<&str> = Vec::new();
    for column in columns {
        let kept = match &column.role {
            Role::Id { property, .. } => property.as_deref(),
            _ => None,
        };
        for identity in identity(column).into_iter().chain(kept) {
            if known.contains(&identity) {
                return Err(HeaderError::Twice(column.text.to_string()));
            }
            known.push(identity);
        }
    }
    Ok(())
}

fn subject(columns: &[Column]) -> Result<Subject, HeaderError> {
    let has = |wanted: fn(&Role) -> bool| columns.iter().any(|column| wanted(&column.role));
    let of_nodes = has(|role| matches!(role, Role::Id { .. } | Role::Label));
    let (start, end) = (has(|role| matches!(role, Role::Start(_))), has(|role| matches!(role, Role::End(_))));
    let of_relationships = start || end || has(|role| matches!(role, Role::Type));
    match (of_nodes, of_relationships) {
        (true, true) => Err(HeaderError::Mixed),
        (_, false) => Ok(Subject::Nodes),
        (false, true) if start && end => Ok(Subject::Relationships),
        (false, true) => Err(HeaderError::OneEnd),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: &str) {
        let shown = match Header::parse(header.split(',')) {
            Ok(header) => {
                let roles: Vec<_> = header.columns.iter().map(|column| format!("{:?}", column.role)).collect();
                format!("{:?}: {}", header.subject, roles.join("; "))
            }
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn headers_of_nodes() {
        check(
            "code:ID(Airport),name,:LABEL",
            "Nodes: Id { group: \"Airport\", property: Some(\"code\") }; \
             Property { name: \"name\", kind: String, is_list: false }; Label",
        );
        check(
            ":ID,scores:long[],note:IGNORE",
            "Nodes: Id { group: \"\", property: None }; Property { name: \"scores\", kind: Integer, is_list: true }; Ignore",
        );
    }

    #[test]
    fn headers_of_relationships() {
        check(
            ":START_ID(A),:END_ID(B),:TYPE,since:date",
            "Relationships: Start(\"A\"); End(\"B\"); Type; Property { name: \"since\", kind: Date, is_list: false }",
        );
        check(":START_ID,:TYPE", "error: a header of relationships needs both :START_ID and :END_ID");
    }

    #[test]
    fn wrong_headers_say_what_is_wrong() {
        check("a,,b", "error: column 2 has neither name nor role");
        check("a:color", "error: column \"a:color\" has an unknown type");
        check("a:int,a", "error: column \"a\" comes twice");
        check("a:ID,a:string", "error: column \"a:string\" comes twice");
        check(":ID,:TYPE", "error: a header has either :ID and :LABEL or :START_ID, :END_ID and :TYPE");
    }
}
