//! The `countersign` program: wiring, commands, configuration. What the parts
//! mean is theirs; here they are only put together.
#![allow(clippy::print_stdout, reason = "a command line program answers on its standard output")]

mod commands;
mod deploy;
mod explanation;
mod exposure;
mod follow;
mod inside;
mod living;
mod pages;
mod post;
mod readiness;
mod server;
mod usage;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use commands::{down, env, journal, log, network, outbox, policy, template, up, verify};

/// A request makes some hundreds of small allocations; this allocator spends half the time on them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A zero-trust runtime that speaks AWS.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts the runtime and deploys a template
    Up(up::Up),
    /// Stops the runtime of a data folder
    Down(down::Down),
    /// Prints the exports that point AWS clients at the runtime
    Env(env::Env),
    /// Follows decisions and calls as they are recorded
    Trace(journal::Trace),
    /// Tells why a request was allowed or denied
    Explain(journal::Explain),
    /// Reads templates without running them
    #[command(subcommand)]
    Template(template::Template),
    /// Tests policies without running anything
    #[command(subcommand)]
    Policy(policy::Policy),
    /// Tests networks without running anything
    #[command(subcommand)]
    Network(network::Network),
    /// Shows that no path leads to a database without a WAF and an authorizer
    Verify(verify::Verify),
    /// Shows the messages to people: codes, invitations, passwords
    Outbox(outbox::Outbox),
    /// Verifies the log of a data folder, offline
    #[command(name = "verify-log")]
    VerifyLog(log::VerifyLog),
    /// The parent of a container's process; started by the runtime alone
    #[command(name = "task-init", hide = true)]
    TaskInit,
    /// A container's process, before it becomes the image's program
    #[command(name = "task-exec", hide = true)]
    TaskExec,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Up(up) => up.run(),
        Command::Down(down) => down.run(),
        Command::Env(env) => env.run(),
        Command::Trace(trace) => trace.run(),
        Command::Explain(explain) => explain.run(),
        Command::Template(template) => template.run(),
        Command::Policy(policy) => return policy.run(),
        Command::Network(network) => return network.run(),
        Command::Verify(verify) => return verify.run(),
        Command::Outbox(outbox) => outbox.run(),
        Command::VerifyLog(verify) => verify.run(),
        Command::TaskInit => std::process::exit(act::init::supervise()),
        Command::TaskExec => Err(act::init::confine()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("countersign: {message}");
            ExitCode::FAILURE
        }
    }
}
