//! Whether a stage runs, and why: its identity now against the manifest of its last result.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use lam_store::{InputRef, Manifest, SharedResults, StagingDir, StoreError, read_manifest};

use crate::attempt::Attempt;
use crate::check::Prepared;
use crate::checkpoint::Resumption;
use crate::file::{InputSource, StageSpec};
use crate::fingerprint::{Identity, Inputs};
use crate::origins::Origins;
use crate::reason::Reason;
use crate::{Pipeline, PipelineError, RunOptions};

/// Name under which a manifest keeps the files that a configuration names.
const CONFIGURED: &str = "configuration";

/// What becomes of a stage.
pub(crate) enum Decision {
    /// Its result is there and stays.
    Cached(Box<Manifest>),
    /// Another run has made it: it is taken from there, and runs only where that fails.
    Reuse { reasons: Vec<Reason>, identity: Identity, stored: Box<Manifest> },
    /// It runs; without an identity, its inputs are not made yet.
    Run { reasons: Vec<Reason>, identity: Option<Identity> },
    /// It is left out; its result is used as it is, if there is one.
    LeftOut(Option<Box<Manifest>>),
}

/// The manifest of a result, none, or why it cannot be read.
type Found = Result<Option<Box<Manifest>>, String>;

/// What the decisions about a run share.
pub(crate) struct Decider<'a> {
    pub pipeline: &'a Pipeline,
    pub options: &'a RunOptions,
    pub run_dir: PathBuf,
    pub origins: Origins,
    /// What other runs have made; `None` where all is made here.
    pub shared: Option<SharedResults>,
    /// The stage that resumes from a checkpoint that was named.
    resumption: Option<Resumption>,
    /// Ids of the stages that `--from`, `--until` and `--only` leave in.
    chosen: BTreeSet<&'a str>,
}

