//! SIGTERM and Ctrl-C: the first asks the process to end, the second ends it at once.

use std::io;
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// The exit code of a program that Ctrl-C ended.
pub const EXIT_CODE: i32 = 130;

/// What waits for the process to be asked to end.
pub struct Signals(Receiver<()>);

impl Signals {
    /// Starts to listen; from here on a signal no longer ends the process by itself.
    pub fn listen() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        // Registered here, so that no signal is missed between this call and the thread's start.
        let mut asked = {
            let _entered = runtime.enter();
            Asked::new()?
        };
        let (sender, receiver) = mpsc::channel();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                asked.next().await;
                // The receiver is gone if the process ends anyway.
                let _ = sender.send(());
                asked.next().await;
                std::process::exit(EXIT_CODE);
            });
        })?;
        Ok(Self(receiver))
    }

    /// Waits for the first signal.
    pub fn wait(&self) {
        // The sender lives as long as the thread, which only ends with the process.
        let _ = self.0.recv();
    }
}

#[cfg(unix)]
struct Asked {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Asked {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Asked(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Asked {
    fn new() -> io::Result<Self> {
        Ok(Self(tokio::signal::windows::ctrl_c()?))
    }

    async fn next(&mut self) {
        let _ = self.0.recv().await;
    }
}
