//! Ctrl-C: interrupts the running statement; a second one, or one between statements, ends the shell.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use bolt::client::Interrupter;

const IDLE: u8 = 0;
const RUNNING: u8 = 1;
const INTERRUPTED: u8 = 2;

/// The exit code of a program that Ctrl-C ended.
const EXIT_CODE: i32 = 130;

/// Tells the thread that waits for Ctrl-C whether a statement runs.
pub struct Interrupts(Arc<AtomicU8>);

/// A statement that runs until this is dropped.
pub struct Running<'a>(&'a AtomicU8);

impl Interrupts {
    /// Starts to wait for Ctrl-C on a thread of its own.
    pub fn watch(interrupter: Interrupter) -> io::Result<Self> {
        let state = Arc::new(AtomicU8::new(IDLE));
        let watched = Arc::clone(&state);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        // Registered here, so that no statement runs before Ctrl-C is heard.
        let mut signals = {
            let _entered = runtime.enter();
            listen()?
        };
        thread::Builder::new().name("ctrl-c".to_owned()).spawn(move || {
            runtime.block_on(async {
                while signals.recv().await.is_some() {
                    interrupt(&watched, &interrupter);
                }
            });
        })?;
        Ok(Self(state))
    }

    /// Notes that a statement runs.
    pub fn running(&self) -> Running<'_> {
        self.0.store(RUNNING, Ordering::SeqCst);
        Running(&self.0)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(IDLE, Ordering::SeqCst);
    }
}

#[cfg(unix)]
fn listen() -> io::Result<tokio::signal::unix::Signal> {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
}

#[cfg(windows)]
fn listen() -> io::Result<tokio::signal::windows::CtrlC> {
    tokio::signal::windows::ctrl_c()
}

fn interrupt(state: &AtomicU8, interrupter: &Interrupter) {
    let first = state.compare_exchange(RUNNING, INTERRUPTED, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    if !first || interrupter.interrupt().is_err() {
        std::process::exit(EXIT_CODE);
    }
}
