//! Some clients, each with one connection, asking as fast as they get answers.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bolt::Options;
use bolt::client::{Client, ClientError};
use suite::process::now;
use types::Map;

/// What the clients do.
pub struct Load<'l> {
    /// Clients at a time.
    pub clients: u64,
    /// How long they go on.
    pub time: Duration,
    /// From the beginning of one statement to that of the next; zero for as fast as the answers come.
    pub every: Duration,
    /// The database; `None` for the default one.
    pub database: Option<&'l str>,
    /// The statement.
    pub text: &'l str,
    /// Whether its threads go before all others, as if they were on a machine of their own: what is measured is the server.
    pub apart: bool,
    /// Makes the parameters of a client's n-th statement.
    pub parameters: &'l (dyn Fn(u64, u64) -> Map + Sync),
}

/// How long the answers took.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Statements that succeeded.
    pub count: u64,
    /// Statements that the server asked to send again, and that were.
    pub retries: u64,
    /// From the first statement to the last answer.
    pub time: Duration,
    /// Half of the answers came sooner.
    pub median: Duration,
    /// One answer in a hundred took longer.
    pub p99: Duration,
    /// The slowest answer.
    pub slowest: Duration,
}

impl Measured {
    /// Gives the statements of one second.
    #[must_use]
    pub fn per_second(&self) -> f64 {
        self.count as f64 / self.time.as_secs_f64().max(f64::EPSILON)
    }
}

impl Load<'_> {
    /// Puts the load on the server at `address` and measures.
    pub fn run(&self, address: SocketAddr) -> Result<Measured, ClientError> {
        self.run_until(address, &AtomicBool::new(false))
    }

    /// As [`Load::run`], and ends early once `stop` is set.
    pub fn run_until(&self, address: SocketAddr, stop: &AtomicBool) -> Result<Measured, ClientError> {
        let started = now();
        let parts: Result<Vec<_>, ClientError> = std::thread::scope(|scope| {
            let clients: Vec<_> =
                (0..self.clients).map(|client| scope.spawn(move || self.one_client(address, client, stop))).collect();
            clients.into_iter().map(|client| client.join().expect("a client does not panic")).collect()
        });
        Ok(summary(parts?, started.elapsed()))
    }

    fn one_client(&self, address: SocketAddr, number: u64, stop: &AtomicBool) -> Result<Part, ClientError> {
        if self.apart {
            go_first();
        }
        let mut client = Client::connect(address, &Default::default())?;
        let options = Options { database: self.database.map(str::to_owned), ..Options::default() };
        let mut part = Part::default();
        // Plans and caches warm up outside of what is measured.
        for warm in 0..3 {
            part.retries += self.once(&mut client, &options, (self.parameters)(number, warm))?;
            part.unmeasured += 1;
        }
        let started = now();
        for step in 3.. {
            if started.elapsed() >= self.time || stop.load(Ordering::Relaxed) {
                break;
            }
            let parameters = (self.parameters)(number, step);
            let asked = now();
            part.retries += self.once(&mut client, &options, parameters)?;
            part.times.push(asked.elapsed());
            std::thread::sleep(self.every.saturating_sub(asked.elapsed()));
        }
        Ok(part)
    }

    /// Runs the statement until it succeeds or fails for good; counts how often it was sent again.
    fn once(&self, client: &mut Client, options: &Options, parameters: Map) -> Result<u64, ClientError> {
        let mut retries = 0;
        loop {
            match client.stream(self.text, parameters.clone(), options.clone(), |_| {}) {
                Err(error) if error.status().is_some() && error.code().row().retry => retries += 1,
                other => return other.map(|_| retries),
            }
        }
    }
}

/// Raises the priority of this thread. Without the right to do so it stays: then the figures are those of a shared machine.
fn go_first() {
    const NICENESS: i32 = -15;
    let _may_be_refused = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS);
}

#[derive(Default)]
struct Part {
    times: Vec<Duration>,
    retries: u64,
    unmeasured: u64,
}

fn summary(parts: Vec<Part>, time: Duration) -> Measured {
    let retries = parts.iter().map(|part| part.retries).sum();
    let unmeasured: u64 = parts.iter().map(|part| part.unmeasured).sum();
    let mut times: Vec<Duration> = parts.into_iter().flat_map(|part| part.times).collect();
    times.sort_unstable();
    let at = |hundredths: usize| times.get((times.len() * hundredths / 100).min(times.len().max(1) - 1));
    let at = |hundredths| at(hundredths).copied().unwrap_or_default();
    let count = times.len() as u64 + unmeasured;
    Measured { count, retries, time, median: at(50), p99: at(99), slowest: at(100) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_median_and_the_slowest() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let measured = summary(vec![Part { times, retries: 3, unmeasured: 2 }], Duration::from_secs(1));
        let in_ms = [measured.median, measured.p99, measured.slowest].map(|time| time.as_millis());
        assert_eq!((in_ms, measured.count, measured.retries), ([101, 199, 200], 202, 3));
        assert_eq!(summary(Vec::new(), Duration::ZERO).slowest, Duration::ZERO);
    }
}
