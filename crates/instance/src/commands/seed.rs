//! Neo4j's options of `CREATE DATABASE` that say what a new database is made of: `seedURI` and `seedRestoreUntil`.
//! They stand for `FROM BACKUP 'file' [UNTIL time]`; leaves the making to `backup`.
//! Start reading at [`with_origin`].

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use cypher::ast::{CreateDatabase, DatabaseOrigin, ExpressionKind, FileName, Moment};
use types::{Code, CompactString, Failure, Map, Value};

use crate::tail;

const URI: &str = "seedURI";
const UNTIL: &str = "seedRestoreUntil";

/// Tells whether an option says what the database is made of.
pub(crate) fn is_seed(key: &str) -> bool {
    [URI, UNTIL].iter().any(|seed| seed.eq_ignore_ascii_case(key))
}

/// Gives the command with its origin, which may be among its options; `folder` is that of the backups.
pub(crate) fn with_origin<'c>(
    create: &'c CreateDatabase,
    options: &Map,
    folder: impl FnOnce() -> Result<PathBuf, Failure>,
) -> Result<Cow<'c, CreateDatabase>, Failure> {
    let option = |name: &str| options.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    let refused = |text: String| Err(Failure::new(Code::ArgumentError, text));
    let backup = match (option(URI), option(UNTIL)) {
        (None, None) => return Ok(Cow::Borrowed(create)),
        (None, Some(_)) => return refused(format!("{UNTIL} is a moment after that of a backup: give {URI} too.")),
        (Some(Value::String(uri)), _) => FileName::Text(file_in(&folder()?, uri)?),
        (Some(other), _) => return refused(format!("Invalid value for '{URI}': {}", types::text::literal(other))),
    };
    if create.origin.is_some() {
        return refused(format!("Give either FROM or {URI}: a database is made out of one thing."));
    }
    let origin = match option(UNTIL) {
        None => DatabaseOrigin::Backup(backup),
        Some(time) => {
            super::backup::moment::nanos(time, UNTIL)?;
            let text = types::text::to_text(time).map_or_else(CompactString::default, CompactString::from);
            let until = tail::expression(ExpressionKind::String(text));
            DatabaseOrigin::Moment(Box::new(Moment { backup, until, journal: None }))
        }
    };
    Ok(Cow::Owned(CreateDatabase { origin: Some(origin), ..create.clone() }))
}

/// Gives the name of a file of the backup folder: by itself, or as a `file:` address.
pub(crate) fn file_in(folder: &Path, uri: &str) -> Result<CompactString, Failure> {
    if !uri.contains(':') {
        return Ok(uri.into());
    }
    let path = uri.strip_prefix("file:").map(|path| Path::new(path.strip_prefix("//").unwrap_or(path)));
    let name = path.filter(|path| path.parent() == Some(folder)).and_then(|path| path.file_name()?.to_str());
    name.map(CompactString::from).ok_or_else(|| {
        let shown: String = types::shown::without_user_info(uri).chars().take(80).collect();
        let text = format!(
            "Cannot seed from '{shown}': a database is made out of a file of the server's backup folder. Put the file there, and \
             give its name: {URI}: 'films.sheafbackup'."
        );
        Failure::new(Code::ArgumentError, text)
    })
}
