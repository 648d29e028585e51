//! A pass over all layers: new tokens of some slots, side by side.

use lam_cuda::{Addend, CudaError, Matrix, Product, ViewMut};

use super::cache::Cache;
use super::model::{Model, fetched};
use super::plan::{Pass, at_once};
use crate::backend::cuda::ops::cached::{At, Standing};
use crate::backend::cuda::ops::continued::{Behind, Continued, gathered};
use crate::backend::cuda::ops::{Place, PlaceMut, Seen};
use crate::backend::cuda::{Norm, Rows, Wide};

/// Rows that are gathered from pages at the same time, about.
const GATHERED: usize = 1 << 14;

/// A pass with what is on the device for it.
pub(crate) struct Step<'a> {
    cache: &'a Cache,
    pub(crate) pass: &'a Pass,
    pub(crate) standing: Standing,
    /// What the prompts see of themselves, if there are any.
    seen: Option<Seen>,
    /// The texts that go on with many tokens, as many at a time as are gathered together.
    continued: Vec<Continued>,
}

/// Logits of some rows, and each one's place among those that were asked for.
pub(crate) struct Logits {
    pub(crate) places: Vec<usize>,
    /// Shape: [rows, V].
    pub(crate) values: Vec<f32>,
}

impl<'a> Step<'a> {
    /// A step for a pass whose slots have grown by its rows.
    pub(crate) fn new(cache: &'a Cache, pass: &'a Pass) -> Result<Self, CudaError> {
        let (device, heads) = (cache.model.device(), cache.model.heads());
        let (mut pages, mut rows, mut of) = (Vec::new(), Vec::with_capacity(pass.rows.len()), None);
        for row in &pass.rows {
            let first = match of {
                Some((slot, first)) if slot == row.slot => first,
                _ => {
                    let first = pages.len();
                    pages.extend(cache.pages.addresses(row.slot));
                    of = Some((row.slot, first));
                    first
                }
            };
            rows.push(At { token: row.token, position: row.position, first });
        }
        let prompts = (!pass.prompts.is_empty()).then(|| cache.model.ops().seen(&pass.spans(), heads, pass.front()));
        let (continued, standing) = (Self::continued(cache, pass, &rows)?, Standing::new(device, &pages, &rows)?);
        Ok(Self { seen: prompts.transpose()?, continued, ..Self::over(cache, pass, standing) })
    }

    fn continued(cache: &Cache, pass: &Pass, rows: &[At]) -> Result<Vec<Continued>, CudaError> {
        let (mut row, heads, ops) = (pass.front(), cache.model.heads(), cache.model.ops());
        let (mut all, mut together, mut size) = (Vec::new(), Vec::new(), 0);
        for &count in &pass.continued {
            let text = Behind { page: rows[row].first, start: rows[row].position, row, count };
            row += count;
            if size > 0 && size + gathered(&text, heads) > GATHERED {
                all.push(ops.continued(&together, heads)?);
                (together, size) = (Vec::new(), 0);
            }
            size += gathered(&text, heads);
            together.push(text);
        }
        if size > 0 {
            all.push(ops.continued(&together, heads)?);
        }
        Ok(all)
    }

    /// A step without prompts, wherever its rows stand.
    pub(crate) fn over(cache: &'a Cache, pass: &'a Pass, standing: Standing) -> Self {
        Self { cache, pass, standing, seen: None, continued: Vec::new() }
    }

    pub(crate) fn model(&self) -> &Model {
        &self.cache.model
    }

    /// All layers, and the logits that are asked for.
    pub(crate) fn run(&self, logits: &mut Vec<Logits>) -> Result<(), CudaError> {
        if !self.is_single() {
            return self.score(&self.layers()?, logits);
        }
        let x = self.layers_of_one()?;
        if let Some(place) = self.pass.rows[0].logits {
            let mut values = self.model().device().alloc(self.model().on.output().size.0)?;
            self.logits_of_one(&x, values.all_mut())?;
            logits.push(Logits { places: vec![place], values: fetched(self.model().device(), &values)? });
        }
        Ok(())
    }

