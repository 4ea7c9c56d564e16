//! Sources into a database: one thread reads and checks rows, the other loads them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;

use compact_str::CompactString;
use types::{KeyId, LabelId, TypeId};

use super::batch::{BadRow, Batch, What};
use super::error::ImportError;
use super::fill::Fill;
use super::header::{Role, Subject};
use super::ids::Ids;
use super::report::Report;
use super::rows::{Known, Reader, ReaderOptions};
use super::source::Source;

/// Batches that are on their way or being filled.
const BATCHES: usize = 6;

/// Files that were opened and whose headers are sound.
pub struct Opened {
    nodes: Vec<Reader>,
    relationships: Vec<Reader>,
}

/// How far an import is; another thread may look at it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes read of the files as they lie on disk.
    pub read_bytes: Arc<AtomicU64>,
    /// Rows loaded or passed over.
    pub rows: AtomicU64,
}

impl Opened {
    /// Opens all files and checks their headers, so that a wrong one costs seconds and not the whole import.
    pub fn open(
        nodes: &[Source],
        relationships: &[Source],
        options: &ReaderOptions,
        progress: &Progress,
    ) -> Result<Self, ImportError> {
        let open = |source: &Source| Reader::open(source, options, &progress.read_bytes);
        let readers = |sources: &[Source]| sources.iter().map(open).collect::<Result<Vec<_>, _>>();
        let opened = Self { nodes: readers(nodes)?, relationships: readers(relationships)? };
        for reader in &opened.nodes {
            want(reader, Subject::Nodes, "nodes")?;
        }
        for (reader, source) in opened.relationships.iter().zip(relationships) {
            want(reader, Subject::Relationships, "relationships")?;
            if source.names.is_empty() && !reader.header().columns.iter().any(|column| column.role == Role::Type) {
                return Err(ImportError::NoType { path: reader.path().to_owned() });
            }
        }
        Ok(opened)
    }

    /// Loads everything: first all nodes, then the relationships between them.
    pub fn load(self, fill: &mut dyn Fill, report: &mut Report, progress: &Progress) -> Result<(), ImportError> {
        let mut ids = Ids::default();
        let mut books = Books { report, progress };
        Nodes::new(&self.nodes, &mut ids).load(self.nodes, fill, &mut books)?;
        Relationships::default().load(self.relationships, &ids, fill, &mut books)
    }
}

fn want(reader: &Reader, subject: Subject, wanted: &'static str) -> Result<(), ImportError> {
    if reader.header().subject == subject {
        return Ok(());
    }
    Err(ImportError::WrongSubject { path: reader.path().to_owned(), wanted })
}

/// What loads nodes.
struct Nodes<'a> {
    ids: &'a mut Ids,
    /// The place of each source's group; none where nodes have no ids.
    groups: Vec<Option<usize>>,
    /// By source, the labels of each number.
    labels: Vec<Vec<Vec<LabelId>>>,
}

impl<'a> Nodes<'a> {
    fn new(readers: &[Reader], ids: &'a mut Ids) -> Self {
        let mut group = |reader: &Reader| {
            reader.header().columns.iter().find_map(|column| match &column.role {
                Role::Id { group, .. } => Some(ids.place(group)),
                _ => None,
            })
        };
        let groups: Vec<_> = readers.iter().map(&mut group).collect();
        Self { ids, labels: vec![Vec::new(); groups.len()], groups }
    }

    fn load(mut self, readers: Vec<Reader>, fill: &mut dyn Fill, books: &mut Books<'_>) -> Result<(), ImportError> {
        let keys = keys(&readers, fill)?;
        pipe(readers, &keys, None, books, &mut |batch| self.take(batch, fill))
    }

    fn take(&mut self, batch: &mut Batch, fill: &mut dyn Fill) -> Result<(), ImportError> {
        let labels = &mut self.labels[batch.source];
        for names in batch.words.drain(..) {
            labels.push(names.iter().map(|name| fill.label(name)).collect::<Result<_, _>>()?);
        }
        let group = self.groups[batch.source];
        let mut values_from = 0;
        for line in &batch.lines {
            let properties = &batch.values[values_from..line.values_end];
            values_from = line.values_end;
            let What::Node { id, labels: number } = &line.what else { continue };
            let named = group.zip(id.clone().map(|id| &batch.ids[id]));
            if let Some((group, id)) = named
                && self.ids.group(group).get(id).is_some()
            {
                let reason = format!("another node has the id \"{id}\"");
                batch.bad.push(BadRow { line: line.number, reason });
                continue;
            }
            let node = fill.node(&labels[*number as usize], properties)?;
            if let Some((group, id)) = named {
                self.ids.group_mut(group).insert(id, node);
            }
        }
        Ok(())
    }
}

