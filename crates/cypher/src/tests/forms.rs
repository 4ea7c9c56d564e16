//! What is accepted, and how it prints.

use super::{check, same};

#[test]
fn clauses() {
    same("MATCH (n) RETURN n");
    same(
        "OPTIONAL MATCH (n:A)-[r:T|U*1..3 {k: 1}]->(m) WHERE n.x > 1 RETURN DISTINCT n, m AS o ORDER BY n.x DESC SKIP 1 LIMIT 2",
    );
    check("match (n) return *, n.x as y order by y asc offset 3", "MATCH (n) RETURN *, n.x AS y ORDER BY y SKIP 3");
    same("UNWIND [1, 2] AS x WITH x AS y WHERE y > 1 RETURN y");
    same("CREATE (a:A&B {k: 'v'})-[:T]->(b)");
    check("CREATE (a:A:B)", "CREATE (a:A&B)");
    check("INSERT (a:A&B {k: 1})-[:T]->(b)", "CREATE (a:A&B {k: 1})-[:T]->(b)");
    same("MERGE (n:A {k: 1}) ON CREATE SET n.x = 1, n += {y: 2} ON MATCH SET n:B");
    same("MATCH (n) SET n.x = 1, n = {}, n += $p, n:A:B, n[$k] = 1, (head(l)).y = 2");
    same("MATCH (n) REMOVE n.x, n:A, n[$k]");
    same("MATCH (n) DETACH DELETE n, n.x");
    same("FOREACH (x IN [1, 2] | CREATE (:A {k: x}) SET x.y = 1)");
    same("LOAD CSV WITH HEADERS FROM 'file:///a.csv' AS line FIELDTERMINATOR ';' RETURN line");
    same("CALL db.labels() YIELD label AS l, x WHERE l = 'A' RETURN l");
    same("CALL db.labels");
    same("CALL db.labels() YIELD *");
    same("CALL (x, y) { RETURN 1 AS z } IN TRANSACTIONS OF 10 ROWS ON ERROR CONTINUE REPORT STATUS AS s RETURN z");
    check("CALL { CREATE () } IN 3 CONCURRENT TRANSACTIONS", "CALL { CREATE () } IN TRANSACTIONS");
    same("OPTIONAL CALL (*) { RETURN 1 AS z } RETURN z");
    same("RETURN 1 AS x UNION ALL RETURN 2 AS x");
    same("MATCH (n) FINISH");
    same("MATCH (n:A)-->(m) USING INDEX n:A(k, l) USING SCAN m:A USING JOIN ON n, m WHERE n.k = 1 RETURN n");
    check("MATCH (n:A) USING TEXT INDEX SEEK n:A(k) RETURN n;", "MATCH (n:A) USING TEXT INDEX n:A(k) RETURN n");
    check("LET x = 1, y = x + 1 RETURN y", "WITH *, 1 AS x WITH *, x + 1 AS y RETURN y");
    check("MATCH (n) FILTER n.x > 1 RETURN n", "MATCH (n) WITH * WHERE n.x > 1 RETURN n");
    check("MATCH (n) FILTER WHERE n.x > 1 FINISH", "MATCH (n) WITH * WHERE n.x > 1 FINISH");
    check("MATCH (n) ORDER BY n.x OFFSET 1 LIMIT 2 RETURN n", "MATCH (n) WITH * ORDER BY n.x SKIP 1 LIMIT 2 RETURN n");
    check(
        "OPTIONAL CALL db.labels() YIELD label AS l RETURN l",
        "OPTIONAL CALL (*) { CALL db.labels() YIELD label AS l RETURN l } RETURN l",
    );
    let batches = "CALL { CREATE () } IN TRANSACTIONS";
    same(&format!("{batches} OF $n ROWS ON ERROR RETRY FOR 2 SECONDS THEN BREAK REPORT STATUS AS s RETURN s"));
    check(&format!("{batches} ON ERROR RETRY 2 SECS"), &format!("{batches} ON ERROR RETRY FOR 2 SECONDS THEN FAIL"));
}

#[test]
fn prefixes() {
    same("EXPLAIN RETURN 1");
    check("CYPHER 5 runtime=slotted planner=cost profile RETURN 1 ;;", "PROFILE RETURN 1");
    check(":auto EXPLAIN RETURN 1", "EXPLAIN RETURN 1");
    check("/* a */ RETURN // b\n 1", "RETURN 1");
}

