//! The model that scores PPO's answers: it has to read the policy's tokens. Looked at, not loaded.

use std::path::Path;

use lam_model::open_reward_model;
use lam_prompt::Tokenizer;

use super::PolicyIo;
use crate::ReinforceError;

/// The reward model's directory.
///
/// # Errors
/// None was given, or one that was made with another tokenizer than the policy: it would read its words as others.
pub fn reward_model<'a>(io: &PolicyIo<'a>) -> Result<&'a Path, ReinforceError> {
    let hint = "give the stage a `reward`, made by a stage `phase4.reward`";
    let directory = io.reward_model.ok_or(ReinforceError::Nothing { files: Vec::new(), what: "reward model", hint })?;
    let policy = io.model.tokenizer_directory();
    let (ours, theirs) = (Tokenizer::load(policy)?, Tokenizer::load(directory)?);
    let (rows, needed) = (open_reward_model(directory)?.vocab_size, io.model.config().vocab_size);
    // An embedding may be longer than its tokenizer.
    let needed = needed.min(ours.vocab_size());
    let of_rows = || (rows < needed).then(|| format!("its embedding has {rows} rows, and the policy {needed} tokens"));
    match difference(&ours, &theirs).or_else(of_rows) {
        None => Ok(directory),
        Some(difference) => {
            let (reward_model, policy) = (directory.to_owned(), policy.to_owned());
            Err(ReinforceError::OtherTokens { reward_model, policy, difference })
        }
    }
}

/// The first of the policy's tokens that the reward model reads as another, if any.
fn difference(ours: &Tokenizer, theirs: &Tokenizer) -> Option<String> {
    if ours.hash() == theirs.hash() {
        return None;
    }
    let shown = |tokenizer: &Tokenizer, id: u32| match tokenizer.token_bytes(id) {
        [] => "nothing".to_owned(),
        bytes => format!("`{}`", String::from_utf8_lossy(bytes)),
    };
    let is_other =
        |&id: &u32| (ours.token_bytes(id), ours.is_special(id)) != (theirs.token_bytes(id), theirs.is_special(id));
    let size = u32::try_from(ours.vocab_size()).expect("vocabularies are far smaller than 4 billion");
    let id = (0..size).find(is_other)?;
    Some(format!("token {id} is {} to it, and {} to the policy", shown(theirs, id), shown(ours, id)))
}

#[cfg(test)]
mod tests {
    use lam_prompt::TokenizerConfig;

    use super::*;

    #[test]
    fn tokenizers_are_told_apart_by_what_their_tokens_stand_for() {
        let trained = |texts: &[&str]| Tokenizer::train(texts, &TokenizerConfig::default()).unwrap();
        let ours = trained(&["make the heading bold", "make the heading italic"]);
        assert_eq!(difference(&ours, &ours.clone()), None);
        let words = difference(&ours, &trained(&["insert a table", "insert a picture"])).expect("other words");
        assert!(words.starts_with("token ") && words.ends_with(" to the policy"), "{words}");
    }
}
