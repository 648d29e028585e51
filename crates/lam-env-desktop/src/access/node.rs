//! One accessible object as a walk found it: plain data.

use atspi_common::{Interface, InterfaceSet, Role, State, StateSet};

/// One object of the tree, in pre-order.
#[derive(Clone, Debug)]
pub struct Node {
    /// Path on the application's bus name.
    pub path: String,
    /// Its own name.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// Its states.
    pub states: StateSet,
    /// What can be done with it.
    pub interfaces: InterfaceSet,
    /// Place of its parent in the list; `None` for the root.
    pub parent: Option<usize>,
}

impl Node {
    /// Whether a person can see it.
    pub fn is_showing(&self) -> bool {
        self.states.contains(State::Showing) && self.states.contains(State::Visible)
    }

    /// Whether it can be used now.
    pub fn is_enabled(&self) -> bool {
        self.states.contains(State::Enabled) || self.states.contains(State::Sensitive)
    }

    /// Whether it has an interface.
    pub fn has(&self, interface: Interface) -> bool {
        self.interfaces.contains(interface)
    }

    /// Whether it is a window that must be answered before anything else.
    pub fn is_modal(&self) -> bool {
        self.states.contains(State::Modal) && self.is_showing()
    }
}
