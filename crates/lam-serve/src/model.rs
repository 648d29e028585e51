//! The models that are served: each under its name, with its own words, on the engine of its base.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use lam_cuda::DeviceChoice;
use lam_inference::{CachedDecoder, Dtype, Generator, model_name, open_model};
use lam_model::{AdapterId, AdapterUse, Decoder, Device, Finetuning, ModelSource, Rounding, is_reward_model};
use lam_prompt::{OutputFormat, Renderer, StructuredConstraint, StructuredOutputs};
use lam_signal::{Failure, Progress};

use crate::engine::{Engine, Loaded};
use crate::error::ServeError;
use crate::metrics::Metrics;
use crate::reward::RewardModel;

/// A model on disk, and the name under which it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelPlace {
    /// A model directory, a reward model's among them, a GGUF file, or the directory of an adapter that names its base.
    pub directory: PathBuf,
    /// Its name; that of its stage or directory where none is given.
    pub name: Option<String>,
}

/// How models are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Answers in the making at once, for each base.
    pub slots: usize,
    /// Requests that may wait beside them.
    pub queue: usize,
    /// Most tokens of a prompt and its answer together; the model's own limit holds too.
    pub max_context: usize,
    /// Numbers that answers are generated in.
    pub dtype: Dtype,
}

impl Default for Capacity {
    fn default() -> Self {
        Self { slots: 16, queue: 64, max_context: 8192, dtype: Dtype::default() }
    }
}

/// One model that is served.
pub struct ServedModel {
    /// The name under which it is asked for.
    pub name: String,
    /// The name of the base under an adapter.
    pub parent: Option<String>,
    /// Its words.
    pub renderer: Arc<Renderer>,
    /// The adapter that answers are generated with.
    pub adapter: Option<AdapterId>,
    /// Who generates.
    pub engine: Engine,
    /// Most tokens of a prompt and its answer together.
    pub context: usize,
    /// Rows of the embedding: tokens from here on mean nothing.
    pub vocabulary: usize,
    /// Made when the first answer is to have a form.
    outputs: OnceLock<Result<StructuredOutputs, String>>,
}

impl ServedModel {
    /// A model on an engine.
    pub fn new(name: String, renderer: Arc<Renderer>, engine: Engine, (context, vocabulary): (usize, usize)) -> Self {
        let renderer = Arc::new(Renderer::clone(&renderer).with_longest_prompt(context));
        let (parent, adapter, outputs) = (None, None, OnceLock::new());
        Self { name, parent, renderer, adapter, engine, context, vocabulary, outputs }
    }

    /// Keeps an answer in a form.
    ///
    /// # Errors
    /// A form that is not understood.
    pub fn constraint(&self, format: &OutputFormat) -> Result<StructuredConstraint, String> {
        let make = || {
            let end = self.renderer.stop_tokens().first().copied();
            let end = end.unwrap_or_else(|| self.renderer.tokenizer().eos());
            StructuredOutputs::ending_with(self.renderer.tokenizer(), end).map_err(|error| error.to_string())
        };
        let outputs = self.outputs.get_or_init(make).as_ref().map_err(Clone::clone)?;
        outputs.constraint(format).map_err(|error| error.to_string())
    }
}

/// All models that are served, and what they count.
pub struct Models {
    /// The models, in the order in which they were named, each base before its adapters.
    pub served: Vec<ServedModel>,
    /// The reward models.
    pub rewards: Vec<RewardModel>,
    /// What their engines count.
    pub metrics: Arc<Metrics>,
}

impl Models {
    /// Models that are loaded already.
    ///
    /// # Errors
    /// Two of one name.
    pub fn of(served: Vec<ServedModel>, rewards: Vec<RewardModel>, metrics: Arc<Metrics>) -> Result<Self, ServeError> {
        let models = Self { served, rewards, metrics };
        let mut seen = BTreeSet::new();
        let again = models.names().find(|name| !seen.insert(*name)).map(str::to_owned);
        again.map_or(Ok(models), |name| Err(ServeError::SameName { name }))
    }

    /// The names of all models, reward models last.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let served = self.served.iter().map(|model| model.name.as_str());
        served.chain(self.rewards.iter().map(|model| model.name.as_str()))
    }

    /// Requests that may be answered or wait at once, over all engines.
    pub fn places(&self) -> usize {
        let is_first = |(place, model): &(usize, &ServedModel)| {
            !self.served[..*place].iter().any(|earlier| earlier.engine.is_same(&model.engine))
        };
        let served = self.served.iter().enumerate().filter(is_first).map(|(_, model)| model.engine.capacity());
        served.chain(self.rewards.iter().map(|model| model.engine.capacity())).sum()
    }

    /// Loads the models at `places`. Adapters over one base share its weights and its slots, and the base is served with
    /// them. `name_of` says what the model that a kind of stage makes is called.
    ///
    /// # Errors
    /// What is no model, two models of one name, or files that cannot be read.
    pub fn load(
        places: &[ModelPlace],
        capacity: Capacity,
        name_of: &dyn Fn(&str) -> Option<&'static str>,
        (device, progress): (DeviceChoice, &dyn Progress),
    ) -> Result<Self, Failure> {
        let mut groups: Vec<Group> = Vec::new();
        let mut scoring: Vec<(String, &Path)> = Vec::new();
        let name = |place: &ModelPlace| match &place.name {
            Some(name) => Ok(name.clone()),
            None => model_name(&place.directory, name_of),
        };
        for place in places {
            if is_reward_model(&place.directory)? {
                scoring.push((name(place)?, &place.directory));
                continue;
            }
            let source = open_model(&place.directory, None, progress)?;
            let name = name(place)?;
            let group = Group::of(source.directory(), &source)?;
            let known = groups.iter_mut().find(|known| known.is_same(&group));
            match known {
                Some(known) => known.add(name, source),
                None => {
                    let mut group = group;
                    group.add(name, source);
                    groups.push(group);
                }
            }
        }
        let metrics = Arc::new(Metrics::default());
        let mut served = Vec::new();
        for group in groups {
            served.extend(group.serve(capacity, name_of, device, &metrics)?);
        }
        let limits = (capacity.slots + capacity.queue, capacity.max_context);
        let load = |(name, directory)| RewardModel::load(name, directory, limits, (device, &metrics));
        let rewards = scoring.into_iter().map(load).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::of(served, rewards, metrics)?)
    }
}

