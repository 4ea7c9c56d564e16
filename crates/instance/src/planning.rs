//! Making a plan: the graphs that a statement names are found, allowed and opened while it is prepared.
//! Leaves the plan itself to `query`.
//! Start reading at [`Planning::plan`].

use std::cell::Cell;
use std::sync::Arc;

use catalog::{Access, Names, Principal, Target};
use cypher::ast::{Clause, ClauseKind, Expression, ExpressionKind, GraphFunction, GraphReference, Mode, Query};
use query::procedure::Procedure;
use query::{Graphs, Source};
use types::{Code, Failure, Map, Position, Value, effort};

use crate::error::of_graph;
use crate::instance::Shared;
use crate::plans::{Basis, Planned, PlannedSource};
use crate::reach::{Reached, sight_of};
use crate::running::Allowance;
use crate::sight;
use crate::source::{GraphSource, Writes};
use crate::statement::Statement;
use crate::table::NoGraph;
use crate::transaction::OpenTransaction;

/// How often the planner asks whether it may go on, for each time that somebody really looks.
const LOOKS_BETWEEN_CHECKS: u32 = 16;

/// What indexes a plan may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Indexes {
    /// Those of the latest commit.
    Latest,
    /// None: the transaction that will run the plan began before the latest were made.
    None,
}

/// By what name a statement means its first database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum First {
    /// That of the session, or by none.
    Own,
    /// One that the statement gives to the session's database, which it means by that alone.
    Named,
}

/// A statement that is being prepared.
pub(crate) struct Planning<'a> {
    shared: &'a Shared,
    principal: &'a Principal,
    names: &'a Names,
    parameters: &'a Map,
    text: &'a str,
    indexes: Indexes,
    /// The transaction that will run the plan, if one is open.
    transaction: Option<&'a Arc<OpenTransaction>>,
    numbered: Vec<PlannedSource>,
    sources: Vec<Box<dyn Source>>,
    allowance: &'a Allowance,
    /// How often the planner has asked whether it may go on.
    looks: Cell<u32>,
    /// Whether it serves these parameters only.
    is_personal: bool,
    /// Whether anything was asked of the statement's own database.
    uses_own: Cell<bool>,
    /// Whether a procedure is called where the statement names no database.
    calls_on_own: Cell<bool>,
    /// By what name the first database is meant.
    first: First,
    /// A name that led to nothing, or to nothing that the user may use.
    missed: Option<String>,
}

impl<'a> Planning<'a> {
    /// Prepares a query of a statement; what names no graph means `own`.
    pub(crate) fn plan(
        statement: &'a Statement<'_>,
        own: &Target,
        query: &Query,
        mode: Mode,
        indexes: Indexes,
    ) -> Result<Planned, Failure> {
        Self::plan_for(statement, (own, First::Own), query, mode, indexes)
    }

    fn plan_for(
        statement: &'a Statement<'_>,
        (own, first): (&Target, First),
        query: &Query,
        mode: Mode,
        indexes: Indexes,
    ) -> Result<Planned, Failure> {
        let Statement { shared, principal, names, text, .. } = *statement;
        let (numbered, sources, looks, uses_own) = (Vec::new(), Vec::new(), Cell::new(0), Cell::new(false));
        let calls_on_own = Cell::new(false);
        let allowance = &statement.allowance;
        let (parameters, is_personal) = (&statement.parameters, false);
        let mut planning = Self {
            shared,
            principal,
            names,
            parameters,
            text,
            indexes,
            transaction: statement.transaction,
            numbered,
            sources,
            allowance,
            looks,
            is_personal,
            uses_own,
            calls_on_own,
            first,
            missed: None,
        };
        planning.add(own)?;
        let watched = effort::watch(Arc::new(allowance.clone()), usize::MAX);
        let prepared = query::prepare(text, query, &mut planning);
        if watched.is_over() {
            return Err(allowance.over());
        }
        drop(watched);
        let otherwise = planning.numbered.iter().skip(1).find(|source| source.target.database == own.database);
        if let Some(PlannedSource { target: otherwise, .. }) = otherwise {
            if planning.asks_own() {
                return Err(two_names(own, otherwise));
            }
            return Self::plan_for(statement, (&otherwise.clone(), First::Named), query, mode, indexes);
        }
        let prepared = match planning.missed.take() {
            Some(name) => prepared.map_err(|failure| failure.about(name)),
            None => prepared,
        }?;
        let lower = text.to_ascii_lowercase();
        let counts_lines = lower.contains("linenumber");
        let asks_graphs = (lower.contains("graph")
            && ["names", "propertiesbyname"].iter().any(|name| lower.contains(name)))
            || lower.contains("namefromelementid");
        let is_personal = planning.is_personal;
        let touched = if planning.numbered.len() == 1 { 0 } else { usize::from(!planning.asks_own()) };
        if planning.numbered[touched..].iter().all(|source| source.target.name.is_system()) && !suits_system(query) {
            return Err(NoGraph::refuses(text));
        }
        let (sources, versions) = (planning.numbered, statement.versions());
        Ok(Planned { prepared, mode, counts_lines, asks_graphs, is_personal, sources, first, touched, versions })
    }

