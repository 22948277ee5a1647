//! The program `flowlogs-pipeline`: flags, signals, exit code.

use std::process::ExitCode;

use clap::Parser;
use flowlogs_pipeline::app;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let flags = match app::Flags::try_parse() {
        Ok(flags) => flags,
        Err(error) => {
            // Help and version are no errors, but come this way. A closed output is nobody's loss.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    app::main(&flags)
}