#[test]
fn f26_f64_databases() {
    same("USE films MATCH (n) RETURN n");
    same("USE comp.part RETURN 1");
    same("USE `a.b-c` RETURN 1");
    check("USE DATABASE films RETURN 1", "USE films RETURN 1");
    same(
        "MATCH (c:Customer) FROM DATABASE tenant_a MATCH (o:Order) FROM DATABASE tenant_b WHERE c.id = o.id RETURN c, o",
    );
    check("MATCH (c) IN DATABASE a WHERE c.x = 1 RETURN c", "MATCH (c) FROM DATABASE a WHERE c.x = 1 RETURN c");
    check("MATCH (c) IN a RETURN c", "MATCH (c) FROM DATABASE a RETURN c");
    check("MATCH (c) WHERE c.x IN c.y FROM DATABASE a RETURN c", "MATCH (c) FROM DATABASE a WHERE c.x IN c.y RETURN c");
    same("CREATE (c:A {x: 1}) FROM DATABASE a");
    same("MERGE (c:A {x: 1}) FROM DATABASE a ON CREATE SET c.y = 1");
    check("MATCH (c) IN a SET c.x = 1 IN DATABASE a", "MATCH (c) FROM DATABASE a SET c.x = 1 FROM DATABASE a");
    check("MATCH (c) IN a DETACH DELETE c IN a", "MATCH (c) FROM DATABASE a DETACH DELETE c FROM DATABASE a");
    check("MATCH (c) SET c.x = 1 IN [1]", "MATCH (c) SET c.x = 1 IN [1]");
    check("GRAPH[tenant_a] MATCH (n) RETURN n", "USE tenant_a MATCH (n) RETURN n");
    same("CALL { USE a MATCH (n) RETURN n } RETURN n");
    check("USE a", "USE a");
    check(":use a.b", "USE `a.b`");
    same(":use");
    check(":USE films\nMATCH (n) RETURN n", "USE films MATCH (n) RETURN n");
    check(":use DATABASE films RETURN 1 AS one", "USE films RETURN 1 AS one");
    check(
        "EXISTS",
        "error: Invalid input 'EXISTS': expected 'CALL', 'CREATE', 'DELETE', 'DETACH', 'DROP', 'EXPLAIN', 'FOREACH', 'INSERT', 'LOAD CSV', 'MATCH', 'MERGE', 'OPTIONAL', 'PROFILE', 'RETURN', 'SHOW', 'START', 'STOP', 'UNWIND', 'USE' or 'WITH' (line 1, column 1 (offset: 0))",
    );
    same("RETURN EXISTS { MATCH (a)-->(b) FROM DATABASE x WHERE b.k = 1 }");
}

#[test]
fn f66_database_aliases() {
    check(
        "USE DATABASE tenant_a AS a, tenant_b AS b MATCH (n) IN a MATCH (m) IN B RETURN n, m",
        "MATCH (n) FROM DATABASE tenant_a MATCH (m) FROM DATABASE tenant_b RETURN n, m",
    );
    check(
        "USE DATABASE t AS a MATCH (n) MATCH (m) IN a RETURN n",
        "USE t MATCH (n) MATCH (m) FROM DATABASE t RETURN n",
    );
}

