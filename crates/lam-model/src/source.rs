//! A model as it is named: a directory or a GGUF file, perhaps with an adapter over it. Everything that opens a model passes here, and
//! what is wrong with its files is found before any of them is read through.

use std::path::{Path, PathBuf};

use crate::decoder::build::Kept;
use crate::files::{
    BaseRecord, Change, ModelFiles, PeftAdapter, PeftConfig, Tensors, is_classifier, named_base, read_config,
};
use crate::{Decoder, DecoderConfig, Device, Finetuning, HubModel, ModelError, Rounding};

/// A policy on disk that was looked at and can be loaded.
#[derive(Clone, Debug)]
pub struct ModelSource {
    directory: PathBuf,
    adapter: Option<(PathBuf, AdapterOutline)>,
    config: DecoderConfig,
}

/// What an adapter on disk changes.
#[derive(Clone, Debug, PartialEq)]
pub struct AdapterOutline {
    /// Rank of its pairs, where no pattern says otherwise.
    pub rank: usize,
    /// Numerator of their scale, where no pattern says otherwise.
    pub alpha: f64,
    /// Tensors of the model that it changes.
    pub changes: usize,
    /// The key of a form that goes into the weights, so that the adapter cannot be trained further.
    pub folded: Option<&'static str>,
}

impl ModelSource {
    /// Looks at the model in a directory, or in a GGUF file (named itself, or by the directory that holds it and no
    /// config.json), with the adapter of another directory over it if one is given. A directory that holds an adapter
    /// alone stands for it over the base that its config names.
    ///
    /// # Errors
    /// Files that are missing or damaged, weights of another model than the config describes, a reward model, an adapter
    /// that is not understood or was made for another base.
    pub fn open(directory: &Path, adapter: Option<&Path>) -> Result<Self, ModelError> {
        let (directory, adapter) = match adapter {
            Some(adapter) => (directory.to_owned(), Some(adapter.to_owned())),
            None if is_adapter(directory) => (base_of(directory)?, Some(directory.to_owned())),
            None => (directory.to_owned(), None),
        };
        let files = ModelFiles::open(&directory, false)?;
        let outline = |adapter: PathBuf| {
            let outline = check_adapter(&adapter, &directory, &files)?;
            Ok::<_, ModelError>((adapter, outline))
        };
        let adapter = adapter.map(outline).transpose()?;
        Ok(Self { directory, adapter, config: files.config })
    }

    /// The directory with config, tokenizer and weights, or the GGUF file.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The directory of the adapter over them.
    pub fn adapter(&self) -> Option<&Path> {
        self.adapter.as_ref().map(|(directory, _)| directory.as_path())
    }

    /// What the adapter changes.
    pub fn adapter_outline(&self) -> Option<&AdapterOutline> {
        self.adapter.as_ref().map(|(_, outline)| outline)
    }

    /// The directory with the tokenizer: the adapter's where it brings one, since it was trained with that.
    pub fn tokenizer_directory(&self) -> &Path {
        self.adapter().filter(|adapter| adapter.join("tokenizer.json").is_file()).unwrap_or(&self.directory)
    }

    /// Its shape.
    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// How the base was rounded before the adapter was trained over it; nothing is said where nobody recorded it.
    ///
    /// # Errors
    /// A record that cannot be read.
    pub fn rounding(&self) -> Result<Rounding, ModelError> {
        let record = self.adapter().map(BaseRecord::read).transpose()?.flatten();
        Ok(record.map_or_else(Rounding::default, |record| record.rounding))
    }

    /// The base under the adapter alone, rounded as it was when the adapter was trained: with the adapter over it, this is
    /// the model that was trained.
    ///
    /// # Errors
    /// As [`ModelSource::open`].
    pub fn load_base(&self) -> Result<Decoder, ModelError> {
        let files = ModelFiles::open(&self.directory, false)?;
        self.rounded(files.config.clone(), &mut files.tensors()?, Kept::default())
    }

    /// The adapter over the base as it lies in its files, however it was rounded in training.
    ///
    /// # Errors
    /// As [`ModelSource::load`].
    pub fn load_unrounded(&self) -> Result<Decoder, ModelError> {
        let files = ModelFiles::open(&self.directory, false)?;
        let mut decoder = Decoder::frozen(files.config.clone(), &mut files.tensors()?, Kept::default())?;
        if let Some(adapter) = self.adapter() {
            decoder.put_peft(&PeftAdapter::open(adapter)?, false)?;
        }
        Ok(decoder)
    }

