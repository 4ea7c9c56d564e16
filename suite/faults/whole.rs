//! Commands about the catalog, each of which happens wholly or not at all, wherever the server dies.

use std::path::Path;
use std::time::Duration;

use bolt::Options;
use bolt::client::{Client, ClientError};
use suite::process::{Process, run_in, signal_of};
use tempfile::TempDir;
use types::{Map, Value, failpoint};

/// Commands, each building on those before, and the listings that show what they did.
pub struct Commands {
    /// Several of a transaction are one text: `BEGIN; ...; ...`.
    pub texts: &'static [&'static str],
    pub listings: &'static [&'static str],
    /// Whether a listing may fail, because what it is asked about is not there yet.
    pub may_miss: bool,
}

impl Commands {
    /// Gives what is seen after none, one, two... of the commands.
    pub fn states(&self) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Process::start(&folder.path().join("data"), [("", ""); 0]).expect("starts");
        let mut client = server.connect().expect("connects");
        let mut states = vec![self.state(&mut client)];
        for text in self.texts {
            run(&mut client, text).unwrap_or_else(|| panic!("{text} fails"));
            states.push(self.state(&mut client));
        }
        assert!(server.stop().expect("stops").success());
        states
    }

    /// Runs the commands on a server that dies at `place`; what is there afterwards is one of the two states around it.
    ///
    /// Gives the folder in which its `data` lies, for a closer look.
    pub fn die_at(&self, place: &str, states: &[String]) -> TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let mut server = Process::start(&data, [(failpoint::VARIABLE, place)]).expect("starts");
        let mut client = server.connect().expect("connects");
        let answered = self.texts.iter().take_while(|text| run(&mut client, text).is_some()).count();
        let signal = server.wait_for_end(Duration::from_secs(30)).and_then(signal_of);
        assert_eq!(signal, Some(6), "the place {place} was not reached: {}", server.log());
        assert!(answered < self.texts.len(), "the server outlived every command, {place}");
        let found = self.state_of(&data);
        assert!(
            found == states[answered] || found == states[answered + 1],
            "after {place}, killed in {}:\n{found}\nis neither\n{}\nnor\n{}",
            self.texts[answered],
            states[answered],
            states[answered + 1]
        );
        folder
    }

    fn state_of(&self, data: &Path) -> String {
        let server = Process::start(data, [("", ""); 0]).expect("starts without help");
        let state = self.state(&mut server.connect().expect("connects"));
        assert!(server.stop().expect("stops").success());
        state
    }

    fn state(&self, client: &mut Client) -> String {
        let mut all = String::new();
        for listing in self.listings {
            let rows = run(client, listing);
            assert!(self.may_miss || rows.is_some(), "{listing} fails");
            for row in rows.unwrap_or_default() {
                all.push_str(&row.iter().map(types::text::literal).collect::<Vec<_>>().join(" | "));
                all.push('\n');
            }
        }
        all
    }
}

/// Runs a statement; nothing where it is refused, after which the connection may go on.
pub fn run(client: &mut Client, text: &str) -> Option<Vec<Vec<Value>>> {
    let ran = match text.strip_prefix("BEGIN;") {
        Some(texts) => run_together(client, texts),
        None => run_in(client, "sheaf", text, Map::new()),
    };
    if ran.is_err() {
        // A connection that is gone stays so.
        let _ = client.reset();
    }
    ran.ok()
}

/// Runs commands in one transaction.
fn run_together(client: &mut Client, texts: &str) -> Result<Vec<Vec<Value>>, ClientError> {
    client.begin(Options { database: Some("system".to_owned()), ..Options::default() })?;
    for text in texts.split(';') {
        client.run(text.trim(), Map::new())?;
    }
    client.commit().map(|_| Vec::new())
}
