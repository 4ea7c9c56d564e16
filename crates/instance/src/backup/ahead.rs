//! Unpacks a backup on a thread of its own, a few pieces ahead of who writes them to the disk.
//! Leaves what a piece is to `reader`. Start reading at [`ahead`].

use std::mem;
use std::sync::mpsc;
use std::thread;

use super::{BackupError, Reading};

/// Pieces that wait to be written.
const WAITING_MAX: usize = 8;

/// Gives the next piece of an image; `false` behind the last.
pub(super) type NextPiece<'n> = &'n mut dyn FnMut(&mut Vec<u8>) -> Result<bool, BackupError>;

/// Lends the pieces of a backup to `take` while the next ones are read, unpacked and checked; `end` sees it behind the last.
pub(super) fn ahead<T>(
    reading: &mut Reading,
    end: &(dyn Fn(&Reading) -> Result<(), BackupError> + Sync),
    take: impl FnOnce(NextPiece<'_>) -> T,
) -> T {
    let (to, pieces) = mpsc::sync_channel::<Result<Vec<u8>, BackupError>>(WAITING_MAX);
    let (back, used) = mpsc::sync_channel::<Vec<u8>>(WAITING_MAX + 2);
    thread::scope(|scope| {
        scope.spawn(move || {
            loop {
                let mut piece = used.try_recv().unwrap_or_default();
                let read = match reading.next(&mut piece) {
                    Ok(true) => Ok(piece),
                    // An empty one is the end: others hold something.
                    Ok(false) => end(reading).map(|()| Vec::new()),
                    Err(error) => Err(error),
                };
                let is_last = read.as_ref().map_or(true, Vec::is_empty);
                // Who takes them gave up, or has them all.
                if to.send(read).is_err() || is_last {
                    return;
                }
            }
        });
        // Goes with its channels before the thread is waited for.
        let (pieces, back) = (pieces, back);
        let mut is_over = false;
        take(&mut |piece| {
            if is_over {
                piece.clear();
                return Ok(false);
            }
            let gone = || BackupError::io("read the backup")(std::io::ErrorKind::BrokenPipe.into());
            let next = pieces.recv().map_err(|_| gone())??;
            is_over = next.is_empty();
            // No room for it where the other side is far ahead: it makes a new one then.
            let _ = back.try_send(mem::replace(piece, next));
            Ok(!is_over)
        })
    })
}