/// What loads relationships: by source, the type of each number.
#[derive(Default)]
struct Relationships {
    kinds: Vec<Vec<TypeId>>,
}

impl Relationships {
    fn load(
        mut self,
        readers: Vec<Reader>,
        ids: &Ids,
        fill: &mut dyn Fill,
        books: &mut Books<'_>,
    ) -> Result<(), ImportError> {
        let keys = keys(&readers, fill)?;
        self.kinds = vec![Vec::new(); readers.len()];
        pipe(readers, &keys, Some(ids), books, &mut |batch| self.take(batch, fill))
    }

    fn take(&mut self, batch: &mut Batch, fill: &mut dyn Fill) -> Result<(), ImportError> {
        let kinds = &mut self.kinds[batch.source];
        for names in batch.words.drain(..) {
            let name = names.first().map(CompactString::as_str).unwrap_or_default();
            kinds.push(fill.kind(name)?);
        }
        let mut values_from = 0;
        for line in &batch.lines {
            let properties = &batch.values[values_from..line.values_end];
            values_from = line.values_end;
            let What::Relationship { start, kind, end } = line.what else { continue };
            fill.relationship(start, kinds[kind as usize], end, properties)?;
        }
        Ok(())
    }
}

/// Numbers the properties of each source's columns.
fn keys(readers: &[Reader], fill: &mut dyn Fill) -> Result<Vec<Vec<Option<KeyId>>>, ImportError> {
    let mut key = |role: &Role| match role {
        Role::Property { name, .. } | Role::Id { property: Some(name), .. } => fill.key(name).map(Some),
        _ => Ok(None),
    };
    let mut of = |reader: &Reader| reader.header().columns.iter().map(|column| key(&column.role)).collect();
    Ok(readers.iter().map(&mut of).collect::<Result<_, _>>()?)
}

/// What keeps count.
struct Books<'a> {
    report: &'a mut Report,
    progress: &'a Progress,
}

impl Books<'_> {
    /// Counts a batch's rows once they are loaded, and notes the bad ones.
    fn settle(&mut self, batch: &mut Batch, rows: usize) -> Result<(), ImportError> {
        self.progress.rows.fetch_add(rows as u64, Ordering::Relaxed);
        // Those that were found bad while loading came after the others.
        batch.bad.sort_by_key(|bad| bad.line);
        batch.bad.iter().try_for_each(|bad| self.report.note(&batch.file, bad))
    }
}

/// Loads a batch.
type Take<'a> = dyn FnMut(&mut Batch) -> Result<(), ImportError> + 'a;

/// Reads on a second thread and gives each batch to `take`, in order; batches come back to be filled again.
fn pipe(
    readers: Vec<Reader>,
    keys: &[Vec<Option<KeyId>>],
    ids: Option<&Ids>,
    books: &mut Books<'_>,
    take: &mut Take<'_>,
) -> Result<(), ImportError> {
    thread::scope(|scope| {
        let (full, batches) = mpsc::sync_channel(BATCHES);
        let (give_back, empty) = mpsc::channel();
        for _ in 0..BATCHES {
            // Nobody reads yet: the receiver is still ours.
            let _ = give_back.send(Batch::default());
        }
        scope.spawn(move || read(readers, keys, ids, &empty, &full));
        take_all(&batches, &give_back, books, take)
    })
}

fn take_all(
    batches: &Receiver<Result<Batch, ImportError>>,
    give_back: &Sender<Batch>,
    books: &mut Books<'_>,
    take: &mut Take<'_>,
) -> Result<(), ImportError> {
    while let Ok(batch) = batches.recv() {
        let mut batch = batch?;
        let rows = batch.lines.len() + batch.bad.len();
        take(&mut batch)?;
        books.settle(&mut batch, rows)?;
        batch.clear();
        // The reader may have ended already.
        let _ = give_back.send(batch);
    }
    Ok(())
}

