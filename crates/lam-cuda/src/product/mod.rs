//! Matrix products in bf16 with sums in f32, by cuBLASLt: of several algorithms, the one that was fastest here.

pub(crate) mod choices;
pub(crate) mod plan;
pub(crate) mod shape;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use half::bf16;

use crate::arena::Place;
use crate::buffer::{View, ViewMut};
use crate::cache::file_name;
use crate::context::{Context, locked};
use crate::element::Element;
use crate::error::CudaError;
use crate::event::median;
use crate::library::cublaslt::Algorithm;
use crate::product::choices::Choices;
use crate::product::plan::{Plan, Session, of_shape};
use crate::product::shape::{Operands, Shape};

/// An operand of a product: a matrix that lies row by row.
#[derive(Clone, Copy)]
pub struct Matrix<'a> {
    values: View<'a, bf16>,
    stride: usize,
    transposed: bool,
}

impl<'a> Matrix<'a> {
    /// Rows of numbers, one row `stride` numbers after the other.
    pub fn new(values: impl Into<View<'a, bf16>>, stride: usize) -> Self {
        Self { values: values.into(), stride, transposed: false }
    }

    /// The same memory as the transposed matrix: a weight [outputs, inputs] in x Wᵀ.
    pub fn transposed(self) -> Self {
        Self { transposed: !self.transposed, ..self }
    }

    /// Whether `rows` x `columns` of the operand are there.
    fn check(&self, name: &str, rows: usize, columns: usize) {
        let (rows, columns) = if self.transposed { (columns, rows) } else { (rows, columns) };
        check(name, (rows, columns), self.stride, self.values.len());
    }
}

fn check(name: &str, (rows, columns): (usize, usize), stride: usize, length: usize) {
    let needed = (rows - 1) * stride + columns;
    assert!(
        columns <= stride && needed <= length,
        "{name} of a product: {rows} rows of {columns}, {stride} apart, in {length} numbers"
    );
}

/// D [m, n] = alpha · A [m, k] · B [k, n] + what is added.
#[derive(Clone, Copy)]
pub struct Product<'a> {
    /// Rows of A and of D.
    pub m: usize,
    /// Columns of B and of D.
    pub n: usize,
    /// Columns of A, rows of B.
    pub k: usize,
    /// The first operand.
    pub a: Matrix<'a>,
    /// The second operand.
    pub b: Matrix<'a>,
    /// What the product is multiplied with.
    pub alpha: f32,
}

/// What is added to a product.
#[derive(Clone, Copy)]
pub enum Addend<'a, O: Output> {
    /// Nothing: D may hold anything before, NaN too.
    Nothing,
    /// So many times what D holds.
    Output(f32),
    /// So many times another matrix, which lies as D does.
    Other(f32, View<'a, O>),
}

mod sealed {
    pub trait Sealed {
        const WIDE: bool;
    }
}

/// What a product can be written as: f32 or bf16.
pub trait Output: Element + sealed::Sealed {}

impl sealed::Sealed for f32 {
    const WIDE: bool = true;
}
impl Output for f32 {}
impl sealed::Sealed for bf16 {
    const WIDE: bool = false;
}
impl Output for bf16 {}

/// The products of one device: what was planned, and which algorithms were chosen.
pub(crate) struct Products {
    session: Arc<Session>,
    known: Mutex<Known>,
}

struct Known {
    plans: HashMap<Shape, Arc<Plan>>,
    choices: Choices,
}

impl Products {
    pub fn new(context: &Arc<Context>, cache: Option<&PathBuf>) -> Result<Self, CudaError> {
        let (card, version) = (&context.properties.name, context.libraries.products.version);
        let name = file_name(&format!("{card}-cublaslt-{version}.txt"));
        let choices = Choices::of(cache.map(|cache| cache.join("products").join(name)));
        let known = Mutex::new(Known { plans: HashMap::new(), choices });
        Ok(Self { session: Arc::new(Session::new(context)?), known })
    }

    /// Launches a product; D's rows are `stride` apart.
    ///
    /// # Panics
    ///
    /// If an operand ends before its last row, or a size is zero but D's.
    pub fn run<O: Output>(
        &self,
        product: &Product<'_>,
        addend: Addend<'_, O>,
        output: ViewMut<'_, O>,
        stride: usize,
    ) -> Result<(), CudaError> {
        if product.m == 0 || product.n == 0 {
            return Ok(());
        }
        let operands = operands(product, &addend, &output, stride);
        let shape = Shape {
            m: product.m,
            n: product.n,
            k: product.k,
            strides: [product.a.stride, product.b.stride, stride],
            a_transposed: product.a.transposed,
            b_transposed: product.b.transposed,
            wide: O::WIDE,
            adds: operands.beta != 0.0,
            alignments: operands.alignments(),
        };
        let plan = self.plan(&shape, &operands)?;
        // SAFETY: the operands were checked above, and D is borrowed alone.
        unsafe { plan.run(&plan.algorithm, &operands) }.map_err(|error| of_shape(error, &shape))
    }

