//! What the project does to itself: test, lint, document, measure.
//!
//! `cargo xtask help` lists the tasks. Each prints what it is doing and how long every step took, installs what it
//! needs where it can, and says aloud what it leaves out.
#![expect(
    clippy::print_stdout,
    reason = "tasks talk to the person or the log that runs them"
)]

mod bench;
mod coverage;
mod docs;
mod fuzz;
mod lint;
mod peers;
mod postgres;
mod quality;
mod steps;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Tasks of the project on itself")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what tests need, start a throw-away PostgreSQL and run every test
    Test(test::Options),
    /// Check format, lints, arrows between crates, licences, duplicate versions, file lengths and documentation
    Lint(lint::Options),
    /// Run other people's programs against ours: Zoom's SDK, a browser
    Peers(peers::Options),
    /// Make the generated pages of the book, and build it
    Docs(docs::Options),
    /// Measure speed and memory beside alternatives, into the book's page of figures
    Bench(bench::Options),
    /// Measure how good summaries, action items and decisions are, into the book's page of quality
    Quality(quality::Options),
    /// Measure which lines the tests reach
    Coverage(coverage::Options),
    /// Search for inputs that break the parsers
    Fuzz(fuzz::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Test(options) => test::run(&options),
        Task::Lint(options) => lint::run(&options),
        Task::Peers(options) => peers::run(&options),
        Task::Docs(options) => docs::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Quality(options) => quality::run(&options),
        Task::Coverage(mut options) => coverage::run(&mut options),
        Task::Fuzz(options) => fuzz::run(&options),
    };
    if let Err(error) = done {
        println!("\n{error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
