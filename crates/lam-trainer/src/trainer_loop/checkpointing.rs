//! Saves a run in progress, and resumes from what was saved.

use std::path::Path;

use lam_signal::Fault;
use lam_store::StagingDir;

use super::TrainerLoop;
use crate::checkpoint::{
    ARGUMENTS_FILE, Checkpoints, IDENTITY_FILE, OPTIMIZER_FILE, RNG_FILE, STATE_FILE, Streams, assign_variables,
    damage, load_tensors, read_json, refuse_other, save_tensors, write_hashes, write_json,
};
use crate::{Backbone, ForeignState, Identity, TrainModule, TrainerError, TrainerState};

impl<M: TrainModule> TrainerLoop<'_, M> {
    /// Writes a checkpoint of this instant, then lets older ones go.
    pub(crate) fn save(&mut self) -> Result<(), TrainerError> {
        self.write(false)
    }

    /// Writes a checkpoint where a stop is asked for. No older one goes for it, so that a run that is resumed ends with
    /// the checkpoints of one that was never stopped.
    pub(crate) fn save_to_stop(&mut self) -> Result<(), TrainerError> {
        self.settle()?;
        self.write(!self.checkpoints.is_kept(self.step()))
    }

    fn write(&mut self, stop: bool) -> Result<(), TrainerError> {
        let staging = StagingDir::open_empty(&self.checkpoints.path(self.step()))?;
        self.write_files(staging.path())?;
        if stop {
            Checkpoints::mark_stop(staging.path())?;
        }
        write_hashes(staging.path())?;
        staging.commit()?;
        self.tidy()
    }

    /// Lets the links point to the last and the best checkpoint, and older ones go.
    fn tidy(&self) -> Result<(), TrainerError> {
        let (step, best) = (self.step(), self.state.best_global_step);
        self.checkpoints.link(step, best)?;
        self.checkpoints.forget_stops(step)?;
        if self.checkpoints.is_of_a_stop(step) {
            return Ok(());
        }
        self.checkpoints.rotate(self.run.arguments.save_total_limit, best)
    }

    /// Resumes from the checkpoint that was named, else from the last one that is complete and undamaged, if there is one;
    /// where there are others only, the last one's damage is told.
    pub(super) fn resume(&mut self) -> Result<(), TrainerError> {
        if let Some(named) = &self.run.arguments.resume_from_checkpoint {
            return self.resume_from_named(named);
        }
        let mut last_damage = None;
        for step in self.checkpoints.steps()?.into_iter().rev() {
            let Some(damage) = self.damage(step)? else { return self.resume_from(step) };
            let told = damage.details().sentence();
            self.run.progress.note(&format!("{told}; the checkpoint before it is looked for"));
            last_damage.get_or_insert(damage);
        }
        last_damage.map_or(Ok(()), Err)
    }

    /// What is wrong with a checkpoint, or with the best one that it refers to. Where that is gone, a better one came
    /// after this checkpoint, and will come again.
    fn damage(&self, step: u64) -> Result<Option<TrainerError>, TrainerError> {
        let directory = self.checkpoints.path(step);
        if let Some(damage) = damage(&directory) {
            return Ok(Some(damage));
        }
        let state: TrainerState = read_json(&directory.join(STATE_FILE))?;
        let best = state.best_global_step.filter(|best| *best != step);
        let best = best.map(|best| self.checkpoints.path(best)).filter(|best| best.exists());
        Ok(best.and_then(|best| damage(&best)))
    }

    /// Resumes from a checkpoint of this run's, wherever it lies. One from elsewhere is copied among the own ones first, and
    /// so is the best one beside it that it refers to.
    fn resume_from_named(&mut self, named: &Path) -> Result<(), TrainerError> {
        let state_file = named.join(STATE_FILE);
        if !state_file.is_file() {
            return Err(TrainerError::Arguments {
                key: "resume_from_checkpoint",
                value: named.display().to_string(),
                reason: format!("is no checkpoint: it holds no {STATE_FILE}"),
                hint: "name a directory such as training/checkpoint-100",
            });
        }
        damage(named).map_or(Ok(()), Err)?;
        let identity: Identity = read_json(&named.join(IDENTITY_FILE))?;
        refuse_other(named, &identity, &self.identity)?;
        let TrainerState { global_step, best_global_step, .. } = read_json(&state_file)?;
        if let Some(best) = best_global_step.filter(|best| *best != global_step) {
            // Where it is gone, a better one came after this checkpoint, and will come again.
            let beside = self.checkpoints.beside(named, best);
            if beside.join(STATE_FILE).is_file() {
                damage(&beside).map_or(Ok(()), Err)?;
                self.checkpoints.adopt(&beside, best)?;
            }
        }
        self.checkpoints.adopt(named, global_step)?;
        self.resume_from(global_step)
    }

    fn resume_from(&mut self, step: u64) -> Result<(), TrainerError> {
        let directory = self.checkpoints.path(step);
        let identity: Identity = read_json(&directory.join(IDENTITY_FILE))?;
        refuse_other(&directory, &identity, &self.identity)?;
        self.assign(&directory)?;
        let moments = load_tensors(&directory.join(OPTIMIZER_FILE))?;
        self.optimizer.load_state(&moments)?;
        self.state = read_json(&directory.join(STATE_FILE))?;
        self.restore_streams(&directory.join(RNG_FILE))?;
        self.checkpoints.discard_after(step)?;
        self.run.progress.note(&format!("going on from {}", directory.display()));
        // A kill may have come between the checkpoint and what follows from it.
        self.tidy()
    }

    fn restore_streams(&mut self, file: &Path) -> Result<(), TrainerError> {
        let refuse =
            |foreign: ForeignState| TrainerError::Checkpoint { path: file.into(), reason: foreign.to_string() };
        let streams: Streams = read_json(file)?;
        self.loader.restore(&streams.source).map_err(refuse)?;
        self.module.restore(&streams.module).map_err(refuse)
    }

    /// Gives the module the weights of the best checkpoint.
    pub(super) fn load_best(&mut self) -> Result<(), TrainerError> {
        let Some(best) = self.state.best_global_step.filter(|best| *best != self.step()) else { return Ok(()) };
        self.assign(&self.checkpoints.path(best))
    }

    /// Gives the variables the values of a checkpoint, on their device too.
    fn assign(&self, checkpoint: &Path) -> Result<(), TrainerError> {
        assign_variables(&checkpoint.join(self.weights_file()), &self.module.variables())?;
        Ok(self.module.backbone().map_or(Ok(()), |backbone| backbone.decoder().send_variables())?)
    }

    /// File of a checkpoint that the variables go into.
    fn weights_file(&self) -> &'static str {
        self.module.backbone().map_or("model.safetensors", Backbone::weights_file)
    }

    fn write_files(&self, directory: &Path) -> Result<(), TrainerError> {
        if let Some(backbone) = self.module.backbone() {
            backbone.decoder().fetch_variables()?;
        }
        let weights: Vec<_> =
            self.module.variables().into_iter().map(|(name, variable)| (name, variable.as_tensor().clone())).collect();
        save_tensors(&directory.join(self.weights_file()), &weights)?;
        if let Some(backbone) = self.module.backbone() {
            backbone.save_description(directory)?;
        }
        save_tensors(&directory.join(OPTIMIZER_FILE), &self.optimizer.state()?)?;
        let (source, module) = (self.loader.state(), self.module.state());
        write_json(&directory.join(RNG_FILE), &Streams { seed: self.run.arguments.seed, source, module })?;
        write_json(&directory.join(STATE_FILE), &self.state)?;
        write_json(&directory.join(ARGUMENTS_FILE), &self.run.arguments.record())?;
        write_json(&directory.join(IDENTITY_FILE), &self.identity)
    }
}
