//! What one task is about: the values that its request, its steps and its goal share.

use crate::choice::{Choice, Choices};
use crate::template::Slots;

/// The parameters of a task; empty and zero where its family has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// Text that stands in the document.
    pub text: String,
    /// New text.
    pub new_text: String,
    /// The value that was chosen.
    pub choice: Option<Choice>,
    /// The numbers.
    pub numbers: [i64; 2],
}

impl Parameters {
    /// The slots that they fill, with the subject called `subject`: `{x}` the text, `{y}` the new text, `{o}` the
    /// choice as a request calls it, `{c}` as the application does, `{a}` and `{b}` the numbers.
    pub fn slots(&self, subject: &str) -> Slots {
        let [first, second] = self.numbers.map(|number| number.to_string());
        let (word, control) = self.choice.map(|choice| (choice.word, choice.control)).unwrap_or_default();
        let values = [
            ("s", subject),
            ("x", &self.text),
            ("y", &self.new_text),
            ("o", word),
            ("c", control),
            ("a", &first),
            ("b", &second),
        ];
        values.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The parameters that a request's slots stand for; `None` for a number that is too long.
    pub fn of(slots: &Slots, choices: Choices) -> Option<Self> {
        let text = |name: &str| slots.get(name).cloned().unwrap_or_default();
        let number = |name: &str| slots.get(name).map_or(Some(0), |digits| digits.parse().ok());
        let choice = slots.get("o").and_then(|word| choices.iter().find(|choice| choice.word == word));
        Some(Self { text: text("x"), new_text: text("y"), choice, numbers: [number("a")?, number("b")?] })
    }
}