impl<'a> Decider<'a> {
    pub fn new(
        pipeline: &'a Pipeline,
        options: &'a RunOptions,
        prepared: &[Prepared<'_>],
    ) -> Result<Self, PipelineError> {
        let chosen = chosen(pipeline, options)?;
        for name in &options.force {
            position(pipeline, "--force", name)?;
        }
        let run_dir = pipeline.run_dir(&options.runs_dir);
        let origins = Origins::open(&run_dir);
        let resumption = Resumption::of(pipeline, options, prepared)?;
        let shared = options.reuse.then(|| SharedResults::of_runs(&options.runs_dir));
        Ok(Self { pipeline, options, run_dir, origins, shared, resumption, chosen })
    }

    /// The checkpoint from which a stage resumes, where one was named.
    pub fn checkpoint(&self, spec: &StageSpec) -> Option<&Path> {
        self.resumption_of(spec).map(|resumption| resumption.directory.as_path())
    }

    fn resumption_of(&self, spec: &StageSpec) -> Option<&Resumption> {
        self.resumption.as_ref().filter(|resumption| resumption.stage == spec.id)
    }

    /// What becomes of a stage, given the results of those before it (`None`: will be made).
    pub fn decide(
        &mut self,
        prepared: &Prepared<'_>,
        results: &[Option<Box<Manifest>>],
    ) -> Result<Decision, PipelineError> {
        let spec = prepared.spec;
        let directory = self.run_dir.join(&spec.id);
        let found = existing(&directory)?;
        if !self.chosen.contains(spec.id.as_str()) {
            return Ok(Decision::LeftOut(found.ok().flatten()));
        }
        let (mut inputs, missing) = self.inputs(spec, results)?;
        self.add_configured(prepared, &mut inputs)?;
        let identity = Identity::of(prepared, inputs);
        let mut reasons = self.reasons_to_run(spec, &directory, &found, &identity, missing.is_empty())?;
        if !missing.is_empty() {
            reasons.push(Reason::Upstream { stages: missing });
            return Ok(Decision::Run { reasons, identity: None });
        }
        match (reasons.is_empty(), found) {
            (true, Ok(Some(manifest))) => Ok(Decision::Cached(manifest)),
            _ => {
                reasons.extend(self.unfinished(prepared, &directory, &identity, reasons.contains(&Reason::Forced))?);
                Ok(match self.made_elsewhere(prepared, &identity, &reasons) {
                    Some(stored) => Decision::Reuse { reasons, identity, stored: Box::new(stored) },
                    None => Decision::Run { reasons, identity: Some(identity) },
                })
            }
        }
    }

    /// The result as another run has made it. None where the stage runs for another reason than that it never did: what
    /// stands, or was begun, is not replaced by that, and who forces a stage wants it made.
    fn made_elsewhere(&self, prepared: &Prepared<'_>, identity: &Identity, reasons: &[Reason]) -> Option<Manifest> {
        let shared = self.shared.as_ref().filter(|_| *reasons == [Reason::New])?;
        let stored = shared.find(&identity.fingerprint())?;
        let is_of_use = stored.arithmetic == self.options.arithmetic
            && outside_names(&stored.inputs) == outside_names(&identity.inputs)
            && (!prepared.tells_names || self.has_same_names(prepared.spec, identity, &stored));
        is_of_use.then_some(stored)
    }

    /// Whether run, stage and inputs of a stored result are called as they are here.
    fn has_same_names(&self, spec: &StageSpec, identity: &Identity, stored: &Manifest) -> bool {
        let paths =
            |inputs: &Inputs| -> Vec<String> { inputs.values().flatten().map(|one| one.path.clone()).collect() };
        let own = Path::new(&self.pipeline.name).join(&spec.id).display().to_string();
        stored.made_by() == own && paths(&stored.inputs) == paths(&identity.inputs)
    }

    /// Whether a stored result is as it was recorded, as far as that is seen without reading it.
    pub fn looks_whole(&self, stored: &Manifest) -> bool {
        self.shared.as_ref().is_some_and(|shared| shared.looks_whole(stored))
    }

    fn reasons_to_run(
        &self,
        spec: &StageSpec,
        directory: &Path,
        found: &Found,
        identity: &Identity,
        inputs_known: bool,
    ) -> Result<Vec<Reason>, PipelineError> {
        let forced = self.options.force.iter().any(|name| *name == spec.name || *name == spec.id);
        let mut reasons: Vec<Reason> = forced.then_some(Reason::Forced).into_iter().collect();
        if let Some(resumption) = self.resumption_of(spec) {
            let checkpoint = resumption.directory.display().to_string();
            if forced && resumption.is_in_work(directory) {
                let what = format!("--resume {checkpoint}: it lies in the unfinished work that --force would remove");
                return Err(PipelineError::definition(None, what, "leave out --force, or copy the checkpoint first"));
            }
            reasons.push(Reason::Resumed { checkpoint });
        }
        match found {
            Err(what) => reasons.push(Reason::Damaged { what: what.clone() }),
            Ok(None) => reasons.push(Reason::New),
            Ok(Some(manifest)) => {
                let earlier = Identity::from(manifest.as_ref());
                reasons.extend(identity.differences(&earlier));
                if inputs_known {
                    reasons.extend(identity.input_differences(&earlier));
                }
                let damage = manifest.damage(directory)?;
                let is_lost = damage.is_none() && !identity.losses(&earlier).is_empty();
                if is_lost && !forced && !is_under_way(directory, identity) {
                    reasons.push(Reason::Standing { stage: spec.id.clone() });
                }
                reasons.extend(damage.map(|what| Reason::Damaged { what }));
            }
        }
        Ok(reasons)
    }

    /// What becomes of unfinished work, if there is some.
    fn unfinished(
        &self,
        prepared: &Prepared<'_>,
        directory: &Path,
        identity: &Identity,
        forced: bool,
    ) -> Result<Option<Reason>, PipelineError> {
        let work = StagingDir::work_path(directory);
        if self.options.fresh || forced {
            return Ok(work.exists().then_some(Reason::Restarted));
        }
        let attempt = match Attempt::find(directory)? {
            Some(attempt) => attempt,
            None if prepared.kind.holds_work(&work) => {
                return Err(
                    Attempt::damaged(directory, "it is missing, and the work beside it is not".to_owned()).into()
                );
            }
            None => return Ok(None),
        };
        if attempt.identity.fingerprint() == identity.fingerprint() {
            return Ok(Some(Reason::Unfinished));
        }
        let differences = identity.own_differences(&attempt.identity);
        let is_named = self.resumption_of(prepared.spec).is_some_and(|resumption| resumption.is_in_work(directory));
        let of_use = is_named || !attempt.refused_its_input && prepared.kind.holds_work(&work);
        let is_stranded = of_use && !differences.is_empty();
        Ok(Some(if is_stranded { Reason::Stranded { differences } } else { Reason::Restarted }))
    }

    /// The inputs with their hashes, and the stages whose results are not there yet.
    fn inputs(
        &mut self,
        spec: &StageSpec,
        results: &[Option<Box<Manifest>>],
    ) -> Result<(Inputs, Vec<String>), PipelineError> {
        let mut inputs = Inputs::new();
        let mut missing: Vec<String> = Vec::new();
        for (name, sources) in &spec.inputs {
            let refs = inputs.entry(name.clone()).or_default();
            for source in sources {
                match source {
                    InputSource::External(path) => {
                        let hash = self.origins.hash(path)?;
                        refs.push(InputRef { stage: None, path: path.display().to_string(), hash });
                    }
                    InputSource::Stage { index, below } => {
                        let stage = &self.pipeline.stages[*index];
                        match results.get(*index).and_then(Option::as_ref) {
                            Some(manifest) => refs.push(stage_input(spec, stage, below, manifest)?),
                            None if !self.chosen.contains(stage.id.as_str()) => {
                                return Err(PipelineError::NoResult { stage: stage.id.clone() });
                            }
                            None if missing.contains(&stage.id) => {}
                            None => missing.push(stage.id.clone()),
                        }
                    }
                }
            }
        }
        Ok((inputs, missing))
    }

    /// Adds the files that the configuration names, with their hashes. One that is not there is for the stage to refuse.
    fn add_configured(&mut self, prepared: &Prepared<'_>, inputs: &mut Inputs) -> Result<(), PipelineError> {
        for path in prepared.files.iter().filter(|path| path.exists()) {
            let hash = self.origins.hash(path)?;
            let path = path.display().to_string();
            inputs.entry(CONFIGURED.to_owned()).or_default().push(InputRef { stage: None, path, hash });
        }
        Ok(())
    }
}

fn stage_input(
    spec: &StageSpec,
    stage: &StageSpec,
    below: &Path,
    manifest: &Manifest,
) -> Result<InputRef, PipelineError> {
    let Some(hash) = manifest.hash_of(below) else {
        let reason = format!("stage `{}`: the result of `{}` has no {}", spec.name, stage.name, below.display());
        let names = manifest.files.iter().map(|file| file.path.display().to_string());
        let hint = format!("it holds {}", names.take(20).collect::<Vec<_>>().join(", "));
        return Err(PipelineError::definition(spec.origin.as_ref(), reason, hint));
    };
    let path = Path::new(&stage.id).join(below).display().to_string();
    // The path counts from the directory in which the result of `spec` lies.
    let path = match spec.id.rsplit_once('/') {
        Some((prefix, _)) => path.strip_prefix(&format!("{prefix}/")).unwrap_or(&path).to_string(),
        None => path,
    };
    Ok(InputRef { stage: Some(stage.name.clone()), path: path.trim_end_matches('/').to_string(), hash })
}

/// The names of the files and directories from outside: a model of somebody else's is called by its directory in tables and
/// trajectories.
fn outside_names(inputs: &Inputs) -> Vec<Option<&OsStr>> {
    let outside = inputs.values().flatten().filter(|input| input.stage.is_none());
    outside.map(|input| Path::new(&input.path).file_name()).collect()
}

/// Whether somebody has begun to make this very result.
fn is_under_way(directory: &Path, identity: &Identity) -> bool {
    Attempt::find(directory)
        .ok()
        .flatten()
        .is_some_and(|attempt| attempt.identity.fingerprint() == identity.fingerprint())
}

/// The manifest in `directory`; damage as text, a newer version as an error.
fn existing(directory: &Path) -> Result<Found, PipelineError> {
    match read_manifest(directory) {
        Ok(manifest) => Ok(Ok(manifest.map(Box::new))),
        Err(StoreError::Damaged { reason, .. }) => Ok(Err(format!("manifest.json: {reason}"))),
        Err(error) => Err(error.into()),
    }
}

/// Ids of the stages that `--from`, `--until` and `--only` leave in.
fn chosen<'p>(pipeline: &'p Pipeline, options: &RunOptions) -> Result<BTreeSet<&'p str>, PipelineError> {
    let place =
        |option: &str, name: &Option<String>| name.as_deref().map(|name| position(pipeline, option, name)).transpose();
    let (first, last) = (place("--from", &options.from)?, place("--until", &options.until)?);
    place("--only", &options.only)?;
    let needed = options.only.as_deref().map(|name| needed(pipeline, name));
    let is_chosen = |(index, stage): &(usize, &StageSpec)| {
        let is_between =
            first.is_none_or(|first| first <= stage.position) && last.is_none_or(|last| stage.position <= last);
        is_between && needed.as_ref().is_none_or(|needed| needed.contains(index))
    };
    Ok(pipeline.stages.iter().enumerate().filter(is_chosen).map(|(_, stage)| stage.id.as_str()).collect())
}

