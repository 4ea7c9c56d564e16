//! Aliases: second names of databases, in one name space with them.

use std::sync::Arc;

use types::{DatabaseId, DatabaseName};

use crate::catalog::Step;
use crate::resolve::Names;
use crate::{Catalog, CatalogError};

/// A second name of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The second name.
    pub name: DatabaseName,
    /// The database it leads to, which is never another alias.
    pub target: DatabaseId,
    /// When it was made, in nanoseconds since 1970.
    pub created_nanos: i128,
}

impl Catalog {
    /// Gives a database a second name.
    pub fn create_alias(&self, alias: &DatabaseName, target: &DatabaseName) -> Result<Arc<Alias>, CatalogError> {
        self.change(|names, now| {
            match names.holder(alias) {
                Some(holder) if holder.alias.is_none() => {
                    return Err(CatalogError::AliasIsDatabase { alias: alias.clone() });
                }
                Some(_) => return Err(CatalogError::AliasExists { alias: alias.clone() }),
                None => {}
            }
            let target = aim(names, alias, target, "create")?;
            let made = Alias { name: alias.clone(), target, created_nanos: now };
            Ok((vec![Step::Alias(made.clone())], Arc::new(made)))
        })
    }

    /// Lets an alias lead to another database.
    pub fn retarget_alias(&self, alias: &DatabaseName, target: &DatabaseName) -> Result<(), CatalogError> {
        self.change(|names, _| {
            let found = existing(names, alias, "alter")?;
            let target = aim(names, alias, target, "alter")?;
            if found.target == target {
                return Ok((Vec::new(), ()));
            }
            Ok((vec![Step::Alias(Alias { target, ..(**found).clone() })], ()))
        })
    }

    /// Forgets an alias; its database stays.
    pub fn drop_alias(&self, alias: &DatabaseName) -> Result<(), CatalogError> {
        self.change(|names, _| {
            existing(names, alias, "delete")?;
            Ok((vec![Step::AliasGone(alias.clone())], ()))
        })
    }
}

fn existing<'n>(names: &'n Names, alias: &DatabaseName, verb: &'static str) -> Result<&'n Arc<Alias>, CatalogError> {
    names.alias(alias).ok_or_else(|| CatalogError::AliasMissing { verb, alias: alias.clone() })
}

/// Finds the database that an alias is to lead to.
fn aim(
    names: &Names,
    alias: &DatabaseName,
    target: &DatabaseName,
    verb: &'static str,
) -> Result<DatabaseId, CatalogError> {
    if target.is_system() {
        return Err(CatalogError::AliasOfSystem { verb, alias: alias.clone() });
    }
    if let Some(database) = names.by_name(target) {
        return Ok(database.id);
    }
    let (alias, target) = (alias.clone(), target.clone());
    match names.alias(&target) {
        Some(_) => Err(CatalogError::AliasChain { verb, alias, target }),
        None => Err(CatalogError::AliasTargetMissing { verb, alias, target }),
    }
}
