//! What reduces low operands into a full result, in one kernel.
use crate::policy::op::{Class, Op};
use crate::policy::reason;
use crate::policy::row::{group, method};

pub(super) static ROWS: &[&[Op]] = &[
    &group(
        Class::FullOutput,
        reason::TERMS,
        [
            method("softmax", 2, &[0]).kind(2).of("softmax.int"),
            method("special_softmax", 2, &[0]).kind(2),
            method("log_softmax", 2, &[0]).kind(2).of("log_softmax.int"),
            method("special_log_softmax", 2, &[0]).kind(2),
            method("sum", 1, &[0]).kind(1),
            method("sum_dim_intlist", 3, &[0]).kind(3).of("sum.dim_IntList"),
            method("nansum", 3, &[0]).kind(3),
            method("prod", 1, &[0]).kind(1),
            method("prod_dim_int", 3, &[0]).kind(3).of("prod.dim_int"),
            method("cumsum", 2, &[0]).kind(2),
            method("cumprod", 2, &[0]).kind(2),
            method("linalg_norm", 4, &[0]).kind(4),
            method("linalg_norm_ord_str", 4, &[0]).kind(4).of("linalg_norm.ord_str"),
        ],
    ),
    &group(
        Class::Full,
        reason::TERMS_WRITTEN,
        [
            method("softmax_int_out", 3, &[0, 1]).writes().of("softmax_out"),
            method("log_softmax_int_out", 3, &[0, 1]).writes().of("log_softmax_out"),
            method("sum_out", 2, &[0, 1]).writes(),
            method("sum_intlist_out", 4, &[0, 1]).writes().of("sum_out"),
            method("nansum_out", 4, &[0, 1]).writes(),
            method("prod_out", 2, &[0, 1]).writes(),
            method("prod_int_out", 4, &[0, 1]).writes().of("prod_out"),
            method("cumsum_", 2, &[0]).writes(),
            method("cumsum_out", 3, &[0, 1]).writes(),
            method("cumprod_", 2, &[0]).writes(),
            method("cumprod_out", 3, &[0, 1]).writes(),
            method("linalg_norm_out", 5, &[0, 1]).writes(),
            method("linalg_norm_ord_str_out", 5, &[0, 1]).writes().of("linalg_norm_out"),
        ],
    ),
];
