//! Layers for a small graph: parents above children, long edges led around nodes. Knows no stage and no SVG.

/// Height of a node, and the gaps between nodes and between layers.
pub const HEIGHT: f64 = 46.0;
const GAP: (f64, f64) = (14.0, 34.0);
/// Width kept free for an edge that passes a layer.
const LANE: f64 = 16.0;

/// Where everything is drawn.
pub struct Layout {
    /// Upper left corner of each node.
    pub nodes: Vec<(f64, f64)>,
    /// The points that each edge runs through, parent's foot to child's head.
    pub edges: Vec<Vec<(f64, f64)>>,
    /// Width and height of the whole.
    pub size: (f64, f64),
}

/// What a layer holds.
#[derive(Clone, Copy, PartialEq)]
enum Slot {
    Node(usize),
    /// Edge number, passing through.
    Lane(usize),
}

/// Lays out nodes 0 to n − 1 of one width, each with its parents, all of which have smaller numbers.
pub fn layout(parents: &[Vec<usize>], node_width: f64) -> Layout {
    let edges = reduced(parents);
    let depth = depths(parents);
    let layers = ordered(layers(&depth, &edges), &edges);
    let width = layers.iter().map(|layer| layer_width(layer, node_width)).fold(0.0, f64::max);
    let mut nodes = vec![(0.0, 0.0); parents.len()];
    let mut lanes = vec![Vec::new(); edges.len()];
    for (index, layer) in layers.iter().enumerate() {
        let top = index as f64 * (HEIGHT + GAP.1);
        let mut left = (width - layer_width(layer, node_width)) / 2.0;
        for slot in layer {
            match *slot {
                Slot::Node(node) => nodes[node] = (left, top),
                Slot::Lane(edge) => lanes[edge].extend([(left + LANE / 2.0, top), (left + LANE / 2.0, top + HEIGHT)]),
            }
            left += slot_width(*slot, node_width) + GAP.0;
        }
    }
    let foot = |node: usize| (nodes[node].0 + node_width / 2.0, nodes[node].1 + HEIGHT);
    let head = |node: usize| (nodes[node].0 + node_width / 2.0, nodes[node].1);
    let edges = edges
        .iter()
        .zip(lanes)
        .map(|(&(from, to), lane)| std::iter::once(foot(from)).chain(lane).chain(std::iter::once(head(to))).collect());
    let height = layers.len() as f64 * (HEIGHT + GAP.1) - GAP.1;
    Layout { edges: edges.collect(), size: (width, height.max(0.0)), nodes }
}

/// Edges that are not implied by a longer path.
fn reduced(parents: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let mut ancestors: Vec<Vec<bool>> = Vec::with_capacity(parents.len());
    for own in parents {
        let mut above = vec![false; parents.len()];
        for &parent in own {
            above[parent] = true;
            for (index, known) in ancestors[parent].iter().enumerate() {
                above[index] |= known;
            }
        }
        ancestors.push(above);
    }
    let implied = |parent: usize, own: &[usize]| own.iter().any(|&other| other != parent && ancestors[other][parent]);
    let of = |child: usize| {
        let own = &parents[child];
        own.iter().filter(|parent| !implied(**parent, own)).map(|&parent| (parent, child)).collect::<Vec<_>>()
    };
    (0..parents.len()).flat_map(of).collect()
}

fn depths(parents: &[Vec<usize>]) -> Vec<usize> {
    let mut depth = vec![0; parents.len()];
    for child in 0..parents.len() {
        depth[child] = parents[child].iter().map(|&parent| depth[parent] + 1).max().unwrap_or(0);
    }
    depth
}

fn layers(depth: &[usize], edges: &[(usize, usize)]) -> Vec<Vec<Slot>> {
    let mut layers = vec![Vec::new(); depth.iter().max().map_or(0, |deepest| deepest + 1)];
    for (node, &layer) in depth.iter().enumerate() {
        layers[layer].push(Slot::Node(node));
    }
    for (edge, &(from, to)) in edges.iter().enumerate() {
        for layer in &mut layers[depth[from] + 1..depth[to]] {
            layer.push(Slot::Lane(edge));
        }
    }
    layers
}

/// Each layer sorted by the mean place of what lies above it.
fn ordered(mut layers: Vec<Vec<Slot>>, edges: &[(usize, usize)]) -> Vec<Vec<Slot>> {
    for index in 1..layers.len() {
        let (above, below) = layers.split_at_mut(index);
        let above = &above[index - 1];
        let place =
            |slot: Slot| above.iter().position(|other| *other == slot).map(|p| (p as f64 + 0.5) / above.len() as f64);
        let up = |edge: usize| place(Slot::Lane(edge)).or_else(|| place(Slot::Node(edges[edge].0)));
        let mean = |slot: &Slot| match *slot {
            Slot::Lane(edge) => up(edge).unwrap_or(0.5),
            Slot::Node(node) => {
                let places: Vec<f64> = (0..edges.len()).filter(|&e| edges[e].1 == node).filter_map(up).collect();
                if places.is_empty() { 0.5 } else { places.iter().sum::<f64>() / places.len() as f64 }
            }
        };
        below[0].sort_by(|a, b| mean(a).total_cmp(&mean(b)));
    }
    layers
}

fn slot_width(slot: Slot, node_width: f64) -> f64 {
    match slot {
        Slot::Node(_) => node_width,
        Slot::Lane(_) => LANE,
    }
}

fn layer_width(layer: &[Slot], node_width: f64) -> f64 {
    layer.iter().map(|slot| slot_width(*slot, node_width)).sum::<f64>() + GAP.0 * layer.len().saturating_sub(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn implied_edges_are_left_out_and_long_ones_led_around() {
        // 0 → 1 → 2, 0 → 2 (implied), 3 → 2 would pass layer 1.
        let layout = layout(
            &[vec![], vec![0], vec![0, 1, 3], vec![]].map(|p: Vec<usize>| p.into_iter().filter(|p| *p < 2).collect()),
            150.0,
        );
        assert_eq!(layout.edges.len(), 2);
        let long = super::layout(&[vec![], vec![], vec![0], vec![1, 2]], 150.0);
        assert!(long.edges.iter().any(|edge| edge.len() == 4));
        assert_eq!(super::layout(&[], 150.0).size.1, 0.0);
    }
}
