//! The acts that a privilege can allow: their words, where they hold, and which of them hold others.
//! Leaves who has which privilege to `catalog`, and the grammar around the words to `cypher`.
//! Start reading at [`Act`].

/// Where an act takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Inside a graph: `ON GRAPH g`.
    Graph,
    /// On a database as a whole: `ON DATABASE d`.
    Database,
    /// On the server: `ON DBMS`.
    Dbms,
    /// Loading data: `ON ALL DATA`, `ON CIDR '10.0.0.0/8'`.
    Load,
}

/// What stands between the words of an act and `ON`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Narrows {
    /// Nothing.
    Nothing,
    /// `{*}` or `{a, b}`: properties.
    Properties,
    /// `*` or `A, B`: labels.
    Labels,
    /// `(*)` or `(ada, bob)`, which may be left out: users.
    Users,
    /// `*`, `apoc.*`, `db.?abels`: names of procedures.
    Procedures,
    /// The same for functions.
    Functions,
    /// The same for settings.
    Settings,
}

/// One row of the table of acts.
#[derive(Clone, Copy, Debug)]
pub struct ActRow {
    /// How `SHOW PRIVILEGES` names it.
    pub name: &'static str,
    /// Its words: `[X]` may be left out, `A|B` is one of both, the first being how it is printed.
    pub words: &'static str,
    /// Where it takes place.
    pub place: Place,
    /// What narrows it.
    pub narrows: Narrows,
    /// What it is, in a few words.
    pub description: &'static str,
}

macro_rules! acts {
    ($($name:ident = $shown:literal, $words:literal, $place:ident, $narrows:ident, $description:literal;)*) => {
        /// One thing that a privilege can allow or forbid, or a group of such things.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Act { $(#[doc = $description] $name,)* }

        impl Act {
            /// Every act, in the table's order: where one's words begin another's, the longer comes first.
            pub const ALL: &'static [Act] = &[$(Act::$name,)*];

            /// Gives the act's row of the table.
            #[must_use]
            pub fn row(self) -> ActRow {
                match self {
                    $(Self::$name => ActRow {
                        name: $shown,
                        words: $words,
                        place: Place::$place,
                        narrows: Narrows::$narrows,
                        description: $description,
                    },)*
                }
            }
        }
    };
}

