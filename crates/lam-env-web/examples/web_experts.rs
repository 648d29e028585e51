//! Wins of the scripted expert on the pages' own words, family by family:
//! `cargo run --release -p lam-env-web --example web_experts -- [seeds a family] [families …]`.

use std::time::Instant;

use lam_agent::{ExpertPolicy, Job, Limits, Session, run_episodes};
use lam_env::{Application, TaskQuery};
use lam_env_web::{Clicks, Web, family_names, own_words};
use lam_signal::{Cancel, NoProgress};
use lam_types::{Split, Trajectory};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let seeds: usize = args.next().map_or(Ok(10), |text| text.parse())?;
    let named: Vec<String> = args.collect();
    let families =
        if named.is_empty() { family_names().iter().map(|name| (*name).to_owned()).collect() } else { named };
    let clicks = if std::env::var_os("LAM_NATIVE").is_some() { Clicks::Native } else { Clicks::Script };
    let web = Web::find(clicks)?;
    let count = seeds * families.len();
    let query = TaskQuery { split: Split::Test, phrasing: None, families: families.clone(), count, seed: 42 };
    let mut tasks = web.tasks(&query)?;
    tasks.sort_by_key(|task| families.iter().position(|family| *family == task.family));
    let mut environment = web.instance();
    for task in &mut tasks {
        task.request = own_words(&mut environment, task)?;
    }
    drop(environment);
    let (limits, started) = (Limits::default(), Instant::now());
    let session = Session { limits: &limits, journal: None, progress: &NoProgress, cancel: &Cancel::default() };
    let episodes = run_episodes(&web, &Job::for_tasks(&tasks, 1), &mut ExpertPolicy::of(&web)?, &session)?;
    let mut won = 0;
    for family in &families {
        let of_family: Vec<&Trajectory> = episodes.iter().filter(|one| one.task.family == *family).collect();
        let wins = of_family.iter().filter(|one| one.succeeded()).count();
        won += usize::from(10 * wins >= 9 * of_family.len());
        let lost = of_family.iter().find(|one| !one.succeeded()).map(|one| why(one)).unwrap_or_default();
        println!("{family:32} {wins:3}/{} {lost}", of_family.len());
    }
    let steps: usize = episodes.iter().map(|one| one.steps.len()).sum();
    println!(
        "{won} of {} families won in at least 9 of 10 seeds; {steps} steps in {:.1} s",
        families.len(),
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

/// The last step of an episode, for whoever wants to know what went wrong.
fn why(episode: &Trajectory) -> String {
    let last = episode.steps.last().map(|step| format!("{} {}", step.action.thought, step.message)).unwrap_or_default();
    let error = episode.environment_error.clone().unwrap_or_default();
    format!("{} | {last} | {} {error}", episode.task.request, episode.verdict.reason)
}