    fn add(&mut self, target: &Target) -> Result<u16, Failure> {
        let number = u16::try_from(self.numbered.len()).expect("a text of 64 MiB at most names fewer databases");
        let reached = self.shared.reach_within(self.transaction, self.principal, self.names, target, Access::Read)?;
        let sight = reached.sight();
        let (source, basis): (Box<dyn Source>, _) = match &reached {
            Reached::System => (Box::new(NoGraph), None),
            Reached::Graph { database, rights, .. } => {
                let basis = Basis::of(&database.graph)?;
                let transaction = database.graph.begin_read().map_err(of_graph)?;
                let source =
                    GraphSource::new(Arc::clone(database), number, transaction, Writes::ReadMode).called_as(&reached);
                let source = if self.indexes == Indexes::None { source.without_indexes() } else { source };
                (sight::open_for_planning(source, rights, self.allowance), Some(basis))
            }
        };
        self.sources.push(source);
        self.numbered.push(PlannedSource { target: target.clone(), names: Vec::new(), basis, sight });
        Ok(number)
    }

    /// Numbers a database that the statement names. Its names are one where its user has the same rights under each; one
    /// name never lends its rights to another.
    fn number_of(&mut self, target: &Target) -> Result<u16, Failure> {
        let is_same = |known: &PlannedSource| known.target.database == target.database;
        if !self.numbered.iter().any(is_same) {
            return self.add(target);
        }
        let sight = sight_of(self.names, self.principal, target)?;
        let is_alike = |known: &PlannedSource| is_same(known) && (known.target == *target || known.sight == sight);
        if let Some(number) = self.numbered.iter().position(is_alike) {
            self.uses_own.set(self.uses_own.get() || number == 0);
            let names = &mut self.numbered[number].names;
            if !names.contains(target) {
                names.push(target.clone());
            }
            return Ok(u16::try_from(number).expect("it was a number before"));
        }
        // Whether it means the session's own at all is known at the end: until then this is another one.
        let is_first_alone = !self.numbered.iter().skip(1).any(is_same);
        if is_first_alone && self.first == First::Own {
            return self.add(target);
        }
        let known = self.numbered.iter().rfind(|known| is_same(known));
        Err(known.map_or_else(NoGraph::refused, |known| two_names(&known.target, target)))
    }
}

/// Refuses a statement that means one database by two names under which its user has different rights: what it found by
/// one of them would be read by the other.
fn two_names(one: &Target, other: &Target) -> Failure {
    let shown = |target: &Target| target.alias.as_ref().unwrap_or(&target.name).to_string();
    let text = format!(
        "'{}' and '{}' are one database, and you have different rights on it under each name. Name it in one way within a \
         statement.",
        shown(one),
        shown(other)
    );
    Failure::new(Code::Forbidden, text)
}

/// Tells whether a query calls procedures and goes on with what they give, which is all that `system` runs.
fn suits_system(query: &Query) -> bool {
    let suits = |clause: &Clause| match &clause.kind {
        ClauseKind::CallProcedure { .. }
        | ClauseKind::With { .. }
        | ClauseKind::Return { .. }
        | ClauseKind::Finish
        | ClauseKind::Use { .. } => true,
        // What follows a `SHOW` takes the rows of that so, under names that hold spaces.
        ClauseKind::Unwind { variable, .. } => variable.text.starts_with("  "),
        _ => false,
    };
    query.rest.is_empty() && query.first.clauses.iter().all(suits)
}

