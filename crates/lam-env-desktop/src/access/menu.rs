//! Closed menus: their items by path, found once and asked for their state at each look. Menus that are rebuilt while
//! the application runs are found again.
//!
//! Applications bring a menu up to date when it opens. Whether an item of a closed one can be used is known no sooner, so
//! that all of them are shown as usable: one that is greyed out refuses the click.

use atspi_common::{Role, State};
use futures_util::future::{FutureExt, LocalBoxFuture, join_all, join3};
use lam_env::PATH_SEPARATOR;
use lam_types::ControlType;

use super::peer::Peer;
use super::{Node, Shown, control};
use crate::fault::Fault;

/// One item of a closed menu.
#[derive(Clone, Debug)]
pub struct MenuItem {
    /// `Format > Text > Bold`.
    pub name: String,
    /// The object.
    pub path: String,
    role: Role,
    /// The menus to open before it is seen, outermost first.
    menus: Vec<String>,
}

/// The items that are shown although their menu is closed.
#[derive(Clone, Debug, Default)]
pub struct Menu {
    items: Vec<MenuItem>,
}

impl Menu {
    /// Finds the items that `patterns` name below the menu bar of these nodes.
    pub async fn find(peer: &Peer, nodes: &[Node], patterns: &[String]) -> Result<Self, Fault> {
        let Some(bar) = nodes.iter().position(|node| node.role == Role::MenuBar) else { return Ok(Self::default()) };
        let children = peer.children(&nodes[bar].path).await?;
        let visits = children.into_iter().map(|(_, path)| visit(peer, path.to_string(), Above::default(), patterns));
        let found: Result<Vec<Vec<MenuItem>>, Fault> = join_all(visits).await.into_iter().collect();
        Ok(Self { items: found?.into_iter().flatten().collect() })
    }

    /// Whether nothing was found yet.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The items as controls; `None` when some of them are gone and the menus must be found again.
    pub async fn shown(&self, peer: &Peer) -> Result<Option<Vec<Shown>>, Fault> {
        let states = join_all(self.items.iter().map(|item| peer.states(&item.path))).await;
        let mut shown = Vec::with_capacity(self.items.len());
        for (item, states) in self.items.iter().zip(states) {
            let states = states?;
            if states.is_empty() || states.contains(State::Defunct) {
                return Ok(None);
            }
            let node = Node {
                path: item.path.clone(),
                name: item.name.clone(),
                role: item.role,
                states,
                interfaces: atspi_common::InterfaceSet::empty(),
                parent: None,
            };
            shown.push(Shown {
                name: node.name.clone(),
                kind: ControlType::MenuItem,
                enabled: true,
                selected: control::selected(&node),
                path: node.path,
                value: None,
                menus: item.menus.clone(),
                way: item.name.split(PATH_SEPARATOR).map(str::to_owned).collect(),
            });
        }
        Ok(Some(shown))
    }
}

/// What stands above an item: the path of names, and the objects.
#[derive(Clone, Default)]
struct Above {
    name: String,
    menus: Vec<String>,
}

fn visit<'a>(
    peer: &'a Peer,
    path: String,
    above: Above,
    patterns: &'a [String],
) -> LocalBoxFuture<'a, Result<Vec<MenuItem>, Fault>> {
    async move {
        let (role, name, children) = join3(peer.role(&path), peer.name(&path), peer.children(&path)).await;
        let (role, name) = (role?, control::clean(&name?));
        if name.is_empty() || !matches!(control::control_type(role), Some(ControlType::MenuItem)) {
            return Ok(Vec::new());
        }
        let Above { name: above, mut menus } = above;
        let name = if above.is_empty() { name } else { format!("{above}{PATH_SEPARATOR}{name}") };
        let children = children?;
        if children.is_empty() {
            let wanted = patterns.iter().any(|pattern| lam_env::pattern_matches(pattern, &name));
            return Ok(if wanted { vec![MenuItem { name, path, role, menus }] } else { Vec::new() });
        }
        if !patterns.iter().any(|pattern| leads_to(&name, pattern)) {
            return Ok(Vec::new());
        }
        menus.push(path);
        let above = Above { name, menus };
        let visits = children.into_iter().map(|(_, path)| visit(peer, path.to_string(), above.clone(), patterns));
        let found: Result<Vec<Vec<MenuItem>>, Fault> = join_all(visits).await.into_iter().collect();
        Ok(found?.into_iter().flatten().collect())
    }
    .boxed_local()
}

/// Whether items that `pattern` names may stand below the menu at `path`.
fn leads_to(path: &str, pattern: &str) -> bool {
    let mut wanted = pattern.split(PATH_SEPARATOR);
    for name in path.split(PATH_SEPARATOR) {
        match wanted.next() {
            Some("*") => return true,
            Some(part) if lam_env::pattern_matches(part, name) => {}
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::leads_to;

    #[test]
    fn only_menus_on_the_way_are_entered() {
        assert!(leads_to("Format", "Format > *"));
        assert!(leads_to("Format > Text", "Format > *"));
        assert!(leads_to("Format > Text", "Format > Text > Bold"));
        assert!(!leads_to("Format > Spacing", "Format > Text > Bold"));
        assert!(!leads_to("Insert", "Format > *"));
    }
}
