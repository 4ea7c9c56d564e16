//! Files on other machines: `LOAD CSV` over `http` and `https`, within what an administrator allows.
//! Leaves lines and columns to `query`. Nothing is kept: bytes go to the statement as they come.
//! Start reading at [`Door::open`], then `hosts`.

mod hosts;
mod line;
mod watch;

use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use catalog::GraphRights;
use flate2::bufread::MultiGzDecoder;
use types::{Clock, Code, Failure};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::{Connector, RustlsConnector};
use ureq::{Agent, Error};

pub use hosts::{Hosts, HostsError};

use crate::options::InstanceOptions;
use crate::running::{Allowance, Deadline};
use crate::sight::refusal;
use crate::turns::Turn;
use line::{Dialer, Fence, Gate};
use watch::Watch;

/// Redirects that are followed.
const REDIRECTS_MAX: u32 = 5;
/// What a gzipped file begins with, and a zip archive.
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZIP: &[u8] = b"PK";

/// What `LOAD CSV` may read from other machines.
#[derive(Clone, Debug)]
pub struct RemoteOptions {
    /// The machines.
    pub hosts: Arc<Hosts>,
    /// How long the reading of one file may take; `None` for as long as the statement may.
    pub time_max: Option<Duration>,
    /// How many bytes one file may have, unpacked; `None` for as many as it likes.
    pub bytes_max: Option<u64>,
    /// The authorities that are trusted with `https`; `None` for those that Mozilla trusts.
    pub authorities: Option<Authorities>,
}

impl Default for RemoteOptions {
    fn default() -> Self {
        Self {
            hosts: Arc::new(Hosts::public()),
            time_max: Some(Duration::from_secs(3_600)),
            bytes_max: Some(10 << 30),
            authorities: None,
        }
    }
}

/// Certificates of authorities that are trusted with `https`.
#[derive(Clone, Debug)]
pub struct Authorities(Arc<Vec<Certificate<'static>>>);

impl Authorities {
    /// Reads the certificates of a PEM file; `None` where it holds none, or one that is damaged.
    #[must_use]
    pub fn parse(pem: &[u8]) -> Option<Self> {
        let certificates = parse_pem(pem).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(Some(certificate)),
            Ok(_) => None,
            Err(_) => Some(None),
        });
        let certificates: Vec<_> = certificates.collect::<Option<_>>()?;
        (!certificates.is_empty()).then(|| Self(Arc::new(certificates)))
    }
}

/// Opens files on other machines for one statement.
pub(crate) struct Door {
    options: Arc<RemoteOptions>,
    clock: Arc<dyn Clock>,
    interrupted: Arc<AtomicBool>,
    /// When the statement has to end.
    deadline: Option<Instant>,
    turn: Arc<Turn>,
    /// Who loads, where that bounds what is loaded.
    loader: Option<Arc<GraphRights>>,
    /// The files of the server itself that may be read, if any.
    import: Option<Arc<Import>>,
}

/// The folder that `LOAD CSV` may read, without what lies in it of the server's own.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) folder: PathBuf,
    /// Folders and files that nobody reads by a statement, whatever leads there.
    private: Vec<PathBuf>,
}

impl Import {
    /// Takes it from the options of an instance, where they name one.
    pub(crate) fn of(options: &InstanceOptions) -> Option<Arc<Self>> {
        let folder = options.import_folder.clone()?;
        Some(Arc::new(Self { folder, private: options.own_places() }))
    }

    /// Tells whether a file of the folder is not the server's own; what is not there holds nothing.
    fn may_read(&self, path: &Path) -> bool {
        !self.private.iter().any(|private| is_within(path, private))
    }
}

/// Tells whether a path, without links in it, is a place or lies there; beside a file are its older versions: `file.1`.
fn is_within(path: &Path, place: &Path) -> bool {
    let is_in = |place: &Path| {
        let older = || Some((path.file_name()?.to_str()?, place.file_name()?.to_str()?));
        let is_older =
            || older().is_some_and(|(name, of)| name.strip_prefix(of).is_some_and(|end| end.starts_with('.')));
        path.starts_with(place) || (!place.is_dir() && path.parent() == place.parent() && is_older())
    };
    // A file may not be there while older ones are.
    let named = place.parent().and_then(|folder| {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Some(folder.canonicalize().ok()?.join(place.file_name()?))
    });
    named.is_some_and(|place| is_in(&place)) || place.canonicalize().is_ok_and(|place| is_in(&place))
}

impl query::Remote for Door {
    fn check_file(&self, address: &str) -> Result<(), Failure> {
        match &self.loader {
            Some(rights) if !rights.load.allows_files() => Err(refusal::no_load_of(address, rights)),
            _ => Ok(()),
        }
    }

    fn may_read(&self, path: &Path) -> bool {
        self.import.as_ref().is_none_or(|import| import.may_read(path))
    }

