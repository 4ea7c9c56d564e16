//! The list of what belongs to the backup of a whole server: written last, so that it is there only if all the rest is.
//! Leaves the files it names to `reader`. Start reading at [`Manifest::read`]; the text is in `docs/format/backup.md`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};
use types::{DatabaseId, DatabaseName};
use xxhash_rust::xxh3;

use crate::backup::{BackupError, Folder, Header};

/// The name of the list in the folder of a backup of a whole server.
pub const MANIFEST: &str = "manifest";
/// The file of `system`.
pub(crate) const SYSTEM_FILE: &str = "system.sheafbackup";
/// The first line of a list, up to the number of its format.
const FIRST_LINE: &str = "sheaf: backup of a whole server, format ";
/// The format that this code writes.
const FORMAT: u32 = 1;
/// What its last line begins with.
const SUM: &str = "sum ";
/// Longest list: some hundred bytes for each of a hundred thousand databases.
const BYTES_MAX: u64 = 64 << 20;

/// What the backup of a whole server says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the server that wrote it.
    pub made_by: String,
    /// Kind of the images in it.
    pub kind: String,
    /// When `system` was copied, in milliseconds since 1970; everything else was copied shortly before.
    pub taken_millis: i64,
    /// Names of the keys that sealed secrets at that time; the keys themselves are not in the backup.
    pub keys: Vec<String>,
    /// The database `system`.
    pub system: Entry,
    /// Every other database that `system` knows, by name.
    pub databases: Vec<Entry>,
}

/// One database of a backup of a whole server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its id, which a restore of the whole server keeps.
    pub id: String,
    /// Its file; none where it could not be copied.
    pub file: Option<String>,
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of the image in it.
    pub image_bytes: u64,
    /// Sum of the image, as the end of the file has it.
    pub sum: String,
    /// Nodes.
    pub nodes: u64,
    /// Relationships.
    pub relationships: u64,
    /// Version of the last commit that is in it.
    pub version: u64,
    /// Why it could not be copied.
    pub problem: Option<String>,
}

impl Entry {
    /// Lists a file that was written.
    pub(crate) fn written(file: &str, header: &Header, bytes: u64, sum: u128) -> Self {
        Self {
            name: header.database.clone(),
            id: header.database_id().to_string(),
            file: Some(file.to_owned()),
            bytes,
            image_bytes: header.image_bytes,
            sum: print_sum(sum),
            nodes: header.nodes,
            relationships: header.relationships,
            version: header.version,
            problem: None,
        }
    }

    /// Lists a database that could not be copied.
    pub(crate) fn missing(name: &DatabaseName, id: DatabaseId, problem: String) -> Self {
        Self {
            name: name.to_string(),
            id: id.to_string(),
            file: None,
            bytes: 0,
            image_bytes: 0,
            sum: String::new(),
            nodes: 0,
            relationships: 0,
            version: 0,
            problem: Some(problem),
        }
    }

    /// Tells whether a file is what the list says of it.
    pub(crate) fn fits(&self, header: &Header, sum: u128) -> bool {
        // A database may have been renamed while others were copied; its id stays.
        self.id == header.database_id().to_string()
            && self.version == header.version
            && self.image_bytes == header.image_bytes
            && self.sum == print_sum(sum)
    }
}

fn print_sum(sum: u128) -> String {
    format!("{sum:032x}")
}

impl Manifest {
    /// Reads the list of a folder and checks it; the files that it names are not looked at.
    ///
    /// Errors: [`BackupError::Unfinished`] where there is none, though backups are: whoever wrote them did not end.
    pub fn read(folder: &Path) -> Result<Self, BackupError> {
        let file = folder.join(MANIFEST);
        let refuse = |reason: &str| BackupError::NotBackup { file: file.clone(), reason: reason.to_owned() };
        let metadata = fs::symlink_metadata(&file).map_err(|error| match error.kind() {
            ErrorKind::NotFound if Folder(folder).holds_backups() => BackupError::Unfinished(folder.to_owned()),
            ErrorKind::NotFound | ErrorKind::NotADirectory => BackupError::Missing(folder.to_owned()),
            _ => BackupError::Io { action: "look at the list of the backup", source: error },
        })?;
        if !metadata.is_file() || metadata.len() > BYTES_MAX {
            return Err(refuse("it is no list of a backup"));
        }
        let bytes = fs::read(&file).map_err(BackupError::io("read the list of the backup"))?;
        let text = String::from_utf8(bytes).map_err(|_| refuse("it is not text"))?;
        Self::parse(&text, &file)
    }

