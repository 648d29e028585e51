//! Settings and inputs of the policy's training that mean nothing together.

use lam_config::ConfigError;
use lam_trainer::TrainingArguments;

use super::{Method, PolicyConfig, check_base, values};

/// Settings that only some methods read.
const KEYS: [(&str, &[Method]); 23] = [
    ("anchor", &[Method::Ppo, Method::Dpo]),
    ("beta", &[Method::Dpo]),
    ("min_gap", &[Method::Dpo]),
    ("samples", &[Method::Ppo]),
    ("samples_per_state", &[Method::Ppo]),
    ("max_states", &[Method::Ppo]),
    ("min_distinct_calls", &[Method::Ppo]),
    ("temperature", &[Method::Ppo]),
    ("response_length", &[Method::Ppo]),
    ("num_ppo_epochs", &[Method::Ppo]),
    ("batch_size", &[Method::Ppo]),
    ("mini_batch_size", &[Method::Ppo]),
    ("old_policy", &[Method::Ppo]),
    ("baseline", &[Method::Ppo]),
    ("cliprange", &[Method::Ppo]),
    ("cliprange_value", &[Method::Ppo]),
    ("vf_coef", &[Method::Ppo]),
    ("gamma", &[Method::Ppo]),
    ("lam", &[Method::Ppo]),
    ("init_kl_coef", &[Method::Ppo]),
    ("target_kl", &[Method::Ppo]),
    ("kl_horizon", &[Method::Ppo]),
    ("whiten_advantages", &[Method::Ppo]),
];

/// Settings of what is imitated, which mean nothing where nothing is.
const OF_IMITATION: [&str; 3] = ["successes_per_task", "imitate", "max_solved_share"];

/// Training arguments that mean nothing in PPO, and what to set instead.
const IN_PPO: [(&str, &str); 2] = [
    ("per_device_train_batch_size", "`mini_batch_size` says how many rollouts are trained at a time"),
    ("max_tokens_per_batch", "`mini_batch_size` says how many rollouts are trained at a time"),
];

/// Training arguments that mean nothing with any method, and what to set instead.
const MEANINGLESS: [(&str, &str); 10] = [
    ("max_length", LENGTH),
    ("truncation", LENGTH),
    ("per_device_eval_batch_size", NO_EVALUATION),
    ("eval_steps", NO_EVALUATION),
    ("eval_on_start", NO_EVALUATION),
    ("load_best_model_at_end", NO_EVALUATION),
    ("metric_for_best_model", NO_EVALUATION),
    ("greater_is_better", NO_EVALUATION),
    ("early_stopping_patience", NO_EVALUATION),
    ("early_stopping_threshold", NO_EVALUATION),
];
const LENGTH: &str = "answers are as long as their states make them; `response_length` limits those that PPO samples";
const NO_EVALUATION: &str =
    "phase 4 evaluates by playing held-out tasks: set `dev.tasks`, `dev.every` and `dev.patience`";