    /// All layers, and the logits after all rows. Nothing of it depends on tokens or positions: the device reads them.
    /// Shape: [T, V].
    pub(crate) fn run_into(&self, logits: ViewMut<'_, f32>) -> Result<(), CudaError> {
        if self.is_single() {
            return self.logits_of_one(&self.layers_of_one()?, logits);
        }
        let x = self.layers()?;
        self.logits(&self.norm(&x, &self.model().network().norm, 0)?, logits)
    }

    /// The residual stream behind the last layer. Shape: [T, D].
    fn layers(&self) -> Result<Wide, CudaError> {
        let (model, t) = (self.model(), self.pass.rows.len());
        let (network, ops) = (model.network(), model.ops());
        let d = network.embedding.size.1;
        let mut x = Wide { values: model.device().alloc(t * d)?, narrow: None };
        ops.embed(self.standing.tokens(), network.embedding.weight.all(), d, x.values.all_mut())?;
        for (layer, block) in network.blocks.iter().enumerate() {
            let h = self.norm(&x, &block.input_norm, model.room((layer, 0)))?;
            let qkv = self.group((layer, 0), &h)?;
            drop(h);
            let o = self.attend(layer, qkv, block.head_norms.as_ref())?;
            let middle = self.group_onto((layer, 1), &o, &x)?;
            let h = self.norm(&middle, &block.post_norm, model.room((layer, 2)))?;
            let gate_up = self.group((layer, 2), &h)?;
            drop((h, o));
            let f = gate_up.columns / 2;
            let mut product = Rows::new(model.device(), t, f, model.room((layer, 3)))?;
            ops.swiglu(gate_up.place(), (t, f), product.place_mut())?;
            drop(gate_up);
            x = self.group_onto((layer, 3), &product, &middle)?;
        }
        Ok(x)
    }

    fn norm(&self, x: &Wide, norm: &Norm, room: usize) -> Result<Rows, CudaError> {
        let (model, t, d) = (self.model(), self.pass.rows.len(), norm.weight.len());
        let mut y = Rows::new(model.device(), t, d, room)?;
        let mut roots = model.device().alloc::<f32>(t)?;
        let w = norm.weight.all();
        model.ops().rms_norm(x.values.all(), w, (t, d), model.run.eps, y.place_mut(), roots.all_mut())?;
        Ok(y)
    }

    /// What a group gives for all rows, each with its request's adapter.
    fn group(&self, place: (usize, usize), x: &Rows) -> Result<Rows, CudaError> {
        let mut y = self.model().forward(place, x)?;
        for (adapter, rows) in &self.pass.adapted {
            if let Some(factors) = self.cache.adapters[adapter.0].factors(place) {
                let PlaceMut { values, stride } = y.place_mut();
                let to = (values.part(rows.start * stride..), stride);
                factors.add(self.model().device(), (x, rows.clone()), to)?;
            }
        }
        Ok(y)
    }

    /// The same, added to `onto`.
    fn group_onto(&self, place: (usize, usize), x: &Rows, onto: &Wide) -> Result<Wide, CudaError> {
        let mut y = self.model().forward_onto(place, x, onto)?;
        let n = self.model().group(place).size.0;
        for (adapter, rows) in &self.pass.adapted {
            if let Some(factors) = self.cache.adapters[adapter.0].factors(place) {
                let to = (y.values.view_mut(rows.start * n..), n);
                factors.add(self.model().device(), (x, rows.clone()), to)?;
            }
        }
        Ok(y)
    }

