//! The server over real sockets, with decoders of a few thousand weights.

mod answers;
mod executable;
mod life;
mod loaded;
mod refusals;
mod tiny;
