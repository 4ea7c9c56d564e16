//! `GRANT`, `DENY` and `REVOKE` of privileges and levels, and `SHOW PRIVILEGES`.
//! Leaves which acts there are, and their words, to `types::privilege`, and rules by value to `rule`.
//! Start reading at [`Parser::privilege_command`].

use compact_str::CompactString;
use types::privilege::{Act, Narrows, Place};

use super::super::{Parsed, Parser};
use crate::ast::{
    CommandsShown, ElementsSpec, HolderSpec, Isolation, LevelsShown, Name, NameOrParameter, PrivilegeCommand,
    PrivilegeSpec, PrivilegeVerb, PrivilegesOf, ScopeSpec,
};
use crate::literal;
use crate::token::{LexicalError, Token};

impl Parser<'_> {
    /// A command about privileges, if one begins here.
    pub(super) fn privilege_command(&mut self) -> Parsed<Option<PrivilegeCommand>> {
        if self.at_words(&["ALTER", "DATABASE"]) {
            return self.owner_or_isolation();
        }
        // A lone word is a variable where no other word follows.
        if !self.one_of_at(0, &["GRANT", "DENY", "REVOKE"]) || !Self::is_name(self.peek_at(1)) {
            return Ok(None);
        }
        let revoke = self.at_word("REVOKE");
        let verb = match (self.at_word("GRANT"), revoke) {
            (true, _) => PrivilegeVerb::Grant,
            (false, false) => PrivilegeVerb::Deny,
            (false, true) if self.word_at(1, "GRANT") => PrivilegeVerb::RevokeGrant,
            (false, true) if self.word_at(1, "DENY") => PrivilegeVerb::RevokeDeny,
            (false, true) => PrivilegeVerb::Revoke,
        };
        self.at += if matches!(verb, PrivilegeVerb::RevokeGrant | PrivilegeVerb::RevokeDeny) { 2 } else { 1 };
        if self.accept_word("LEVEL") {
            return self.level(verb).map(Some);
        }
        let mut immutable = self.accept_word("IMMUTABLE");
        if matches!(verb, PrivilegeVerb::Revoke) && immutable && self.one_of_at(0, &["GRANT", "DENY"]) {
            // `REVOKE IMMUTABLE GRANT ...` is how Neo4j orders them.
            let verb = if self.at_word("GRANT") { PrivilegeVerb::RevokeGrant } else { PrivilegeVerb::RevokeDeny };
            self.advance();
            return self.privilege_change(verb, immutable).map(Some);
        }
        immutable |= self.accept_word("IMMUTABLE");
        self.privilege_change(verb, immutable).map(Some)
    }

    fn privilege_change(&mut self, verb: PrivilegeVerb, immutable: bool) -> Parsed<PrivilegeCommand> {
        let act = self.act()?;
        let mut spec = PrivilegeSpec {
            act,
            resource: None,
            users: None,
            patterns: Vec::new(),
            scopes: Vec::new(),
            elements: ElementsSpec::Unsaid,
            cidr: None,
        };
        self.narrowed(&mut spec)?;
        self.expect_word("ON")?;
        self.place(&mut spec)?;
        let holders = self.holders(verb)?;
        Ok(PrivilegeCommand::Change { verb, immutable, privilege: Box::new(spec), holders })
    }

    /// The act whose words stand here; the longest that fits.
    fn act(&mut self) -> Parsed<Act> {
        if self.at_word("ALL") {
            return self.all_acts();
        }
        for act in Act::ALL {
            if let Some(length) = self.words_fit(act.row().words) {
                self.at += length;
                return Ok(*act);
            }
        }
        let first: Vec<String> = Act::ALL.iter().map(|act| format!("'{}'", act.printed())).collect();
        let words: Vec<&str> = first.iter().map(String::as_str).collect();
        Err(self.unexpected_among(&["the words of a privilege such as 'MATCH', 'ACCESS' or 'CREATE DATABASE'"], &words))
    }

    /// `ALL [[GRAPH | DATABASE | DBMS] PRIVILEGES] ON ...`: where they are says which they are.
    fn all_acts(&mut self) -> Parsed<Act> {
        self.advance();
        let said = ["GRAPH", "DATABASE", "DBMS"].into_iter().find(|word| self.accept_word(word));
        self.accept_word("PRIVILEGES");
        let place = usize::from(self.one_of_at(1, &["HOME", "DEFAULT"])) + 1;
        let there = match () {
            () if self.one_of_at(place, &["GRAPH", "GRAPHS"]) => "GRAPH",
            () if self.one_of_at(place, &["DATABASE", "DATABASES"]) => "DATABASE",
            () => "DBMS",
        };
        match said.unwrap_or(there) {
            "GRAPH" => Ok(Act::AllGraph),
            "DATABASE" => Ok(Act::AllDatabase),
            _ => Ok(Act::AllDbms),
        }
    }

    /// Counts the tokens that a row of words takes here; nothing where it does not fit.
    fn words_fit(&self, words: &str) -> Option<usize> {
        let mut length = 0;
        for word in words.split(' ') {
            let optional = word.strip_prefix('[').and_then(|word| word.strip_suffix(']'));
            let fits = optional.unwrap_or(word).split('|').any(|word| self.word_at(length, word));
            match (fits, optional) {
                (true, _) => length += 1,
                (false, Some(_)) => {}
                (false, None) => return None,
            }
        }
        Some(length)
    }

    /// What narrows an act, before `ON`.
    fn narrowed(&mut self, spec: &mut PrivilegeSpec) -> Parsed<()> {
        match spec.act.row().narrows {
            Narrows::Nothing => {}
            Narrows::Properties => {
                self.expect(Token::BraceOpen, "'{'")?;
                spec.resource = self.all_or_names("a property")?;
                self.expect(Token::BraceClose, "'}'")?;
            }
            Narrows::Labels => spec.resource = self.all_or_names("a label")?,
            Narrows::Users => {
                if self.accept(Token::ParenOpen) {
                    if !self.accept(Token::Star) {
                        spec.users = Some(self.list(|parser| parser.holder_name("a user"))?);
                    }
                    self.expect(Token::ParenClose, "')'")?;
                }
            }
            Narrows::Procedures | Narrows::Functions | Narrows::Settings => {
                spec.patterns = self.list(|parser| parser.pattern("a name or a pattern"))?;
            }
        }
        Ok(())
    }

    fn all_or_names(&mut self, what: &str) -> Parsed<Option<Vec<Name>>> {
        if self.accept(Token::Star) { Ok(None) } else { self.list(|parser| parser.name(what)).map(Some) }
    }

    /// Where an act takes place, behind `ON`.
    fn place(&mut self, spec: &mut PrivilegeSpec) -> Parsed<()> {
        match spec.act.row().place {
            Place::Dbms => self.expect_word("DBMS"),
            Place::Load => self.loaded_from(spec),
            Place::Database => {
                spec.scopes = self.scopes(&["DATABASE", "DATABASES"])?;
                Ok(())
            }
            Place::Graph => {
                spec.scopes = self.scopes(&["GRAPH", "GRAPHS"])?;
                spec.elements = self.privileged_elements(spec.act)?;
                Ok(())
            }
        }
    }

    fn loaded_from(&mut self, spec: &mut PrivilegeSpec) -> Parsed<()> {
        if self.accept_words(&["ALL", "DATA"]) {
            return Ok(());
        }
        if !self.accept_word("CIDR") {
            return Err(self.unexpected(&["'ALL DATA'", "'CIDR'"]));
        }
        spec.cidr = Some(self.expression()?);
        Ok(())
    }

    /// `HOME GRAPH`, `GRAPHS a, b*`, `DATABASE *`.
    fn scopes(&mut self, words: &[&str]) -> Parsed<Vec<ScopeSpec>> {
        for (word, scope) in [("HOME", ScopeSpec::Home), ("DEFAULT", ScopeSpec::Default)] {
            if self.at_word(word) && self.one_of_at(1, words) {
                self.at += 2;
                return Ok(vec![scope]);
            }
        }
        if self.one_of_at(0, &["ALIAS", "ALIASES"]) {
            self.advance();
            return self.list(Self::alias_scope);
        }
        if !self.one_of_at(0, words) {
            return Err(self.unexpected(&[&format!("'{}'", words[0]), "'HOME'", "'DEFAULT'", "'ALIAS'"]));
        }
        self.advance();
        self.list(Self::scope)
    }

    pub(super) fn scope(&mut self) -> Parsed<ScopeSpec> {
        if self.peek() == Token::Dollar {
            return Ok(ScopeSpec::Name(NameOrParameter::Parameter(self.parameter()?)));
        }
        let start = self.start();
        let text = self.pattern("a database name")?;
        Ok(match text.as_str() {
            "*" => ScopeSpec::All,
            pattern if pattern.contains(['*', '?']) => ScopeSpec::Pattern(text),
            _ => ScopeSpec::Name(NameOrParameter::Name(Name { text, span: self.since(start) })),
        })
    }

    /// An alias by its name: what is granted on it follows it, so a pattern would say too little.
    fn alias_scope(&mut self) -> Parsed<ScopeSpec> {
        let span = self.span();
        match self.scope()? {
            ScopeSpec::Name(name) => Ok(ScopeSpec::Alias(name)),
            _ => Err(self.fail(span, "A privilege on aliases names each of them")),
        }
    }

    /// A name or a pattern of names: words, dots, `*`, `?` and quoted names that stand without a gap.
    fn pattern(&mut self, what: &str) -> Parsed<CompactString> {
        let mut text = CompactString::default();
        let mut end = None;
        while end.is_none_or(|end| end == self.start()) {
            let piece = self.text_at(0);
            match self.peek() {
                Token::QuotedName => text.push_str(&literal::quoted_name(piece)),
                Token::Word | Token::Integer | Token::BadNumber | Token::Float => text.push_str(piece),
                Token::Dot | Token::DotDot | Token::Star | Token::Minus => text.push_str(piece),
                Token::Broken(LexicalError::Character) if piece == "?" => text.push('?'),
                _ => break,
            }
            end = Some(self.span().end);
            self.advance();
        }
        if text.is_empty() { Err(self.unexpected(&[what])) } else { Ok(text) }
    }

    /// `ELEMENTS *`, `NODES A, B`, `RELATIONSHIPS T`, `FOR (n) WHERE ...`; or nothing, which means everything.
    fn privileged_elements(&mut self, act: Act) -> Parsed<ElementsSpec> {
        if self.at_word("FOR") {
            return self.rule(act).map(|rule| ElementsSpec::Pattern(Box::new(rule)));
        }
        let make: fn(Option<Vec<Name>>) -> ElementsSpec = match () {
            () if self.one_of_at(0, &["ELEMENT", "ELEMENTS"]) => ElementsSpec::Elements,
            () if self.one_of_at(0, &["NODE", "NODES"]) => ElementsSpec::Nodes,
            () if self.one_of_at(0, &["RELATIONSHIP", "RELATIONSHIPS"]) => ElementsSpec::Relationships,
            () => return Ok(ElementsSpec::Unsaid),
        };
        self.advance();
        let names = self.all_or_names("a label or a type")?;
        // Neo4j writes `(*)` behind them in what it prints.
        if self.accept(Token::ParenOpen) {
            self.expect(Token::Star, "'*'")?;
            self.expect(Token::ParenClose, "')'")?;
        }
        Ok(make(names))
    }

    /// `TO r, ...`, `TO USER u`, `TO ROLE r`; `FROM` behind `REVOKE`.
    fn holders(&mut self, verb: PrivilegeVerb) -> Parsed<Vec<HolderSpec>> {
        let gives = matches!(verb, PrivilegeVerb::Grant | PrivilegeVerb::Deny);
        self.expect_word(if gives { "TO" } else { "FROM" })?;
        let mut user = false;
        self.list(|parser| {
            let named = Self::is_name(parser.peek_at(1)) || parser.peek_at(1) == Token::Dollar;
            if named && parser.one_of_at(0, &["USER", "USERS", "ROLE", "ROLES"]) {
                user = parser.one_of_at(0, &["USER", "USERS"]);
                parser.advance();
            }
            let name = parser.holder_name(if user { "a user" } else { "a role" })?;
            Ok(if user { HolderSpec::User(name) } else { HolderSpec::Role(name) })
        })
    }

    /// `LEVEL write ON DATABASE a, b* TO r`; the word was taken.
    fn level(&mut self, verb: PrivilegeVerb) -> Parsed<PrivilegeCommand> {
        if verb == PrivilegeVerb::Deny {
            return Err(self.fail(self.span(), "A level cannot be denied; revoke it, or deny single privileges"));
        }
        let level = self.name("a level")?;
        self.expect_word("ON")?;
        let databases = self.scopes(&["DATABASE", "DATABASES"])?;
        let holders = self.holders(verb)?;
        Ok(PrivilegeCommand::Level { grant: verb == PrivilegeVerb::Grant, level, databases, holders })
    }

    /// `ALTER DATABASE d SET OWNER u | REMOVE OWNER | SET ISOLATION m`; what else is altered is not ours.
    fn owner_or_isolation(&mut self) -> Parsed<Option<PrivilegeCommand>> {
        let before = self.at;
        self.at += 2;
        if let Ok((database, if_exists)) = self.database_if_exists() {
            if self.accept_words(&["SET", "OWNER"]) {
                let user = Some(self.holder_name("a user")?);
                return Ok(Some(PrivilegeCommand::Owner { database, if_exists, user, wait: self.wait() }));
            }
            if self.accept_words(&["REMOVE", "OWNER"]) {
                return Ok(Some(PrivilegeCommand::Owner { database, if_exists, user: None, wait: self.wait() }));
            }
            if self.accept_words(&["SET", "ISOLATION"]) {
                let mode = match () {
                    () if self.accept_word("NONE") => Isolation::None,
                    () if self.accept_word("SOFT") => Isolation::Soft,
                    () if self.accept_word("STRICT") => Isolation::Strict,
                    () => return Err(self.unexpected(&["'NONE'", "'SOFT'", "'STRICT'"])),
                };
                return Ok(Some(PrivilegeCommand::Isolation { database, if_exists, mode, wait: self.wait() }));
            }
        }
        self.at = before;
        Ok(None)
    }

    /// `[ALL] PRIVILEGES`, `ROLE r PRIVILEGES`, `USER [u] PRIVILEGES`, `SUPPORTED PRIVILEGES`, `[GRANTED] LEVELS`; behind `SHOW`.
    pub(super) fn show_privileges(&mut self) -> Parsed<Option<PrivilegeCommand>> {
        let granted = self.word_at(0, "GRANTED") && self.word_at(1, "LEVELS");
        if granted || self.word_at(0, "LEVELS") {
            self.at += if granted { 2 } else { 1 };
            let shown = if granted { LevelsShown::Granted } else { LevelsShown::Held };
            let database = self.for_database()?;
            return Ok(Some(PrivilegeCommand::ShowLevels { shown, database, tail: self.show_tail()? }));
        }
        if self.word_at(0, "SUPPORTED") && self.one_of_at(1, &["PRIVILEGE", "PRIVILEGES"]) {
            self.at += 2;
            return Ok(Some(PrivilegeCommand::ShowSupported { tail: self.show_tail()? }));
        }
        let before = self.at;
        let of = if self.accept_word("ROLE") || self.accept_word("ROLES") {
            self.privilege_holders("a role")?.map(PrivilegesOf::Roles)
        } else if !self.word_at(1, "DEFINED") && (self.accept_word("USER") || self.accept_word("USERS")) {
            match self.one_of_at(0, &["PRIVILEGE", "PRIVILEGES"]) {
                true => Some(PrivilegesOf::Users(Vec::new())),
                false => self.privilege_holders("a user")?.map(PrivilegesOf::Users),
            }
        } else {
            self.accept_word("ALL");
            Some(PrivilegesOf::All)
        };
        let Some(of) = of.filter(|_| self.one_of_at(0, &["PRIVILEGE", "PRIVILEGES"])) else {
            self.at = before;
            return Ok(None);
        };
        self.advance();
        let mut commands = None;
        if self.accept_word("AS") {
            commands = Some(if self.accept_word("REVOKE") { CommandsShown::Revoke } else { CommandsShown::Grant });
            if !self.accept_word("COMMANDS") {
                self.expect_word("COMMAND")?;
            }
        }
        Ok(Some(PrivilegeCommand::Show { of, commands, tail: self.show_tail()? }))
    }

    /// `a, b` where `PRIVILEGES` follows; nothing where something else does, such as the tail of a `SHOW ROLES`.
    fn privilege_holders(&mut self, what: &str) -> Parsed<Option<Vec<NameOrParameter>>> {
        let is_tail =
            self.one_of_at(0, &["WITH", "YIELD", "WHERE"]) && !self.one_of_at(1, &["PRIVILEGE", "PRIVILEGES"]);
        if is_tail || matches!(self.peek(), Token::End | Token::Semicolon) {
            return Ok(None);
        }
        let names = self.list(|parser| parser.holder_name(what))?;
        if !self.one_of_at(0, &["PRIVILEGE", "PRIVILEGES"]) {
            return Err(self.unexpected(&["'PRIVILEGES'"]));
        }
        Ok(Some(names))
    }
}