impl Graphs for Planning<'_> {
    fn number(&mut self, reference: &GraphReference) -> Result<u16, Failure> {
        self.is_personal |= reference.found_by.is_some();
        let place = |failure: Failure| failure.at(self.place(reference));
        let typed = typed_name(reference, self.names, self.principal, self.parameters).map_err(place)?;
        let target = catalog::access::resolve(self.names, self.principal, &typed);
        let number = match target {
            Ok(target) => self.number_of(&target),
            Err(error) => Err(error.into()),
        };
        number.map_err(|failure| {
            let position = self.place(reference);
            self.missed = Some(typed);
            failure.at(position)
        })
    }

    fn source(&self, number: u16) -> &dyn Source {
        if number == 0 {
            self.uses_own.set(true);
        }
        self.sources[usize::from(number)].as_ref()
    }

    fn procedure(&self, name: &str) -> Option<Arc<dyn Procedure>> {
        self.shared.procedures.find(name)
    }

    fn calls_on(&self, number: u16) {
        if number == 0 {
            self.calls_on_own.set(true);
        }
    }

    fn nearest_procedure(&self, name: &str) -> Option<String> {
        self.shared.procedures.nearest(name)
    }

    fn look(&self) -> Result<(), Failure> {
        if !effort::pay(1) {
            return Err(self.allowance.over());
        }
        let looks = self.looks.get();
        self.looks.set(looks.wrapping_add(1));
        if looks % LOOKS_BETWEEN_CHECKS == LOOKS_BETWEEN_CHECKS - 1 { self.allowance.check() } else { Ok(()) }
    }
}

impl Planning<'_> {
    /// Tells whether the statement asks anything of the session's own database.
    fn asks_own(&self) -> bool {
        self.uses_own.get() || self.calls_on_own.get()
    }

    fn place(&self, reference: &GraphReference) -> Position {
        cypher::position(self.text, reference.span)
    }
}

/// Gives the name that a reference means: the dots of a name may be written with and without quotes.
pub(crate) fn typed_name(
    reference: &GraphReference,
    names: &Names,
    principal: &Principal,
    parameters: &Map,
) -> Result<String, Failure> {
    let text = |argument: &Expression| match &*argument.kind {
        ExpressionKind::String(text) => Ok(text.to_string()),
        ExpressionKind::Parameter(name) => match parameters.get(&name.text) {
            Some(Value::String(text)) => Ok(text.to_string()),
            Some(other) => {
                let text = format!("Type mismatch: expected String but was {}", other.type_name());
                Err(Failure::new(Code::TypeError, text))
            }
            None => Err(Failure::new(Code::ParameterMissing, format!("Expected parameter(s): {}", name.text))),
        },
        _ => {
            let text = "Databases are opened before a statement begins: give graph.byName and graph.byElementId a \
                        text or a parameter, not a value that rows have";
            Err(Failure::new(Code::SemanticError, text))
        }
    };
    match reference.found_by.as_deref() {
        Some(GraphFunction::Name(argument)) => return text(argument),
        Some(GraphFunction::ElementId(argument)) => return named_by(&text(argument)?, names, principal),
        None => {}
    }
    let parts: Vec<&str> = reference.parts.iter().map(|part| part.text.as_str()).collect();
    Ok(parts.join("."))
}

/// Gives the name of the database that an element id names: `4:database:number`.
fn named_by(element: &str, names: &Names, principal: &Principal) -> Result<String, Failure> {
    let id = element.split(':').nth(1).unwrap_or_default();
    let found = names.databases().into_iter().find(|database| database.id.to_string() == id);
    // One that the user may not see is told of as one that is not there.
    let known = found.and_then(|database| catalog::access::used_name(names, principal, database.id, None));
    known.map(|known| known.to_string()).ok_or_else(|| {
        let text = format!(
            "No database is corresponding to `graph.byElementId('{element}')`. Verify that the elementId is correct."
        );
        Failure::new(Code::DatabaseNotFound, text)
    })
}
