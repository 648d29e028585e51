//! The names under which other tools know our configuration keys. The canonical ones are Hugging Face's.

/// (alias, canonical name), by leaf key.
pub const ALIASES: &[(&str, &str)] = &[
    ("base_model", "model_name_or_path"),
    ("lr", "learning_rate"),
    ("micro_batch_size", "per_device_train_batch_size"),
    ("batch_size", "per_device_train_batch_size"),
    ("eval_batch_size", "per_device_eval_batch_size"),
    ("grad_accum", "gradient_accumulation_steps"),
    ("grad_accumulation_steps", "gradient_accumulation_steps"),
    ("num_epochs", "num_train_epochs"),
    ("epochs", "num_train_epochs"),
    ("warmup", "warmup_steps"),
    ("num_warmup_steps", "warmup_steps"),
    ("lr_warmup_steps", "warmup_steps"),
    ("lr_scheduler", "lr_scheduler_type"),
    ("clip_grad_norm", "max_grad_norm"),
    ("max_norm", "max_grad_norm"),
    ("enable_activation_checkpointing", "gradient_checkpointing"),
    ("cutoff_len", "max_length"),
    ("sequence_len", "max_length"),
    ("max_seq_length", "max_length"),
    ("max_seq_len", "max_length"),
    ("lora_rank", "lora_r"),
    ("r", "lora_r"),
    ("lora_target", "lora_target_modules"),
    ("target_modules", "lora_target_modules"),
    ("saves_total_limit", "save_total_limit"),
    ("keep_last_n_checkpoints", "save_total_limit"),
    ("save_interval", "save_steps"),
    ("metric_logger", "report_to"),
    ("clip_range", "cliprange"),
    ("clip_range_value", "cliprange_value"),
    ("ppo_epochs", "num_ppo_epochs"),
    ("lambda", "lam"),
    ("kl_coef", "init_kl_coef"),
    ("kl_target", "target_kl"),
];

/// The canonical name of `key` among the `known` ones, if it is an alias of one of them.
pub fn canonical(key: &str, known: &[String]) -> Option<&'static str> {
    ALIASES
        .iter()
        .filter(|(alias, _)| *alias == key)
        .map(|(_, canonical)| *canonical)
        .find(|canonical| known.iter().any(|name| name == canonical))
}

/// Every other name under which the value of `key` may be written.
pub(super) fn spellings(key: &str) -> Vec<&'static str> {
    let means: Vec<&str> = ALIASES.iter().filter(|(alias, _)| *alias == key).map(|(_, name)| *name).collect();
    let names = ALIASES.iter().filter(|(_, name)| *name == key || means.contains(name));
    let mut names: Vec<&'static str> = names.flat_map(|(alias, name)| [*alias, *name]).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| *name != key);
    names
}
