//! The load driver as a benchmark: what `cargo bench` and `cargo xtask bench` run, every case for a short time.

fn main() -> Result<(), bench::BenchError> {
    // Cargo adds `--bench`; other words choose cases by a part of their name.
    let cases = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    bench::run(&bench::Settings { cases, ..bench::Settings::short() })
}
