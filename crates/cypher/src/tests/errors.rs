//! What is refused, and in which words: the first line of each message, and the caret for some.

use crate::{ParseError, parse};

/// Checks the first line of a statement's error.
fn check(text: &str, expected: &str) {
    super::check(text, &format!("error: {expected}"));
}

#[test]
fn expressions() {
    check("RETURN [1,2,", "Invalid input '': expected an expression (line 1, column 13 (offset: 12))");
    check("RETURN [1 2]", "Invalid input '2': expected ']' or ',' (line 1, column 11 (offset: 10))");
    check("RETURN {a: 1", "Invalid input '': expected '}' or ',' (line 1, column 13 (offset: 12))");
    check("RETURN 'open", "the text has no closing quote (line 1, column 8 (offset: 7))");
    check("RETURN `open", "the quoted name has no closing back-quote (line 1, column 8 (offset: 7))");
    check("RETURN 1 /* open", "the comment has no closing '*/' (line 1, column 10 (offset: 9))");
    check(
        "RETURN 1 != 2",
        "Unknown operation '!=' (you probably meant to use '<>', which is the operator for inequality testing) (line 1, column 10 (offset: 9))",
    );
    check("RETURN 1 +", "Invalid input '': expected an expression (line 1, column 11 (offset: 10))");
    check("RETURN (1 + 2", "Invalid input '': expected ')' or an operator (line 1, column 14 (offset: 13))");
    check("RETURN 1 AS", "Invalid input '': expected a name (line 1, column 12 (offset: 11))");
    check("RETURN CASE WHEN true 1 END", "Invalid input '1': expected 'THEN' (line 1, column 23 (offset: 22))");
    check(
        "RETURN CASE x WHEN 1 THEN 2",
        "Invalid input '': expected 'WHEN', 'ELSE' or 'END' (line 1, column 28 (offset: 27))",
    );
    check("RETURN all(x IN [1] x > 0)", "Invalid input 'x': expected 'WHERE' or ')' (line 1, column 21 (offset: 20))");
    check("RETURN reduce(a = 0, x IN [1] a + x)", "Invalid input 'a': expected '|' (line 1, column 31 (offset: 30))");
    check("RETURN f(1, 2", "Invalid input '': expected ')' or ',' (line 1, column 14 (offset: 13))");
    check(
        "RETURN n.1",
        "Invalid input '.1': expected a clause, an operator, ',' or the end of the statement (line 1, column 9 (offset: 8))",
    );
    check("RETURN 1 RETURN 2", "RETURN can only be used at the end of the query (line 1, column 10 (offset: 9))");
    check(
        "RETURN COLLECT { MATCH (n) }",
        "COLLECT { } needs a query that ends with RETURN of one column (line 1, column 8 (offset: 7))",
    );
    check(
        "RETURN x IS STRING NOT",
        "Invalid input 'NOT': expected a clause, an operator, ',' or the end of the statement (line 1, column 20 (offset: 19))",
    );
    check("RETURN x :: STRNG", "Invalid input 'STRNG': expected a type name (line 1, column 13 (offset: 12))");
    check(
        "RETURN '\\q'",
        "invalid escape: expected one of \\b \\f \\n \\r \\t \\' \\\" \\` \\\\ \\uXXXX \\UXXXXXXXX (line 1, column 9 (offset: 8))",
    );
}

