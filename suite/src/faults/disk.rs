//! A disk that is small enough to fill.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file system in memory with a bounded size; unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts a disk of `mib` MiB on `folder`, which must be there; an error where that is not allowed.
    pub fn mount(folder: &Path, mib: u32) -> io::Result<Self> {
        let mut mount = Command::new("mount");
        let output = mount.args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"]).arg(folder).output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Takes so much room that [`Self::free`] will give back something worth having.
    pub fn reserve(&self, mib: usize) -> io::Result<()> {
        fs::write(self.reserved(), vec![0xA5; mib << 20])
    }

    /// Takes all the room that is left.
    pub fn fill(&self) -> io::Result<()> {
        let file = File::create(self.spare())?;
        let mut at = 0;
        for step in [1 << 16, 1 << 12, 1] {
            let bytes = vec![0x5A; step];
            while let Ok(written) = file.write_at(&bytes, at) {
                if written == 0 {
                    break;
                }
                at += written as u64;
            }
        }
        Ok(())
    }

    /// Gives back the room that [`Self::fill`] and [`Self::reserve`] took.
    pub fn free(&self) -> io::Result<()> {
        fs::remove_file(self.spare())?;
        fs::remove_file(self.reserved())
    }

    fn spare(&self) -> PathBuf {
        self.folder.join("spare")
    }

    fn reserved(&self) -> PathBuf {
        self.folder.join("reserved")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that is still ending may hold a file for a moment.
        let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
    }
}