#[test]
fn operators_and_how_they_bind() {
    check("RETURN 1+2*3^-4", "RETURN 1 + 2 * 3 ^ -4");
    same("RETURN (1 + 2) * 3");
    same("RETURN 1 - (2 - 3) - 4");
    same("RETURN NOT a = b AND c OR d XOR e");
    same("RETURN (NOT a) = b");
    same("RETURN NOT (a OR b)");
    same("RETURN a < b <= c");
    same("RETURN (a < b) = c");
    same("RETURN a IN b + c IS NULL");
    same("RETURN a STARTS WITH 'x' AND b ENDS WITH 'y' AND c CONTAINS 'z' AND d =~ '.*'");
    same("RETURN 'a' || 'b' + 'c'");
    same("RETURN -x.y ^ 2");
    same("RETURN (-1)[0], -(0), --1");
    same("RETURN -9223372036854775808");
    check("RETURN - 0x10, 0o17, 1_000, .5, 1e3", "RETURN -16, 15, 1000, 0.5, 1000.0");
    same("RETURN x[1], x[1..2], x[..2], x[1..], x[..], [1, 2][0]");
    check("RETURN [1,2,3][1..3]", "RETURN [1, 2, 3][1..3]");
    same("RETURN n:A, n:A&B, n:(A|B), n:!A");
    check("RETURN n:A:B, n IS A|B", "RETURN n:A&B, n:(A|B)");
    same("RETURN x IS NOT NULL, x IS :: INTEGER NOT NULL, x IS NOT :: LIST<STRING>");
    check(
        "RETURN x :: zoned datetime, x IS TYPED BOOL, x IS :: INT!",
        "RETURN x IS :: ZONED DATETIME, x IS :: BOOL, x IS :: INT NOT NULL",
    );
    same("RETURN x IS :: INTEGER | FLOAT, [x IN l WHERE (x IS :: INTEGER | FLOAT) | x]");
    check(
        "RETURN x IS NFC NORMALIZED",
        "RETURN reduce(` result` = null, ` text` IN [x] | \
         CASE WHEN ` text` IS :: STRING NOT NULL THEN normalize(` text`, 'NFC') = ` text` END)",
    );
    same("RETURN NaN, Infinity, -Infinity");
}

#[test]
fn operands() {
    same("RETURN null, true, false, 'it\\'s \\\\ \\n', $p, $1, $`a b`");
    same("RETURN {}, {a: 1, `b c`: [1]}, {``: 1}");
    same("RETURN count(*), count(DISTINCT x), a.b.c(1, 2)");
    check("RETURN COUNT ( * ), count(all x)", "RETURN count(*), count(x)");
    same("RETURN CASE WHEN a THEN 1 ELSE 2 END, CASE x WHEN 1 THEN 'a' WHEN 2 THEN 'b' END");
    check("RETURN CASE x WHEN 1, 2 THEN 'a' END", "RETURN CASE x WHEN 1 THEN 'a' WHEN 2 THEN 'a' END");
    check(
        "RETURN CASE x WHEN < 3, 7 THEN 'a' WHEN IS NULL THEN 'b' END",
        "RETURN CASE WHEN x < 3 OR x = 7 THEN 'a' WHEN x IS NULL THEN 'b' END",
    );
    same("RETURN [x IN l], [x IN l WHERE x > 1], [x IN l | x + 1], [x IN l WHERE x:A | x.y]");
    same("RETURN [(x IN l)], [x IN l, 1]");
    same("RETURN [(a)-->(b) | b.x], [p = (a)-->(b) WHERE b:A | p]");
    check("RETURN [(a)]", "RETURN [a]");
    same("RETURN all(x IN l WHERE x > 1), any(x IN l WHERE x), none(x IN l), single(x IN l WHERE x = 1)");
    same("RETURN reduce(s = 0, x IN l | s + x)");
    check("RETURN n {.a, .*, b: 1, c}", "RETURN n {.a, .*, b: 1, c} AS n");
    check(
        "RETURN trim(BOTH 'x' FROM y), trim(LEADING FROM y), trim('x' FROM y), trim(y)",
        "RETURN btrim(y, 'x'), ltrim(y), btrim(y, 'x'), trim(y)",
    );
    same("RETURN EXISTS { MATCH (a)-->(b) WHERE a.x = 1 }, COUNT { MATCH (a) }, COLLECT { MATCH (a) RETURN a.x }");
    check(
        "RETURN exists { (a)-->(b) }, count { MATCH (a) RETURN a }",
        "RETURN EXISTS { MATCH (a)-->(b) }, COUNT { MATCH (a) RETURN a }",
    );
    same("RETURN exists((a)-->(b)), exists(n.x)");
    same("MATCH (a), (b) WHERE (a)-->(b) AND NOT (a)<-[:T]-(b {x: 1}) OR (a)--() RETURN shortestPath((a)-[*]-(b))");
    check("RETURN (a)<-1, (a) - [1]", "RETURN a < -1, a - [1]");
    check("RETURN (a) - (b)", "RETURN a - b");
}