#[test]
fn clauses() {
    check(
        "",
        "Invalid input '': expected 'CALL', 'CREATE', 'DELETE', 'DETACH', 'DROP', 'EXPLAIN', 'FOREACH', 'INSERT', 'LOAD CSV', 'MATCH', 'MERGE', 'OPTIONAL', 'PROFILE', 'RETURN', 'SHOW', 'START', 'STOP', 'UNWIND', 'USE' or 'WITH' (line 1, column 1 (offset: 0))",
    );
    check(
        "T",
        "Invalid input 'T': expected 'CALL', 'CREATE', 'DELETE', 'DETACH', 'DROP', 'EXPLAIN', 'FOREACH', 'INSERT', 'LOAD CSV', 'MATCH', 'MERGE', 'OPTIONAL', 'PROFILE', 'RETURN', 'SHOW', 'START', 'STOP', 'UNWIND', 'USE' or 'WITH' (line 1, column 1 (offset: 0))",
    );
    check(
        "MACTH (n) RETURN n",
        "Invalid input 'MACTH': expected 'CALL', 'CREATE', 'DELETE', 'DETACH', 'DROP', 'EXPLAIN', 'FOREACH', 'INSERT', 'LOAD CSV', 'MATCH', 'MERGE', 'OPTIONAL', 'PROFILE', 'RETURN', 'SHOW', 'START', 'STOP', 'UNWIND', 'USE' or 'WITH'; did you mean 'MATCH'? (line 1, column 1 (offset: 0))",
    );
    check(
        "MATCH (n) RETRUN n",
        "Invalid input 'RETRUN': expected a clause, an operator, ',' or the end of the statement; did you mean 'RETURN'? (line 1, column 11 (offset: 10))",
    );
    check(
        "MATCH (n RETURN n",
        "Invalid input 'RETURN': expected ':', '{', 'WHERE' or ')' (line 1, column 10 (offset: 9))",
    );
    check("MATCH (n) RETURN", "Invalid input '': expected an expression or '*' (line 1, column 17 (offset: 16))");
    check(
        "MATCH (n)",
        "Query cannot conclude with MATCH (must be a RETURN clause, a FINISH clause, an update clause, a unit subquery call, or a procedure call with no YIELD) (line 1, column 1 (offset: 0))",
    );
    check(
        "MATCH (n) WHERE RETURN n",
        "Invalid input 'RETURN': expected an expression (line 1, column 17 (offset: 16))",
    );
    check(
        "MATCH (n) WHERE n.x = RETURN n",
        "Invalid input 'RETURN': expected an expression (line 1, column 23 (offset: 22))",
    );
    check(
        "MATCH (n) RETURN n; MATCH (m) RETURN m",
        "Expected exactly one statement per query but got more (line 1, column 21 (offset: 20))",
    );
    check(
        "MATCH (n) RETURN n LIMTI 5",
        "Invalid input 'LIMTI': expected a clause, an operator, ',' or the end of the statement; did you mean 'LIMIT'? (line 1, column 20 (offset: 19))",
    );
    check("MATCH (n) RETURN n ORDER name", "Invalid input 'name': expected 'BY' (line 1, column 26 (offset: 25))");
    check("UNWIND [1,2] x RETURN x", "Invalid input 'x': expected 'AS' (line 1, column 14 (offset: 13))");
    check(
        "MERGE (n) ON UPDATE SET n.x = 1",
        "Invalid input 'UPDATE': expected 'CREATE' or 'MATCH' (line 1, column 14 (offset: 13))",
    );
    check(
        "MATCH (n) SET n.x RETURN n",
        "Invalid input 'RETURN': expected '=', '+=', ':' or '.' (line 1, column 19 (offset: 18))",
    );
    check(
        "MATCH (n) SET 1 = 2",
        "Invalid input '1': expected a variable or a property (line 1, column 15 (offset: 14))",
    );
    check("MATCH (n) DETACH n", "Invalid input 'n': expected 'DELETE' (line 1, column 18 (offset: 17))");
    check(
        "CALL { MATCH (n) } RETURN 1",
        "Query cannot conclude with MATCH (must be a RETURN clause, a FINISH clause, an update clause, a unit subquery call, or a procedure call with no YIELD) (line 1, column 8 (offset: 7))",
    );
    check(
        "MATCH (n) RETURN n ORDR BY n",
        "Invalid input 'ORDR': expected a clause, an operator, ',' or the end of the statement; did you mean 'ORDER'? (line 1, column 20 (offset: 19))",
    );
    check(
        "CALL { MATCH (n) RETRUN n } RETURN n",
        "Invalid input 'RETRUN': expected '}', a clause or an operator; did you mean 'RETURN'? (line 1, column 18 (offset: 17))",
    );
    check(
        "MATCH (n) RETURN n UNION",
        "Invalid input '': expected 'CALL', 'CREATE', 'DELETE', 'DETACH', 'FILTER', 'FINISH', 'FOREACH', 'INSERT', 'LET', 'LIMIT', 'LOAD', 'MATCH', 'MERGE', 'OFFSET', 'OPTIONAL', 'ORDER', 'REMOVE', 'RETURN', 'SET', 'SKIP', 'UNWIND', 'USE' or 'WITH' (line 1, column 25 (offset: 24))",
    );
}

