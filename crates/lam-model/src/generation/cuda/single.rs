//! A pass of one token: its products read each weight once, at the rate at which memory gives them.

use lam_cuda::{Buffer, CudaError, View, ViewMut};

use super::model::Model;
use super::step::Step;
use crate::backend::cuda::ops::Place;
use crate::backend::cuda::ops::single::{Becomes, Extended, Single, Weights};
use crate::backend::cuda::{Norm, Quantised, Rows};

impl Model {
    /// Whether all groups are such that a row can be multiplied with them alone.
    pub(crate) fn takes_single_rows(&self) -> bool {
        let mut places = (0..self.blocks().len()).flat_map(|layer| (0..4).map(move |group| (layer, group)));
        let fits = |place| {
            let group = self.group(place);
            self.ops().holds_single(group.quantised.as_ref().map(Quantised::form), group.size)
        };
        places.all(fits) && self.ops().holds_single(None, (0, self.network().embedding.size.1, 0))
    }

    /// A group's weights, with the adapter that lies beside them unless it is left out.
    fn extended(&self, place: (usize, usize)) -> Extended<'_> {
        let group = self.group(place);
        let (n, k, _) = group.size;
        let weights = match &group.quantised {
            Some(quantised) => Weights::Blocks(quantised.all(), group.a(0), group.apart_from(0)),
            None => Weights::Dense(Place { values: group.matrix.all(), stride: group.stride() }),
        };
        Extended { weights, size: (n, k, self.room(place)) }
    }
}

impl Step<'_> {
    /// Whether this is one token that nothing but the network's own weights takes part in.
    pub(crate) fn is_single(&self) -> bool {
        self.pass.rows.len() == 1 && self.pass.adapted.is_empty() && self.model().single
    }

    /// The residual stream behind the last layer, for one token. Shape: `[D]`.
    pub(crate) fn layers_of_one(&self) -> Result<Buffer<f32>, CudaError> {
        let (model, device) = (self.model(), self.model().device());
        let (network, ops) = (model.network(), model.ops());
        let d = network.embedding.size.1;
        let mut x = device.alloc::<f32>(d)?;
        ops.embed(self.standing.tokens(), network.embedding.weight.all(), d, x.all_mut())?;
        for (layer, block) in network.blocks.iter().enumerate() {
            let mut qkv = Rows::new(device, 1, block.qkv.size.0, 0)?;
            let normed = self.normed(x.all(), &block.input_norm);
            ops.single_product(model.extended((layer, 0)), normed, Becomes::Row(qkv.values_mut()))?;
            if let Some(bias) = &block.qkv.bias {
                ops.add_bias(qkv.place_mut(), bias.all(), (1, block.qkv.size.0))?;
            }
            let o = self.attend(layer, qkv, block.head_norms.as_ref())?;
            ops.single_product(model.extended((layer, 1)), Single::Row(o.values()), Becomes::Added(x.all_mut()))?;
            let mut product = device.alloc::<f32>(block.gate_up.size.0 / 2)?;
            let normed = self.normed(x.all(), &block.post_norm);
            ops.single_gate_up(model.extended((layer, 2)), normed, product.all_mut())?;
            let product = Single::Wide(product.all());
            ops.single_product(model.extended((layer, 3)), product, Becomes::Added(x.all_mut()))?;
        }
        Ok(x)
    }

    /// The logits after that token. Shape: `[V]`.
    pub(crate) fn logits_of_one(&self, x: &Buffer<f32>, logits: ViewMut<'_, f32>) -> Result<(), CudaError> {
        let (model, (v, d)) = (self.model(), self.model().on.output().size);
        let weights = Weights::Dense(Place { values: model.on.output().weight.all(), stride: d });
        let normed = self.normed(x.all(), &model.network().norm);
        model.ops().single_product(Extended { weights, size: (v, d, 0) }, normed, Becomes::Wide(logits))
    }

    fn normed<'a>(&self, x: View<'a, f32>, norm: &'a Norm) -> Single<'a> {
        Single::Normed(x, norm.weight.all(), self.model().run.eps)
    }
}