impl PolicyConfig {
    /// Refuses what means nothing here.
    ///
    /// # Errors
    /// Names the key, its value and what to set instead.
    pub fn refuse_meaningless(&self) -> Result<(), ConfigError> {
        check_base(self.finetuning_type, self.quantization_bit)?;
        self.dev.refuse_meaningless()?;
        if self.lora.lora_dropout != 0.0 && self.method != Method::Rft {
            let reason = match self.method {
                Method::Ppo => "PPO's ratio would measure the noise of dropout",
                Method::Dpo | Method::Rft => "the preference would measure the noise of dropout",
            };
            return Err(ConfigError::value("lora.lora_dropout", self.lora.lora_dropout, reason, "leave it at 0"));
        }
        let default = Self::default();
        let (own, defaults) = (values(self), values(&default));
        let is_set = |key: &str| own[key] != defaults[key];
        if let Some((key, methods)) = KEYS.into_iter().find(|(key, of)| is_set(key) && !of.contains(&self.method)) {
            let reason = format!("means nothing with `method = \"{}\"`", self.method.as_str());
            let readers: Vec<String> = methods.iter().map(|method| format!("`{}`", method.as_str())).collect();
            let hint = format!("leave it out; it belongs to {}", readers.join(" and "));
            return Err(ConfigError::value(key, &own[key], reason, hint));
        }
        if let Some(key) = OF_IMITATION.into_iter().find(|key| is_set(key) && !self.imitates()) {
            let reason = "means nothing where no success is imitated";
            return Err(ConfigError::value(key, &own[key], reason, "set `anchor` above 0, or leave it out"));
        }
        let (given, default) = (values(&self.train), values::<TrainingArguments>(&default.train));
        let in_ppo = IN_PPO.into_iter().filter(|_| self.method == Method::Ppo);
        match in_ppo.chain(MEANINGLESS).find(|(key, _)| given[key] != default[key]) {
            None => Ok(()),
            Some((key, hint)) => {
                let reason = match self.method {
                    Method::Ppo => "means nothing in PPO",
                    Method::Rft | Method::Dpo => "means nothing in phase 4",
                };
                Err(ConfigError::value(&format!("train.{key}"), &given[key], reason, hint))
            }
        }
    }

