//! The control on the screen that a plan means by a name (paper §3.2.2): the one that is called so, else one whose name
//! holds it or is held by it, else the one that is spelt most alike. Knows no plan.

use lam_types::{Control, ControlType, Observation};
use serde::{Deserialize, Serialize};

/// Likeness from which two names are spelt alike: one letter in four may differ.
const ALIKE: f64 = 0.75;

/// How a control was found by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grounding {
    /// It bears the name.
    Exact,
    /// Its name holds the words of the other, or the other way round; in any case of letters.
    Containment,
    /// Its name is spelt nearly so.
    Fuzzy,
}

impl Grounding {
    /// How `shown`, a control's name, is that of a plan; `None` when it is not.
    pub fn of(planned: &str, shown: &str) -> Option<Self> {
        if planned == shown {
            return Some(Self::Exact);
        }
        let (planned, shown) = (words(planned), words(shown));
        match () {
            () if extra_words(&planned, &shown).is_some() => Some(Self::Containment),
            () if likeness(&planned, &shown) >= ALIKE => Some(Self::Fuzzy),
            () => None,
        }
    }
}

/// The control that a function is to act on; `kinds` are those it acts on. Of several that are found in the same way,
/// the nearest name, and of equals the first on the screen.
pub fn ground<'o>(observation: &'o Observation, name: &str, kinds: &[ControlType]) -> Option<(&'o Control, Grounding)> {
    let possible = || observation.controls.iter().filter(|control| kinds.contains(&control.control_type));
    if let Some(control) = possible().find(|control| control.control_text == name) {
        return Some((control, Grounding::Exact));
    }
    let planned = words(name);
    let named: Vec<(&Control, Vec<String>)> =
        possible().map(|control| (control, words(&control.control_text))).collect();
    let contained = named.iter().filter_map(|(control, shown)| Some((*control, extra_words(&planned, shown)?)));
    if let Some((control, _)) = contained.min_by_key(|(_, extra)| *extra) {
        return Some((control, Grounding::Containment));
    }
    let mut nearest: Option<(&Control, f64)> = None;
    for (control, shown) in &named {
        let likeness = likeness(&planned, shown);
        if likeness >= nearest.map_or(ALIKE, |(_, best)| best + f64::EPSILON) {
            nearest = Some((control, likeness));
        }
    }
    nearest.map(|(control, _)| (control, Grounding::Fuzzy))
}

/// The words of a name in small letters, without punctuation around them.
fn words(name: &str) -> Vec<String> {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    name.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect()
}

/// By how many words two names differ of which one holds the other; `None` when neither does.
fn extra_words(one: &[String], other: &[String]) -> Option<usize> {
    let (short, long) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let holds = !short.is_empty() && long.windows(short.len()).any(|window| window == short);
    holds.then(|| long.len() - short.len())
}

fn likeness(one: &[String], other: &[String]) -> f64 {
    if one.is_empty() || other.is_empty() {
        return 0.0;
    }
    strsim::normalized_levenshtein(&one.join(" "), &other.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(names: &[(&str, ControlType)]) -> Observation {
        let control = |(index, (name, kind)): (usize, &(&str, ControlType))| Control {
            label: (index + 1).to_string(),
            control_text: (*name).to_owned(),
            control_type: *kind,
            enabled: true,
            selected: None,
            value: None,
            rectangle: None,
        };
        Observation { controls: names.iter().enumerate().map(control).collect(), ..Observation::default() }
    }

    #[test]
    fn a_name_is_looked_for_exactly_then_by_its_words_then_by_its_letters() {
        use ControlType::{Button, Edit};
        let screen = screen(&[
            ("Text Highlight Color", Button),
            ("Highlight", Edit),
            ("Font Color", Button),
            ("Colour Theme", Button),
            ("OK", Button),
        ]);
        let found =
            |name: &str| ground(&screen, name, &[Button]).map(|(control, way)| (control.control_text.as_str(), way));
        assert_eq!(found("OK"), Some(("OK", Grounding::Exact)));
        assert_eq!(found("Highlight"), Some(("Text Highlight Color", Grounding::Containment)));
        assert_eq!(found("the Font Color button"), Some(("Font Color", Grounding::Containment)));
        assert_eq!(found("ok..."), Some(("OK", Grounding::Containment)));
        assert_eq!(found("Color Theme"), Some(("Colour Theme", Grounding::Fuzzy)));
        assert_eq!(found("Watermark"), None);
        assert_eq!(found(""), None);
        assert_eq!(ground(&screen, "Highlight", &[Edit]).map(|(_, way)| way), Some(Grounding::Exact));
    }

    #[test]
    fn how_two_names_go_together_can_be_told_afterwards() {
        assert_eq!(Grounding::of("OK", "OK"), Some(Grounding::Exact));
        assert_eq!(Grounding::of("Highlight", "Text Highlight Color"), Some(Grounding::Containment));
        assert_eq!(Grounding::of("Color Theme", "Colour Theme"), Some(Grounding::Fuzzy));
        assert_eq!(Grounding::of("Watermark", "OK"), None);
    }
}
