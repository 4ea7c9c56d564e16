//! Patterns and label expressions.

use std::fmt::{self, Display, Formatter, Write};

use super::{Key, Optional, Word};
use crate::ast::{
    LabelExpression, LabelName, Length, NodePattern, PathPattern, PathSelector, PatternElement, QuantifiedPattern,
    RelationshipPattern,
};
use types::Direction;

impl Display for PathPattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Optional("", &self.variable.as_ref().map(Named)))?;
        let close = match self.selector {
            PathSelector::All => "",
            PathSelector::ShortestPath => {
                f.write_str("shortestPath(")?;
                ")"
            }
            PathSelector::AllShortestPaths => {
                f.write_str("allShortestPaths(")?;
                ")"
            }
            PathSelector::Shortest(count) => selector(f, format_args!("SHORTEST {count} "))?,
            PathSelector::AllShortest => selector(f, format_args!("ALL SHORTEST "))?,
            PathSelector::ShortestGroups(count) => selector(f, format_args!("SHORTEST {count} GROUPS "))?,
            PathSelector::Any(count) => selector(f, format_args!("ANY {count} "))?,
        };
        self.elements.iter().try_for_each(|element| element.fmt(f))?;
        f.write_str(close)
    }
}

/// Writes the words of a selector, which needs no bracket at the end.
fn selector(f: &mut Formatter<'_>, words: fmt::Arguments<'_>) -> Result<&'static str, fmt::Error> {
    f.write_fmt(words)?;
    Ok("")
}

/// A path's variable.
struct Named<'a>(&'a crate::ast::Name);

impl Display for Named<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} = ", Word(self.0))
    }
}

impl Display for PatternElement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => node.fmt(f),
            Self::Relationship(relationship) => relationship.fmt(f),
            Self::Quantified(part) => part.fmt(f),
        }
    }
}

impl Display for NodePattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "({}{}", Optional("", &self.variable.as_ref().map(Word)), Optional(":", &self.labels))?;
        let named = self.variable.is_some() || self.labels.is_some();
        write!(f, "{}", Optional(if named { " " } else { "" }, &self.properties))?;
        let something = named || self.properties.is_some();
        write!(f, "{})", Optional(if something { " WHERE " } else { "WHERE " }, &self.filter))
    }
}

impl Display for RelationshipPattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(if self.direction == Direction::Incoming { "<-" } else { "-" })?;
        let is_run = self.length.is_some() && !self.is_quantified;
        let named = self.variable.is_some() || self.types.is_some() || is_run;
        if named || self.properties.is_some() || self.filter.is_some() {
            write!(f, "[{}{}", Optional("", &self.variable.as_ref().map(Word)), Optional(":", &self.types))?;
            let length = self.length.filter(|_| !self.is_quantified);
            write!(f, "{}{}", Optional("*", &length), Optional(if named { " " } else { "" }, &self.properties))?;
            let something = named || self.properties.is_some();
            write!(f, "{}]", Optional(if something { " WHERE " } else { "WHERE " }, &self.filter))?;
        }
        f.write_str(if self.direction == Direction::Outgoing { "->" } else { "-" })?;
        match self.length {
            Some(Length { min, max }) if self.is_quantified => Quantifier(min.unwrap_or(0), max).fmt(f),
            _ => Ok(()),
        }
    }
}

impl Display for Length {
    /// Writes what stands behind the `*`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (None, None) => Ok(()),
            (Some(min), Some(max)) if min == max => write!(f, "{min}"),
            (min, max) => write!(f, "{}..{}", Optional("", &min), Optional("", &max)),
        }
    }
}

impl Display for QuantifiedPattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "({}{})", self.pattern, Optional(" WHERE ", &self.filter))?;
        Quantifier(self.min, self.max).fmt(f)
    }
}

/// How often something repeats, at least and at most.
struct Quantifier(u64, Option<u64>);

impl Display for Quantifier {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self(1, None) => f.write_char('+'),
            Self(0, None) => f.write_char('*'),
            Self(min, Some(max)) if min == max => write!(f, "{{{min}}}"),
            Self(min, max) => write!(f, "{{{min},{}}}", Optional("", max)),
        }
    }
}

impl Display for LabelExpression {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => Key(name).fmt(f),
            Self::Any(_) => f.write_char('%'),
            Self::Dynamic(expression) => write!(f, "$({expression})"),
            Self::DynamicAny(expression) => write!(f, "$any({expression})"),
            Self::Not(inner) if matches!(**inner, Self::And(_) | Self::Or(_)) => write!(f, "!({inner})"),
            Self::Not(inner) => write!(f, "!{inner}"),
            Self::And(parts) => separated(f, parts, "&", |part| matches!(part, Self::And(_) | Self::Or(_))),
            Self::Or(parts) => separated(f, parts, "|", |part| matches!(part, Self::Or(_))),
        }
    }
}

fn separated(
    f: &mut Formatter<'_>,
    parts: &[LabelExpression],
    mark: &str,
    needs_brackets: fn(&LabelExpression) -> bool,
) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        f.write_str(if at > 0 { mark } else { "" })?;
        if needs_brackets(part) { write!(f, "({part})")? } else { part.fmt(f)? }
    }
    Ok(())
}

impl Display for LabelName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, ":{}", Key(name)),
            Self::Dynamic(expression) => write!(f, ":$({expression})"),
        }
    }
}
