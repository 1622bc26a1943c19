//! What follows its operands: picking and placing by index.
use crate::policy::op::{Class, Op};
use crate::policy::reason;
use crate::policy::row::{function, group, method};

pub(super) static ROWS: &[&[Op]] = &[
    &group(
        Class::Follow,
        reason::PICKED,
        [
            method("index", 1, &[0]).of("index.Tensor"),
            method("index_select", 2, &[0]),
            method("gather", 3, &[0]),
            method("take", 1, &[0]),
            method("take_along_dim", 2, &[0]),
            method("masked_select", 1, &[0]),
            function("embedding", 5, &[0]),
            function("embedding_bag", 8, &[0, 6]).tensors(),
            function("embedding_bag_padding_idx", 9, &[0, 6]).tensors().of("embedding_bag.padding_idx"),
            method("where_self", 2, &[0, 2]).of("where.self"),
            method("where_scalarother", 2, &[0]).of("where.ScalarOther"),
            function("where_scalarself", 3, &[2]).of("where.ScalarSelf"),
        ],
    ),
    &group(
        Class::Follow,
        reason::PLACED,
        [
            method("masked_fill", 2, &[0]).of("masked_fill.Scalar"),
            method("masked_fill_", 2, &[0]).writes().of("masked_fill_.Scalar"),
            method("masked_fill_tensor", 2, &[0, 2]).of("masked_fill.Tensor"),
            method("masked_fill_tensor_", 2, &[0, 2]).writes().of("masked_fill_.Tensor"),
            method("masked_scatter_", 2, &[0, 2]).writes(),
            method("index_add_", 3, &[0, 3]).writes(),
            method("index_copy_", 3, &[0, 3]).writes(),
            method("index_fill", 3, &[0]).of("index_fill.int_Scalar"),
            method("index_fill_", 3, &[0]).writes().of("index_fill_.int_Scalar"),
            method("index_fill_int_tensor", 3, &[0, 3]).of("index_fill.int_Tensor"),
            method("index_fill_int_tensor_", 3, &[0, 3]).writes().of("index_fill_.int_Tensor"),
            method("index_reduce_", 5, &[0, 3]).writes(),
            method("scatter_", 3, &[0, 3]).writes().of("scatter_.src"),
            method("scatter_value", 3, &[0]).of("scatter.value"),
            method("scatter_value_", 3, &[0]).writes().of("scatter_.value"),
            method("scatter_reduce_", 4, &[0, 3]).writes().of("scatter_.reduce"),
            method("scatter_value_reduce", 4, &[0]).of("scatter.value_reduce"),
            method("scatter_value_reduce_", 4, &[0]).writes().of("scatter_.value_reduce"),
            method("select_scatter", 3, &[0, 1]),
            method("slice_scatter", 5, &[0, 1]),
            method("diagonal_scatter", 4, &[0, 1]),
            method("put_", 3, &[0, 2]).writes(),
        ],
    ),
];