#[test]
fn patterns() {
    same("MATCH (), (a), (:A), ({x: 1}), (a:A {x: 1} WHERE a.y > 1) RETURN 1");
    same("MATCH ()-->()<--()--()-[r]->()-[:T]-()<-[r2:T|U]-() RETURN 1");
    check("MATCH (a)<-->(b), (a)-[r:A|:B]-(b) RETURN 1", "MATCH (a)--(b), (a)-[r:A|B]-(b) RETURN 1");
    same("MATCH ()-[*]-()-[*2]-()-[*1..]-()-[*..3]-()-[r:T* {x: 1}]-() RETURN 1");
    check(
        "MATCH ()-[:T]->+()-->*()-->{2}()-->{1,3}()-->{,4}() RETURN 1",
        "MATCH ()-[:T]->+()-->*()-->{2}()-->{1,3}()-->{0,4}() RETURN 1",
    );
    same("MATCH p = (a)((x)-[r]->(y) WHERE x.a < y.a){1,3}(b) RETURN p");
    same("MATCH ((a)-->(b)){2}((c)-->(d))+ RETURN 1");
    check("MATCH ((a)-->(b) WHERE a.x = b.x) RETURN 1", "MATCH (a)-->(b WHERE a.x = b.x) RETURN 1");
    same("MATCH p = shortestPath((a)-[*]->(b)), allShortestPaths((a)-[:T*..5]-(b)) RETURN p");
    same(
        "MATCH p = SHORTEST 2 (a)-[*]->(b), q = ALL SHORTEST (a)--(b), SHORTEST 3 GROUPS (a)--(b), ANY 1 (a)--(b) RETURN p",
    );
    check("MATCH ANY SHORTEST (a)--(b) RETURN 1", "MATCH SHORTEST 1 (a)--(b) RETURN 1");
    same("MATCH (n:A&!B|%), (m:!(A|B)), (o:$($l)) RETURN 1");
}

#[test]
fn keywords_as_names() {
    check(
        "MATCH (match:Match {where: 1}) RETURN match.return AS limit",
        "MATCH (`match`:Match {where: 1}) RETURN `match`.return AS `limit`",
    );
    check("WITH 1 AS order RETURN order ORDER BY order", "WITH 1 AS `order` RETURN `order` ORDER BY `order`");
    check("MATCH (where) WHERE where.in IN [1] RETURN where", "MATCH (`where`) WHERE `where`.in IN [1] RETURN `where`");
    check("MATCH (case) RETURN case.x, `null`", "MATCH (`case`) RETURN `case`.x, `null`");
    check("CREATE database = (a)-[:T]->(b)", "CREATE `database` = (a)-[:T]->(b)");
    check("RETURN start, end, index, show, 1 AS drop", "RETURN start, `end`, `index`, `show`, 1 AS drop");
    check("MATCH (n) WHERE n.x IN database RETURN n", "MATCH (n) WHERE n.x IN `database` RETURN n");
    check(
        "RETURN count, exists, collect {.a}",
        "error: Invalid input '.': expected '(' (a node pattern) (line 1, column 32 (offset: 31))",
    );
}

