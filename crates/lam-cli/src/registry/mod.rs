//! What can be named in files and on the command line: environments, models and stages. A new one is one line here.

pub mod applications;
pub mod hub;
pub mod models;
pub mod stages;

mod collect;
mod evaluate;
mod kind;
mod settings;
mod train;