    /// Refuses inputs that the method does not read, and their lack where it cannot do without. `count` says how many
    /// artifacts an input has.
    ///
    /// # Errors
    /// Names the input and what makes it.
    pub fn check_inputs(&self, count: impl Fn(&str) -> usize) -> Result<(), ConfigError> {
        let method = self.method.as_str();
        let of_ppo = self.method == Method::Ppo;
        let needs = |input: &str, hint: &str| match count(input) {
            0 => Err(ConfigError::refused(input, format!("`method = \"{method}\"` needs the input `{input}`"), hint)),
            _ => Ok(()),
        };
        let reads = |input: &str, is_read: bool, hint: &str| match is_read || count(input) == 0 {
            false => Err(ConfigError::refused(input, format!("`method = \"{method}\"` does not read `{input}`"), hint)),
            true => Ok(()),
        };
        if of_ppo {
            needs("reward", "PPO's answers are scored by the model of a stage `phase4.reward`")?;
            needs(
                "failures",
                "PPO learns at the states of failed tries: `failure.parquet` or `attempts.parquet` of phase 3",
            )?;
        } else {
            needs("attempts", "tries of LAM3, several a task: `attempts.parquet` of a stage `phase3.explore`")?;
        }
        reads("reward", of_ppo, "leave it out; a reward model is PPO's alone")?;
        reads("failures", of_ppo, "name it `attempts`: successes are read as well")?;
        let hint = "set `anchor` above 0, or leave it out: PPO alone imitates no success";
        reads("attempts", self.imitates() || !of_ppo, hint)?;
        reads("successes", self.imitates() || !of_ppo, hint)?;
        match of_ppo && self.imitates() && count("attempts") + count("successes") == 0 {
            true => needs("attempts", "the anchor imitates successes: add `attempts.parquet`, or `successes`"),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use lam_model::LoraConfig;

    use super::*;

    fn with(method: Method) -> PolicyConfig {
        PolicyConfig { method, ..PolicyConfig::default() }
    }

    fn refusal(config: &PolicyConfig) -> String {
        config.refuse_meaningless().unwrap_err().to_string()
    }

    #[test]
    fn what_means_nothing_in_ppo_is_refused_with_a_hint() {
        PolicyConfig::default().refuse_meaningless().unwrap();
        for (key, _) in MEANINGLESS.into_iter().chain(IN_PPO) {
            assert!(values(&TrainingArguments::default()).get(key).is_some(), "{key}");
        }
        let refused = |train: TrainingArguments| PolicyConfig { train, ..PolicyConfig::default() }.refuse_meaningless();
        let default = PolicyConfig::default().train;
        let error = refused(TrainingArguments { eval_steps: 5, ..default.clone() }).unwrap_err().to_string();
        assert!(error.contains("`train.eval_steps` = 5: means nothing in PPO\nhint: phase 4 evaluates"), "{error}");
        let lora = LoraConfig { lora_dropout: 0.1, ..LoraConfig::default() };
        let error = refusal(&PolicyConfig { lora: lora.clone(), ..PolicyConfig::default() });
        assert!(error.contains("`lora.lora_dropout` = 0.1: PPO's ratio"), "{error}");
        refused(TrainingArguments { gradient_accumulation_steps: 4, bf16: true, max_steps: 7, ..default }).unwrap();
        let error = refusal(&PolicyConfig { lora: lora.clone(), ..with(Method::Dpo) });
        assert!(error.contains("the preference would measure the noise"), "{error}");
        PolicyConfig { lora, ..with(Method::Rft) }.refuse_meaningless().unwrap();
    }

    #[test]
    fn a_setting_of_another_method_is_refused_with_its_name() {
        let (known, methods) = (values(&PolicyConfig::default()), [Method::Ppo, Method::Rft, Method::Dpo]);
        assert!(
            KEYS.iter().all(|(key, _)| known.get(key).is_some())
                && OF_IMITATION.iter().all(|key| known.get(key).is_some())
        );
        methods.into_iter().for_each(|method| with(method).refuse_meaningless().unwrap());
        let error = refusal(&PolicyConfig { beta: 0.3, ..with(Method::Rft) });
        let words = "`beta` = 0.3: means nothing with `method = \"rft\"`\nhint: leave it out; it belongs to `dpo`";
        assert!(error.contains(words), "{error}");
        let error = refusal(&PolicyConfig { mini_batch_size: 4, ..with(Method::Dpo) });
        assert!(error.contains("it belongs to `ppo`"), "{error}");
        let error = refusal(&PolicyConfig { successes_per_task: 2, ..with(Method::Ppo) });
        assert!(error.contains("where no success is imitated\nhint: set `anchor` above 0"), "{error}");
        PolicyConfig { successes_per_task: 2, anchor: Some(0.5), ..with(Method::Ppo) }.refuse_meaningless().unwrap();
        let train = TrainingArguments { per_device_train_batch_size: 64, ..PolicyConfig::default().train };
        PolicyConfig { train: train.clone(), ..with(Method::Rft) }.refuse_meaningless().unwrap();
        assert!(refusal(&PolicyConfig { train, ..with(Method::Ppo) }).contains("`mini_batch_size` says"));
    }

    #[test]
    fn each_method_reads_its_own_inputs() {
        let check = |config: &PolicyConfig, given: &[&str]| {
            let found = config.check_inputs(|input| usize::from(given.contains(&input)));
            found.map_err(|error| error.to_string())
        };
        let anchored = PolicyConfig { anchor: Some(1.0), ..with(Method::Ppo) };
        for (config, given) in [
            (with(Method::Ppo), &["reward", "failures"][..]),
            (anchored.clone(), &["reward", "failures", "successes"]),
            (with(Method::Rft), &["attempts"]),
            (with(Method::Dpo), &["attempts", "successes"]),
        ] {
            check(&config, given).unwrap();
        }
        for (config, given, words) in [
            (with(Method::Ppo), &["failures"][..], "a stage `phase4.reward`"),
            (with(Method::Ppo), &["reward", "failures", "attempts"], "PPO alone imitates no success"),
            (anchored, &["reward", "failures"], "the anchor imitates successes"),
            (with(Method::Rft), &[], "several a task"),
            (with(Method::Dpo), &["attempts", "failures"], "name it `attempts`"),
            (with(Method::Dpo), &["attempts", "reward"], "PPO's alone"),
        ] {
            let error = check(&config, given).unwrap_err();
            assert!(error.contains(words), "{given:?}: {error}");
        }
    }
}
