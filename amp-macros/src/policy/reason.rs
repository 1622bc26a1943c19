//! Why an operation stands in its class, in the words that plans and messages show.

pub(super) const CONVOLUTION: &str = "convolutions are where low precision pays, and they accumulate in full";
pub(super) const MATRIX: &str = "matrix products are where low precision pays, and they accumulate in full";
pub(super) const ATTENTION: &str = "attention is matrix products; its softmax is computed in full inside";
pub(super) const RECURRENT: &str = "recurrent cells are matrix products";
pub(super) const WEIGHTED: &str = "its weight is lowered with its input, so that the result stays low";

pub(super) const OUTGROWS: &str = "small inputs outgrow f16 (`exp` from 11.1 on)";
pub(super) const SQUARE: &str = "squares outgrow f16 from 256 on, and what is squared is mostly summed next";
pub(super) const POWER: &str = "powers outgrow f16 (squares from 256 on), or vanish in it";
pub(super) const RECIPROCAL: &str =
    "reciprocals of small numbers outgrow f16, those of large ones vanish in it";
pub(super) const LOGARITHM: &str = "small differences of logarithms are lost in low";
pub(super) const STEEP: &str = "it is steep at the ends of its domain, and low cannot come close to them";
pub(super) const NORM: &str = "sums of squares outgrow f16 and lose their small terms";
pub(super) const DISTANCE: &str = "distances are small differences of large sums";
pub(super) const SPREAD: &str = "variances are sums of small squares";
pub(super) const LOSS: &str = "losses add up many small terms, and every gradient starts here";
pub(super) const INTERPOLATION: &str = "positions and weights between pixels need more bits than low has";
pub(super) const SOLVER: &str = "libtorch has no low kernel for decompositions and solvers";
pub(super) const SPECTRUM: &str = "libtorch has no low kernel for Fourier transforms of any size";
pub(super) const QUANTILE: &str = "libtorch has no low kernel for quantiles";
pub(super) const TERMS: &str = "many terms add up: it reads low and gives f32";
pub(super) const TERMS_WRITTEN: &str = "many terms add up: what they are written into should be full";

pub(super) const MIXED: &str = "it takes one precision: the widest of its operands loses nothing";
pub(super) const REFUSED: &str = "it takes one precision, and libtorch's own autocast has it fail where two meet: the widest loses nothing";
pub(super) const JOINED: &str = "what is joined has one precision: the widest of its parts loses nothing";

pub(super) const BANNED: &str =
    "probabilities round to 0 and 1 in low; `binary_cross_entropy_with_logits` is safe";

pub(super) const ELEMENTWISE: &str = "one rounding per element: as precise as its operands";
pub(super) const FILLED: &str = "it writes in the precision of what it fills";
pub(super) const ACTIVATION: &str = "computed in full inside and rounded once";
pub(super) const DROPOUT: &str = "it drops or scales elements";
pub(super) const NORMALIZED: &str = "its statistics are kept in full inside the kernel";
pub(super) const POOLING: &str = "it picks or averages few elements";
pub(super) const REDUCED: &str = "it picks elements, or accumulates in full inside the kernel";
pub(super) const SAME_VALUES: &str = "it moves values and computes none";
pub(super) const RESHAPED: &str = "it changes a shape and no value";
pub(super) const LIKE: &str = "a new tensor in the precision of its model";
pub(super) const PICKED: &str = "it picks values and computes none";
pub(super) const PLACED: &str = "it places values in the precision of what it fills";
