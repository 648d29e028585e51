//! A product as cuBLASLt is told of it, ready to run with any numbers.

use std::ffi::{c_int, c_void};
use std::sync::Arc;

use crate::context::{Context, WORKSPACE_BYTES};
use crate::error::CudaError;
use crate::library::cublaslt::{
    ALIGNMENTS, Algorithm, BF16, COMPUTE_F32, Candidate, F32, Functions, MOST_WORKSPACE, TRANSPOSE_A, TRANSPOSE_B,
};
use crate::library::table::Handle;
use crate::product::shape::{Operands, Shape};

/// How many algorithms are measured.
const CANDIDATES: usize = 8;

/// cuBLASLt's own state for one device.
pub(crate) struct Session {
    pub context: Arc<Context>,
    handle: Handle,
}

impl Session {
    pub fn new(context: &Arc<Context>) -> Result<Self, CudaError> {
        context.enter()?;
        let (library, mut handle) = (&context.libraries.products.functions, Handle::NULL);
        // SAFETY: writes one handle.
        library.check("cublasLtCreate", unsafe { (library.create)(&raw mut handle) })?;
        Ok(Self { context: Arc::clone(context), handle })
    }

    fn library(&self) -> &Functions {
        &self.context.libraries.products.functions
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What fails here left nothing to do.
        let _ = self.context.enter();
        // SAFETY: made once, destroyed once.
        unsafe { (self.library().destroy)(self.handle) };
    }
}

/// A product's description. cuBLASLt counts by columns where we count by rows: it is told of Dᵀ = op(B)ᵀ op(A)ᵀ, so that
/// its A is our B and its B our A.
pub(crate) struct Plan {
    session: Arc<Session>,
    product: Handle,
    first: Handle,
    second: Handle,
    output: Handle,
    pub algorithm: Algorithm,
    /// For messages: the shape.
    name: Arc<str>,
}

impl Plan {
    /// Of a shape, with no algorithm yet.
    pub fn new(session: &Arc<Session>, shape: &Shape) -> Result<Self, CudaError> {
        let mut plan = Self {
            session: Arc::clone(session),
            product: Handle::NULL,
            first: Handle::NULL,
            second: Handle::NULL,
            output: Handle::NULL,
            algorithm: Algorithm::default(),
            name: format!("product {shape}").into(),
        };
        let library = session.library();
        // SAFETY: writes one handle.
        let made = unsafe { (library.product_create)(&raw mut plan.product, COMPUTE_F32, F32) };
        library.check("cublasLtMatmulDescCreate", made)?;
        plan.set(TRANSPOSE_A, c_int::from(shape.b_transposed))?;
        plan.set(TRANSPOSE_B, c_int::from(shape.a_transposed))?;
        plan.first = layout(library, BF16, shape.b_transposed, (shape.n, shape.k), shape.strides[1])?;
        plan.second = layout(library, BF16, shape.a_transposed, (shape.k, shape.m), shape.strides[0])?;
        let output = if shape.wide { F32 } else { BF16 };
        plan.output = layout(library, output, false, (shape.n, shape.m), shape.strides[2])?;
        Ok(plan)
    }

    fn set(&self, attribute: c_int, value: c_int) -> Result<(), CudaError> {
        let (library, value) = (self.session.library(), (&raw const value).cast::<c_void>());
        // SAFETY: reads one number of four bytes.
        let set = unsafe { (library.product_set)(self.product, attribute, value, 4) };
        library.check("cublasLtMatmulDescSetAttribute", set)
    }

    /// The algorithms that cuBLASLt thinks best, best first.
    pub fn candidates(&self, shape: &Shape) -> Result<Vec<Algorithm>, CudaError> {
        let library = self.session.library();
        let preference = Preference::new(library, shape)?;
        let (mut found, mut count) = ([Candidate::default(); CANDIDATES], 0);
        // SAFETY: writes at most so many candidates, and their number.
        let asked = unsafe {
            (library.candidates)(
                self.session.handle,
                self.product,
                self.first,
                self.second,
                self.output,
                self.output,
                preference.handle,
                CANDIDATES as c_int,
                found.as_mut_ptr(),
                &raw mut count,
            )
        };
        let blamed = |error| of_shape(self.session.context.blame(error), shape);
        library.check("cublasLtMatmulAlgoGetHeuristic", asked).map_err(blamed)?;
        let usable = found.iter().take(usize::try_from(count).unwrap_or(0)).filter(|candidate| candidate.state == 0);
        Ok(usable.map(|candidate| candidate.algorithm).collect())
    }

