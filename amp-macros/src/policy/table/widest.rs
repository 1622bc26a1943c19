//! What takes several tensors in one precision.
use crate::policy::op::{Class, Op};
use crate::policy::reason;
use crate::policy::row::{function, group, method};

pub(super) static ROWS: &[&[Op]] = &[
    &group(
        Class::Widest,
        reason::MIXED,
        [
            method("addcdiv", 2, &[0, 1, 2]).alone(),
            method("addcdiv_", 2, &[0, 1, 2]).writes(),
            method("addcdiv_out", 3, &[0, 1, 2, 3]).writes(),
            method("addcmul", 2, &[0, 1, 2]).alone(),
            method("addcmul_", 2, &[0, 1, 2]).writes(),
            method("addcmul_out", 3, &[0, 1, 2, 3]).writes(),
            method("atan2", 1, &[0, 1]).alone(),
            method("atan2_", 1, &[0, 1]).writes(),
            method("atan2_out", 2, &[0, 1, 2]).writes(),
            function("bilinear", 4, &[0, 1, 2, 3]).alone(),
            method("cross", 2, &[0, 1]).alone(),
            method("cross_out", 3, &[0, 1, 2]).writes(),
            method("dot", 1, &[0, 1]).alone(),
            method("dot_out", 2, &[0, 1, 2]).writes(),
            method("vdot", 1, &[0, 1]).alone(),
            method("vdot_out", 2, &[0, 1, 2]).writes(),
            method("grid_sampler", 4, &[0, 1]).alone(),
            method("index_put", 3, &[0, 2]).alone(),
            method("index_put_", 3, &[0, 2]).writes(),
            method("index_put_out", 4, &[0, 1, 3]).writes(),
            method("tensordot", 3, &[0, 1]).alone(),
            method("tensordot_out", 4, &[0, 1, 2]).writes(),
            method("scatter_add", 3, &[0, 3]).alone(),
            method("scatter_add_", 3, &[0, 3]).writes(),
            method("scatter_add_out", 4, &[0, 1, 4]).writes(),
        ],
    ),
    &group(
        Class::Widest,
        reason::REFUSED,
        [
            method("index_add", 3, &[0, 3]).alone(),
            method("index_copy", 3, &[0, 3]).alone(),
            method("index_reduce", 5, &[0, 3]).alone(),
            method("lerp", 2, &[0, 1]).alone().of("lerp.Scalar"),
            method("lerp_tensor", 2, &[0, 1, 2]).alone().of("lerp.Tensor"),
            method("masked_scatter", 2, &[0, 2]).alone(),
            method("put", 3, &[0, 2]).alone(),
            method("scatter", 3, &[0, 3]).alone().of("scatter.src"),
            method("scatter_reduce", 4, &[0, 3]).alone().of("scatter.reduce"),
        ],
    ),
    &group(
        Class::Widest,
        reason::JOINED,
        [
            function("cat", 2, &[0]).alone(),
            function("concat", 2, &[0]).alone(),
            function("concatenate", 2, &[0]).alone(),
            function("stack", 2, &[0]).alone(),
            function("hstack", 1, &[0]).alone(),
            function("vstack", 1, &[0]).alone(),
            function("dstack", 1, &[0]).alone(),
            function("column_stack", 1, &[0]).alone(),
            function("row_stack", 1, &[0]).alone(),
        ],
    ),
];