/// A base with the adapters over it.
struct Group {
    /// Its directory or file, resolved.
    base: PathBuf,
    /// How it is rounded under the adapters.
    rounding: Rounding,
    /// The adapter of a form that goes into the weights, with which nobody can share them.
    folded: Option<PathBuf>,
    /// The names of the base itself.
    own: Vec<(String, ModelSource)>,
    adapters: Vec<(String, ModelSource)>,
}

impl Group {
    fn of(base: &Path, source: &ModelSource) -> Result<Self, Failure> {
        let is_folded = source.adapter_outline().is_some_and(|outline| outline.folded.is_some());
        Ok(Self {
            base: base.canonicalize().unwrap_or_else(|_| base.to_owned()),
            rounding: source.rounding()?,
            folded: source.adapter().filter(|_| is_folded).map(Path::to_owned),
            own: Vec::new(),
            adapters: Vec::new(),
        })
    }

    fn is_same(&self, other: &Self) -> bool {
        self.base == other.base && self.rounding == other.rounding && self.folded == other.folded
    }

    fn add(&mut self, name: String, source: ModelSource) {
        if source.adapter().is_some() && self.folded.is_none() {
            self.adapters.push((name, source));
        } else {
            self.own.push((name, source));
        }
    }

    fn serve(
        self,
        capacity: Capacity,
        name_of: &dyn Fn(&str) -> Option<&'static str>,
        device: DeviceChoice,
        metrics: &Arc<Metrics>,
    ) -> Result<Vec<ServedModel>, Failure> {
        let mut own = self.own;
        if own.is_empty() {
            let name = model_name(&self.base, name_of)? + &rounded(self.rounding);
            own.push((name, ModelSource::open(&self.base, None)?));
        }
        let sources: Vec<ModelSource> = self.adapters.iter().map(|(_, source)| source.clone()).collect();
        let base = own[0].1.clone();
        let load = move || generator(&base, &sources, capacity, device);
        let (engine, adapters) = Engine::start(capacity.slots + capacity.queue, Arc::clone(metrics), load)?;
        let limits = |source: &ModelSource| {
            let config = source.config();
            (config.max_position_embeddings.min(capacity.max_context), config.vocab_size)
        };
        let model = |name: String, source: &ModelSource| -> Result<ServedModel, Failure> {
            let renderer = Arc::new(Renderer::load(source.tokenizer_directory())?);
            Ok(ServedModel::new(name, renderer, engine.clone(), limits(source)))
        };
        let parent = own[0].0.clone();
        let served = own.into_iter().map(|(name, source)| model(name, &source));
        let mut served = served.collect::<Result<Vec<_>, _>>()?;
        for ((name, source), adapter) in self.adapters.into_iter().zip(adapters) {
            let (parent, adapter) = (Some(parent.clone()), Some(adapter));
            served.push(ServedModel { parent, adapter, ..model(name, &source)? });
        }
        Ok(served)
    }
}

/// What is added to the name of a base: rounded under its adapters it is another model than its files, and another one
/// with each rounding.
fn rounded(Rounding { quantization_bit, bf16 }: Rounding) -> String {
    let bits = quantization_bit.map(|bits| format!("-{bits}bit")).unwrap_or_default();
    bits + if bf16 { "-bf16" } else { "" }
}

/// The weights laid out for generation, with the adapters apart.
fn generator(
    base: &ModelSource,
    adapters: &[ModelSource],
    Capacity { slots, dtype, .. }: Capacity,
    device: DeviceChoice,
) -> Result<Loaded, Failure> {
    let device = Device::open_for(device, base.config())?;
    let load = |source: &ModelSource| -> Result<Decoder, Failure> {
        let mut decoder = source.load_to_ask(&Finetuning::Frozen, 0)?;
        if matches!(device, Device::Cuda(_)) {
            decoder.to_device(&device)?;
        }
        Ok(decoder)
    };
    let Some((first, rest)) = adapters.split_first() else {
        let decoder = load(base)?;
        let options = dtype.options(&decoder, AdapterUse::Merged);
        return Ok((Generator::over(Box::new(CachedDecoder::with(&decoder, slots, options)?)), Vec::new()));
    };
    let decoder = load(first)?;
    let options = dtype.options(&decoder, AdapterUse::Apart);
    let mut model = CachedDecoder::with(&decoder, slots, options)?;
    let mut ids = vec![model.add_adapter(&decoder)?];
    for adapter in rest {
        ids.push(model.add_adapter(&load(adapter)?)?);
    }
    Ok((Generator::over(Box::new(model)), ids))
}
