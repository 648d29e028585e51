//! The concurrent walk over what is showing: closed menus and hidden pages are not entered. Objects that vanish on
//! the way are left out.

use atspi_common::{Role, State};
use futures_util::future::{FutureExt, LocalBoxFuture, join_all, join3};

use super::Node;
use super::peer::{Peer, ROOT, Reference};
use crate::fault::Fault;

/// Children looked at below one object.
const MOST_CHILDREN: usize = 400;
/// How deep the walk goes.
const MOST_LEVELS: usize = 60;

struct Tree {
    node: Node,
    children: Vec<Tree>,
}

/// Every object that is showing, in pre-order.
pub async fn walk(peer: &Peer) -> Result<Vec<Node>, Fault> {
    let root = visit(peer, ROOT.to_owned(), 0).await?;
    let mut nodes = Vec::new();
    if let Some(root) = root {
        flatten(root, None, &mut nodes);
    }
    Ok(nodes)
}

fn visit(peer: &Peer, path: String, level: usize) -> LocalBoxFuture<'_, Result<Option<Tree>, Fault>> {
    async move {
        let states = peer.states(&path).await?;
        if level > 0 && !states.contains(State::Showing) {
            return Ok(None);
        }
        let (kind, name, children) = join3(peer.kind(&path), peer.name(&path), peer.children(&path)).await;
        let ((role, interfaces), children) = (kind?, children?);
        if role == Role::Invalid {
            return Ok(None);
        }
        let node = Node { path, name: name?, role, states, interfaces, parent: None };
        let below = if level < MOST_LEVELS { visit_all(peer, children, level + 1).await? } else { Vec::new() };
        Ok(Some(Tree { node, children: below }))
    }
    .boxed_local()
}

async fn visit_all(peer: &Peer, children: Vec<Reference>, level: usize) -> Result<Vec<Tree>, Fault> {
    let visits = children.into_iter().take(MOST_CHILDREN).map(|(_, path)| visit(peer, path.to_string(), level));
    let found: Result<Vec<Option<Tree>>, Fault> = join_all(visits).await.into_iter().collect();
    Ok(found?.into_iter().flatten().collect())
}

fn flatten(tree: Tree, parent: Option<usize>, nodes: &mut Vec<Node>) {
    let place = nodes.len();
    nodes.push(Node { parent, ..tree.node });
    for child in tree.children {
        flatten(child, Some(place), nodes);
    }
}

/// Paths of the application's windows that are showing.
pub async fn windows(peer: &Peer) -> Result<Vec<String>, Fault> {
    let children = peer.children(ROOT).await?;
    let states = join_all(children.iter().map(|(_, path)| peer.states(path.as_str()))).await;
    let mut showing = Vec::new();
    for ((_, path), states) in children.iter().zip(states) {
        if states?.contains(State::Showing) {
            showing.push(path.to_string());
        }
    }
    Ok(showing)
}
