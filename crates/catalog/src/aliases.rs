//! Aliases: second names of databases, in one name space with them.

use std::sync::Arc;

use types::{DatabaseId, DatabaseName, Map, failpoint};

use crate::catalog::Step;
use crate::kept::Kept;
use crate::resolve::Names;
use crate::{Catalog, CatalogError};

/// Most bytes of the properties of an alias.
const PROPERTIES_BYTES_MAX: usize = 16 << 10;

/// A second name of a database.
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    /// The second name.
    pub name: DatabaseName,
    /// The database it leads to, which is never another alias.
    pub target: DatabaseId,
    /// What is kept with it; the keys are in lower case.
    pub properties: Map,
    /// When it was made, in nanoseconds since 1970.
    pub created_nanos: i128,
}

/// What becomes of an alias of that name that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It forbids to make another.
    Refuse,
    /// It leads elsewhere from now on.
    Replace,
}

/// Where an alias is to lead.
#[derive(Clone, Copy, Debug)]
pub struct Aim<'a> {
    /// The name of the database.
    pub target: &'a DatabaseName,
    /// Whether whoever asks knows of it; one that he does not know is none to him.
    pub is_known: bool,
}

impl Catalog {
    /// Gives a database a second name.
    pub fn create_alias(
        &self,
        alias: &DatabaseName,
        target: Aim<'_>,
        properties: &Map,
        existing: Existing,
    ) -> Result<Arc<Alias>, CatalogError> {
        let made = self.change(|names, now| {
            let mut steps = Vec::new();
            match names.holder(alias) {
                Some(holder) if holder.alias.is_none() => {
                    return Err(CatalogError::AliasIsDatabase { alias: alias.clone() });
                }
                Some(_) if existing == Existing::Refuse => {
                    return Err(CatalogError::AliasExists { alias: alias.clone() });
                }
                // What was granted on the old one alone goes with it.
                Some(_) => steps.push(Step::AliasGone(alias.clone())),
                None => {}
            }
            let target = aim(names, alias, target, "create")?;
            let properties = checked(alias, properties)?;
            let made = Alias { name: alias.clone(), target, properties, created_nanos: now };
            steps.push(Step::Alias(made.clone()));
            Ok((steps, Arc::new(made)))
        })?;
        failpoint::reach("catalog.alias.created");
        Ok(made)
    }

    /// Lets an alias lead to another database, and gives it other properties; tells whether that changed anything.
    pub fn alter_alias(
        &self,
        alias: &DatabaseName,
        target: Option<Aim<'_>>,
        properties: Option<&Map>,
    ) -> Result<bool, CatalogError> {
        let changed = self.change(|names, _| {
            let found = found(names, alias, "alter")?;
            let mut next = Alias::clone(found);
            if let Some(target) = target {
                next.target = aim(names, alias, target, "alter")?;
            }
            if let Some(properties) = properties {
                next.properties = checked(alias, properties)?;
            }
            if next == **found {
                return Ok((Vec::new(), false));
            }
            Ok((vec![Step::Alias(next)], true))
        })?;
        failpoint::reach("catalog.alias.altered");
        Ok(changed)
    }

    /// Forgets an alias; its database stays.
    pub fn drop_alias(&self, alias: &DatabaseName) -> Result<(), CatalogError> {
        self.change(|names, _| {
            found(names, alias, "delete")?;
            Ok((vec![Step::AliasGone(alias.clone())], ()))
        })?;
        failpoint::reach("catalog.alias.dropped");
        Ok(())
    }
}

fn found<'n>(names: &'n Names, alias: &DatabaseName, verb: &'static str) -> Result<&'n Arc<Alias>, CatalogError> {
    names.alias(alias).ok_or_else(|| CatalogError::AliasMissing { verb, alias: alias.clone() })
}

/// Finds the database that an alias is to lead to.
fn aim(
    names: &Names,
    alias: &DatabaseName,
    Aim { target, is_known }: Aim<'_>,
    verb: &'static str,
) -> Result<DatabaseId, CatalogError> {
    if !is_known {
        return Err(CatalogError::AliasTargetMissing { verb, alias: alias.clone(), target: target.clone() });
    }
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

/// Puts the keys in lower case, and refuses what a row does not keep.
fn checked(alias: &DatabaseName, properties: &Map) -> Result<Map, CatalogError> {
    let refused = |reason: String| CatalogError::AliasProperties { alias: alias.clone(), reason };
    let lower: Map = properties.iter().map(|(key, value)| (key.to_lowercase(), value.clone())).collect();
    if lower.len() != properties.len() {
        return Err(refused("two keys are the same in lower case".to_owned()));
    }
    let kept = Kept::of_map(&lower).map_err(|other| refused(format!("a value of type {other} cannot be kept")))?;
    let bytes = rmp_serde::to_vec_named(&kept).map_or(usize::MAX, |bytes| bytes.len());
    if bytes > PROPERTIES_BYTES_MAX {
        return Err(refused(format!("they take {bytes} bytes, and {PROPERTIES_BYTES_MAX} is the most")));
    }
    Ok(lower)
}