    /// Queries and keys rotated to their positions, each head normed before where there are norms; and the values.
    fn turn(&self, qkv: Rows, norms: Option<&[Norm; 2]>) -> Result<Rows, CudaError> {
        let (model, t) = (self.model(), self.pass.rows.len());
        let (heads, ops) = (model.heads(), model.ops());
        let mut turned = match norms {
            None => qkv,
            Some([query, key]) => {
                let mut normed = Rows::new(model.device(), t, qkv.columns, 0)?;
                model.device().copy(normed.values_mut(), qkv.values())?;
                for (norm, first, count) in [(query, 0, heads.query), (key, heads.query * heads.dim, heads.key_value)] {
                    let (shape, w) = ((t, count, heads.dim), norm.weight.all());
                    ops.head_norm(qkv.columns_from(first), w, shape, model.run.eps, normed.columns_from_mut(first))?;
                }
                normed
            }
        };
        let (rotated, table) = (heads.query + heads.key_value, self.cache.rotations.pairs());
        ops.rope(turned.place_mut(), t, rotated, heads.dim, self.standing.positions(), table, 1.0)?;
        Ok(turned)
    }

    /// Turns queries and keys, stores keys and values, and attends: prompts to themselves, other rows to their pages, in
    /// tiles where they are many.
    pub(crate) fn attend(&self, layer: usize, qkv: Rows, norms: Option<&[Norm; 2]>) -> Result<Rows, CudaError> {
        let (model, t, front) = (self.model(), self.pass.rows.len(), self.pass.front());
        let (heads, ops) = (model.heads(), model.ops());
        let qkv = self.turn(qkv, norms)?;
        // SAFETY: the slots have grown by these rows, in pages of their own.
        unsafe { ops.append(qkv.place(), (heads, layer), &self.standing)? };
        let mut o = Rows::new(model.device(), t, heads.query * heads.dim, model.room((layer, 1)))?;
        if let Some(seen) = &self.seen {
            let mut log_sums = model.device().alloc::<f32>(heads.query * front)?;
            ops.attention(qkv.place(), heads, seen, o.place_mut(), log_sums.all_mut())?;
        }
        for texts in &self.continued {
            // SAFETY: all positions up to these rows' have been appended.
            unsafe { ops.attention_behind(qkv.place(), (heads, layer), (&self.standing, texts), o.place_mut())? };
        }
        let tiled = self.pass.tiled();
        if tiled < t {
            let from = Place { values: qkv.place().values.part(tiled * qkv.stride..), stride: qkv.stride };
            let PlaceMut { values, stride } = o.place_mut();
            let to = PlaceMut { values: values.part(tiled * stride..), stride };
            // SAFETY: as above.
            unsafe { ops.cached_attention(from, (heads, layer), (&self.standing, tiled), to)? };
        }
        Ok(o)
    }

    /// Logits of the rows that are scored, some at a time.
    fn score(&self, x: &Wide, logits: &mut Vec<Logits>) -> Result<(), CudaError> {
        let scored = self.pass.scored();
        if scored.is_empty() {
            return Ok(());
        }
        let (model, device) = (self.model(), self.model().device());
        let hidden = self.norm(x, &model.network().norm, 0)?;
        let (v, d) = model.on.output().size;
        for part in scored.chunks(at_once(v)) {
            let places = part.iter().map(|(_, place)| *place).collect();
            let mut values = device.alloc::<f32>(part.len() * v)?;
            if part.len() == hidden.count {
                self.logits(&hidden, values.all_mut())?;
            } else {
                let rows = device.upload(&part.iter().map(|(row, _)| *row as i32).collect::<Vec<_>>())?;
                let mut some = Rows::new(device, part.len(), d, 0)?;
                model.ops().gather(hidden.place(), rows.all(), d, some.place_mut())?;
                self.logits(&some, values.all_mut())?;
            }
            logits.push(Logits { places, values: fetched(device, &values)? });
        }
        Ok(())
    }

    /// Shape: [rows, V].
    fn logits(&self, hidden: &Rows, logits: ViewMut<'_, f32>) -> Result<(), CudaError> {
        let (device, head) = (self.model().device(), self.model().on.output());
        let (v, d) = head.size;
        let weight = Matrix::new(head.weight.all(), d).transposed();
        let product = Product { m: hidden.count, n: v, k: d, a: hidden.matrix(), b: weight, alpha: 1.0 };
        device.product(&product, Addend::Nothing, logits, v)
    }
}
