//! Measures the environment on one core: actions carried out, each with its observation, a second.

use std::time::Instant;

use lam_env::{Application, EnvError, TaskQuery};
use lam_env_sim::{Sim, reference};
use lam_types::Split;

fn main() -> Result<(), EnvError> {
    let sim = Sim::new();
    let query = TaskQuery { split: Split::Train, phrasing: None, families: Vec::new(), count: 1000, seed: 1 };
    let episodes: Vec<_> =
        sim.tasks(&query)?.into_iter().map(|task| (reference(&task).unwrap_or_default(), task)).collect();
    let mut environment = sim.open()?;
    let (mut steps, mut resets, mut acting) = (0_u32, 0_u32, 0.0);
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < 2.0 {
        for (actions, task) in &episodes {
            environment.reset(task)?;
            resets += 1;
            let begun = Instant::now();
            for action in actions {
                environment.act(action)?;
                steps += 1;
            }
            environment.verify()?;
            acting += begun.elapsed().as_secs_f64();
        }
    }
    let whole = start.elapsed().as_secs_f64();
    println!("{:.0} steps a second", f64::from(steps) / acting);
    println!(
        "{:.0} steps a second with resets ({:.0} resets a second)",
        f64::from(steps) / whole,
        f64::from(resets) / whole
    );
    Ok(())
}
