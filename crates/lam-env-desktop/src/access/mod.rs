//! The accessibility bus (AT-SPI): what is on the screen, and how to act on it. Knows no particular application.

mod choice;
mod control;
mod keys;
mod menu;
mod node;
mod peer;
mod text;
mod walk;

pub use choice::{choose, choose_by_name};
pub use control::{Shown, control_type, controls, is_file_dialog, way};
pub use keys::{mouse, press, strokes};
pub use menu::Menu;
pub use node::Node;
pub use peer::{Peer, ROOT};
pub use text::{TextPlace, caret, delete, insert, paragraphs, replace, select, set_caret, unselect, whole};
pub use walk::{walk, windows};