acts! {
    Access = "access", "ACCESS", Database, Nothing, "use a database";
    Traverse = "traverse", "TRAVERSE", Graph, Nothing, "find elements";
    Read = "read", "READ", Graph, Properties, "read properties of elements that can be found";
    Match = "match", "MATCH", Graph, Properties, "find elements and read their properties";
    Merge = "merge", "MERGE", Graph, Properties, "find, make and set what MERGE needs";
    Start = "start_database", "START", Database, Nothing, "start a database";
    Stop = "stop_database", "STOP", Database, Nothing, "stop a database";
    CreateIndex = "create_index", "CREATE INDEX|INDEXES", Database, Nothing, "make indexes";
    DropIndex = "drop_index", "DROP INDEX|INDEXES", Database, Nothing, "drop indexes";
    ShowIndex = "show_index", "SHOW INDEX|INDEXES", Database, Nothing, "list indexes";
    IndexManagement = "index", "INDEX|INDEXES [MANAGEMENT]", Database, Nothing, "make, drop and list indexes";
    CreateConstraint = "create_constraint", "CREATE CONSTRAINT|CONSTRAINTS", Database, Nothing, "make constraints";
    DropConstraint = "drop_constraint", "DROP CONSTRAINT|CONSTRAINTS", Database, Nothing, "drop constraints";
    ShowConstraint = "show_constraint", "SHOW CONSTRAINT|CONSTRAINTS", Database, Nothing, "list constraints";
    ConstraintManagement = "constraint", "CONSTRAINT|CONSTRAINTS [MANAGEMENT]", Database, Nothing,
        "make, drop and list constraints";
    CreateLabel = "create_label", "CREATE NEW [NODE] LABEL|LABELS", Database, Nothing, "use new labels";
    CreateType = "create_reltype", "CREATE NEW [RELATIONSHIP] TYPE|TYPES", Database, Nothing,
        "use new relationship types";
    CreateKey = "create_propertykey", "CREATE NEW [PROPERTY] NAME|NAMES", Database, Nothing, "use new property names";
    NameManagement = "token", "NAME [MANAGEMENT]", Database, Nothing,
        "use new labels, relationship types and property names";
    ShowTransaction = "show_transaction", "SHOW TRANSACTION|TRANSACTIONS", Database, Users, "list transactions";
    TerminateTransaction = "terminate_transaction", "TERMINATE TRANSACTION|TRANSACTIONS", Database, Users,
        "end transactions";
    TransactionManagement = "transaction_management", "TRANSACTION|TRANSACTIONS [MANAGEMENT]", Database, Users,
        "list and end transactions";
    CrossDatabase = "cross_database", "CROSS DATABASE", Database, Nothing,
        "use a database beside the session's own in one statement";
    Backup = "backup", "BACKUP", Database, Nothing, "copy a database into a file";
    Check = "check", "CHECK", Database, Nothing, "walk all of a database";
    ShowLimit = "show_limit", "SHOW LIMIT|LIMITS", Database, Nothing, "list limits and their use";
    SetLimit = "set_limit", "SET LIMIT|LIMITS", Database, Nothing, "set and remove limits";
    Ownership = "ownership", "OWNERSHIP", Database, Nothing, "do everything to a database that its owner may";

    CreateDatabase = "create_database", "CREATE DATABASE", Dbms, Nothing, "make databases";
    DropDatabase = "drop_database", "DROP DATABASE", Dbms, Nothing, "drop databases";
    AlterDatabase = "alter_database", "ALTER DATABASE", Dbms, Nothing, "alter databases";
    SetDatabaseAccess = "set_database_access", "SET DATABASE ACCESS", Dbms, Nothing,
        "let databases be written to, or not";
    SetDatabaseLanguage = "set_database_default_language", "SET DATABASE DEFAULT LANGUAGE", Dbms, Nothing,
        "choose the language of databases";
    CreateCompositeDatabase = "create_composite_database", "CREATE COMPOSITE DATABASE", Dbms, Nothing,
        "make composite databases";
    DropCompositeDatabase = "drop_composite_database", "DROP COMPOSITE DATABASE", Dbms, Nothing,
        "drop composite databases";
    AlterCompositeDatabase = "alter_composite_database", "ALTER COMPOSITE DATABASE", Dbms, Nothing,
        "alter composite databases";
    CompositeDatabaseManagement = "composite_database_management", "COMPOSITE DATABASE MANAGEMENT", Dbms, Nothing,
        "make, drop and alter composite databases";
    DatabaseManagement = "database_management", "DATABASE MANAGEMENT", Dbms, Nothing, "make, drop and alter databases";
    CreateAlias = "create_alias", "CREATE ALIAS", Dbms, Nothing, "make aliases";
    DropAlias = "drop_alias", "DROP ALIAS", Dbms, Nothing, "drop aliases";
    AlterAlias = "alter_alias", "ALTER ALIAS", Dbms, Nothing, "alter aliases";
    ShowAlias = "show_alias", "SHOW ALIAS", Dbms, Nothing, "list aliases";
    AliasManagement = "alias_management", "ALIAS MANAGEMENT", Dbms, Nothing, "make, drop, alter and list aliases";
    CreateUser = "create_user", "CREATE USER", Dbms, Nothing, "make users";
    RenameUser = "rename_user", "RENAME USER", Dbms, Nothing, "rename users";
    AlterUser = "alter_user", "ALTER USER", Dbms, Nothing, "alter users";
    SetPasswords = "set_passwords", "SET PASSWORD|PASSWORDS", Dbms, Nothing, "set passwords of users";
    SetAuth = "set_auth", "SET AUTH", Dbms, Nothing, "set how users log in";
    SetUserStatus = "set_user_status", "SET USER STATUS", Dbms, Nothing, "suspend users, or let them in again";
    SetUserHomeDatabase = "set_user_home_database", "SET USER HOME DATABASE", Dbms, Nothing,
        "set home databases of users";
    DropUser = "drop_user", "DROP USER", Dbms, Nothing, "drop users";
    ShowUser = "show_user", "SHOW USER|USERS", Dbms, Nothing, "list users";
    UserManagement = "user_management", "USER MANAGEMENT", Dbms, Nothing, "make, alter, drop and list users";
    CreateRole = "create_role", "CREATE ROLE", Dbms, Nothing, "make roles";
    RenameRole = "rename_role", "RENAME ROLE", Dbms, Nothing, "rename roles";
    DropRole = "drop_role", "DROP ROLE", Dbms, Nothing, "drop roles";
    AssignRole = "assign_role", "ASSIGN ROLE", Dbms, Nothing, "give roles to users";
    RemoveRole = "remove_role", "REMOVE ROLE", Dbms, Nothing, "take roles from users";
    ShowRole = "show_role", "SHOW ROLE|ROLES", Dbms, Nothing, "list roles";
    RoleManagement = "role_management", "ROLE MANAGEMENT", Dbms, Nothing, "make, drop, give, take and list roles";
    ShowPrivilege = "show_privilege", "SHOW PRIVILEGE|PRIVILEGES", Dbms, Nothing, "list privileges";
    AssignPrivilege = "assign_privilege", "ASSIGN PRIVILEGE|PRIVILEGES", Dbms, Nothing, "grant and deny privileges";
    RemovePrivilege = "remove_privilege", "REMOVE PRIVILEGE|PRIVILEGES", Dbms, Nothing, "revoke privileges";
    PrivilegeManagement = "privilege_management", "PRIVILEGE MANAGEMENT", Dbms, Nothing,
        "grant, deny, revoke and list privileges";
    TokenManagement = "token_management", "TOKEN MANAGEMENT", Dbms, Nothing, "make, drop and list tokens of others";
    ShowServer = "show_server", "SHOW SERVER|SERVERS", Dbms, Nothing, "list servers";
    ServerManagement = "server_management", "SERVER MANAGEMENT", Dbms, Nothing, "manage and list servers";
    ShowAudit = "show_audit", "SHOW AUDIT", Dbms, Nothing, "list what was recorded of who did what";
    Impersonate = "impersonate", "IMPERSONATE", Dbms, Users, "run statements as somebody else";
    ShowSetting = "show_setting", "SHOW SETTING|SETTINGS", Dbms, Settings, "list settings";
    ExecuteBoostedProcedure = "execute_boosted", "EXECUTE BOOSTED PROCEDURE|PROCEDURES", Dbms, Procedures,
        "call procedures with every right";
    ExecuteBoostedFunction = "execute_boosted", "EXECUTE BOOSTED [USER] [DEFINED] FUNCTION|FUNCTIONS", Dbms, Functions,
        "call functions with every right";
    ExecuteAdmin = "execute_admin", "EXECUTE ADMIN|ADMINISTRATOR PROCEDURES", Dbms, Nothing,
        "call procedures for administrators";
    ExecuteProcedure = "execute", "EXECUTE PROCEDURE|PROCEDURES", Dbms, Procedures, "call procedures";
    ExecuteFunction = "execute", "EXECUTE [USER] [DEFINED] FUNCTION|FUNCTIONS", Dbms, Functions, "call functions";

    SetLabel = "set_label", "SET LABEL|LABELS", Graph, Labels, "add labels to nodes";
    RemoveLabel = "remove_label", "REMOVE LABEL|LABELS", Graph, Labels, "take labels from nodes";
    SetProperty = "set_property", "SET PROPERTY|PROPERTIES", Graph, Properties, "set and remove properties";
    Write = "write", "WRITE", Graph, Nothing, "change elements, labels and properties";
    Create = "create_element", "CREATE", Graph, Nothing, "make elements";
    Delete = "delete_element", "DELETE", Graph, Nothing, "delete elements";
    Load = "load", "LOAD", Load, Nothing, "load data from files and addresses";

    AllGraph = "graph_actions", "ALL [GRAPH] [PRIVILEGES]", Graph, Nothing, "everything inside a graph";
    AllDatabase = "database_actions", "ALL [DATABASE] [PRIVILEGES]", Database, Nothing,
        "everything on a database but starting, stopping and transactions";
    AllDbms = "dbms_actions", "ALL [DBMS] [PRIVILEGES]", Dbms, Nothing, "everything on the server";
}