#[test]
fn f18_database_commands() {
    same("CREATE DATABASE films");
    check("CREATE DATABASE IF NOT EXISTS films WAIT 10 SECONDS", "CREATE DATABASE films IF NOT EXISTS WAIT");
    check("create or replace database `a-b` options {} nowait", "CREATE OR REPLACE DATABASE `a-b` OPTIONS {}");
    same("CREATE DATABASE $name IF NOT EXISTS");
    check("CREATE DATABASE a.b", "CREATE DATABASE `a.b`");
    check("CREATE DATABASE a SET DEFAULT LANGUAGE CYPHER 25", "CREATE DATABASE a DEFAULT LANGUAGE CYPHER 25");
    check("CREATE DATABASE a TOPOLOGY 1 PRIMARY 0 SECONDARIES OPTIONS $o", "CREATE DATABASE a OPTIONS $o");
    same("CREATE DATABASE a IF NOT EXISTS FROM b DEFAULT LANGUAGE CYPHER 5 OPTIONS {description: 'x'} WAIT");
    same("CREATE DATABASE a FROM BACKUP 'b.file'");
    same("CREATE DATABASE a FROM BACKUP 'b' UNTIL datetime('2026-11-21T12:00:00Z') OPTIONS {journal: true}");
    same("CREATE DATABASE a FROM BACKUP $b UNTIL $time USING JOURNAL 'c'");
    check("DROP DATABASE films IF EXISTS DESTROY DATA WAIT;", "DROP DATABASE films IF EXISTS WAIT");
    check("DROP DATABASE IF EXISTS films RESTRICT", "DROP DATABASE films IF EXISTS");
    check("DROP DATABASE films CASCADE ALIAS DUMP DATA NOWAIT", "DROP DATABASE films CASCADE ALIASES DUMP DATA");
    same("START DATABASE films");
    same("STOP DATABASE $x WAIT");
    same("ALTER DATABASE films SET ACCESS READ ONLY");
    check(
        "alter database if exists films set access read write wait 5",
        "ALTER DATABASE films IF EXISTS SET ACCESS READ WRITE WAIT",
    );
    same(
        "ALTER DATABASE films SET OPTION idleTimeout '10m' SET DEFAULT SET DEFAULT LANGUAGE CYPHER 25 REMOVE OPTION description",
    );
    check("ALTER DATABASE films SET OPTION idleTimeout 10m", "ALTER DATABASE films SET OPTION idleTimeout '10m'");
    for command in ["SET OPTION weight 5 SET OPTION drainTimeout 600", "SET OPTION weight 5 SET ACCESS READ WRITE"] {
        same(&format!("ALTER DATABASE films {command}"));
        same(&format!("ALTER DATABASE films {command} REMOVE OPTION description WAIT"));
    }
    same("ALTER DATABASE films SET OPTION weight 5 REMOVE OPTION idleTimeout");
    for twice in ["SET ACCESS READ ONLY SET ACCESS READ WRITE", "SET OPTION weight 5 REMOVE OPTION WEIGHT"] {
        let refused = crate::parse(&format!("ALTER DATABASE films {twice}")).expect_err("one of the two would be lost");
        assert!(refused.to_string().starts_with("The same setting is changed twice in one command"), "{refused}");
    }
    for twice in ["CREATE DATABASE IF NOT EXISTS films IF NOT EXISTS", "DROP DATABASE IF EXISTS films IF EXISTS"] {
        crate::parse(twice).expect_err("once is enough");
    }
    for command in ["SET LIMIT max_nodes = 5", "REMOVE LIMIT max_nodes", "SET OWNER bob", "REMOVE OWNER"] {
        same(&format!("ALTER DATABASE films {command} WAIT"));
    }
    same("ALTER DATABASE films SET ISOLATION SOFT WAIT");
    same("RENAME DATABASE films TO movies WAIT");
    check("ALTER DATABASE films RENAME TO `a-b`", "RENAME DATABASE films TO `a-b`");
    same("RENAME DATABASE films IF EXISTS TO $b");
    same("CHECK DATABASE films");
    same("CALL dbms.recreateDatabase('it is', {clearData: true})");
    check("call DBMS.recreatedatabase($d)", "CALL dbms.recreateDatabase($d)");
    same("CALL dbms.setDefaultDatabase('it is')");
    check("call DBMS.setdefaultdatabase($d) yield result", "CALL dbms.setDefaultDatabase($d) YIELD result");
    same("CALL dbms.setDefaultDatabase($d) YIELD result AS r RETURN r");
    for more in ["('a') CREATE (:N)", "('a') YIELD result WITH result CREATE (:N)", "(toLower('A'))", ""] {
        crate::parse(&format!("CALL dbms.setDefaultDatabase{more}")).expect_err("it is a command");
    }
    same("SHOW DATABASES");
    check("SHOW DATABASE films YIELD *", "SHOW DATABASE films YIELD *");
    same("SHOW DEFAULT DATABASE");
    same("SHOW HOME DATABASE YIELD name");
    same(
        "SHOW DATABASES YIELD name, currentStatus AS s ORDER BY name SKIP 1 LIMIT 2 WHERE s = 'online' RETURN count(*) AS n",
    );
    same("SHOW DATABASES WHERE name = 'films'");
    same("SHOW TRANSACTIONS");
    check("SHOW TRANSACTION 'a-transaction-1', $b YIELD *", "SHOW TRANSACTIONS 'a-transaction-1', $b YIELD *");
    same("SHOW TRANSACTIONS YIELD currentQuery WHERE NOT currentQuery STARTS WITH 'SHOW' RETURN count(*)");
    check("TERMINATE TRANSACTION 'a-transaction-1'", "TERMINATE TRANSACTIONS 'a-transaction-1'");
    same("TERMINATE TRANSACTIONS");
    check("SHOW SERVER YIELD name", "SHOW SERVERS YIELD name");
    same("TERMINATE TRANSACTIONS $ids YIELD message WHERE message <> '' RETURN count(*)");
    check("USE system SHOW DATABASES", "SHOW DATABASES");
}