#[test]
fn patterns() {
    check("CREATE (n {name 'x'})", "Invalid input ''x'': expected ':' (line 1, column 17 (offset: 16))");
    check(
        "MATCH (a)-[r->(b) RETURN a",
        "Invalid input '-': expected ':', '*', '{', 'WHERE' or ']' (line 1, column 13 (offset: 12))",
    );
    check("MATCH (a)-[:T]>(b) RETURN a", "Invalid input '>': expected '-' (line 1, column 15 (offset: 14))");
    check("MATCH (a)->(b) RETURN a", "Invalid input '>': expected '[' or '-' (line 1, column 11 (offset: 10))");
    check(
        "MATCH (a) ((b)-->(c)) RETURN a",
        "a path in parentheses needs a quantifier, such as {1,3}, beside a node (line 1, column 11 (offset: 10))",
    );
    check(
        "MATCH ((a)-->(b)){3,1} RETURN a",
        "a quantifier's upper bound must be at least 1 and at least its lower bound (line 1, column 18 (offset: 17))",
    );
    check(
        "MATCH p = shortestPath((a)) RETURN p",
        "shortestPath(...) needs a pattern with one relationship between two nodes (line 1, column 11 (offset: 10))",
    );
}

#[test]
fn commands() {
    check(
        "SHOW DATABSES",
        "Invalid input 'DATABSES': expected 'DATABASES', 'DATABASE', 'DEFAULT DATABASE', 'HOME DATABASE', 'INDEXES' or 'CONSTRAINTS'; did you mean 'DATABASES'? (line 1, column 6 (offset: 5))",
    );
    check(
        "CREATE ALIAS a FOR DATABASE b AT 'neo4j://x' USER u PASSWORD 'p'",
        "Unsupported administration command: CREATE ALIAS ... AT (an alias of a database on another server)",
    );
    check("CREATE ALIAS a", "Invalid input '': expected 'FOR' (line 1, column 15 (offset: 14))");
    check(
        "ALTER ALIAS a SET DATABASE",
        "Invalid input '': expected 'TARGET' or 'PROPERTIES' (line 1, column 27 (offset: 26))",
    );
    check(
        "CREATE CONSTRAINT ON (n:L) ASSERT n.x IS UNIQUE",
        "Unsupported administration command: CREATE CONSTRAINT ON ... ASSERT",
    );
    check(
        "CREATE CONSTRAINT c FOR (n:L) REQUIRE n.x IS FINE",
        "Invalid input 'FINE': expected 'UNIQUE', 'NODE KEY', 'RELATIONSHIP KEY', 'NOT NULL' or '::' (line 1, column 46 (offset: 45))",
    );
    check("CREATE DATABASE", "Invalid input '': expected a database name (line 1, column 16 (offset: 15))");
    check(
        "CREATE OR REPLACE DATABASE x IF NOT EXISTS",
        "Failed to create the specified database: cannot have both `OR REPLACE` and `IF NOT EXISTS`. (line 1, column 28 (offset: 27))",
    );
    check(
        "CREATE DATABASE x TOPOLOGY 3 PRIMARIES",
        "Unsupported administration command: TOPOLOGY other than 1 PRIMARY (a database is kept by one server)",
    );
    check(
        "DROP TABLE x",
        "Invalid input 'TABLE': expected 'DATABASE', 'INDEX' or 'CONSTRAINT' (line 1, column 6 (offset: 5))",
    );
    check("CREATE INDEX i FOR (n:L) ON (m.x)", "Variable `m` not defined (line 1, column 30 (offset: 29))");
    check("CREATE INDEX i FOR n:L ON (n.x)", "Invalid input 'n': expected '(' (line 1, column 20 (offset: 19))");
    check("EXPLAIN PROFILE RETURN 1", "Can't mix PROFILE and EXPLAIN (line 1, column 9 (offset: 8))");
    check(
        "USE a CREATE DATABASE b",
        "USE cannot stand in front of an administration command, which always runs on system (line 1, column 5 (offset: 4))",
    );
    check(
        "USE a EXPLAIN RETURN 1",
        "EXPLAIN must stand in front of USE: EXPLAIN USE x ... (line 1, column 7 (offset: 6))",
    );
    check(
        "USE a profile RETURN 1",
        "PROFILE must stand in front of USE: PROFILE USE x ... (line 1, column 7 (offset: 6))",
    );
    check(
        "USE a MACTH (n) RETURN n",
        "Invalid input 'MACTH': expected 'CALL', 'CREATE', 'DELETE', 'DETACH', 'DROP', 'FOREACH', 'INSERT', 'LOAD CSV', 'MATCH', 'MERGE', 'OPTIONAL', 'RETURN', 'SHOW', 'START', 'STOP', 'UNWIND' or 'WITH'; did you mean 'MATCH'? (line 1, column 7 (offset: 6))",
    );
    check(
        "USE graph.byMagic('x') RETURN 1",
        "Only graph.byName(...) and graph.byElementId(...) find a database (line 1, column 5 (offset: 4))",
    );
    check(
        "USE DATABASE a AS x, b AS y MATCH (n) RETURN n",
        "USE names several databases: say which one this clause means (IN x, IN y) (line 1, column 29 (offset: 28))",
    );
    check(
        "MATCH (n) GRAPH[x] RETURN 1",
        "Invalid input 'RETURN': expected 'MATCH', 'OPTIONAL MATCH', 'CREATE' or 'MERGE' (line 1, column 20 (offset: 19))",
    );
    check("ALTER SERVER 'a' SET OPTIONS {}", "Unsupported administration command: ALTER SERVER");
    check(
        "ALTER DATABASE x SET ACCESS READ",
        "Invalid input '': expected 'ONLY' or 'WRITE' (line 1, column 33 (offset: 32))",
    );
    check(
        "ALTER DATABASE x",
        "Invalid input '': expected 'SET', 'REMOVE' or 'RENAME TO' (line 1, column 17 (offset: 16))",
    );
    check("RENAME DATABASE x", "Invalid input '': expected 'TO' (line 1, column 18 (offset: 17))");
}