/// Reads all sources in turn. Ends early when the other side is gone, which then has its own error to tell.
fn read(
    readers: Vec<Reader>,
    keys: &[Vec<Option<KeyId>>],
    ids: Option<&Ids>,
    empty: &Receiver<Batch>,
    full: &SyncSender<Result<Batch, ImportError>>,
) {
    for (source, (mut reader, keys)) in readers.into_iter().zip(keys).enumerate() {
        let known = Known { keys, ids };
        loop {
            let Ok(mut batch) = empty.recv() else { return };
            batch.source = source;
            let filled = reader.fill(&mut batch, &known);
            let more = filled.as_ref().ok().copied();
            if full.send(filled.map(|_| batch)).is_err() {
                return;
            }
            match more {
                Some(true) => {}
                Some(false) => break,
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::List;
    use super::*;

    /// Imports files given as `[NAME=]content`; gives what was loaded and the report.
    fn import(nodes: &[&str], relationships: &[&str], bad_rows_max: u64) -> (Result<String, String>, String) {
        let folder = tempfile::tempdir().expect("a folder for tests");
        let mut files = 0..;
        let mut source = |text: &&str| {
            let (name, content) = text.split_once('=').expect("tests give a name");
            let path = folder.path().join(format!("{}.csv", files.next().expect("no end")));
            std::fs::write(&path, content).expect("a folder for tests");
            Source::parse(&format!("{name}={}", path.display()))
        };
        let nodes: Vec<_> = nodes.iter().map(&mut source).collect();
        let relationships: Vec<_> = relationships.iter().map(&mut source).collect();
        let listed = folder.path().join("bad.csv");
        let (mut list, progress) = (List::default(), Progress::default());
        let mut report = Report::create(&listed, bad_rows_max).expect("a folder for tests");
        let loaded = Opened::open(&nodes, &relationships, &ReaderOptions::default(), &progress)
            .and_then(|opened| opened.load(&mut list, &mut report, &progress))
            .and_then(|()| report.finish());
        let shorten = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
        let listed = shorten(std::fs::read_to_string(&listed).unwrap_or_default());
        (loaded.map(|_| list.text).map_err(|error| shorten(error.to_string())), listed)
    }

    fn check(nodes: &[&str], relationships: &[&str], loaded: &str, report: &str) {
        assert_eq!(import(nodes, relationships, 100), (Ok(loaded.to_owned()), report.to_owned()));
    }

    fn check_error(nodes: &[&str], relationships: &[&str], expected: &str) {
        assert_eq!(import(nodes, relationships, 0).0, Err(expected.to_owned()));
    }

    #[test]
    fn f157_nodes_come_before_relationships() {
        check(
            &["Person=name:ID(P),born:int\nAnn,1970\nBob,\n", "=:ID(F),:LABEL,title\n1,Film;Hit,Up\n"],
            &["SAW=:START_ID(P),:END_ID(F),stars:int\nBob,1,5\n", "=:START_ID(P),:END_ID(P),:TYPE\nAnn,Bob,KNOWS\n"],
            "(0:Person) name='Ann' born=1970\n(1:Person) name='Bob'\n(2:Film:Hit) title='Up'\n\
             1 -SAW-> 2 stars=5\n0 -KNOWS-> 1\n",
            "",
        );
    }

    #[test]
    fn f157_bad_rows_are_passed_over_and_listed() {
        check(
            &["N=:ID,n:int\n1,1\n1,2\n2,x\n3\n"],
            &["R=:START_ID,:END_ID\n1,1\n1,2\n"],
            "(0:N) n=1\n0 -R-> 0\n",
            "file,line,reason\n\
             0.csv,3,\"another node has the id \"\"1\"\"\"\n\
             0.csv,4,\"column \"\"n:int\"\": \"\"x\"\" is no whole number of 64 bits\"\n\
             0.csv,5,1 fields under 2 columns\n\
             1.csv,3,\"column \"\":END_ID\"\": no node has the id \"\"2\"\"\"\n",
        );
    }

    #[test]
    fn f157_many_rows_go_through_many_batches() {
        let ids: String = (0..20_000).map(|id| format!("{id},a{}\n", id % 7)).collect();
        let ends: String = (0..30_000).map(|id| format!("{},{},T{}\n", id % 20_000, id % 777, id % 5)).collect();
        let (nodes, relationships) = (format!("N=:ID,:LABEL\n{ids}"), format!("=:START_ID,:END_ID,:TYPE\n{ends}"));
        let (loaded, report) = import(&[&nodes], &[&relationships], 0);
        let loaded = loaded.expect("sound files");
        assert_eq!((loaded.lines().count(), report.as_str()), (50_000, ""));
        assert_eq!(loaded.lines().nth(19_999), Some("(19999:N:a0)"));
        assert_eq!(loaded.lines().last(), Some("9999 -T4-> 473"));
    }

    #[test]
    fn f157_wrong_headers_end_the_import_before_it_begins() {
        check_error(&["=:START_ID,:END_ID\n"], &[], "\"0.csv\" holds no nodes");
        check_error(&[], &["=a\n"], "\"0.csv\" holds no relationships");
        let untyped = "the relationships of \"0.csv\" have no type. Add a column :TYPE, or write TYPE=FILE.";
        check_error(&[], &["=:START_ID,:END_ID\n"], untyped);
    }

    #[test]
    fn f157_too_many_bad_rows_end_the_import() {
        let bad: String = (0..10_000).map(|_| "1\n").collect();
        let expected = "more than 0 rows are bad. The report \"bad.csv\" lists them.";
        check_error(&[&format!("=:ID\n1\n{bad}")], &[], expected);
    }
}