#[test]
fn f37_f38_f39_f40_alias_commands() {
    same("CREATE ALIAS a FOR DATABASE b");
    check("create alias if not exists a.b for database `c-d`", "CREATE ALIAS `a.b` IF NOT EXISTS FOR DATABASE `c-d`");
    same("CREATE OR REPLACE ALIAS $a FOR DATABASE $b PROPERTIES {x: 1, y: 'z'}");
    same("ALTER ALIAS a IF EXISTS SET DATABASE TARGET b PROPERTIES $p");
    check("ALTER ALIAS a SET DATABASE PROPERTIES {} TARGET b", "ALTER ALIAS a SET DATABASE TARGET b PROPERTIES {}");
    check("DROP ALIAS a", "DROP ALIAS a FOR DATABASE");
    same("DROP ALIAS a IF EXISTS FOR DATABASE");
    check("SHOW ALIAS", "SHOW ALIASES FOR DATABASES");
    check("SHOW ALIAS a FOR DATABASE YIELD *", "SHOW ALIASES a FOR DATABASES YIELD *");
    same("SHOW ALIASES FOR DATABASE films YIELD name WHERE name STARTS WITH 'a'");
    same("SHOW ALIASES a FOR DATABASES WHERE name = 'films'");
}

#[test]
fn f31_session_commands() {
    same("SHOW SESSIONS");
    check("SHOW SESSION 'a', $b YIELD *", "SHOW SESSIONS 'a', $b YIELD *");
    check("TERMINATE SESSION 'a'", "TERMINATE SESSIONS 'a'");
    same("TERMINATE SESSIONS $ids YIELD message");
}

#[test]
fn index_commands() {
    check("CREATE INDEX FOR (p:Person) ON (p.id)", "CREATE RANGE INDEX FOR (n:Person) ON (n.id)");
    check(
        "CREATE INDEX i IF NOT EXISTS FOR ()-[r:T]-() ON (r.a, r.b) OPTIONS {x: 1}",
        "CREATE RANGE INDEX i IF NOT EXISTS FOR ()-[n:T]-() ON (n.a, n.b) OPTIONS {x: 1}",
    );
    check("CREATE TEXT INDEX i FOR (n:A) ON n.x", "CREATE TEXT INDEX i FOR (n:A) ON (n.x)");
    same("CREATE FULLTEXT INDEX i FOR (n:A) ON EACH [n.x, n.y]");
    same("CREATE FULLTEXT INDEX i FOR (n:A|B) ON EACH [n.x]");
    same("CREATE FULLTEXT INDEX i FOR ()-[n:T|U]-() ON EACH [n.x]");
    same("CREATE VECTOR INDEX i FOR (n:A) ON (n.x) OPTIONS {indexConfig: {`vector.dimensions`: 3}}");
    same("CREATE LOOKUP INDEX FOR (n) ON EACH labels(n)");
    check(
        "USE films CREATE VECTOR INDEX i FOR (m:Movie) ON (m.e)",
        "USE films CREATE VECTOR INDEX i FOR (n:Movie) ON (n.e)",
    );
    check("DROP INDEX IF EXISTS i", "DROP INDEX i IF EXISTS");
    check("SHOW INDEX YIELD name", "SHOW INDEXES YIELD name");
    check("SHOW ALL INDEXES", "SHOW INDEXES");
}

#[test]
fn f24_f94_backups_and_audit() {
    same("BACKUP DATABASE films");
    same("BACKUP DATABASE `a-b` TO 'films.sheafbackup'");
    same("BACKUP DATABASE $name TO $file WITH CHECK");
    same("BACKUP DATABASE films TO STREAM");
    same("BACKUP ALL DATABASES");
    same("BACKUP ALL DATABASES TO 'nightly' WITH CHECK");
    same("BACKUP ALL DATABASES TO STREAM");
    check("BACKUP ALL DATABASE TO $folder", "BACKUP ALL DATABASES TO $folder");
    same("BACKUP JOURNAL FOR DATABASE films");
    same("BACKUP JOURNAL FOR DATABASE $name TO STREAM");
    same("SHOW BACKUPS");
    same("SHOW AUDIT YIELD sequence, user WHERE user = 'bob' RETURN count(*)");
}