#[test]
fn opencypher_words() {
    check(
        "FOREACH (x IN [1] | RETURN x)",
        "only writing clauses can stand inside FOREACH (InvalidClauseComposition) (line 1, column 21 (offset: 20))",
    );
    check("RETURN 1__0", "invalid literal number (InvalidNumberLiteral) (line 1, column 8 (offset: 7))");
    check("RETURN 9223372036854775808", "integer is too large (IntegerOverflow) (line 1, column 8 (offset: 7))");
    check("RETURN 0x", "invalid literal number (InvalidNumberLiteral) (line 1, column 8 (offset: 7))");
    check(
        "RETURN 1.34E999",
        "floating point number is too large (FloatingPointOverflow) (line 1, column 8 (offset: 7))",
    );
    check(
        "RETURN '\\uH'",
        "invalid Unicode escape: expected '\\uXXXX' or '\\UXXXXXXXX' (InvalidUnicodeLiteral) (line 1, column 9 (offset: 8))",
    );
    check(
        "RETURN 42 — 41",
        "Invalid input '—': this character means nothing here (InvalidUnicodeCharacter) (line 1, column 11 (offset: 10))",
    );
    check(
        "CREATE ()-->()",
        "Exactly one relationship type must be specified for CREATE (NoSingleRelationshipType) (line 1, column 10 (offset: 9))",
    );
    check(
        "CREATE (a)--(b)",
        "Exactly one relationship type must be specified for CREATE (NoSingleRelationshipType) (line 1, column 11 (offset: 10))",
    );
    check(
        "CREATE ()-[:A*2]->()",
        "Variable length relationships cannot be used in CREATE (CreatingVarLength) (line 1, column 10 (offset: 9))",
    );
    check(
        "MERGE (n $p)",
        "Parameter maps cannot be used in MERGE patterns (use a literal map instead, e.g. \"{id: $p.id}\") (InvalidParameterUse) (line 1, column 10 (offset: 9))",
    );
    check(
        "MATCH (n) WITH count(*) RETURN 1",
        "Expression in WITH must be aliased (use AS) (NoExpressionAlias) (line 1, column 16 (offset: 15))",
    );
    check(
        "RETURN 1 AS a UNION RETURN 2 AS a UNION ALL RETURN 3 AS a",
        "UNION and UNION ALL cannot be combined (InvalidClauseComposition) (line 1, column 35 (offset: 34))",
    );
    check(
        "MATCH ()-[:T*-2]->() RETURN 1",
        "the length of a relationship pattern cannot be negative (InvalidRelationshipPattern) (line 1, column 14 (offset: 13))",
    );
    check(
        "MATCH (a)-[r]->()-[r]->() RETURN 1",
        "Cannot use the same relationship variable 'r' for multiple relationships (RelationshipUniquenessViolation) (line 1, column 20 (offset: 19))",
    );
    check(
        "RETURN 1 LIMIT -1",
        "expected a whole number of at least 0 (NegativeIntegerArgument) (line 1, column 16 (offset: 15))",
    );
    check(
        "RETURN (n)-->()",
        "a pattern can only be used as a condition, in WHERE or exists(); use a pattern comprehension or COUNT { } for its matches (UnexpectedSyntax) (line 1, column 8 (offset: 7))",
    );
    check(
        "MATCH (n) DELETE n:A",
        "DELETE takes nodes, relationships and paths; use REMOVE to take labels away (InvalidDelete) (line 1, column 18 (offset: 17))",
    );
}

