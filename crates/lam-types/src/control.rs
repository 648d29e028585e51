//! What is on the screen: UFO's control list and the document's text.

use serde::{Deserialize, Serialize};

/// UFO's control types (`CONTROL_LIST` of its v3 configuration, and DataItem of its v1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the platform's own")]
pub enum ControlType {
    Button,
    Edit,
    TabItem,
    Document,
    ListItem,
    MenuItem,
    ScrollBar,
    TreeItem,
    Hyperlink,
    ComboBox,
    RadioButton,
    Spinner,
    CheckBox,
    DataItem,
    Group,
    Text,
}

impl ControlType {
    /// Every type, in declaration order.
    pub const ALL: [ControlType; 16] = [
        ControlType::Button,
        ControlType::Edit,
        ControlType::TabItem,
        ControlType::Document,
        ControlType::ListItem,
        ControlType::MenuItem,
        ControlType::ScrollBar,
        ControlType::TreeItem,
        ControlType::Hyperlink,
        ControlType::ComboBox,
        ControlType::RadioButton,
        ControlType::Spinner,
        ControlType::CheckBox,
        ControlType::DataItem,
        ControlType::Group,
        ControlType::Text,
    ];

    /// The platform's name for the type.
    pub fn as_str(self) -> &'static str {
        match self {
            ControlType::Button => "Button",
            ControlType::Edit => "Edit",
            ControlType::TabItem => "TabItem",
            ControlType::Document => "Document",
            ControlType::ListItem => "ListItem",
            ControlType::MenuItem => "MenuItem",
            ControlType::ScrollBar => "ScrollBar",
            ControlType::TreeItem => "TreeItem",
            ControlType::Hyperlink => "Hyperlink",
            ControlType::ComboBox => "ComboBox",
            ControlType::RadioButton => "RadioButton",
            ControlType::Spinner => "Spinner",
            ControlType::CheckBox => "CheckBox",
            ControlType::DataItem => "DataItem",
            ControlType::Group => "Group",
            ControlType::Text => "Text",
        }
    }
}

/// A rectangle on the screen, in pixels, right and bottom exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are UFO's own")]
pub struct Rect {
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
}

/// One control that can be acted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Number in list order, "1" to "n", as UFO gives it: it shifts with tab, dialog and document.
    pub label: String,
    /// The name a person reads on it.
    pub control_text: String,
    /// What kind of control it is.
    pub control_type: ControlType,
    /// Whether it can be used now.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// Pressed, checked or chosen; `None` for controls without such a state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected: Option<bool>,
    /// Current text of an edit or combo box.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Where it is, if the platform says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rectangle: Option<Rect>,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_yes(value: &bool) -> bool {
    *value
}

/// What a policy sees at one step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The controls on the screen, in label order.
    pub controls: Vec<Control>,
    /// The document's text, one line a paragraph.
    #[serde(default)]
    pub document: String,
    /// The selected text, "" when nothing is selected.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub selection: String,
}

impl Observation {
    /// The control with this label.
    pub fn control(&self, label: &str) -> Option<&Control> {
        self.controls.iter().find(|control| control.label == label)
    }

    /// The controls that can be used now.
    pub fn usable(&self) -> impl Iterator<Item = &Control> {
        self.controls.iter().filter(|control| control.enabled && !control.label.is_empty())
    }

    /// The controls with this text, in label order.
    pub fn controls_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Control> {
        self.controls.iter().filter(move |control| control.control_text == name)
    }

    /// How many controls are named by this kind and a number, such as `Table` for `Table 1` and `Table 2`.
    pub fn count_shown(&self, kind: &str) -> usize {
        let is_number = |rest: &str| rest.strip_prefix(' ').is_some_and(|number| number.parse::<u32>().is_ok());
        self.controls.iter().filter(|control| control.control_text.strip_prefix(kind).is_some_and(is_number)).count()
    }
}
