//! What the machine gives at the moment: without it a number of a disk or of two cores says nothing.
//! Measures the disk that the data will lie on. Judges nothing.
//! Start reading at [`describe`].

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::thread::available_parallelism;
use std::time::Duration;

use suite::process::now;

use crate::table::time;

const SYNCS: usize = 31;
const BLOCK_BYTES: usize = 4096;

/// Says in one line how many cores there are, how busy they are, and how long the disk under `folder` needs to sync.
pub fn describe(folder: &Path) -> io::Result<String> {
    let cores = available_parallelism()?;
    let sync = time(sync_time(folder)?);
    // Other systems than Linux do not tell it here.
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().filter(|load| !load.is_empty()).unwrap_or("unknown");
    Ok(format!("{cores} cores, load {load}, a sync takes {sync}"))
}

/// Gives the median time from a small write until it is on disk.
///
/// A durable commit waits for two of these: one for the data, one for the page that makes it valid.
fn sync_time(folder: &Path) -> io::Result<Duration> {
    let mut file = tempfile::tempfile_in(folder)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let started = now();
        file.write_all(&[1; BLOCK_BYTES])?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    Ok(times[SYNCS / 2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_the_machine_gives() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let line = describe(folder.path()).expect("the folder can be written");
        assert!(line.contains(" cores, load ") && line.contains("a sync takes "), "{line}");
    }
}
