//! `BACKUP ALL DATABASES`: a whole server into a folder of the backup folder, or to the client.
//! Leaves the order in which databases are copied to `backup::whole`. Start reading at [`run`].

use std::sync::Arc;

use cypher::ast::BackupTarget;
use types::{CompactString, DatabaseName, Failure, Value};

use super::{integer, stream, text_of, told};
use crate::answer::{Fetched, Kind, Summary};
use crate::backup::whole::{Entry, FolderTarget, Watch};
use crate::backup::{Folder, Proof};
use crate::instance::Shared;
use crate::records::Records;
use crate::running::Allowance;
use crate::statement::Statement;

const COLUMNS: [&str; 8] = ["name", "file", "nodes", "relationships", "bytes", "imageBytes", "version", "problem"];

/// Ends with the statement.
pub(super) struct Bounded(pub(super) Allowance);

impl Watch for Bounded {
    fn step(&self, _: u64) -> Result<(), Failure> {
        self.0.check()
    }
}

/// Who asks, to be asked again before each database.
pub(super) struct Asking {
    principal: catalog::Principal,
}

impl Asking {
    pub(super) fn of(statement: &Statement<'_>) -> Self {
        Self { principal: statement.principal.clone() }
    }

    /// Refuses who may not copy the whole server any more: copying all takes long.
    ///
    /// What was denied of one database does not count here. Its owner may deny it to anybody, and would keep the server
    /// without a backup; who may do everything on the server reads the rights out of the same copy.
    pub(super) fn may(&self, shared: &Shared) -> Result<(), Failure> {
        super::allow_server_to(&shared.catalog.names(), &self.principal)
    }
}

pub(super) fn run(statement: &mut Statement<'_>, to: &BackupTarget, check: bool) -> Result<Records, Failure> {
    if matches!(to, BackupTarget::Stream) {
        return stream::run_all(statement);
    }
    let path = statement.shared.backup_folder()?;
    let folder = Folder(&path);
    let name = match to {
        BackupTarget::File(file) => text_of(file, &statement.parameters)?,
        BackupTarget::NewFile | BackupTarget::Stream => {
            folder.new_whole_name(&statement.shared.names_made, statement.shared.options.clock.wall_nanos())
        }
    };
    let shared: &Arc<Shared> = statement.shared;
    let _place = shared.enter_copying()?;
    let (asking, watch) = (Asking::of(statement), Bounded(statement.allowance.clone()));
    let proof = if check { Proof::Check } else { Proof::Read };
    let path = folder.new_file(&name).map_err(told)?;
    let mut target = FolderTarget::begin(shared, &path, proof, &watch).map_err(told)?;
    let manifest = shared.back_up_all(&|| asking.may(shared), &mut target, &watch)?;
    let mut rows = Fetched::default();
    for entry in [&manifest.system].into_iter().chain(&manifest.databases) {
        rows.push(row(&name, entry));
    }
    let columns = COLUMNS.iter().map(|column| CompactString::const_new(column)).collect();
    let summary = Summary { kind: Kind::Read, database: DatabaseName::system().to_string(), ..Summary::default() };
    Ok(Records::buffered(columns, rows, summary, statement.shared.admission.clone()))
}

fn row(folder: &str, entry: &Entry) -> [Value; COLUMNS.len()] {
    let known = |number| if entry.file.is_some() { integer(number) } else { Value::Null };
    [
        entry.name.as_str().into(),
        entry.file.as_deref().map_or(Value::Null, |file| Value::string(format!("{folder}/{file}"))),
        known(entry.nodes),
        known(entry.relationships),
        known(entry.bytes),
        known(entry.image_bytes),
        known(entry.version),
        entry.problem.as_deref().map_or(Value::Null, Value::from),
    ]
}