#[test]
fn f46_limits() {
    check(
        "ALTER DATABASE films SET LIMIT max_nodes = 10, max_query_time = 60s, max_bytes = 10 GB, max_results = $n",
        "ALTER DATABASE films SET LIMIT max_nodes = 10, max_query_time = '60s', max_bytes = '10GB', max_results = $n",
    );
    check(
        "ALTER DATABASE a.b IF EXISTS SET LIMIT max_query_time = 'PT1M', max_nodes = -1 WAIT",
        "ALTER DATABASE `a.b` IF EXISTS SET LIMIT max_query_time = 'PT1M', max_nodes = -1 WAIT",
    );
    check(
        "ALTER DATABASE a SET LIMIT max_nodes = NULL, max_query_time = DURATION('PT1M')",
        "ALTER DATABASE a SET LIMIT max_nodes = null, max_query_time = 'PT1M'",
    );
    check("ALTER DATABASE $d REMOVE LIMIT max_nodes, max_edges", "ALTER DATABASE $d REMOVE LIMIT max_nodes, max_edges");
    same("ALTER ROLE reader SET LIMIT max_queries_per_second = 5");
    same("SHOW LIMITS");
    same("SHOW LIMITS FOR DATABASE films YIELD `limit`, value WHERE value > 0");
    same("SHOW LIMITS FOR ROLE reader");
    same("SHOW USAGE FOR DATABASE films");
    check(
        "ALTER DATABASE films SET LIMIT max_nodes",
        "error: Invalid input '': expected '=' (line 1, column 41 (offset: 40))",
    );
}

#[test]
fn commands_in_a_row() {
    same("SHOW TRANSACTIONS YIELD transactionId AS t TERMINATE TRANSACTIONS t YIELD message RETURN t, message");
    same("USE films SHOW RANGE INDEXES YIELD name SHOW CONSTRAINTS YIELD name AS c WHERE c = name RETURN *");
    same("SHOW FUNCTIONS YIELD name AS f LIMIT 1 SHOW PROCEDURES YIELD name ORDER BY name RETURN f, name");
    same(
        "SHOW SETTINGS $s YIELD value TERMINATE SESSIONS value, 'b' YIELD message SHOW SESSIONS YIELD sessionId RETURN *",
    );
    check(
        "SHOW TRANSACTIONS TERMINATE TRANSACTIONS 'a' YIELD message RETURN message",
        "error: When combining `SHOW TRANSACTIONS` with other show and/or terminate commands, `YIELD` is mandatory. \
         (line 1, column 1 (offset: 0))",
    );
    check(
        "SHOW TRANSACTIONS YIELD * SHOW SETTINGS YIELD name RETURN name",
        "error: When combining `SHOW TRANSACTIONS` with other show and/or terminate commands, `YIELD *` isn't \
         permitted. (line 1, column 1 (offset: 0))",
    );
    check(
        "SHOW SETTINGS YIELD name SHOW SETTINGS YIELD value",
        "error: When combining show and/or terminate commands, `RETURN` isn't optional. (line 1, column 26 (offset: \
         25))",
    );
    check(
        "SHOW SETTINGS YIELD name SHOW INDEXES YIELD name RETURN name",
        "error: Variable `name` already declared (line 1, column 45 (offset: 44))",
    );
    let links = "error: Only SHOW and TERMINATE TRANSACTIONS, SHOW and TERMINATE SESSIONS, SHOW FUNCTIONS, PROCEDURES, \
                 SETTINGS, INDEXES and CONSTRAINTS can be combined in one statement (line 1, column";
    check("SHOW USERS YIELD user SHOW SETTINGS YIELD name RETURN name", &format!("{links} 1 (offset: 0))"));
    check("SHOW SETTINGS YIELD name SHOW USERS YIELD user RETURN name", &format!("{links} 26 (offset: 25))"));
    check(
        "TERMINATE TRANSACTION 'a' WHERE true",
        "error: `WHERE` is not allowed by itself, please use `TERMINATE TRANSACTION ... YIELD ... WHERE ...` instead \
         (line 1, column 27 (offset: 26))",
    );
}
