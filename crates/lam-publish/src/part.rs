//! The parts of a run that can be published, and the files of each.

use std::path::{Path, PathBuf};

use lam_hub::{Folder, LeftOut, OutgoingFile, RepositoryKind};
use lam_store::StoreError;
use serde_json::Value;

use crate::card::{Card, card};
use crate::run::{StageResult, file_name, folders, seeds};
use crate::table::{self, Table};
use crate::{PublishError, Run};

/// What kind of stage makes exports, and the record by which each says what it is.
const EXPORTS: (&str, &str) = ("export", "export.json");

/// A part of a run, for one repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The adapter in PEFT's form.
    Adapter,
    /// The whole model.
    Merged,
    /// The reward model.
    Reward,
    /// The whole model as a GGUF file.
    Gguf,
    /// The data.
    Dataset,
}

/// What is sent to one repository.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// What it is of the run.
    pub part: Part,
    /// Its files.
    pub files: Vec<OutgoingFile>,
    /// What stays.
    pub left_out: Vec<LeftOut>,
}

impl Part {
    /// Every part, in the order in which they are sent.
    pub const ALL: [Part; 5] = [Part::Adapter, Part::Merged, Part::Reward, Part::Gguf, Part::Dataset];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Part::Adapter => "adapter",
            Part::Merged => "merged",
            Part::Reward => "reward",
            Part::Gguf => "gguf",
            Part::Dataset => "dataset",
        }
    }

    /// What stands behind the name of its repository where all parts are sent under one name.
    pub fn suffix(self) -> &'static str {
        match self {
            Part::Adapter => "",
            Part::Merged => "-merged",
            Part::Reward => "-reward",
            // As the hub's users write it.
            Part::Gguf => "-GGUF",
            Part::Dataset => "-dataset",
        }
    }

    /// What its repository is for the hub.
    pub fn repository_kind(self) -> RepositoryKind {
        match self {
            Part::Dataset => RepositoryKind::Dataset,
            _ => RepositoryKind::Model,
        }
    }
}

