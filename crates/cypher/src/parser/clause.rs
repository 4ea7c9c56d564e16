//! The clauses of a query.

use super::{Parsed, Parser, Stops};
use crate::ast::ExpressionKind;
use crate::ast::{
    Clause, ClauseKind, Expression, GraphReference, Hint, HintKind, IndexKind, Name, Projection, ProjectionItem, Query,
    RemoveItem, SetItem, SingleQuery, SubqueryImports, Yield,
};
use crate::token::Token;

/// The words that start a clause, in the order in which an error lists them.
pub(super) const CLAUSES: &[&str] = &[
    "'CALL'",
    "'CREATE'",
    "'DELETE'",
    "'DETACH'",
    "'FILTER'",
    "'FINISH'",
    "'FOREACH'",
    "'INSERT'",
    "'LET'",
    "'LIMIT'",
    "'LOAD'",
    "'MATCH'",
    "'MERGE'",
    "'OFFSET'",
    "'OPTIONAL'",
    "'ORDER'",
    "'REMOVE'",
    "'RETURN'",
    "'SET'",
    "'SKIP'",
    "'UNWIND'",
    "'USE'",
    "'WITH'",
];

impl Parser<'_> {
    /// Tells whether a clause starts here.
    pub(super) fn clause_ahead(&self) -> bool {
        // A path variable may be called `match`.
        if self.peek() != Token::Word || self.peek_at(1) == Token::Equal {
            return false;
        }
        let word = self.text_at(0);
        let known = CLAUSES.iter().any(|clause| clause[1..clause.len() - 1].eq_ignore_ascii_case(word));
        known || self.at_word("NODETACH") || (self.at_word("GRAPH") && self.peek_at(1) == Token::BracketOpen)
    }

    pub(super) fn clause(&mut self) -> Parsed<Clause> {
        let start = self.start();
        let graph = self.graph_in_front()?;
        let kind = self.clause_kind(graph)?;
        let clause = Clause { kind, span: self.since(start) };
        self.check_clause(&clause)?;
        Ok(clause)
    }

    fn clause_kind(&mut self, graph: Option<GraphReference>) -> Parsed<ClauseKind> {
        if self.accept_word("MATCH") {
            return self.match_clause(false, graph);
        }
        if self.accept_words(&["OPTIONAL", "MATCH"]) {
            return self.match_clause(true, graph);
        }
        // GQL's word for it.
        if self.accept_word("CREATE") || self.accept_word("INSERT") {
            let patterns = self.list(Self::path_pattern)?;
            let graph = self.one_graph(graph)?;
            return Ok(ClauseKind::Create { patterns, graph });
        }
        if self.accept_word("MERGE") {
            return self.merge(graph);
        }
        if graph.is_some() {
            return Err(self.unexpected(&["'MATCH'", "'OPTIONAL MATCH'", "'CREATE'", "'MERGE'"]));
        }
        if self.accept_word("RETURN") {
            return Ok(ClauseKind::Return { projection: self.projection()? });
        }
        if self.accept_word("WITH") {
            let projection = self.projection()?;
            return Ok(ClauseKind::With { projection, filter: self.filter()? });
        }
        if let Some(projection) = self.passing_on()? {
            return Ok(projection);
        }
        self.other_clause()
    }

    /// Clauses that are a `WITH *` of their own: `FILTER`, `ORDER BY`, `SKIP`, `OFFSET` and `LIMIT`.
    fn passing_on(&mut self) -> Parsed<Option<ClauseKind>> {
        let start = self.start();
        let filter = if self.accept_word("FILTER") {
            self.accept_word("WHERE");
            Some(self.condition()?)
        } else if self.one_of_at(0, &["ORDER", "SKIP", "OFFSET", "LIMIT"]) {
            None
        } else {
            return Ok(None);
        };
        let mut projection = Projection::passing_on(Vec::new());
        if filter.is_none() {
            self.order_and_bounds(&mut projection)?;
        }
        projection.span = self.since(start);
        Ok(Some(ClauseKind::With { projection, filter }))
    }

    /// `LET x = e, y = f`: each a `WITH *, e AS x` of its own.
    pub(super) fn let_clause(&mut self, clauses: &mut Vec<Clause>) -> Parsed<()> {
        loop {
            let start = self.start();
            let name = self.name("a variable")?;
            self.expect(Token::Equal, "'='")?;
            let expression = self.expression()?;
            let text = self.text_of(expression.span).into();
            let item = ProjectionItem { expression, alias: Some(name), text };
            let span = self.since(start);
            let projection = Projection { span, ..Projection::passing_on(vec![item]) };
            clauses.push(Clause { kind: ClauseKind::With { projection, filter: None }, span });
            if !self.accept(Token::Comma) {
                return Ok(());
            }
        }
    }

    fn other_clause(&mut self) -> Parsed<ClauseKind> {
        if self.accept_word("UNWIND") {
            let list = self.expression()?;
            self.expect_word("AS")?;
            return Ok(ClauseKind::Unwind { list, variable: self.name("a variable")? });
        }
        if self.accept_word("SET") {
            let items = self.list(Self::set_item)?;
            return Ok(ClauseKind::Set { items, graph: self.graph_behind()? });
        }
        if self.accept_word("REMOVE") {
            return Ok(ClauseKind::Remove { items: self.list(Self::remove_item)? });
        }
        if self.accept_words(&["DETACH", "DELETE"]) {
            return self.delete(true);
        }
        if self.accept_words(&["NODETACH", "DELETE"]) || self.accept_word("DELETE") {
            return self.delete(false);
        }
        if self.accept_word("FINISH") {
            return Ok(ClauseKind::Finish);
        }
        if self.accept_word("FOREACH") {
            return self.nested(Self::foreach);
        }
        if self.accept_words(&["LOAD", "CSV"]) {
            return self.load_csv();
        }
        if self.accept_words(&["OPTIONAL", "CALL"]) {
            return self.call_clause(true);
        }
        if self.accept_word("CALL") {
            return self.call_clause(false);
        }
        if self.at_word("USE") {
            return Ok(ClauseKind::Use { graph: self.use_graph()? });
        }
        if self.accept_word("OPTIONAL") {
            return Err(self.unexpected(&["'MATCH'", "'CALL'"]));
        }
        if self.accept_word("DETACH") || self.accept_word("NODETACH") {
            return Err(self.unexpected(&["'DELETE'"]));
        }
        if self.accept_word("LOAD") {
            return Err(self.unexpected(&["'CSV'"]));
        }
        Err(self.unexpected(CLAUSES))
    }

    /// `p, q FROM DATABASE d WHERE e`.
    fn match_clause(&mut self, optional: bool, graph: Option<GraphReference>) -> Parsed<ClauseKind> {
        let is_repeatable = self.match_mode();
        let mut patterns = self.list(Self::path_pattern)?;
        patterns.iter_mut().for_each(|pattern| pattern.is_repeatable = is_repeatable);
        let graph = self.one_graph(graph)?;
        let hints = self.hints()?;
        let filter = self.filter()?;
        // The database may also stand behind the condition.
        let graph = if filter.is_some() && self.at_word("FROM") { self.one_graph(graph)? } else { graph };
        Ok(ClauseKind::Match { optional, patterns, graph, hints, filter })
    }

    /// `DIFFERENT RELATIONSHIPS`, which is how matching works anyway, or `REPEATABLE ELEMENTS`; tells whether it is this.
    fn match_mode(&mut self) -> bool {
        let accept = |parser: &mut Self, first: &str, one: &str, many: &str| {
            if parser.accept_words(&[first, one]) {
                parser.accept_word("BINDINGS");
                return true;
            }
            parser.accept_words(&[first, many])
        };
        if accept(self, "DIFFERENT", "RELATIONSHIP", "RELATIONSHIPS") {
            return false;
        }
        accept(self, "REPEATABLE", "ELEMENT", "ELEMENTS")
    }

    /// The graph behind the patterns; a clause names at most one.
    fn one_graph(&mut self, in_front: Option<GraphReference>) -> Parsed<Option<GraphReference>> {
        let behind = self.graph_behind()?;
        match (in_front, behind) {
            (Some(_), Some(second)) => Err(self.fail(second.span, "a clause can name only one database")),
            (first, second) => Ok(first.or(second)),
        }
    }

    /// `USING INDEX n:L(k)`, `USING SCAN n:L`, `USING JOIN ON n`.
    fn hints(&mut self) -> Parsed<Vec<Hint>> {
        let mut hints = Vec::new();
        loop {
            let start = self.start();
            if !self.accept_word("USING") {
                return Ok(hints);
            }
            let kind = self.hint()?;
            hints.push(Hint { kind, span: self.since(start) });
        }
    }

    fn hint(&mut self) -> Parsed<HintKind> {
        if self.accept_words(&["JOIN", "ON"]) {
            return Ok(HintKind::Join(self.list(|parser| parser.name("a variable"))?));
        }
        let kinds = [("RANGE", IndexKind::Range), ("TEXT", IndexKind::Text), ("POINT", IndexKind::Point)];
        let kind = kinds.into_iter().find(|(word, _)| self.word_at(1, "INDEX") && self.accept_word(word));
        if self.accept_word("INDEX") {
            if Self::is_name(self.peek_at(1)) {
                self.accept_word("SEEK");
            }
            let (variable, label) = self.hinted_label()?;
            self.expect(Token::ParenOpen, "'('")?;
            let keys = self.list(|parser| parser.name("a property name"))?;
            self.expect(Token::ParenClose, "')'")?;
            return Ok(HintKind::Index { variable, label, keys, kind: kind.map(|(_, kind)| kind) });
        }
        if self.accept_word("SCAN") {
            let (variable, label) = self.hinted_label()?;
            return Ok(HintKind::Scan { variable, label });
        }
        Err(self.unexpected(&["'INDEX'", "'SCAN'", "'JOIN'"]))
    }

    fn hinted_label(&mut self) -> Parsed<(Name, Name)> {
        let variable = self.name("a variable")?;
        self.expect(Token::Colon, "':'")?;
        Ok((variable, self.name("a label")?))
    }

    /// `p ON CREATE SET ... ON MATCH SET ...`.
    fn merge(&mut self, graph: Option<GraphReference>) -> Parsed<ClauseKind> {
        let pattern = self.path_pattern()?;
        let graph = self.one_graph(graph)?;
        let (mut on_create, mut on_match) = (Vec::new(), Vec::new());
        while self.accept_word("ON") {
            let actions = if self.accept_word("CREATE") {
                &mut on_create
            } else if self.accept_word("MATCH") {
                &mut on_match
            } else {
                return Err(self.unexpected(&["'CREATE'", "'MATCH'"]));
            };
            self.expect_word("SET")?;
            actions.extend(self.list(Self::set_item)?);
        }
        Ok(ClauseKind::Merge { pattern, graph, on_create, on_match })
    }

    /// `x.k = e`, `x[e] = v`, `x = e`, `x += e`, `x:L`.
    fn set_item(&mut self) -> Parsed<SetItem> {
        if let Some(variable) = self.labelled_variable()? {
            return Ok(SetItem::Labels { variable, labels: self.label_names()? });
        }
        let target = self.target()?;
        if self.accept(Token::PlusEqual) {
            let variable = self.target_variable(target)?;
            return Ok(SetItem::Merge { variable, value: self.assigned()? });
        }
        if !self.accept(Token::Equal) {
            return Err(self.unexpected(&["'='", "'+='", "':'", "'.'"]));
        }
        let span = target.span;
        Ok(match target.into_kind() {
            ExpressionKind::Property(target, key) => SetItem::Property { target, key, value: self.assigned()? },
            ExpressionKind::Index(target, key) => SetItem::DynamicProperty { target, key, value: self.assigned()? },
            ExpressionKind::Variable(variable) => SetItem::Replace { variable, value: self.assigned()? },
            _ => return Err(self.fail(span, "SET needs a property, a variable or labels in front of '='")),
        })
    }

    fn remove_item(&mut self) -> Parsed<RemoveItem> {
        if let Some(variable) = self.labelled_variable()? {
            return Ok(RemoveItem::Labels { variable, labels: self.label_names()? });
        }
        let target = self.target()?;
        let span = target.span;
        match target.into_kind() {
            ExpressionKind::Property(target, key) => Ok(RemoveItem::Property { target, key }),
            ExpressionKind::Index(target, key) => Ok(RemoveItem::DynamicProperty { target, key }),
            _ => Err(self.fail(span, "REMOVE needs a property (n.key) or labels (n:Label)")),
        }
    }

    /// `x` in front of `:L` or `IS L`.
    fn labelled_variable(&mut self) -> Parsed<Option<Name>> {
        let labelled = self.peek_at(1) == Token::Colon || self.word_at(1, "IS");
        if Self::is_name(self.peek()) && labelled { self.name("a variable").map(Some) } else { Ok(None) }
    }

    /// What stands in front of `=`: an operand without operators.
    fn target(&mut self) -> Parsed<Expression> {
        if !Self::is_name(self.peek()) && self.peek() != Token::ParenOpen {
            return Err(self.unexpected(&["a variable", "a property"]));
        }
        self.nested(Self::postfixed)
    }

    fn target_variable(&self, target: Expression) -> Parsed<Name> {
        let span = target.span;
        match target.into_kind() {
            ExpressionKind::Variable(variable) => Ok(variable),
            _ => Err(self.fail(span, "SET ... += needs a variable in front")),
        }
    }

    /// The value of an assignment; `IN DATABASE x` behind it names the clause's graph.
    fn assigned(&mut self) -> Parsed<Expression> {
        self.stopping(Stops { in_database: true, ..self.stops }, Self::expression)
    }

    fn delete(&mut self, detach: bool) -> Parsed<ClauseKind> {
        let stops = Stops { in_any: true, ..self.stops };
        let targets = self.stopping(stops, |parser| parser.list(Self::expression))?;
        Ok(ClauseKind::Delete { detach, targets, graph: self.graph_behind()? })
    }

    /// `(x IN list | ...)`.
    fn foreach(&mut self) -> Parsed<ClauseKind> {
        self.expect(Token::ParenOpen, "'('")?;
        let variable = self.name("a variable")?;
        self.expect_word("IN")?;
        let list = self.before_bar(Self::expression)?;
        self.expect(Token::Bar, "'|'")?;
        let body = self.enclosed(|parser| {
            let mut body = vec![parser.clause()?];
            while parser.peek() != Token::ParenClose {
                body.push(parser.clause()?);
            }
            Ok(body)
        })?;
        self.advance();
        Ok(ClauseKind::Foreach { variable, list, body })
    }

    /// `[WITH HEADERS] FROM e AS x [FIELDTERMINATOR 'c']`.
    fn load_csv(&mut self) -> Parsed<ClauseKind> {
        let headers = self.accept_words(&["WITH", "HEADERS"]);
        self.expect_word("FROM")?;
        let source = self.expression()?;
        self.expect_word("AS")?;
        let variable = self.name("a variable")?;
        let terminator = if self.accept_word("FIELDTERMINATOR") { Some(self.string()?) } else { None };
        Ok(ClauseKind::LoadCsv { headers, source, variable, terminator })
    }

    /// `CALL p(...) YIELD ...`, or a subquery.
    fn call_clause(&mut self, optional: bool) -> Parsed<ClauseKind> {
        if matches!(self.peek(), Token::BraceOpen | Token::ParenOpen) {
            return self.call_subquery(optional);
        }
        let start = self.start();
        if !Self::is_name(self.peek()) {
            return Err(self.unexpected(&["a procedure name", "'{'", "'('"]));
        }
        let mut parts = 1;
        while self.peek_at(2 * parts - 1) == Token::Dot {
            parts += 1;
        }
        let name = self.dotted(parts)?;
        let arguments = if self.accept(Token::ParenOpen) { Some(self.procedure_arguments()?) } else { None };
        let yields = self.yields()?;
        let filter = if matches!(yields, Yield::Nothing) { None } else { self.filter()? };
        let returned = match &yields {
            Yield::Items(items) if optional => {
                items.iter().map(|(name, alias)| alias.as_ref().unwrap_or(name)).collect()
            }
            _ => Vec::new(),
        };
        let returned: Vec<ProjectionItem> = returned.into_iter().map(ProjectionItem::of_variable).collect();
        let kind = ClauseKind::CallProcedure { name, arguments, yields, filter };
        if returned.is_empty() {
            return Ok(kind);
        }
        // The optional call is that of a subquery which does nothing else.
        let span = self.since(start);
        let projection = Projection { all: false, span, ..Projection::passing_on(returned) };
        let clauses = [kind, ClauseKind::Return { projection }].map(|kind| Clause { kind, span }).into();
        let first = SingleQuery { using: None, clauses, span };
        let query = Box::new(Query { first, rest: Vec::new() });
        Ok(ClauseKind::CallSubquery { imports: Some(SubqueryImports::All), query, transactions: None, optional })
    }

    fn procedure_arguments(&mut self) -> Parsed<Vec<Expression>> {
        if self.accept(Token::ParenClose) {
            return Ok(Vec::new());
        }
        let arguments = self.enclosed(|parser| parser.list(Self::expression))?;
        self.expect(Token::ParenClose, "')' or ','")?;
        Ok(arguments)
    }

    fn yields(&mut self) -> Parsed<Yield> {
        if !self.accept_word("YIELD") {
            return Ok(Yield::Nothing);
        }
        // `YIELD -` is the old way to say that nothing is taken.
        if self.accept(Token::Minus) {
            return Ok(Yield::Items(Vec::new()));
        }
        if self.accept(Token::Star) {
            return Ok(Yield::All);
        }
        Ok(Yield::Items(self.list(Self::yield_item)?))
    }
}
