//! The decoder's arithmetic on the processor: numbers as they are stored, loops over slices, operations.

pub(crate) mod kernel;
pub(crate) mod ops;
pub(crate) mod storage;