impl Run {
    /// The parts that the run has.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn parts(&self) -> Result<Vec<Part>, PublishError> {
        let mut parts = Vec::new();
        for part in Part::ALL {
            let has = match part {
                Part::Dataset => !self.tables()?.0.is_empty(),
                export => !self.exports(export)?.is_empty(),
            };
            parts.extend(has.then_some(part));
        }
        Ok(parts)
    }

    /// The files of a part; `card` says what the card of a data set cannot know by itself.
    ///
    /// # Errors
    /// A part that the run has not, or several times, or that does not belong to the rest of the run any more; data
    /// whose licence nobody says.
    pub fn parcel(&self, part: Part, card: &Card<'_>) -> Result<Parcel, PublishError> {
        let mut parcel = match part {
            Part::Dataset => self.data(card)?,
            export => self.export(export)?,
        };
        parcel.left_out.extend(self.other_exports()?);
        Ok(parcel)
    }

    fn export(&self, part: Part) -> Result<Parcel, PublishError> {
        let mut found = self.exports(part)?;
        if found.len() > 1 {
            let places = found.into_iter().map(|(_, place)| place).collect();
            return Err(PublishError::Several { what: format!("exports `{}`", part.as_str()), places });
        }
        let Some((stage, place)) = found.pop() else { return Err(self.no_export(part)) };
        if let Some(reason) = self.outdated(stage)? {
            return Err(PublishError::Outdated { place: stage.place.clone(), reason });
        }
        let Folder { files, left_out } = Folder::read(&place, false)?;
        Ok(Parcel { part, files, left_out })
    }

    fn no_export(&self, part: Part) -> PublishError {
        let word = part.as_str();
        let has_stage = self.stages().iter().any(|stage| stage.manifest.kind == EXPORTS.0);
        let hint = match has_stage {
            true => format!(
                "its export stage left none; `kinds` of the stage must name `{word}`, and a stage have trained one"
            ),
            false => format!(
                "export a stage (`lam-train export {word} --model {}/STAGE --output-dir DIR`), and send that directory",
                self.directory.display()
            ),
        };
        PublishError::Missing { run: self.directory.clone(), what: format!("has no export `{word}`"), hint }
    }

    /// The exports of this kind, with the stages that made them.
    fn exports(&self, part: Part) -> Result<Vec<(&StageResult, PathBuf)>, StoreError> {
        let mut found = Vec::new();
        for stage in self.stages() {
            if stage.manifest.kind == EXPORTS.0 {
                let is_wanted = |place: &PathBuf| kind_of(place).is_some_and(|kind| kind == part.as_str());
                let places = folders(&stage.place)?.into_iter().filter(is_wanted);
                found.extend(places.map(|place| (stage, place)));
            }
        }
        Ok(found)
    }

    /// Exports of kinds that are no part: they are told, so that nobody believes them sent.
    fn other_exports(&self) -> Result<Vec<LeftOut>, StoreError> {
        let mut found = Vec::new();
        for stage in self.stages().into_iter().filter(|stage| stage.manifest.kind == EXPORTS.0) {
            let is_other =
                |place: &PathBuf| kind_of(place).is_some_and(|kind| Part::ALL.iter().all(|part| part.as_str() != kind));
            for place in folders(&stage.place)?.into_iter().filter(is_other) {
                let name = place.strip_prefix(&self.directory).unwrap_or(&place).display().to_string();
                found.push(LeftOut { name, reason: "an export of another kind; name its directory to send it" });
            }
        }
        Ok(found)
    }

    fn data(&self, facts: &Card<'_>) -> Result<Parcel, PublishError> {
        let (tables, mut left_out) = self.tables()?;
        // Beside what ran once there may be repetitions, each a run with data of its own.
        let seeds = seeds(&self.directory)?.into_iter().map(|seed| file_name(&seed));
        left_out
            .extend(seeds.map(|name| LeftOut { name, reason: "a repetition of the run: name it to send its data" }));
        if tables.is_empty() {
            return Err(PublishError::Missing {
                run: self.directory.clone(),
                what: "has no table of plans, trajectories or tasks".into(),
                hint: "stages such as `plans`, `trajectories` and `phase3.explore` make them".into(),
            });
        }
        let text = card(self, &tables, facts)?;
        let mut files = vec![OutgoingFile::of_text("README.md", &text)];
        files.extend(tables.iter().map(|table| OutgoingFile::of_file(&table.name, &table.path)));
        Ok(Parcel { part: Part::Dataset, files, left_out })
    }

    /// The tables of all stages whose results belong together, and what stays.
    fn tables(&self) -> Result<(Vec<Table<'_>>, Vec<LeftOut>), PublishError> {
        let (mut tables, mut left_out) = (Vec::new(), Vec::new());
        for stage in self.stages() {
            let is_outdated = self.outdated(stage)?.is_some();
            for path in table::files(&stage.place)? {
                let name = path.strip_prefix(&self.directory).unwrap_or(&path).display().to_string();
                match Table::read(stage, &path)? {
                    _ if is_outdated => left_out.push(LeftOut { name, reason: "of a stage that is to run again" }),
                    None => left_out.push(LeftOut { name, reason: "no table of ours" }),
                    Some(table) if table.rows == 0 => left_out.push(LeftOut { name, reason: "without a row" }),
                    Some(table) => tables.push(table),
                }
            }
        }
        table::tell_apart(&mut tables);
        Ok((tables, left_out))
    }
}

/// What kind of export a directory is, as its record says; `None` where there is none.
fn kind_of(place: &Path) -> Option<String> {
    let text = std::fs::read_to_string(place.join(EXPORTS.1)).ok()?;
    Some(serde_json::from_str::<Value>(&text).ok()?["kind"].as_str()?.to_owned())
}
