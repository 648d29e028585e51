//! The step language of plans and documentation: a call in a few words.

use lam_types::Args;

/// A call as a step.
pub fn step_text(function: &str, control: &str, args: &Args) -> String {
    let get = |name: &str| {
        args.get(name).map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).unwrap_or_default()
    };
    match function {
        "click_input" => match get("button").as_str() {
            "right" => format!("right click {control}"),
            _ => format!("click {control}"),
        },
        "set_edit_text" => format!("type {} in {control}", get("text")),
        "select_text" => format!("select {}", get("text")),
        "select_paragraph" => format!("choose paragraphs {} to {}", get("start_index"), get("end_index")),
        "insert_table" => format!("insert table {} by {}", get("rows"), get("columns")),
        "set_font" => format!("font {} {}", get("font_name"), get("font_size")).trim_end().to_owned(),
        "keyboard_input" => format!("press {}", get("keys")),
        "wheel_mouse_input" => format!("scroll {}", get("wheel_dist")),
        "texts" => format!("read {control}"),
        "save_as" => format!("save {} as {}", get("file_name"), get("file_ext")),
        other => format!("{other} {control}").trim_end().to_owned(),
    }
}