/// Checks the whole message.
fn check_drawn(text: &str, expected: &str) {
    let error = parse(text).expect_err("the text is refused");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn draws_the_line_and_a_caret() {
    check_drawn(
        "MATCH (n)\n  RETURN né + é )",
        "Invalid input ')': expected a clause, an operator, ',' or the end of the statement \
         (line 2, column 17 (offset: 26))\n\"  RETURN né + é )\"\n                 ^",
    );
    let long = format!("RETURN {}]", "1 + ".repeat(100));
    let error = parse(&long).expect_err("the text is refused").to_string();
    assert!(error.lines().all(|line| line.chars().count() <= 150), "{error}");
}

#[test]
fn nothing_stands_beside_all_columns_of_a_listing() {
    for text in ["SHOW DATABASES YIELD *, bogus", "SHOW USERS YIELD *, user AS u", "SHOW AUDIT YIELD *, bogus RETURN *"]
    {
        let error = parse(text).expect_err("the text is refused");
        assert_eq!(error.code(), types::Code::SyntaxError, "{text}");
    }
    parse("SHOW DATABASES YIELD * RETURN *, name AS called").expect("a RETURN may add to them");
}

#[test]
fn errors_have_codes_and_places() {
    let error = parse("RETURN\n ]").expect_err("the text is refused");
    assert_eq!(error.code(), types::Code::SyntaxError);
    assert_eq!(error.position(), types::Position { offset: 8, line: 2, column: 2 });
    let error = parse("ALTER SERVER 'a' SET OPTIONS {}").expect_err("the command is not there");
    assert_eq!(error.code(), types::Code::UnsupportedCommand);
    assert!(matches!(&error, ParseError::Unsupported { command, .. } if command == "ALTER SERVER"));
    let failure = types::Failure::from(error);
    assert_eq!(failure.message(), "Unsupported administration command: ALTER SERVER");
}

#[test]
fn the_binder_points_into_the_text_too() {
    let span = crate::ast::Span { start: 7, end: 8 };
    let failure = crate::error_at("RETURN x", span, types::Code::SyntaxError, "Variable `x` not defined");
    let drawn = "Variable `x` not defined (line 1, column 8 (offset: 7))\n\"RETURN x\"\n        ^";
    assert_eq!(failure.message(), drawn);
}
