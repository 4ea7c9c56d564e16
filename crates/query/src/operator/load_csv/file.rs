//! Files that `LOAD CSV` may read: those within the import folder, plain or gzipped, and those of other machines.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use types::{Code, Failure};

use crate::Remote;

/// Opens the file at an address: within a folder, or of another machine.
///
/// A file outside the folder and a file that is not there fail alike: nobody learns what lies outside.
pub(super) fn open(
    address: &str,
    folder: Option<&Path>,
    remote: Option<&dyn Remote>,
) -> Result<Box<dyn Read + Send>, Failure> {
    let scheme = address.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    match (scheme.as_deref(), remote) {
        (Some("http" | "https"), Some(remote)) => remote.open(address),
        (Some("http" | "https"), None) => Err(failed(address, "nothing is read from other machines here")),
        (Some("ftp" | "ftps" | "sftp"), _) => {
            let text = "files are not read over FTP; offer it over https, or copy it to the import folder";
            Err(failed(address, text))
        }
        (_, remote) => {
            remote.map_or(Ok(()), |remote| remote.check_file(address))?;
            open_local(address, folder, remote)
        }
    }
}

fn open_local(
    address: &str,
    folder: Option<&Path>,
    remote: Option<&dyn Remote>,
) -> Result<Box<dyn Read + Send>, Failure> {
    let Some(name) = local(address) else {
        let text =
            "an address is like file:///name.csv, a file within the import folder, or https://example.com/name.csv";
        return Err(failed(address, text));
    };
    let Some(folder) = folder else {
        return Err(failed(address, "the server has no import folder; the setting import_folder names one"));
    };
    let missing = || failed(address, "there is no such file in the import folder");
    let path = within(&name, folder).filter(|path| remote.is_none_or(|remote| remote.may_read(path)));
    let path = path.ok_or_else(missing)?;
    let file = File::open(&path).map_err(|error| failed(address, &error.to_string()))?;
    Ok(match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => Box::new(MultiGzDecoder::new(BufReader::new(file))),
        Some("zip") => return Err(failed(address, "a zip archive cannot be read; unpack it, or use gzip")),
        _ => Box::new(file),
    })
}

/// A file that cannot be read.
#[cold]
pub(super) fn failed(address: &str, why: &str) -> Failure {
    Failure::new(Code::ExternalResourceFailed, format!("Couldn't load the external resource at: {address} ({why})"))
}

/// Gives the path of a `file:` address, percent signs decoded; `None` for every other address.
fn local(address: &str) -> Option<String> {
    let rest = address.get(..5).filter(|scheme| scheme.eq_ignore_ascii_case("file:")).and(address.get(5..))?;
    // Either `file:///name` or `file:/name`; what lies between two and three slashes would be another machine.
    let path = if rest.starts_with("//") { rest.strip_prefix("///")? } else { rest.strip_prefix('/')? };
    let mut bytes = Vec::with_capacity(path.len());
    let mut left = path.bytes();
    while let Some(byte) = left.next() {
        bytes.push(if byte == b'%' { hexadecimal(left.next()?)? * 16 + hexadecimal(left.next()?)? } else { byte });
    }
    String::from_utf8(bytes).ok()
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Finds a file within a folder, links followed first so that none leads out of it.
fn within(name: &str, folder: &Path) -> Option<PathBuf> {
    let folder = folder.canonicalize().ok()?;
    let path = folder.join(name.trim_start_matches('/')).canonicalize().ok()?;
    // A pipe or a device could keep its reader waiting for ever.
    (path.starts_with(&folder) && path.is_file()).then_some(path)
}