    /// Reads a list that came from elsewhere; `file` stands in messages.
    pub fn parse(text: &str, file: &Path) -> Result<Self, BackupError> {
        let refuse = |reason: String| BackupError::NotBackup { file: file.to_owned(), reason };
        let damaged = |reason: &str| BackupError::Damaged { file: file.to_owned(), reason: reason.to_owned() };
        let Some((format, rest)) = text.strip_prefix(FIRST_LINE).and_then(|rest| rest.split_once('\n')) else {
            return Err(refuse("it does not begin as the list of a backup".to_owned()));
        };
        match format.parse::<u32>() {
            Ok(FORMAT) => {}
            Ok(newer) => return Err(refuse(format!("it has format {newer}, which a newer server wrote"))),
            Err(_) => return Err(damaged("its first line names no format")),
        }
        let (body, sum) = rest.trim_end().rsplit_once('\n').ok_or_else(|| damaged("it ends early"))?;
        if sum.strip_prefix(SUM) != Some(print_sum(xxh3::xxh3_128(body.as_bytes())).as_str()) {
            return Err(damaged("it was cut short or changed: its sum does not fit"));
        }
        let read: Self = serde_json::from_str(body).map_err(|error| refuse(format!("it cannot be read: {error}")))?;
        let folder = Folder(file.parent().unwrap_or(Path::new("")));
        // Whoever wrote the list names files of its folder and no others.
        read.files().try_for_each(|(_, name)| folder.file(name).map(drop))?;
        Ok(read)
    }

    /// Writes the list as text.
    #[must_use]
    pub fn print(&self) -> String {
        let body = serde_json::to_string_pretty(self).expect("plain fields, and memory does not fail to be written");
        let sum = print_sum(xxh3::xxh3_128(body.as_bytes()));
        format!("{FIRST_LINE}{FORMAT}\n{body}\n{SUM}{sum}\n")
    }

    /// Names the whole: two lists that say the same have the same name.
    #[must_use]
    pub fn sum(&self) -> String {
        print_sum(xxh3::xxh3_128(self.print().as_bytes()))
    }

    /// Gives each database that was copied, `system` first, with its file.
    pub fn files(&self) -> impl Iterator<Item = (&Entry, &str)> {
        let all = [&self.system].into_iter().chain(&self.databases);
        all.filter_map(|entry| Some((entry, entry.file.as_deref()?)))
    }

    /// Says which of its files are not there, or not as long as they were; what is in them is not read.
    #[must_use]
    pub fn problem_in(&self, folder: &Path) -> Option<String> {
        self.files().find_map(|(entry, file)| match fs::symlink_metadata(folder.join(file)) {
            Ok(metadata) if metadata.is_file() && metadata.len() == entry.bytes => None,
            Ok(metadata) if metadata.is_file() => {
                Some(format!("its file {file} has {} bytes, not {}", metadata.len(), entry.bytes))
            }
            Ok(_) => Some(format!("its file {file} is no plain file")),
            Err(_) => Some(format!("its file {file} is not there")),
        })
    }

    /// Gives each database that could not be copied, with the reason.
    pub fn problems(&self) -> impl Iterator<Item = (&Entry, &str)> {
        self.databases.iter().filter_map(|entry| Some((entry, entry.problem.as_deref()?)))
    }

    /// Gives the database with this id, where it was copied.
    pub(crate) fn entry(&self, id: DatabaseId) -> Option<&Entry> {
        let id = id.to_string();
        self.databases.iter().find(|entry| entry.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let system = Entry::missing(&DatabaseName::system(), DatabaseId([1; 16]), String::new());
        let system = Entry { file: Some(SYSTEM_FILE.to_owned()), problem: None, ..system };
        let films = DatabaseName::parse("films").expect("legal");
        Manifest {
            made_by: "0.1.0".to_owned(),
            kind: "lmdb 1".to_owned(),
            taken_millis: 1_700_000_000_000,
            keys: vec!["5cadf34ca307ffe7".to_owned()],
            system,
            databases: vec![Entry::missing(&films, DatabaseId([2; 16]), "it is damaged".to_owned())],
        }
    }

    fn check(text: &str, expected: &str) {
        let got = match Manifest::parse(text, Path::new("set/manifest")) {
            Ok(read) => format!("{} databases", read.databases.len()),
            Err(error) => format!("{:?}: {error}", error.code()),
        };
        assert_eq!(got, expected);
    }

    #[test]
    fn f24_a_list_comes_back_as_it_was() {
        let manifest = sample();
        let read = Manifest::parse(&manifest.print(), Path::new("manifest")).expect("reads");
        assert_eq!((read.sum(), &read), (manifest.sum(), &manifest));
        assert_eq!(
            read.files().map(|(entry, file)| (entry.name.as_str(), file)).collect::<Vec<_>>(),
            [("system", SYSTEM_FILE)]
        );
        assert_eq!(read.problems().count(), 1);
    }

    #[test]
    fn f24_a_list_that_was_changed_or_is_another_file_is_refused() {
        let text = sample().print();
        check(&text, "1 databases");
        check(
            &text.replace("films", "filmz"),
            "StorageDamaged: the backup set/manifest is damaged: it was cut short or changed: its sum does not fit",
        );
        check(
            &text[..text.len() / 2],
            "StorageDamaged: the backup set/manifest is damaged: it was cut short or changed: its sum does not fit",
        );
        check(
            &text.replacen("format 1", "format 9", 1),
            "ExternalResourceFailed: set/manifest is not a backup that this server reads: it has format 9, which a \
             newer server wrote",
        );
        check(
            "{}",
            "ExternalResourceFailed: set/manifest is not a backup that this server reads: it does not begin as the \
             list of a backup",
        );
        let mut outside = sample();
        outside.system.file = Some("../../etc/passwd".to_owned());
        let error = Manifest::parse(&outside.print(), Path::new("set/manifest")).expect_err("it leads out");
        assert!(matches!(error, BackupError::Name { .. }), "{error}");
    }
}