    /// Whether an algorithm of an earlier process still serves.
    pub fn accepts(&self, algorithm: &Algorithm) -> bool {
        let (library, mut verdict) = (self.session.library(), Candidate::default());
        // SAFETY: reads the algorithm and writes what it thinks of it.
        let checked = unsafe {
            (library.candidate_check)(
                self.session.handle,
                self.product,
                self.first,
                self.second,
                self.output,
                self.output,
                algorithm,
                &raw mut verdict,
            )
        };
        checked == 0 && verdict.state == 0 && verdict.workspace <= WORKSPACE_BYTES
    }

    /// Launches the product behind all work so far.
    ///
    /// # Safety
    ///
    /// The operands are as large as the shape says, and D is the caller's to write.
    pub unsafe fn run(&self, algorithm: &Algorithm, operands: &Operands) -> Result<(), CudaError> {
        let (library, context) = (self.session.library(), &self.session.context);
        context.enter()?;
        // SAFETY: the numbers are read before it returns; the descriptions live as long as `self`, the memory is the
        // caller's promise.
        let launched = unsafe {
            (library.product)(
                self.session.handle,
                self.product,
                (&raw const operands.alpha).cast::<c_void>(),
                operands.b as *const c_void,
                self.first,
                operands.a as *const c_void,
                self.second,
                (&raw const operands.beta).cast::<c_void>(),
                operands.c as *const c_void,
                self.output,
                operands.d as *mut c_void,
                self.output,
                algorithm,
                context.workspace as *mut c_void,
                WORKSPACE_BYTES,
                context.stream(),
            )
        };
        library.check("cublasLtMatmul", launched).map_err(|error| context.blame(error))?;
        context.launched(&self.name)
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        let library = self.session.library();
        for layout in [self.first, self.second, self.output].into_iter().filter(|layout| *layout != Handle::NULL) {
            // SAFETY: made once, destroyed once.
            unsafe { (library.layout_destroy)(layout) };
        }
        if self.product != Handle::NULL {
            // SAFETY: made once, destroyed once.
            unsafe { (library.product_destroy)(self.product) };
        }
    }
}

/// A failure with the shape that it is about.
pub(crate) fn of_shape(error: CudaError, shape: &Shape) -> CudaError {
    match error {
        CudaError::Call { function, code } => CudaError::Call { function, code: format!("{code} for {shape}") },
        other => other,
    }
}

/// A matrix by columns, as cuBLASLt has it; a transposed one lies with its sides exchanged.
fn layout(
    library: &Functions,
    element: c_int,
    transposed: bool,
    (rows, columns): (usize, usize),
    stride: usize,
) -> Result<Handle, CudaError> {
    let (rows, columns) = if transposed { (columns, rows) } else { (rows, columns) };
    let mut handle = Handle::NULL;
    // SAFETY: writes one handle.
    let made = unsafe { (library.layout_create)(&raw mut handle, element, rows as u64, columns as u64, stride as i64) };
    library.check("cublasLtMatrixLayoutCreate", made).map(|()| handle)
}

/// What algorithms may want.
struct Preference<'a> {
    library: &'a Functions,
    handle: Handle,
}

impl<'a> Preference<'a> {
    fn new(library: &'a Functions, shape: &Shape) -> Result<Self, CudaError> {
        let mut preference = Self { library, handle: Handle::NULL };
        // SAFETY: writes one handle.
        let made = unsafe { (library.preference_create)(&raw mut preference.handle) };
        library.check("cublasLtMatmulPreferenceCreate", made)?;
        preference.set(MOST_WORKSPACE, &(WORKSPACE_BYTES as u64))?;
        // cuBLASLt's A is our B.
        let [a, b, c, d] = shape.alignments;
        for (attribute, alignment) in ALIGNMENTS.into_iter().zip([b, a, c, d]) {
            preference.set(attribute, &alignment)?;
        }
        Ok(preference)
    }

    fn set<T>(&self, attribute: c_int, value: &T) -> Result<(), CudaError> {
        // SAFETY: reads one number, of the size that it is told.
        let set = unsafe {
            (self.library.preference_set)(self.handle, attribute, (&raw const *value).cast(), size_of::<T>())
        };
        self.library.check("cublasLtMatmulPreferenceSetAttribute", set)
    }
}

impl Drop for Preference<'_> {
    fn drop(&mut self) {
        if self.handle != Handle::NULL {
            // SAFETY: made once, destroyed once.
            unsafe { (self.library.preference_destroy)(self.handle) };
        }
    }
}