    /// The frozen base, rounded as the adapter's record says, or to the bits that are asked for.
    fn rounded(&self, config: DecoderConfig, tensors: &mut Tensors, kept: Kept) -> Result<Decoder, ModelError> {
        let Kept { bits, in_files } = kept;
        let recorded = self.rounding()?;
        if let (Some(bits), Some(recorded)) =
            (bits, recorded.quantization_bit.filter(|recorded| Some(*recorded) != bits))
        {
            return Err(ModelError::adapter(
                format!("was trained over weights of {recorded} bits, `quantization_bit` = {bits}"),
                "keep the bits, or set `lora.create_new_adapter = true`",
            ));
        }
        let mut decoder =
            Decoder::frozen(config, tensors, Kept { bits: bits.or(recorded.quantization_bit), in_files })?;
        if recorded.bf16 {
            decoder.round_to_bf16()?;
        }
        Ok(decoder)
    }

    /// Loads it. With an adapter, the base is rounded as it was when that was trained. Frozen, it is applied; where an
    /// adapter is to be trained, it is that one, unless `create_new_adapter` says otherwise; where every weight is, it
    /// is merged first. A large frozen embedding of which only rows are used stays in its file.
    ///
    /// # Errors
    /// As [`ModelSource::open`], and an adapter of a form that cannot be trained on.
    pub fn load(&self, finetuning: &Finetuning, seed: u64) -> Result<Decoder, ModelError> {
        self.load_for(&Device::Cpu, finetuning, seed)
    }

    /// As [`ModelSource::load`], for the device that the decoder is brought to next; for the processor it is the same.
    /// For a CUDA device, frozen matrices stay in their files, which are held open: they are read on the way to the
    /// device, not kept, and read again where they are merged or saved. Norms, biases, what is trained, and what a GGUF
    /// file has in blocks or lays in another order are in the processor's memory in any case.
    ///
    /// # Errors
    /// As [`ModelSource::load`].
    pub fn load_for(&self, device: &Device, finetuning: &Finetuning, seed: u64) -> Result<Decoder, ModelError> {
        self.load_kept(matches!(device, Device::Cuda(_)), finetuning, seed)
    }

    /// As [`ModelSource::load`], to be asked and not to be computed with otherwise: frozen matrices stay in their files,
    /// which are held open, and each cache of the decoder reads them row by row as it lays them out, so that the model is
    /// in memory once. What a GGUF file has in blocks, or lays in another order, is in memory in any case.
    ///
    /// # Errors
    /// As [`ModelSource::load`].
    pub fn load_to_ask(&self, finetuning: &Finetuning, seed: u64) -> Result<Decoder, ModelError> {
        self.load_kept(true, finetuning, seed)
    }

    /// As it is loaded frozen, with its matrices left in their files: to be merged and saved, a tensor in memory at a time,
    /// and not to be computed with.
    ///
    /// # Errors
    /// As [`ModelSource::load`].
    pub fn load_to_save(&self) -> Result<Decoder, ModelError> {
        self.load_kept(true, &Finetuning::Frozen, 0)
    }

    fn load_kept(&self, in_files: bool, finetuning: &Finetuning, seed: u64) -> Result<Decoder, ModelError> {
        let files = ModelFiles::open(&self.directory, false)?;
        let mut tensors = files.tensors()?;
        let fingerprint = tensors.fingerprint()?;
        let Some(adapter) = self.adapter() else {
            let mut decoder = Decoder::from_tensors(files.config, &mut tensors, (finetuning, in_files), seed)?;
            decoder.base = Some(fingerprint);
            return Ok(decoder);
        };
        let adapter = PeftAdapter::open(adapter)?;
        finetuning.check()?;
        let (goes_on, bits) = match finetuning {
            Finetuning::Lora(lora) => (!lora.create_new_adapter, None),
            Finetuning::Qlora { lora, bits } => (!lora.create_new_adapter, Some(*bits)),
            Finetuning::Full | Finetuning::Frozen => (false, None),
        };
        let mut decoder =
            self.rounded(files.config, &mut tensors, Kept { bits: bits.filter(|_| goes_on), in_files })?;
        decoder.base = Some(fingerprint);
        decoder.put_peft(&adapter, goes_on)?;
        if goes_on || *finetuning == Finetuning::Frozen {
            return Ok(decoder);
        }
        if decoder.lora().is_some() {
            decoder.merge_adapter()?;
        }
        decoder.tune(finetuning, seed)?;
        Ok(decoder)
    }
}

impl Decoder {
    /// Loads a model directory in Hugging Face's layout. An adapter that `finetuning` asks for is fresh, drawn from
    /// `seed`. Frozen weights that are stored in bf16 stay so; the linear layers under a QLoRA adapter are quantised.
    ///
    /// # Errors
    /// When a file is missing or broken, a tensor is missing or of another shape, or the architecture is unknown.
    pub fn load(directory: &Path, finetuning: &Finetuning, seed: u64) -> Result<Self, ModelError> {
        ModelSource::open(directory, None)?.load(finetuning, seed)
    }
}

