//! The signal that the server stops, as everything that waits sees it.

use tokio::sync::watch::{Receiver, Sender, channel};

/// Makes the signal; sending true sets it.
pub(crate) fn signal() -> (Sender<bool>, Stop) {
    let (sender, receiver) = channel(false);
    (sender, Stop(receiver))
}

/// Tells that the server stops.
#[derive(Clone, Debug)]
pub(crate) struct Stop(Receiver<bool>);

impl Stop {
    /// Waits until the server stops.
    pub(crate) async fn wait(&mut self) {
        // The sender lives as long as the server; if it is gone, so is the server.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    /// Tells whether the server stops.
    pub(crate) fn is_set(&self) -> bool {
        *self.0.borrow()
    }
}
