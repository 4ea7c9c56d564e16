//! A bar for people who wait; nothing at all where nobody watches.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often the bar is drawn.
const STEP: Duration = Duration::from_millis(100);
const STYLE: &str = "{bar:30} {percent:>3} %  {msg}  {elapsed}";

/// Does `work` under a bar of length `total`; `done` tells how far it is, and how many rows that was.
pub fn shown<T>(total: u64, done: &(dyn Fn() -> (u64, u64) + Sync), work: impl FnOnce() -> T) -> T {
    let bar = ProgressBar::new(total);
    // No terminal, no bar.
    if bar.is_hidden() {
        return work();
    }
    if let Ok(style) = ProgressStyle::with_template(STYLE) {
        bar.set_style(style);
    }
    let (finished, wait) = mpsc::channel::<()>();
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            let wait = wait;
            while wait.recv_timeout(STEP) == Err(RecvTimeoutError::Timeout) {
                draw(&bar, total, done());
            }
        });
        // Dropped when the work ends, however it ends.
        let _finished = finished;
        work()
    });
    bar.finish_and_clear();
    result
}

fn draw(bar: &ProgressBar, total: u64, (position, rows): (u64, u64)) {
    let seconds = bar.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = rows as f64 / seconds.max(0.001);
    bar.set_position(position.min(total));
    let sorting = if position >= total { "sorting and writing; " } else { "" };
    bar.set_message(format!("{sorting}{rows} rows, {rate:.0} rows/s"));
}