/// Places of the stages of this name and of all that they are made from.
fn needed(pipeline: &Pipeline, name: &str) -> BTreeSet<usize> {
    let mut needed = BTreeSet::new();
    // A stage names only stages before it.
    for (index, stage) in pipeline.stages.iter().enumerate().rev() {
        if stage.id == name || stage.name == name || needed.contains(&index) {
            needed.insert(index);
            needed.extend(stage.inputs.values().flatten().filter_map(InputSource::stage));
        }
    }
    needed
}

fn position(pipeline: &Pipeline, option: &str, name: &str) -> Result<usize, PipelineError> {
    let found = pipeline.stages_called(name).map(|stage| stage.position).min();
    found.ok_or_else(|| {
        // With several seeds a stage is called by its name, which means all of them, or by one seed's.
        let mut names: Vec<&str> = Vec::new();
        for stage in &pipeline.stages {
            if !names.contains(&stage.name.as_str()) {
                names.push(&stage.name);
            }
        }
        let ids = pipeline.stages.iter().map(|stage| stage.id.as_str());
        let hint = match lam_config::nearest(name, names.iter().copied().chain(ids)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the stages are {}", names.join(", ")),
        };
        PipelineError::definition(None, format!("{option} {name}: no stage is called `{name}`"), hint)
    })
}
