//! A page's screen, as its script tells it, as the control list of UFO. Knows no browser.

use lam_types::{Control, ControlType, Observation, Rect};
use serde::Deserialize;
use serde_json::Value;

/// What the script tells after each call.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Screen {
    /// Whether the page has ended the task.
    pub done: bool,
    controls: Vec<Item>,
    text: String,
    selection: String,
}

#[derive(Debug, Deserialize)]
struct Item {
    name: String,
    kind: ControlType,
    #[serde(rename = "box")]
    sides: [i32; 4],
    value: Option<String>,
    selected: Option<bool>,
    #[serde(default)]
    disabled: bool,
}

impl Screen {
    /// Reads the script's answer.
    ///
    /// # Errors
    /// In words, when it is none.
    pub fn read(value: Value) -> Result<Self, String> {
        serde_json::from_value(value).map_err(|error| format!("the page's script answered nonsense: {error}"))
    }

    /// The observation: nothing is on the screen once the task is over.
    pub fn observation(self) -> Observation {
        let controls = self.controls.into_iter().enumerate().map(|(index, item)| item.control(index + 1)).collect();
        Observation { controls, document: self.text, selection: self.selection }
    }
}

impl Item {
    fn control(self, label: usize) -> Control {
        let [left, top, right, bottom] = self.sides;
        Control {
            label: label.to_string(),
            control_text: self.name,
            control_type: self.kind,
            enabled: !self.disabled,
            selected: self.selected,
            value: self.value,
            rectangle: Some(Rect { left, top, right, bottom }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_count_from_one_in_the_order_of_the_page() {
        let value = json!({"done": false, "text": "Go", "selection": "", "controls": [
            {"name": "Name", "kind": "Edit", "box": [1, 2, 3, 4], "value": "x"},
            {"name": "Go", "kind": "Button", "box": [0, 0, 9, 9], "disabled": true},
        ]});
        let observation = Screen::read(value).unwrap().observation();
        let [name, go] = &observation.controls[..] else { panic!("two controls") };
        assert_eq!((name.label.as_str(), name.value.as_deref(), name.enabled), ("1", Some("x"), true));
        assert_eq!((go.label.as_str(), go.control_type, go.enabled), ("2", ControlType::Button, false));
        assert_eq!(name.rectangle, Some(Rect { left: 1, top: 2, right: 3, bottom: 4 }));
    }

    #[test]
    fn a_page_that_is_done_shows_nothing() {
        let screen = Screen::read(json!({"done": true, "reward": 1, "reason": ""})).unwrap();
        assert!(screen.done);
        assert_eq!(screen.observation(), Observation::default());
        assert!(Screen::read(json!({"controls": [{"name": "x", "kind": "Lever", "box": [0, 0, 0, 0]}]})).is_err());
    }
}
