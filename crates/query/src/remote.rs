//! Files on other machines, as `LOAD CSV` reads them.

use std::io::Read;
use std::path::Path;

use types::Failure;

/// Opens what lies at an address of another machine.
pub trait Remote: Send + Sync {
    /// Opens the text at an `http` or `https` address, unpacked; reading it waits for the other machine.
    ///
    /// # Errors
    ///
    /// [`types::Code::ExternalResourceFailed`] with the reason: not allowed, not there, no answer.
    fn open(&self, address: &str) -> Result<Box<dyn Read + Send>, Failure>;

    /// Refuses a file of the server itself to who may not load it.
    ///
    /// # Errors
    ///
    /// [`types::Code::Forbidden`].
    fn check_file(&self, _address: &str) -> Result<(), Failure> {
        Ok(())
    }

    /// Tells whether a file of the import folder may be read; `path` has no links left in it.
    fn may_read(&self, _path: &Path) -> bool {
        true
    }
}
