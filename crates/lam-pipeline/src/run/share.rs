//! Results on their way between this run and those that other runs may take. That nothing is shared stops no run: it is
//! said once.

use std::path::Path;

use lam_signal::Fault;
use lam_store::{Manifest, StagingDir, StoreError, Taken};

use super::{Made, Runner, ended_at, write_config};
use crate::PipelineError;
use crate::attempt::Attempt;
use crate::check::Prepared;
use crate::fingerprint::Identity;
use crate::recorder::untold;

impl Runner<'_> {
    /// Keep a result for other runs.
    pub(super) fn share(&mut self, prepared: &Prepared<'_>, manifest: &Manifest, directory: &Path) {
        let Some(shared) = &self.decider.shared else { return };
        let trackers = self.trackers(prepared);
        if let Err(error) = shared.put(directory, manifest, |beside| trackers.keep_records(beside)) {
            self.stop_sharing(&error);
        }
    }

    /// As [`Runner::share`], for one that was there before.
    pub(super) fn share_if_new(&mut self, prepared: &Prepared<'_>, manifest: &Manifest, directory: &Path) {
        if self.decider.shared.as_ref().is_some_and(|shared| !shared.contains(&manifest.fingerprint)) {
            self.share(prepared, manifest, directory);
        }
    }

    /// Bring the result of another run to its place here; none where that fails, and the stage has to run.
    pub(super) fn take(
        &mut self,
        prepared: &Prepared<'_>,
        identity: &Identity,
        stored: &Manifest,
        destination: &Path,
    ) -> Result<Option<Manifest>, PipelineError> {
        self.stop_if_asked(prepared)?;
        let Some(shared) = &self.decider.shared else { return Ok(None) };
        let staging = StagingDir::open_taken(destination)?;
        let files = match shared.take(stored, staging.path()) {
            Ok(Taken::Whole(files)) => files,
            refused => {
                staging.discard()?;
                self.tell_refused(prepared, stored, refused);
                return Ok(None);
            }
        };
        let made = Made {
            files,
            output_hash: stored.output_hash.clone(),
            metrics: stored.metrics.clone(),
            started_at: stored.started_at,
            duration_s: stored.duration_s,
            arithmetic: stored.arithmetic.clone(),
            reused_from: Some(stored.made_by()),
        };
        let manifest = self.manifest(prepared, identity, made);
        write_config(prepared, staging.path())?;
        manifest.write(staging.path())?;
        let beside = shared.beside(&stored.fingerprint);
        if let Err(error) = self.trackers(prepared).take_records(&beside, ended_at(&manifest)) {
            self.view.progress().note(&untold(&error));
        }
        staging.commit()?;
        Attempt::discard(destination)?;
        Ok(Some(manifest))
    }

    fn tell_refused(&mut self, prepared: &Prepared<'_>, stored: &Manifest, refused: Result<Taken, StoreError>) {
        let id = &prepared.spec.id;
        match refused {
            Ok(Taken::Damaged(what)) => self.view.progress().note(&format!(
                "{id}: the result that {} left for other runs is damaged ({what}) and was removed; the stage runs",
                stored.made_by()
            )),
            Ok(_) => {}
            Err(error) => self.stop_sharing(&error),
        }
    }

    fn stop_sharing(&mut self, error: &StoreError) {
        self.decider.shared = None;
        let why = error.details().sentence();
        self.view.progress().note(&format!("results are not shared with other runs any more: {why}"));
    }
}
