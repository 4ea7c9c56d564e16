//! Under which heading the listing of functions shows each one, as Neo4j's does.

use super::{Function, Kind};

/// The headings, each with the functions below it; an aggregate and what is nowhere here has its heading by itself.
const HEADINGS: &[(&str, &[&str])] = &[
    ("Database", &["database", "db", "db.name"]),
    ("List", &["head", "keys", "labels", "last", "nodes", "range", "relationships", "reverse", "tail"]),
    ("Load CSV", &["file", "linenumber"]),
    ("Logarithmic", &["e", "exp", "ln", "log", "log10", "sqrt"]),
    ("Numeric", &["abs", "ceil", "ceiling", "floor", "isNaN", "rand", "round", "sign"]),
    ("Predicate", &["exists", "isEmpty"]),
    ("Spatial", &["distance", "point", "point.distance", "point.withinBBox"]),
    (
        "String",
        &[
            "btrim",
            "left",
            "lower",
            "ltrim",
            "normalize",
            "replace",
            "right",
            "rtrim",
            "split",
            "substring",
            "toLower",
            "toString",
            "toStringOrNull",
            "toUpper",
            "trim",
            "upper",
        ],
    ),
    (
        "Trigonometric",
        &[
            "acos", "asin", "atan", "atan2", "cos", "cosh", "cot", "coth", "degrees", "haversin", "pi", "radians",
            "sin", "sinh", "tan", "tanh",
        ],
    ),
];

/// Families by the first part of their names.
const FAMILIES: &[(&str, &str)] = &[
    ("apoc", "APOC"),
    ("date", "Temporal"),
    ("datetime", "Temporal"),
    ("duration", "Temporal"),
    ("graph", "Graph"),
    ("localdatetime", "Temporal"),
    ("localtime", "Temporal"),
    ("time", "Temporal"),
    ("vector", "Vector"),
];

impl Function {
    /// Gives the heading under which the listing of functions shows it.
    #[must_use]
    pub fn category(&self) -> &'static str {
        if matches!(self.kind, Kind::Aggregate(_)) {
            return "Aggregating";
        }
        if self.name.ends_with("List") {
            return "List";
        }
        let family = self.name.split('.').next().unwrap_or_default();
        let in_family = FAMILIES.iter().find(|(name, _)| *name == family).map(|(_, heading)| *heading);
        let listed = || HEADINGS.iter().find(|(_, names)| names.contains(&self.name)).map(|(heading, _)| *heading);
        in_family.or_else(listed).unwrap_or("Scalar")
    }

    /// Tells whether it is part of the language itself, not of a library that came on top.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        !self.name.starts_with("apoc.")
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn functions_have_a_heading() {
        let check = |name: &str, expected: &str| {
            assert_eq!(crate::functions::find(name).map(super::Function::category), Some(expected), "{name}");
        };
        check("count", "Aggregating");
        check("date.truncate", "Temporal");
        check("toIntegerList", "List");
        check("toInteger", "Scalar");
        check("sin", "Trigonometric");
        check("apoc.map.clean", "APOC");
    }
}
