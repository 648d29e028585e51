//! What each command does. A command is a function that takes exactly what it needs.

mod act;
mod clean;
mod compare;
mod config;
mod data;
mod doctor;
mod episode;
mod eval;
mod export;
mod inspect;
mod lineage;
mod list;
mod memory;
mod model;
mod next;
mod phase;
mod pipeline;
mod push;
mod report;
mod room;
mod serve;
mod serve_model;
mod shell;
mod site;
mod size;
mod watch;

use lam_model::Processor;
use lam_signal::Failure;

use crate::args::{Cli, Command};
use crate::output::Output;

/// Does what was typed.
pub fn run(cli: Cli) -> Result<(), Failure> {
    Processor::check()?;
    if let Some(numerics) = cli.numerics {
        Processor::choose(numerics);
    }
    let (output, device) = (Output { json: cli.json, quiet: cli.quiet }, cli.device);
    match cli.command {
        Command::Run(args) => pipeline::run(&args, device, &output),
        Command::Plan(args) => pipeline::plan(&args, &output),
        Command::Status(args) => pipeline::status(&args, &output),
        Command::Graph(args) => pipeline::graph(&args, &output),
        Command::Clean(args) => clean::clean(&args, &output),
        Command::Phase1(args) => phase::run(phase::Phase::One, &args, device, &output),
        Command::Phase2(args) => phase::run(phase::Phase::Two, &args, device, &output),
        Command::Phase3(args) => phase::run(phase::Phase::Three, &args, device, &output),
        Command::Phase4(args) => phase::run(phase::Phase::Four, &args, device, &output),
        Command::Data(command) => data::run(&command, &output),
        Command::Eval(command) => eval::run(&command, device, &output),
        Command::Report { run, output_dir } => report::report(&run, output_dir.as_deref(), &output),
        Command::Watch(args) => watch::watch(&args, &output),
        Command::Compare(args) => compare::compare(&args, &output),
        Command::List(command) => list::run(&command, &output),
        Command::Export(args) => export::export(&args, &output),
        Command::Push(args) => push::push(&args, &output),
        Command::Act(args) => act::act(&args, device, &output),
        Command::Serve(command) => serve::run(&command, device, &output),
        Command::Model(command) => model::run(&command, device, &output),
        Command::Lineage { artifact } => lineage::lineage(&artifact, &output),
        Command::Config(command) => config::run(&command, &output),
        Command::Doctor => doctor::doctor(&output),
        Command::Completions { shell } => shell::completions(shell),
        Command::Man { directory } => shell::man(&directory, &output),
    }
}