impl Act {
    /// Gives the words as they are printed: the first of each choice, what may be left out kept.
    #[must_use]
    pub fn printed(self) -> String {
        let first = |word: &str| word.trim_matches(['[', ']']).split('|').next().unwrap_or_default().to_owned();
        self.row().words.split(' ').map(first).collect::<Vec<_>>().join(" ")
    }

    /// Tells whether a privilege for it can be about a database under the name of one alias alone.
    #[must_use]
    pub fn suits_alias(self) -> bool {
        let inside = [Self::IndexManagement, Self::ConstraintManagement, Self::NameManagement];
        let is_inside = inside.iter().any(|group| group.holds(self));
        self.row().place == Place::Graph || is_inside || matches!(self, Self::Access | Self::CrossDatabase)
    }

    /// Tells whether it can hang on the value of a property: `FOR (n) WHERE n.level <= 3`.
    #[must_use]
    pub fn takes_test(self) -> bool {
        matches!(self, Self::Traverse | Self::Read | Self::Match)
    }

    /// Tells whether who may do this may do `other` in the same place; every act holds itself.
    ///
    /// `AllDatabase` holds neither starting and stopping nor transactions, as with Neo4j. `Ownership` holds all that is
    /// done to one database and inside it.
    #[must_use]
    pub fn holds(self, other: Self) -> bool {
        use Act::*;
        if self == other {
            return true;
        }
        match self {
            IndexManagement => matches!(other, CreateIndex | DropIndex | ShowIndex),
            ConstraintManagement => matches!(other, CreateConstraint | DropConstraint | ShowConstraint),
            NameManagement => matches!(other, CreateLabel | CreateType | CreateKey),
            TransactionManagement => matches!(other, ShowTransaction | TerminateTransaction),
            AllDatabase => {
                other == Access
                    || [IndexManagement, ConstraintManagement, NameManagement].iter().any(|it| it.holds(other))
            }
            Ownership => {
                let own = matches!(
                    other,
                    Start | Stop | Backup | Check | ShowLimit | CrossDatabase | DropDatabase | AlterDatabase
                ) || matches!(
                    other,
                    SetDatabaseAccess | SetDatabaseLanguage | CreateAlias | DropAlias | AlterAlias | ShowAlias
                ) || matches!(other, ShowPrivilege | AssignPrivilege | RemovePrivilege);
                own || [AllDatabase, AllGraph, TransactionManagement].iter().any(|it| it.holds(other))
            }
            Match => matches!(other, Traverse | Read),
            Merge => matches!(other, Match | Traverse | Read | Create | SetProperty),
            Write => matches!(other, Create | Delete | SetLabel | RemoveLabel | SetProperty),
            AllGraph => other.row().place == Place::Graph,
            CompositeDatabaseManagement => {
                matches!(other, CreateCompositeDatabase | DropCompositeDatabase | AlterCompositeDatabase)
            }
            AlterDatabase => matches!(other, SetDatabaseAccess | SetDatabaseLanguage),
            DatabaseManagement => {
                matches!(other, CreateDatabase | DropDatabase | AlterDatabase)
                    || [AlterDatabase, CompositeDatabaseManagement].iter().any(|it| it.holds(other))
            }
            AliasManagement => matches!(other, CreateAlias | DropAlias | AlterAlias | ShowAlias),
            SetAuth => other == SetPasswords,
            AlterUser => matches!(other, SetPasswords | SetAuth | SetUserStatus | SetUserHomeDatabase),
            UserManagement => {
                matches!(other, CreateUser | RenameUser | DropUser | ShowUser | AlterUser) || AlterUser.holds(other)
            }
            RoleManagement => matches!(other, CreateRole | RenameRole | DropRole | AssignRole | RemoveRole | ShowRole),
            PrivilegeManagement => matches!(other, ShowPrivilege | AssignPrivilege | RemovePrivilege),
            ServerManagement => other == ShowServer,
            ExecuteBoostedProcedure => other == ExecuteProcedure,
            ExecuteBoostedFunction => other == ExecuteFunction,
            AllDbms => other.row().place == Place::Dbms,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_begin_others_come_later() {
        for (at, act) in Act::ALL.iter().enumerate() {
            for later in &Act::ALL[at + 1..] {
                let (early, late) = (act.printed(), later.printed());
                assert!(!late.starts_with(&format!("{early} ")), "{early} hides {late}");
            }
        }
    }

    #[test]
    fn groups_hold_their_parts_and_theirs() {
        for (act, other, expected) in [
            (Act::AllDbms, Act::SetPasswords, true),
            (Act::UserManagement, Act::SetUserStatus, true),
            (Act::AllDatabase, Act::CreateLabel, true),
            (Act::AllDatabase, Act::Stop, false),
            (Act::Ownership, Act::Stop, true),
            (Act::Ownership, Act::Read, true),
            (Act::Ownership, Act::SetLimit, false),
            (Act::AllGraph, Act::Access, false),
            (Act::Write, Act::Traverse, false),
        ] {
            assert_eq!(act.holds(other), expected, "{act:?} {other:?}");
        }
    }
}
