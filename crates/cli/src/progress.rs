//! A bar for people who wait; nothing at all where nobody watches.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often the bar is drawn.
const STEP: Duration = Duration::from_millis(100);
const BYTES_STYLE: &str = "{bar:30} {percent:>3} %  {bytes} of {total_bytes}, {bytes_per_sec}  {elapsed}";
const SPINNER_STYLE: &str = "{spinner} {bytes}, {bytes_per_sec}  {elapsed}";
const TURN_STYLE: &str = "{bar:30} {percent:>3} %  {bytes} of {total_bytes}  {msg}  {elapsed}";
const TURN_SPINNER_STYLE: &str = "{spinner} {bytes}  {msg}  {elapsed}";
const STYLE: &str = "{bar:30} {percent:>3} %  {msg}  {elapsed}";

/// Does `work` under a bar of `total` bytes, or of nobody knows how many where that is 0; `done` tells how many are done.
pub fn shown_bytes<T>(total: u64, done: &(dyn Fn() -> u64 + Sync), work: impl FnOnce() -> T) -> T {
    let bar = if total > 0 { ProgressBar::new(total) } else { ProgressBar::new_spinner() };
    if bar.is_hidden() {
        return work();
    }
    if let Ok(style) = ProgressStyle::with_template(if total > 0 { BYTES_STYLE } else { SPINNER_STYLE }) {
        bar.set_style(style);
    }
    watched(&bar, |bar| bar.set_position(if total > 0 { done().min(total) } else { done() }), work)
}

/// Does `work` under a bar that is for one thing after the other: `now` tells its name, how many bytes of it are done and how
/// many there are, 0 where nobody knows.
pub fn shown_in_turn<T>(now: &(dyn Fn() -> (String, u64, u64) + Sync), work: impl FnOnce() -> T) -> T {
    let bar = ProgressBar::new(0);
    if bar.is_hidden() {
        return work();
    }
    let styles = [TURN_STYLE, TURN_SPINNER_STYLE].map(|style| ProgressStyle::with_template(style).ok());
    let draw = |bar: &ProgressBar| {
        let (name, done, total) = now();
        let style = if total > 0 { &styles[0] } else { &styles[1] };
        style.iter().for_each(|style| bar.set_style(style.clone()));
        bar.set_length(total);
        bar.set_position(if total > 0 { done.min(total) } else { done });
        bar.set_message(name);
    };
    watched(&bar, draw, work)
}

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
    watched(&bar, |bar| draw(bar, total, done()), work)
}

/// Draws the bar again and again until the work ends, then takes it away.
fn watched<T>(bar: &ProgressBar, draw: impl Fn(&ProgressBar) + Sync, work: impl FnOnce() -> T) -> T {
    let (finished, wait) = mpsc::channel::<()>();
    let result = thread::scope(|scope| {
        scope.spawn(|| {
            let wait = wait;
            while wait.recv_timeout(STEP) == Err(RecvTimeoutError::Timeout) {
                draw(bar);
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