    fn plan(&self, shape: &Shape, operands: &Operands) -> Result<Arc<Plan>, CudaError> {
        let mut known = locked(&self.known);
        if let Some(plan) = known.plans.get(shape) {
            return Ok(Arc::clone(plan));
        }
        let mut plan = Plan::new(&self.session, shape)?;
        plan.algorithm = self.choose(&plan, shape, operands, &mut known.choices)?;
        let plan = Arc::new(plan);
        known.plans.insert(*shape, Arc::clone(&plan));
        Ok(plan)
    }

    /// What was chosen before for a shape of about this size, or what is fastest now.
    fn choose(
        &self,
        plan: &Plan,
        shape: &Shape,
        operands: &Operands,
        choices: &mut Choices,
    ) -> Result<Algorithm, CudaError> {
        let names = [shape.about().to_string(), shape.to_string()];
        let serves = |name: &String| choices.get(name).filter(|chosen| plan.accepts(chosen));
        if let Some(chosen) = names.iter().find_map(serves) {
            return Ok(chosen);
        }
        let candidates = plan.candidates(shape)?;
        let Some(first) = candidates.first() else {
            let code = format!("no algorithm for {shape}");
            return Err(CudaError::Call { function: "cublasLtMatmulAlgoGetHeuristic", code });
        };
        // Nothing can be measured while work is captured.
        if candidates.len() == 1 || self.session.context.is_capturing() {
            return Ok(*first);
        }
        let Some(scratch) = Scratch::new(&self.session.context, shape, operands)? else { return Ok(*first) };
        let fastest = fastest(&self.session.context, plan, &candidates, &scratch.operands)?;
        let [about, exact] = names;
        // One that serves others of about this size, but not this one, stays theirs.
        let kept = choices.keep(if choices.get(&about).is_none() { about } else { exact }, fastest);
        Ok(if plan.accepts(&kept) { kept } else { fastest })
    }
}

/// The addresses of a product, whose sizes are checked here.
fn operands<O: Output>(
    product: &Product<'_>,
    addend: &Addend<'_, O>,
    output: &ViewMut<'_, O>,
    stride: usize,
) -> Operands {
    let &Product { m, n, k, a, b, alpha } = product;
    assert!(k > 0, "a product over nothing");
    a.check("A", m, k);
    b.check("B", k, n);
    check("D", (m, n), stride, output.len());
    let (beta, c) = match addend {
        Addend::Nothing => (0.0, output.address()),
        Addend::Output(beta) => (*beta, output.address()),
        Addend::Other(beta, other) => {
            check("C", (m, n), stride, other.len());
            (*beta, other.address())
        }
    };
    Operands { a: a.values.address(), b: b.values.address(), c, d: output.address(), alpha, beta }
}

/// The operands to measure with: a product that adds to its own output goes elsewhere, or each try would add again.
struct Scratch<'a> {
    context: &'a Context,
    operands: Operands,
    place: Option<Place>,
}

impl<'a> Scratch<'a> {
    /// `None` where there is no room for it: the choice is then left to cuBLASLt, and not kept.
    fn new(context: &'a Context, shape: &Shape, operands: &Operands) -> Result<Option<Self>, CudaError> {
        if operands.beta == 0.0 || operands.c != operands.d {
            return Ok(Some(Self { context, operands: *operands, place: None }));
        }
        let bytes = shape.m * shape.strides[2] * if shape.wide { 4 } else { 2 };
        match context.take(bytes) {
            Ok(place) => {
                let operands = Operands { d: context.address(&place), ..*operands };
                Ok(Some(Self { context, operands, place: Some(place) }))
            }
            Err(CudaError::OutOfMemory { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Drop for Scratch<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.context.give_back(place);
        }
    }
}

/// The fastest of the candidates. Each that is not tiny runs for some thirty milliseconds, long enough for the chip to
/// come down to the clock that its power limit leaves it: the order of a cold burst is not that of a whole step.
fn fastest(
    context: &Arc<Context>,
    plan: &Plan,
    candidates: &[Algorithm],
    operands: &Operands,
) -> Result<Algorithm, CudaError> {
    let mut best = (f32::INFINITY, candidates[0]);
    for candidate in candidates {
        // SAFETY: the operands are those of the product that is asked for, or a place as large as its output.
        let run = || unsafe { plan.run(candidate, operands) };
        let once = median(context, 1, run)?;
        let time = median(context, if once > 0.1 { ((30.0 / once) as usize).clamp(5, 60) } else { 7 }, run)?;
        if time < best.0 {
            best = (time, *candidate);
        }
    }
    Ok(best.1)
}