/// Writes beside an adapter that it belongs to the base in a directory, as that lies in its files.
///
/// # Errors
/// As [`ModelSource::open`], or a directory that cannot be written.
pub fn record_base(adapter: &Path, base: &Path) -> Result<(), ModelError> {
    let weights = ModelFiles::open(base, false)?.tensors()?.fingerprint()?;
    BaseRecord { weights, rounding: Rounding::default() }.write(adapter)
}

/// Whether a directory holds a reward model: a sequence classifier in Hugging Face's files.
///
/// # Errors
/// A `config.json` that cannot be read.
pub fn is_reward_model(directory: &Path) -> Result<bool, ModelError> {
    Ok(directory.join("config.json").is_file() && is_classifier(&read_config(directory)?))
}

/// Looks at a reward model without loading it; its shape.
///
/// # Errors
/// Files that are missing or damaged, or a policy.
pub fn open_reward_model(directory: &Path) -> Result<DecoderConfig, ModelError> {
    Ok(ModelFiles::open(directory, true)?.config)
}

/// Whether a directory holds an adapter and no model.
fn is_adapter(directory: &Path) -> bool {
    directory.join("adapter_config.json").is_file() && !lam_gguf::is_model(directory)
}

fn base_of(adapter: &Path) -> Result<PathBuf, ModelError> {
    if let Some(base) = named_base(adapter)? {
        return Ok(base);
    }
    let named = PeftConfig::read(adapter)?.hub_base().map(|base| format!(" but {base}")).unwrap_or_default();
    let reason = format!("its `base_model_name_or_path` names no directory with a model{named}");
    let hint = "name the base as the model and this directory as its adapter: --model BASE --adapter DIR; \
                `lam-train model fetch OWNER/NAME@REVISION` brings one from the hub";
    Err(ModelError::file_with_hint(&adapter.join("adapter_config.json"), reason, hint))
}

/// Refuses an adapter that is not understood, does not fit, or was made for other weights.
fn check_adapter(adapter: &Path, base: &Path, files: &ModelFiles) -> Result<AdapterOutline, ModelError> {
    let opened = PeftAdapter::open(adapter)?;
    let plan = opened.plan(&files.config)?;
    refuse_another_base(&opened, base, files)?;
    let PeftConfig { rank, alpha, .. } = opened.config;
    Ok(AdapterOutline { rank, alpha, changes: plan.len(), folded: plan.iter().find_map(Change::folded) })
}

/// Refuses the weights under an adapter where its record, or the base that its config names, says others.
fn refuse_another_base(opened: &PeftAdapter, base: &Path, files: &ModelFiles) -> Result<(), ModelError> {
    let adapter = opened.directory.as_path();
    let recorded = BaseRecord::read(adapter)?.map(|record| record.weights);
    let named = named_base(adapter)?.filter(|named| !is_same(named, base));
    if recorded.is_none() && named.is_none() {
        return refuse_another_name(opened, base);
    }
    let found = files.tensors()?.fingerprint()?;
    if let Some(recorded) = recorded.filter(|recorded| *recorded != found) {
        let short = |hash: &str| hash.chars().take(12).collect::<String>();
        let what = format!(
            "{}: was trained over weights {}, the weights in {} are {}",
            adapter.display(),
            short(&recorded),
            base.display(),
            short(&found)
        );
        return Err(ModelError::adapter(what, "name the base that the adapter was trained over"));
    }
    match named {
        Some(named) if ModelFiles::open(&named, false)?.tensors()?.fingerprint()? != found => {
            let what = format!(
                "{}: its config names the base {}, whose weights are not those in {}",
                adapter.display(),
                named.display(),
                base.display()
            );
            Err(ModelError::adapter(what, "name that base, or correct `base_model_name_or_path`"))
        }
        _ => Ok(()),
    }
}

/// Refuses a base that comes from another repository of the hub than the one that the adapter's config names, or from
/// another commit of it.
fn refuse_another_name(adapter: &PeftAdapter, base: &Path) -> Result<(), ModelError> {
    let (Some(named), Some(found)) = (adapter.config.hub_base(), HubModel::of_snapshot(base)) else {
        return Ok(());
    };
    if !named.differs(&found) {
        return Ok(());
    }
    let what = format!("{}: its config names the base {named}, not {found}", adapter.directory.display());
    let hint = "name that base; if both have the same weights, correct `base_model_name_or_path` and `revision`";
    Err(ModelError::adapter(what, hint))
}

fn is_same(one: &Path, other: &Path) -> bool {
    one.canonicalize().ok().is_some_and(|one| other.canonicalize().is_ok_and(|other| one == other))
}
