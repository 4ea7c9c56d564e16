//! Text to tree: tokens, a parser with spans, and errors that say what was expected and where.
//! Knows no names of databases, no types of values and no plans; `query` binds what the tree means.
//! Start reading at [`ast::Statement`].

pub mod ast;
