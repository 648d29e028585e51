//! Who has a row in a table, each under a name of its own: a model's, with run and directory where two bear the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lam_agent::{PolicyChoice, RemoteConfig};
use lam_inference::model_name;
use lam_pipeline::StageContext;
use lam_signal::Failure;
use lam_store::distinct_paths;

/// Components of a place that are told at least: a run and a directory in it.
const RUN_AND_DIRECTORY: usize = 2;

/// The rows of a table.
pub struct TableRows {
    /// Directories of models of ours, each once, with their names.
    pub models: Vec<(PathBuf, String)>,
    /// Endpoints, under names of their own.
    pub endpoints: Vec<RemoteConfig>,
}

impl TableRows {
    /// The rows that a stage was asked for.
    ///
    /// # Errors
    /// A model directory that cannot be read.
    pub fn of(context: &StageContext<'_>, endpoints: &[RemoteConfig]) -> Result<Self, Failure> {
        let directories = distinct_paths(context.input_list("models"));
        let mut claims = Vec::new();
        for directory in &directories {
            let name = model_name(context.optional_input("adapter").unwrap_or(directory), context.model_name_of)?;
            claims.push(Claim { name, place: components(directory) });
        }
        claims.extend(endpoints.iter().map(Claim::of_endpoint));
        let mut names = own_names(&claims).into_iter();
        let models = directories.into_iter().zip(names.by_ref()).collect();
        let named = |(config, name): (&RemoteConfig, String)| match config.display_name() == name {
            true => config.clone(),
            false => RemoteConfig { name, ..config.clone() },
        };
        Ok(Self { models, endpoints: endpoints.iter().zip(names).map(named).collect() })
    }

    /// The rows that need no model of ours; the scripted expert where it is wanted.
    pub fn others(&self, expert: bool) -> impl Iterator<Item = PolicyChoice> {
        let endpoints = self.endpoints.iter().map(|config| PolicyChoice::Remote(Box::new(config.clone())));
        expert.then_some(PolicyChoice::Scripted).into_iter().chain(endpoints)
    }
}

fn components(directory: &Path) -> Vec<String> {
    let whole = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    whole.iter().map(|part| part.to_string_lossy().into_owned()).collect()
}

/// A name that somebody would bear, and where they are, from the widest place to the narrowest.
#[derive(Clone, Debug)]
struct Claim {
    name: String,
    place: Vec<String>,
}

impl Claim {
    /// An endpoint is at its host.
    fn of_endpoint(config: &RemoteConfig) -> Self {
        let url = config.base_url.split_once("://").map_or(&*config.base_url, |(_, behind)| behind);
        let host = url.split('/').next().unwrap_or_default();
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        Self { name: config.display_name().to_owned(), place: vec![host.to_owned(), config.model.clone()] }
    }

    /// The name with the last so many components of the place.
    fn with_place(&self, depth: usize) -> String {
        let from = self.place.len().saturating_sub(depth);
        format!("{} ({})", self.name, self.place[from..].join(", "))
    }
}

/// A name for each claim that no other has: plain where one alone claims it, else with as much of the place as tells
/// all apart, else numbered. The scripted expert's name is taken.
fn own_names(claims: &[Claim]) -> Vec<String> {
    let mut claimed: BTreeMap<&str, usize> = BTreeMap::from([("expert", 1)]);
    for claim in claims {
        *claimed.entry(&claim.name).or_default() += 1;
    }
    let mut taken: BTreeSet<String> = BTreeSet::from(["expert".to_owned()]);
    let mut own = |claim: &Claim| {
        let plain = match claimed[&*claim.name] {
            1 => claim.name.clone(),
            _ => claim.with_place(depth_apart(claims, &claim.name)),
        };
        let numbered = (2..).map(|number| format!("{plain} #{number}"));
        let mut candidates = std::iter::once(plain.clone()).chain(numbered);
        candidates.find(|name| taken.insert(name.clone())).expect("numbers do not end")
    };
    claims.iter().map(&mut own).collect()
}

/// How many components of their places tell those of one name apart; those of the longest place where none do.
fn depth_apart(claims: &[Claim], name: &str) -> usize {
    let group: Vec<&Claim> = claims.iter().filter(|claim| claim.name == name).collect();
    let longest = group.iter().map(|claim| claim.place.len()).max().unwrap_or(0).max(RUN_AND_DIRECTORY);
    let differ = |depth: &usize| {
        group.iter().map(|claim| claim.with_place(*depth)).collect::<BTreeSet<_>>().len() == group.len()
    };
    (RUN_AND_DIRECTORY..=longest).find(differ).unwrap_or(RUN_AND_DIRECTORY)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(claims: &[(&str, &str)]) -> Vec<String> {
        let claim = |(name, place): &(&str, &str)| Claim {
            name: (*name).to_owned(),
            place: place.split('/').map(str::to_owned).collect(),
        };
        own_names(&claims.iter().map(claim).collect::<Vec<_>>())
    }

    #[test]
    fn a_name_that_one_alone_bears_stays() {
        assert_eq!(names(&[("LAM1", "runs/a/lam1"), ("LAM2", "runs/a/lam2")]), ["LAM1", "LAM2"]);
    }

    #[test]
    fn those_of_one_name_are_told_by_run_and_directory() {
        assert_eq!(
            names(&[("LAM2", "runs/a/lam2"), ("LAM3", "runs/a/lam3"), ("LAM2", "runs/b/lam2")]),
            ["LAM2 (a, lam2)", "LAM3", "LAM2 (b, lam2)"]
        );
        let seeds = [("LAM2", "runs/a/seed-1/lam2"), ("LAM2", "runs/b/seed-1/lam2"), ("LAM2", "x")];
        assert_eq!(names(&seeds), ["LAM2 (a, seed-1, lam2)", "LAM2 (b, seed-1, lam2)", "LAM2 (x)"]);
    }

    #[test]
    fn those_of_one_name_and_place_are_numbered() {
        let endpoints = [("gpt-4o", "host/gpt-4o"), ("gpt-4o", "host/gpt-4o"), ("expert", "host/expert")];
        assert_eq!(names(&endpoints), ["gpt-4o (host, gpt-4o)", "gpt-4o (host, gpt-4o) #2", "expert (host, expert)"]);
        let odd = [("a (b, c)", "x/y"), ("a", "b/c"), ("a", "b/d")];
        assert_eq!(names(&odd), ["a (b, c)", "a (b, c) #2", "a (b, d)"]);
    }

    #[test]
    fn an_endpoints_place_is_its_host_without_what_opens_it() {
        let config = RemoteConfig { base_url: "https://me:secret@host:8000/v1".into(), ..RemoteConfig::default() };
        assert_eq!(Claim::of_endpoint(&config).place, ["host:8000", "gpt-4o"]);
    }
}
