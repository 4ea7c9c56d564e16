//! The load driver as a program: `cargo run --release -p bench -- --help`.

use clap::Parser;

/// Puts load on a server and prints what it does under it.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    settings: bench::Settings,
}

fn main() -> Result<(), bench::BenchError> {
    bench::run(&Arguments::parse().settings)
}