    fn open(&self, address: &str) -> Result<Box<dyn Read + Send>, Failure> {
        let failed = |why: &str| {
            let text = format!("Couldn't load the external resource at: {} ({why})", shown(address));
            Failure::new(Code::ExternalResourceFailed, text)
        };
        let RemoteOptions { hosts, bytes_max, .. } = &*self.options;
        if hosts.are_off() {
            return Err(failed("the setting import_hosts is off: nothing is read from other machines"));
        }
        let answer = self.agent().get(address).header("accept", "text/csv, */*").call();
        if let (Err(Error::Io(error)), Some(rights)) = (&answer, &self.loader)
            && error.get_ref().is_some_and(|error| error.is::<line::NotGranted>())
        {
            return Err(refusal::no_load_of(&shown(address), rights));
        }
        let body = answer.map_err(|error| failed(&reason(&error)))?.into_body();
        let bytes_max = bytes_max.unwrap_or(u64::MAX);
        if body.content_length().is_some_and(|bytes| bytes > bytes_max) {
            return Err(failed(TOO_LARGE));
        }
        unpacked(body.into_reader(), bytes_max).map_err(|error| failed(&error.to_string()))
    }
}

impl Door {
    /// Makes the door of a statement.
    pub(crate) fn of(allowance: &Allowance, turn: &Arc<Turn>) -> Self {
        Self {
            options: Arc::clone(&allowance.import_remote),
            clock: Arc::clone(&allowance.clock),
            interrupted: Arc::clone(&allowance.interrupted),
            deadline: allowance.deadline.map(Deadline::at),
            turn: Arc::clone(turn),
            loader: allowance.loader.clone(),
            import: allowance.import.clone(),
        }
    }

    fn agent(&self) -> Agent {
        let RemoteOptions { hosts, time_max, authorities, .. } = &*self.options;
        let watch = Watch {
            clock: Arc::clone(&self.clock),
            interrupted: Arc::clone(&self.interrupted),
            deadline: self.deadline,
            until: time_max.and_then(|time| self.clock.now().checked_add(time)),
            turn: Arc::clone(&self.turn),
        };
        let roots = match authorities {
            Some(Authorities(certificates)) => RootCerts::Specific(Arc::clone(certificates)),
            None => RootCerts::WebPki,
        };
        let config = Agent::config_builder()
            // A proxy of the environment would connect in our place, past the fence.
            .proxy(None)
            .max_redirects(REDIRECTS_MAX)
            .user_agent(concat!("sheaf/", env!("CARGO_PKG_VERSION")))
            .max_idle_connections(0)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build();
        let fence = || Fence { hosts: Arc::clone(hosts), loader: self.loader.clone() };
        let dialer = Dialer { fence: fence(), watch: watch.clone() };
        let gate = Gate { fence: fence(), watch, is_secret: AtomicBool::new(false) };
        Agent::with_parts(config, dialer.chain(RustlsConnector::default()), gate)
    }
}

const NO_ADDRESS: &str = "it is no address of http or https; spaces and the like are written with percent signs";
const TOO_LARGE: &str = "it is larger than the setting import_size_max allows";

/// Unpacks what is packed, and counts what comes out.
fn unpacked(mut body: impl Read + Send + 'static, bytes_max: u64) -> io::Result<Box<dyn Read + Send>> {
    let mut first = Vec::with_capacity(2);
    body.by_ref().take(2).read_to_end(&mut first)?;
    let kind = first.clone();
    let whole = Cursor::new(first).chain(body);
    match kind.as_slice() {
        GZIP => Ok(Box::new(Counted { inner: MultiGzDecoder::new(BufReader::new(whole)), bytes_left: bytes_max })),
        ZIP => Err(io::Error::other("a zip archive cannot be read; use gzip")),
        _ => Ok(Box::new(Counted { inner: whole, bytes_left: bytes_max })),
    }
}

/// A reader that fails once it has given more bytes than it may.
struct Counted<R> {
    inner: R,
    bytes_left: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let taken = u64::try_from(read).unwrap_or(u64::MAX);
        self.bytes_left = self.bytes_left.checked_sub(taken).ok_or_else(|| io::Error::other(TOO_LARGE))?;
        Ok(read)
    }
}

/// Says why there is no answer.
fn reason(error: &Error) -> String {
    match error {
        Error::StatusCode(status) => format!("the server answered with status {status}"),
        Error::Io(error) => error.to_string(),
        Error::TooManyRedirects | Error::RedirectFailed => format!("it is redirected more than {REDIRECTS_MAX} times"),
        Error::BadUri(_) | Error::Http(_) => NO_ADDRESS.to_owned(),
        other => other.to_string(),
    }
}

/// Gives an address without the password that it may hold.
fn shown(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => address.to_owned(),
    }
}
