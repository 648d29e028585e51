//! Windows and controls as a device's tools tell them. Knows no connection.

use lam_types::{Control, ControlType, Rect};
use serde::Deserialize;
use serde_json::{Value, json};

/// The fields that are asked of each control.
pub fn field_list() -> Value {
    json!({"field_list": ["control_text", "control_type", "control_rect", "selected"]})
}

/// A window of the desktop.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct DesktopWindow {
    /// Number in the device's list.
    pub id: String,
    /// Its title.
    #[serde(default)]
    pub name: String,
}

/// The windows in the device's order, the topmost first.
///
/// # Errors
/// Says what is not understood.
pub fn windows(result: Value) -> Result<Vec<DesktopWindow>, String> {
    serde_json::from_value(list(result)).map_err(|error| format!("the list of windows is not understood: {error}"))
}

/// The controls in the device's order, under the device's own numbers.
///
/// # Errors
/// Says what is not understood.
pub fn controls(result: Value) -> Result<Vec<Control>, String> {
    let items: Vec<Item> = serde_json::from_value(list(result))
        .map_err(|error| format!("the list of controls is not understood: {error}"))?;
    items.into_iter().map(Item::control).collect()
}

/// Results of tools that give lists come bare or below `result`.
fn list(result: Value) -> Value {
    match result {
        Value::Object(mut fields) if fields.contains_key("result") => fields["result"].take(),
        Value::Null => json!([]),
        other => other,
    }
}

#[derive(Deserialize)]
struct Item {
    label: Option<String>,
    annotation_id: Option<String>,
    control_text: Option<String>,
    control_type: Option<String>,
    control_rect: Option<Rectangle>,
    selected: Option<bool>,
}

/// UFO's rectangles are edges in its control lists, and place and size in its window lists.
#[derive(Deserialize)]
#[serde(untagged)]
enum Rectangle {
    Edges([i32; 4]),
    Size { x: i32, y: i32, width: i32, height: i32 },
}

impl Item {
    fn control(self) -> Result<Control, String> {
        let label = self.label.or(self.annotation_id).ok_or("a control has no label")?;
        let kind = self.control_type.unwrap_or_default();
        // Types that are none of UFO's list come from devices configured to show more: a group is what all of them are.
        let control_type =
            ControlType::ALL.into_iter().find(|known| known.as_str() == kind).unwrap_or(ControlType::Group);
        let rectangle = self.control_rect.map(|rectangle| match rectangle {
            Rectangle::Edges([left, top, right, bottom]) => Rect { left, top, right, bottom },
            Rectangle::Size { x, y, width, height } => {
                Rect { left: x, top: y, right: x.saturating_add(width), bottom: y.saturating_add(height) }
            }
        });
        let control_text = self.control_text.unwrap_or_default();
        Ok(Control {
            label,
            control_text,
            control_type,
            enabled: true,
            selected: self.selected,
            value: None,
            rectangle,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_keep_the_devices_numbers() {
        let told = json!([
            {"label": "1", "control_text": "Bold", "control_type": "Button", "control_rect": [1, 2, 3, 4], "selected": null},
            {"annotation_id": "2", "control_type": "Pane", "control_rect": {"x": 1, "y": 2, "width": 3, "height": 4}},
        ]);
        let found = controls(json!({"result": told})).unwrap();
        assert_eq!((found[0].label.as_str(), found[0].control_type), ("1", ControlType::Button));
        assert_eq!(found[1].control_type, ControlType::Group);
        assert_eq!(found[1].rectangle, Some(Rect { left: 1, top: 2, right: 4, bottom: 6 }));
    }

    #[test]
    fn what_is_no_list_is_told() {
        assert!(controls(json!("no")).unwrap_err().contains("not understood"));
        assert_eq!(controls(json!([{"control_text": "x"}])).unwrap_err(), "a control has no label");
        assert!(windows(json!([{"name": "x"}])).unwrap_err().contains("`id`"));
        assert_eq!(windows(Value::Null).unwrap(), []);
    }
}
